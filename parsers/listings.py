"""Listing pages: the home page or a section page of a site as a source of links.

Every anchor counts; which of them lead to articles is for the source's `article_pattern` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborNode

from parsers.errors import UrlError
from parsers.html import read_page
from parsers.links import Link
from parsers.text import one_line
from parsers.urls import absolute_url

MAX_LINKS: Final = 10_000
"""Most links of one page that are kept; real listing pages have some hundreds."""

_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
# The number of a page in an address: /trang-2.htm, -page2, -p2, /page/2, ?page=2.
_PAGE: Final = re.compile(
    r"[/-](?:trang|page|p)[-/]?(\d{1,4})(?=\.[a-z]{2,5}$|/?$|\?)|(?<=[?&])(?:trang|page|p)=(\d{1,4})",
    re.ASCII,
)
_BARE_FILE: Final = re.compile(r"^(https?://[^/]+)\.html?$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listing:
    """The links of a page in document order, each address once, and the address of the next page.

    A link's title is the longest anchor text or `title` attribute that the page has for it, those within a
    heading before all others (a summary below the headline often links to the article too).
    """

    links: tuple[Link, ...]
    next_page: str | None


def parse_listing(data: bytes, url: str, content_type: str | None = None) -> Listing:
    """Read the links of a page fetched from `url`.

    Relative addresses are resolved against `<base href>` if there is one. Anchors that are no http(s)
    addresses are passed over. Raises MarkupError for what the guards of `parsers.html` refuse.
    """
    page = read_page(data, url, content_type)
    base = url
    declared = page.tree.css_first("base[href]")
    if declared is not None:
        base = _resolved(declared.attributes.get("href"), url) or url
    titles: dict[str, tuple[bool, str | None]] = {}
    told_next: str | None = None
    for node in page.tree.css("a[href], link[rel][href]"):
        attributes = node.attributes
        address = _resolved(attributes.get("href"), base)
        if address is None:
            continue
        relations = (attributes.get("rel") or "").lower().split()
        if told_next is None and "next" in relations and address != url:
            told_next = address
        if node.tag != "a":
            continue
        if address not in titles and len(titles) >= MAX_LINKS:
            break
        candidates = [(_in_heading(node), one_line(node.text())), (False, one_line(attributes.get("title")))]
        titles[address] = max([titles.get(address, (False, None)), *candidates], key=_rank)
    return Listing(
        links=tuple(Link(address, title) for address, (_, title) in titles.items()),
        next_page=told_next or _next_by_number(titles, url),
    )


def _resolved(href: str | None, base: str) -> str | None:
    if not href or not href.strip():
        return None
    try:
        return absolute_url(href, base)
    except UrlError:
        return None


def _in_heading(node: LexborNode) -> bool:
    parent = node.parent
    return parent is not None and parent.tag in _HEADINGS


def _rank(candidate: tuple[bool, str | None]) -> tuple[bool, int]:
    in_heading, text = candidate
    return in_heading and text is not None, len(text or "")


def _stem(address: str) -> str:
    """The address without its page number; "/trang-2.htm" of the home page leaves the bare host."""
    return _BARE_FILE.sub(r"\1", _PAGE.sub("", address).rstrip("/?&"))


def _next_by_number(addresses: Iterable[str], url: str) -> str | None:
    """The address that differs from `url` by a page number only, one higher.

    A page without a number is the first: number 1, or 0 where the site links to a page 0.
    """
    numbered: dict[int, str] = {}
    own = _PAGE.search(url)
    stem = _stem(url)
    for address in addresses:
        match = _PAGE.search(address)
        if match is not None and _stem(address) == stem:
            numbered.setdefault(int(match.group(1) or match.group(2)), address)
    if own is not None:
        return numbered.get(int(own.group(1) or own.group(2)) + 1)
    return numbered.get(1 if 0 in numbered else 2)
