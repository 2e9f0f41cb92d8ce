"""Dân trí, in the form of 2026 (`data-slot`) and in the one before (`singular-content`)."""

from __future__ import annotations

from datetime import date

from parsers.sites.spec import SiteParser

DANTRI = SiteParser(
    name="dantri",
    version="2",
    seen_on=("dantri.com.vn",),
    valid_from=date(2021, 1, 1),
    recognise=("h1[data-slot=title]", ".singular-sapo"),
    title=("h1[data-slot=title]", "h1.title-page", "h1"),
    lead=("[data-slot=sapo]", "h2.singular-sapo", ".singular-sapo"),
    body=("#desktop-in-article", "[data-slot=content]", ".singular-content"),
    date=(
        'meta[property="article:published_time"]@content',
        "article time[datetime]@datetime",
        "time.author-time@datetime",
        "time[datetime]@datetime",
    ),
    author=(".author-name", "article a[href*='/tac-gia/']"),
    section=("ul.breadcrumbs a", "main li > a[href$='.htm']"),
    tags=("ul.tags-wrap a", 'meta[name="keywords"]@content'),
    caption=("figcaption",),
    remove=(".dantri-widget", "aside", ".dt-news__related", "article.related"),
    video=("body.video-detail",),
)
