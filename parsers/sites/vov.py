"""VOV, the radio's paper. Its mark-up is known from other crawlers' records only."""

from __future__ import annotations

from parsers.sites.spec import SiteParser

VOV = SiteParser(
    name="vov",
    version="1",
    # No page was seen, so that it is not known since when they look so.
    valid_from=None,
    seen_on=("vov.vn",),
    recognise=(".detail.detail--normal",),
    title=("h1.article-title", ".article-title"),
    lead=(".article-summary", ".article-sapo"),
    body=(".detail.detail--normal",),
    date=(
        'meta[property="article:published_time"]@content',
        ".article-date",
        "time[datetime]@datetime",
    ),
    modified=('meta[property="article:modified_time"]@content',),
    author=(".article-author",),
    section=(".breadcrumb a",),
    tags=(".article-tags a",),
    caption=("figcaption",),
    remove=(".article-summary", ".related-news", ".article-author", ".article-tags", ".ads"),
)
