"""What the generic extractor knows of mark-up: names of containers, leads, dates, bylines, and of junk.

All of it is selectors or words in class names that many content management systems share; what one family
of sites has for itself stands in `parsers.sites`.
"""

from __future__ import annotations

import re

LADDER = (
    "[itemprop~=articleBody]",
    ".article-body, .article__body, .articlebody, .article_body, .ArticleBody, #article-body, #articleBody",
    ".article-content, .article__content, .article_content, .articleContent",
    "#article-content, #ArticleContent",
    ".story-body, .story__body, .storybody, .story-content, .story-text",
    ".entry-content, .post-content, .post-body, .post__content, .post_content, .single-content",
    ".detail-content, .content-detail, .detail__content, .content_detail",
    ".news-content, .newsdetail, .news-detail, #divNewsContent",
    ".fck_detail, .cms-body, .singular-content, .maincontent, .detail--normal",
    ".field--name-body, .field-name-body, .body-content, .body-copy, .bodytext, .wysiwyg",
    ".rich-text, .richtext",
    ".content-article, .article-text, .article__text, .articletext, .text-content",
    "article",
    "[role=article], main, [role=main], #content, .content, #main, .main",
)
"""Containers of the text, the surest first."""

LEAD_STRICT = (
    '[class*="sapo" i], [data-role=sapo], .article-lead, .article__lead, .articleLead, .ArticleLead,'
    " .standfirst, .article__standfirst, .chapeau, .article-summary, .article__summary, .entry-lead,"
    " .post-lead"
)
"""Names that only leads have; "sapo" (chapeau) is the Vietnamese word for it."""
LEAD_WEAK = "h2, h3, p, .description, .summary, .lead, .intro, .excerpt, .subtitle, .dek, .article__dek"
"""What may be the lead where it says the same as the page's description."""

DATES = (
    "time[datetime]@datetime",
    "[itemprop=datePublished]@content",
    "[itemprop=datePublished]@datetime",
    "[itemprop=datePublished]",
    "time",
    '[class*="publish" i]',
    '[class*="date" i], [id*="date" i]',
    '[class*="time" i]:not([class*="timeline" i])',
)
AUTHORS = (
    "[itemprop=author] [itemprop=name]",
    "[itemprop=author]",
    "[rel=author]",
    ".author-name, .author__name, .byline-name, .byline__name, .article-author, .article__author",
    ".byline a, .author a, .post-author a",
    ".byline, .author, .post-author, .author_mail",
    '[id*="author" i], [class*="tacgia" i]',
)

OUTER = frozenset(("body", "main", "html"))
"""Elements that hold the whole page."""
JUNK_TAGS = frozenset(("nav", "aside", "footer", "form"))
_JUNK_NAMES = """
    related relate lienquan lien-quan tinlienquan recommend\\w* readmore read-more more-news other-news
    tinkhac tin-khac most-read mostread popular trending readtoo relatebox see-also jp-relatedposts yarpp\\w*
    teaser\\w* box-news box_news listnews list-news story__thumb
    share\\w* sharing social\\w* comments? binhluan binh-luan disqus rating ratings vote poll
    nav navbar navigation menu breadcrumbs? footer sidebar side-bar pagination pager pagenav skip-link
    widget\\w* promo\\w* newsletter subscribe sponsor\\w* advert\\w* ads? adsbygoogle ad-\\w+ banner\\w*
    quangcao quang-cao rennab outbrain taboola zone
    tags? tag-list tagcloud keywords author-bio about-author author-box author-info bio byline
    meta post-meta entry-meta toolbar tools print audio player
    modal popup cookie\\w* consent gdpr login signup hidden visually-hidden screen-reader-text sr-only
    copyright disclaimer infobox-links
"""
JUNK = re.compile(rf"(?:^|[\s_-])(?:{'|'.join(_JUNK_NAMES.split())})(?:$|[\s_-])")
"""Words in class, id or role (small letters) of parts that are not the article: links to other articles,
sharing and comments, navigation, advertisements, tags and bylines, players, overlays, legal notes."""
