"""OneCMS, the content management of Hà Nội Mới and provincial papers; its assets come from `*.1cdn.vn`."""

from __future__ import annotations

from datetime import date

from parsers.sites.spec import SiteParser

ONECMS = SiteParser(
    name="onecms",
    version="2",
    # The first page seen in this form; since when others look so is not known.
    valid_from=date(2026, 5, 14),
    seen_on=("hanoimoi.vn", "baonghean.vn"),
    recognise=(".sc-longform-header-title", ".block-sc-publish-time", "p.block-sc-sapo"),
    title=(".sc-longform-header-title", "h1.block-sc-title", "h1"),
    lead=("p.block-sc-sapo", ".block-sc-sapo", ".sc-longform-header-sapo"),
    body=("div.entry", ".entry-no-padding"),
    date=(
        ".block-sc-publish-time",
        ".sc-longform-header-date",
        'meta[property="article:published_time"]@content',
    ),
    modified=('meta[property="article:modified_time"]@content',),
    author=(".block-sc-author", ".sc-longform-header-author"),
    section=(".block-sc-cate-name", ".sc-longform-header-cate", ".breadcrumb a"),
    tags=(".block-sc-tag a", ".c-widget-tags a"),
    caption=("figcaption", ".image-caption"),
    remove=(
        ".sc-empty-layer",
        ".c-box",
        ".b-maincontent__related",
        ".block-sc-related",
        ".c-news-relate",
        ".block-sc-author",
        ".c-widget-audio",
        ".ads",
    ),
    paywall=(".paywall",),
)
