"""Quân đội nhân dân. Its mark-up is known from other crawlers' records only."""

from __future__ import annotations

from parsers.sites.spec import SiteParser

QDND = SiteParser(
    name="qdnd",
    version="1",
    # No page was seen, so that it is not known since when they look so.
    valid_from=None,
    seen_on=("qdnd.vn",),
    recognise=(".post-subinfo", "h1.post-title"),
    title=("h1.post-title", ".post-title"),
    lead=(".post-summary", "h2.post-sapo", ".post-sapo"),
    body=("[itemprop=articleBody]", ".post-content"),
    date=(
        'meta[property="article:published_time"]@content',
        ".post-subinfo span",
    ),
    modified=('meta[property="article:modified_time"]@content',),
    author=("[itemprop=author]", ".post-author"),
    section=(".breadcrumb a.active", ".breadcrumb a"),
    tags=(".post-tags a",),
    caption=("figcaption", ".image-caption"),
    remove=(".post-related", ".related", ".post-tags", ".post-author", ".ads"),
)
