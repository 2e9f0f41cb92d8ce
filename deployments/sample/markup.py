"""What the templates of the three papers share: escaping, dates, pagination, sitemaps, junk texts."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape

from deployments.sample.pages import SITES, Page, Site

HTML = "text/html; charset=utf-8"
XML = "text/xml; charset=utf-8"

ARTICLES_PER_LISTING = 12
ITEMS_PER_FEED = 15

# The labels of the read-aloud player; crawls of real papers carry them into the text.
PLAYER_LABELS = ("Nam miền Bắc", "Nữ miền Bắc", "Nữ miền Nam", "Nam miền Nam")

_WEEKDAYS = ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật")


@dataclass(frozen=True, slots=True)
class Resource:
    """What one address serves: entity body without content coding, media type, time of the last change."""

    body: bytes
    content_type: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a listing: `number` counts from 1, `last` is the number of the last page."""

    pages: tuple[Page, ...]
    number: int
    last: int


def esc(text: str) -> str:
    """The text escaped for HTML and XML, for content and quoted attribute values alike."""
    return escape(text, quote=True)


def json_ld(value: object) -> str:
    """A JSON-LD script element."""
    # "</" would end the script element inside a string.
    text = json.dumps(value, ensure_ascii=False, indent=1).replace("</", "<\\/")
    return f'<script type="application/ld+json">{text}</script>'


def script_string(text: str) -> str:
    """A JavaScript string literal between single quotes, in ASCII."""
    inner = json.dumps(text)[1:-1].replace("'", "\\'").replace('\\"', '"').replace("<", "\\u003c")
    return f"'{inner}'"


def entities(text: str, above: int = 127) -> str:
    """The text with every character beyond the code point `above` as a decimal character reference."""
    return "".join(f"&#{ord(char)};" if ord(char) > above else char for char in text)


def link_tags(text: str, tags: Sequence[str], anchor: str) -> str:
    """The escaped text with the first place of the first tag found turned into a link.

    `anchor` is the opening tag of the link with `{}` for the slug of the tag.
    """
    escaped = esc(text)
    for tag in tags:
        word = re.search(rf"(?<!\w){re.escape(esc(tag))}(?!\w)", escaped)
        if word:
            opening = anchor.format(tag_slug(tag))
            return f"{escaped[: word.start()]}{opening}{word[0]}</a>{escaped[word.end() :]}"
    return escaped


def tag_slug(tag: str) -> str:
    """An ASCII name for the page of a tag: letters without their marks, words joined by hyphens."""
    letters = unicodedata.normalize("NFD", tag.lower()).replace("đ", "d").encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")


def weekday(time: datetime) -> str:
    """Vietnamese name of the day of the week."""
    return _WEEKDAYS[time.weekday()]


def rfc822(time: datetime) -> str:
    """`Mon, 02 Mar 2026 07:15:00 +0700`, the date of RSS 2.0."""
    return format_datetime(time)


def section_title(page: Page) -> str:
    """Printed name of the section in which the page stands."""
    return SITES[page.site].sections[page.section]


def in_section(pages: Iterable[Page], section: str | None) -> tuple[Page, ...]:
    """The pages of the section, in the order given; None is the home page, which lists every page."""
    return tuple(page for page in pages if section is None or page.section == section)


def listings(pages: Sequence[Page]) -> tuple[Listing, ...]:
    """The pages cut into listing pages; an empty section has one empty page."""
    starts = range(0, max(len(pages), 1), ARTICLES_PER_LISTING)
    return tuple(
        Listing(tuple(pages[start : start + ARTICLES_PER_LISTING]), number, len(starts))
        for number, start in enumerate(starts, start=1)
    )


def others(page: Page, pages: Iterable[Page], count: int) -> tuple[Page, ...]:
    """Newest other articles of the edition in which the page first stood.

    They are the same in later editions, so that a page whose article stays as it is keeps its ETag.
    """
    listed = (
        other
        for other in pages
        if other.edition <= page.edition and other.key != page.key and other.kind == "article"
    )
    return tuple(listed)[:count]


def last_change(pages: Iterable[Page], fallback: datetime) -> datetime:
    """Time of the last change of any of the pages."""
    return max((page.changed for page in pages), default=fallback)


def months(pages: Iterable[Page]) -> dict[tuple[int, int], tuple[Page, ...]]:
    """The pages by (year, month) of publication."""
    by_month: dict[tuple[int, int], list[Page]] = {}
    for page in pages:
        by_month.setdefault((page.published.year, page.published.month), []).append(page)
    return {month: tuple(members) for month, members in sorted(by_month.items())}


def sitemap_index(children: Iterable[tuple[str, datetime]]) -> str:
    """A sitemap index of (address, last change)."""
    entries = "\n".join(
        f"<sitemap><loc>{esc(url)}</loc><lastmod>{time.isoformat()}</lastmod></sitemap>"
        for url, time in children
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}\n</sitemapindex>\n'
    )


def sitemap(entries: Iterable[tuple[str, datetime]], priority: str = "0.9") -> str:
    """A URL set of (address, last change)."""
    urls = "\n".join(
        f"<url><loc>{esc(url)}</loc><lastmod>{time.isoformat()}</lastmod>"
        f"<changefreq>hourly</changefreq><priority>{priority}</priority></url>"
        for url, time in entries
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}\n</urlset>\n'
    )


def robots(site: Site, *extra: str) -> str:
    """robots.txt: everything but the search page may be read."""
    lines = (
        "User-agent: *",
        "Disallow: /tim-kiem",
        *extra,
        "",
        f"Sitemap: http://{site.host}/sitemap.xml",
        "",
    )
    return "\n".join(lines)
