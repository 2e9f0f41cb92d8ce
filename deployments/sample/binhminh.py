"""Bình Minh: addresses, listings, RSS and sitemaps as the VCCorp system serves them."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import datetime

from deployments.sample.binhminh_article import BASE, SITE, article_page, article_path, category_item, shell
from deployments.sample.markup import (
    HTML,
    ITEMS_PER_FEED,
    XML,
    Listing,
    Resource,
    entities,
    esc,
    in_section,
    last_change,
    listings,
    months,
    others,
    robots,
    sitemap,
    sitemap_index,
)
from deployments.sample.pages import Page

__all__ = ["article_path", "resources"]


def resources(pages: Sequence[Page], opened: datetime) -> dict[str, Resource]:
    """Everything the site serves by path and query. `opened` dates what holds no article."""
    served: dict[str, Resource] = {}

    def add(path: str, text: str, content_type: str, modified: datetime) -> None:
        served[path] = Resource(text.encode(), content_type, modified)

    add("/robots.txt", robots(SITE), "text/plain; charset=utf-8", opened)
    add("/tim-kiem.htm", shell("Tìm kiếm", "", "", "<p>Nhập từ khóa cần tìm.</p>"), HTML, opened)
    for page in pages:
        shown = (page, *others(page, pages, 8))
        add(article_path(page), article_page(page, pages), HTML, last_change(shown, opened))
    for section in (None, *SITE.sections):
        members = in_section(pages, section)
        for listing in listings(members):
            path = _listing_path(section, listing.number)
            add(path, _listing(listing, section), HTML, last_change(members, opened))
        newest = members[:ITEMS_PER_FEED]
        feed = f"/rss/{section or 'home'}.rss"
        add(feed, _rss(newest, section, last_change(newest, opened)), XML, last_change(newest, opened))
    index = []
    for (year, month), members in months(pages).items():
        path = f"/sitemaps/sitemap-{year}-{month:02}.xml.gz"
        changed = last_change(members, opened)
        text = sitemap((BASE + article_path(page), page.changed) for page in members)
        # Without mtime=0 the bytes, and with them the ETag, would change with the clock.
        served[path] = Resource(gzip.compress(text.encode(), mtime=0), "application/x-gzip", changed)
        index.append((BASE + path, changed))
    add("/sitemap.xml", sitemap_index(index), XML, last_change(pages, opened))
    return served


def _us_time(time: datetime) -> str:
    """`3/2/2026 9:25:00 AM`: month first, twelve hours, no zone; so VCCorp feeds print it."""
    half = "AM" if time.hour < 12 else "PM"
    return f"{time.month}/{time.day}/{time.year} {time.hour % 12 or 12}:{time:%M:%S} {half}"


def _listing_path(section: str | None, number: int) -> str:
    if number == 1:
        return f"/{section}.htm" if section else "/"
    return f"/{section}/trang-{number}.htm" if section else f"/trang-{number}.htm"


def _listing(listing: Listing, section: str | None) -> str:
    title = SITE.sections[section] if section else "Trang chủ"
    items = "\n".join(
        f'{category_item(page)}<p class="box-category-sapo">{esc(page.lead)}</p>' for page in listing.pages
    )
    more = ""
    if listing.number < listing.last:
        target = _listing_path(section, listing.number + 1)
        more = f'<div class="view-more"><a rel="next" href="{target}">Trang sau</a></div>'
    main = (
        f'<div class="list__main"><h1 class="title-page">{title}</h1>'
        f'<div class="box-category-middle">{items}</div>{more}</div>'
    )
    return shell(title, "", "list-page", main)


def _rss(pages: Sequence[Page], section: str | None, built: datetime) -> str:
    title = f"{SITE.sections[section]} | {SITE.title}" if section else SITE.title
    items = "\n".join(_item(page) for page in pages)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel>
<title><![CDATA[{entities(title)}]]></title>
<link>{BASE}{_listing_path(section, 1)}</link>
<description><![CDATA[{entities(title)}]]></description>
<generator>{BASE}</generator>
<pubDate>{_us_time(built)}</pubDate>
{items}
</channel></rss>
"""


def _item(page: Page) -> str:
    url = BASE + article_path(page)
    picture = f'<a href="{url}"><img src="{BASE}/zoom/600_315/{page.id}.jpg" /></a>'
    description = esc(f"{picture}<p>{entities(esc(page.lead))}</p>")
    return (
        # Twice escaped: the title holds character references as text.
        f"<item><title>{esc(entities(esc(page.title)))}</title><link>{url}</link><guid>{url}</guid>"
        f"<pubDate>{_us_time(page.published)}</pubDate><description>{description}</description></item>"
    )
