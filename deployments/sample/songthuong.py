"""Báo Sông Thương: addresses, listings, RSS and sitemaps as the ePi system serves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from deployments.sample.markup import (
    HTML,
    ITEMS_PER_FEED,
    XML,
    Listing,
    Resource,
    esc,
    in_section,
    last_change,
    listings,
    months,
    others,
    rfc822,
    robots,
    section_title,
    sitemap,
    sitemap_index,
)
from deployments.sample.pages import Page
from deployments.sample.songthuong_article import (
    BASE,
    SECTION_NUMBERS,
    SITE,
    article_page,
    article_path,
    shell,
    story,
)

__all__ = ["article_path", "resources"]


def resources(pages: Sequence[Page], opened: datetime) -> dict[str, Resource]:
    """Everything the site serves by path and query. `opened` dates what holds no article."""
    served: dict[str, Resource] = {}

    def add(path: str, text: str, content_type: str, modified: datetime) -> None:
        served[path] = Resource(text.encode(), content_type, modified)

    add("/robots.txt", robots(SITE), "text/plain; charset=utf-8", opened)
    add("/tim-kiem", shell("Tìm kiếm", "", "search", "<p>Nhập từ khóa cần tìm.</p>"), HTML, opened)
    for page in pages:
        shown = (page, *others(page, pages, 8))
        add(article_path(page), article_page(page, pages), HTML, last_change(shown, opened))
    for section in (None, *SITE.sections):
        members = in_section(pages, section)
        changed = last_change(members, opened)
        path = f"/{section}.html" if section else "/"
        for listing in listings(members):
            add(_listing_path(path, listing.number), _listing(listing, section, path), HTML, changed)
        feed = f"/rss/{section}-{SECTION_NUMBERS[section]}.rss" if section else "/rss/home.rss"
        newest = members[:ITEMS_PER_FEED]
        add(feed, _rss(newest, section, feed, last_change(newest, opened)), XML, last_change(newest, opened))
    by_month = months(pages)
    children = {f"/sitemaps/news-{year}-{month}.xml": members for (year, month), members in by_month.items()}
    for path, members in children.items():
        entries = [(BASE + article_path(page), page.changed) for page in members]
        add(path, sitemap(entries), XML, last_change(members, opened))
    add(
        "/sitemaps/category.xml",
        sitemap([(f"{BASE}/{s}.html", opened) for s in SITE.sections], "0.5"),
        XML,
        opened,
    )
    index = [(BASE + path, last_change(members, opened)) for path, members in children.items()]
    index.append((f"{BASE}/sitemaps/category.xml", opened))
    add("/sitemap.xml", sitemap_index(index), XML, last_change(pages, opened))
    return served


def _listing_path(path: str, number: int) -> str:
    return path if number == 1 else f"{path}?page={number}"


def _listing(listing: Listing, section: str | None, path: str) -> str:
    title = SITE.sections[section] if section else "Trang chủ"
    stories = "\n".join(
        f'{story(page)}<div class="story__summary cms-desc"><p>{esc(page.lead)}</p></div>'
        for page in listing.pages
    )
    more = ""
    if listing.number < listing.last:
        target = _listing_path(path, listing.number + 1)
        more = f'<div class="pagination"><a class="next" rel="next" href="{target}">Xem thêm</a></div>'
    content = f'<div class="content-list">{stories}</div>{more}'
    main = f'<div class="zone"><h1 class="zone__title">{title}</h1>{content}</div>'
    return shell(title, "", "zone-page", main)


def _rss(pages: Sequence[Page], section: str | None, path: str, built: datetime) -> str:
    title = f"{SITE.sections[section]} - {SITE.title}" if section else SITE.title
    items = "\n".join(_item(page) for page in pages)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<title>{title}</title>
<link>{BASE}/{f"{section}.html" if section else ""}</link>
<description>{title} RSS</description>
<atom:link href="{BASE}{path}" rel="self" type="application/rss+xml"/>
<language>vi</language><copyright>{SITE.title}</copyright><ttl>10</ttl>
<lastBuildDate>{rfc822(built)}</lastBuildDate>
{items}
</channel></rss>
"""


def _item(page: Page) -> str:
    url = BASE + article_path(page)
    picture = f'<a href="{url}"><img src="{BASE}/images/{page.id}-t.jpg" alt="{esc(page.title)}"></a>'
    # "]]>" in a text would end the section; two sections carry it.
    description = (picture + esc(page.lead)).replace("]]>", "]]]]><![CDATA[>")
    return (
        f'<item><title>{esc(page.title)}</title><link>{url}</link><guid isPermaLink="true">{url}</guid>'
        f"<pubDate>{rfc822(page.published)}</pubDate><category>{section_title(page)}</category>"
        f"<description><![CDATA[{description}]]></description></item>"
    )
