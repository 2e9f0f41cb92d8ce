"""VnExpress, in the form of 2019 and in today's."""

from __future__ import annotations

from datetime import date

from parsers.sites.spec import SiteParser

VNEXPRESS = SiteParser(
    name="vnexpress",
    version="2",
    seen_on=("vnexpress.net",),
    valid_from=date(2016, 1, 1),
    recognise=("h1.title-detail", "h1.title_news_detail", "article.fck_detail"),
    title=("h1.title-detail", "h1.title_news_detail", "h1.title-news"),
    lead=("p.description", "h2.description"),
    body=("article.fck_detail", ".fck_detail"),
    # The visible line first: in 2019 the meta element gave the same clock with +08:00.
    date=(
        ".header-content .date",
        "span.date",
        "header .time",
        'meta[name="pubdate"]@content',
        'meta[itemprop="datePublished"]@content',
    ),
    modified=('meta[name="lastmod"]@content', 'meta[itemprop="dateModified"]@content'),
    author=(".author_mail strong", ".author_mail", ".fck_detail p.author", "p.Normal.author"),
    section=(".breadcrumb li a", 'meta[itemprop="articleSection"]@content', "ul.breadcrumb a"),
    tags=('meta[name="its_tag"]@content',),
    caption=("figcaption", ".tplCaption .Image", "p.Image"),
    remove=(
        ".location-stamp",
        ".box_category",
        ".box-tinlienquanv2",
        ".list-news",
        ".banner-ads",
        ".block_ads_connect > .width_common",
        ".author_mail",
        ".related_news",
        ".box_brief_info",
        ".tag_bottom",
    ),
    video=("body[data-source=video]", ".box_embed_video_parent + .video_detail", "#video_player_detail"),
    gallery=(".block_thumb_slide_show.only-photo",),
)
