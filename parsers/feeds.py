"""Feeds: RSS 0.9x, 1.0 and 2.0, Atom and JSON Feed as one value.

Broken items never spoil a feed: each is counted in `Feed.problems` and the others are kept.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lxml import etree

from parsers.dates import parse_feed_date
from parsers.errors import DriftError, FeedError, UrlError
from parsers.links import Link
from parsers.text import one_line
from parsers.urls import absolute_url
from parsers.xml import MAX_FEED_BYTES, TRUNCATED, decode, local_name, namespace, read_xml, text_of

MAX_ITEMS: Final = 50_000
"""Most items of one feed that are looked at; the rest is counted as `items-over-limit`."""

_KINDS: Final = {"rss": "rss", "channel": "rss", "rdf": "rdf", "feed": "atom"}
_UNITS: Final = ("item", "entry")
_DUBLIN_CORE: Final = "http://purl.org/dc/elements/1.1/"
_DUBLIN_TERMS: Final = "http://purl.org/dc/terms/"
_ATOM: Final = "http://www.w3.org/2005/Atom"
# A week: a longer "time to live" is a mistake of units.
_MAX_TTL_MINUTES: Final = 7 * 24 * 60
# RSS 1.0's syndication module: a period, and how often in it the feed is updated.
_SYNDICATION: Final = "http://purl.org/rss/1.0/modules/syndication/"
_PERIODS: Final = {
    "hourly": 60, "daily": 24 * 60, "weekly": 7 * 24 * 60, "monthly": 30 * 24 * 60, "yearly": 365 * 24 * 60,
}  # fmt: skip
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed says.

    `kind` is `rss`, `rdf` (RSS 0.90 and 1.0), `atom` or `json`. `ttl_minutes` is the time for which RSS
    asks not to be polled again (`ttl`, or `sy:updatePeriod`), `skip_hours` (0 to 23, UTC) and `skip_days`
    (English, lower-case) when it asks not to be polled at all. `problems` are short codes, some with a count
    behind a colon: `truncated`, `repaired-markup`, `bad-bytes`, `items-without-link: n`, `bad-links: n`,
    `bad-dates: n`, `repeated-links: n`, `items-over-limit: n`, `no-items`.
    """

    links: tuple[Link, ...]
    kind: str
    title: str | None
    ttl_minutes: int | None
    problems: tuple[str, ...]
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[str, ...] = ()

    @property
    def truncated(self) -> bool:
        """The document was cut off: the complete items are here, but its validators must not be kept."""
        return TRUNCATED in self.problems


class LinkCollector:
    """Builds links one by one, and counts what is wrong with them."""

    def __init__(self, base: str, limit: int, over_limit: str) -> None:
        """`base` resolves relative addresses; beyond `limit` entries the problem `over_limit` is counted."""
        self._base = base
        self._left = limit
        self._over_limit = over_limit
        self._links: dict[str, Link] = {}
        self._counts: Counter[str] = Counter()

    def add(
        self,
        address: str | None,
        *,
        base: str | None = None,
        title: str | None = None,
        lead: str | None = None,
        published: str | None = None,
        modified: str | None = None,
    ) -> None:
        """Keep a link, or count why not. The texts are as met; blank ones count as absent."""
        if self.skips():
            return
        self._left -= 1
        if not address or not address.strip():
            self._counts["items-without-link"] += 1
            return
        try:
            url = absolute_url(address, base or self._base)
        except UrlError:
            self._counts["bad-links"] += 1
            return
        if url in self._links:
            self._counts["repeated-links"] += 1
            return
        self._links[url] = Link(
            url, one_line(title), one_line(lead), self.date(published), self.date(modified)
        )

    def date(self, text: str | None) -> datetime | None:
        """The moment, or None; a text that is no date is counted."""
        if not text or not text.strip():
            return None
        moment = parse_feed_date(text)
        if moment is None:
            self._counts["bad-dates"] += 1
        return moment

    def skips(self) -> bool:
        """Whether the limit is reached; then one more entry is counted, and need not be looked at."""
        if self._left > 0:
            return False
        self._counts[self._over_limit] += 1
        return True

    def count(self, problem: str) -> None:
        """Count one more of a problem."""
        self._counts[problem] += 1

    @property
    def links(self) -> tuple[Link, ...]:
        """The links in the order met."""
        return tuple(self._links.values())

    @property
    def problems(self) -> tuple[str, ...]:
        """`code: number` for each problem met, in the order met."""
        return tuple(f"{code}: {number}" for code, number in self._counts.items())


def parse_feed(data: bytes, url: str, content_type: str | None = None) -> Feed:
    """Read a feed fetched from `url`, against which relative links are resolved.

    Raises FeedError, and nothing else whatever the bytes are: the reasons of `parsers.xml.read_xml`, and
    `not-a-feed` for well-formed XML or JSON of another kind.
    """
    if data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _json_feed(data, url, content_type)
    document = read_xml(data, content_type, units=_UNITS)
    return feed_of(document.root, url, document.problems)


def feed_of(root: etree._Element, url: str, problems: tuple[str, ...]) -> Feed:
    """The feed in an XML tree whose reading met `problems`. Raises FeedError (`not-a-feed`)."""
    kind = _KINDS.get(local_name(root))
    if kind is None:
        raise DriftError(
            f"the root element is <{local_name(root)[:40]}>, not that of a feed", reason="not-a-feed"
        )
    collector = LinkCollector(url, MAX_ITEMS, "items-over-limit")
    head = root
    if kind != "atom":
        head = next((child for child in root if local_name(child) == "channel"), root)
    for item in _items(root):
        if collector.skips():
            continue
        if kind == "atom":
            _add_entry(item, collector)
        else:
            _add_item(item, collector)
    texts = _texts(head)
    minutes = _ttl_minutes(texts)
    return Feed(
        links=collector.links,
        kind=kind,
        title=one_line(texts.get("title")),
        ttl_minutes=minutes if minutes is not None and minutes <= _MAX_TTL_MINUTES else None,
        problems=_with_emptiness(problems + collector.problems, collector.links),
        skip_hours=_skip_hours(head),
        skip_days=_skip_days(head),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 6 else None


def _ttl_minutes(texts: dict[str, str]) -> int | None:
    told = _number(texts.get("ttl"))
    period = _PERIODS.get(texts.get(f"{{{_SYNDICATION}}}updateperiod", "").lower())
    if told is not None or period is None:
        return told
    return period // max(_number(texts.get(f"{{{_SYNDICATION}}}updatefrequency")) or 1, 1)


def _skipped(head: etree._Element, name: str, unit: str) -> list[str]:
    return [text_of(child).strip() for group in _children(head, name) for child in _children(group, unit)]


def _skip_hours(head: etree._Element) -> tuple[int, ...]:
    # RSS 0.92 counts from 1 to 24.
    hours = {_number(text) for text in _skipped(head, "skiphours", "hour")}
    return tuple(sorted({hour % 24 for hour in hours if hour is not None and hour <= 24}))


def _skip_days(head: etree._Element) -> tuple[str, ...]:
    told = {text.lower() for text in _skipped(head, "skipdays", "day")}
    return tuple(day for day in _DAYS if day in told)


def _with_emptiness(problems: tuple[str, ...], links: tuple[Link, ...]) -> tuple[str, ...]:
    return problems if links or problems else ("no-items",)


def _items(root: etree._Element) -> Iterator[etree._Element]:
    # At any depth: RSS 1.0 has items beside the channel, and a repair may leave one inside another.
    for element in root.iter():
        if local_name(element) in _UNITS:
            yield element


def _children(parent: etree._Element, name: str, space: str | None = None) -> Iterator[etree._Element]:
    """Children of that name in `space`, by default the parent's own, so not `media:title`."""
    wanted = namespace(parent) if space is None else space
    for child in parent:
        if local_name(child) == name and namespace(child) == wanted:
            yield child


def _texts(parent: etree._Element) -> dict[str, str]:
    """The first non-blank text of each kind of child: `title`, but `media:title` as `{namespace}title`."""
    own = namespace(parent)
    texts: dict[str, str] = {}
    for child in parent:
        name, space = local_name(child), namespace(child)
        key = name if space == own else f"{{{space}}}{name}"
        if name not in _UNITS and key not in texts:
            text = text_of(child).strip()
            if text:
                texts[key] = text
    return texts


def _add_item(item: etree._Element, collector: LinkCollector) -> None:
    texts = _texts(item)
    address = texts.get("link") or _alternate(item, _ATOM)
    if address is None:
        for guid in _children(item, "guid"):
            value = text_of(guid).strip()
            if guid.get("isPermaLink", "true").strip().lower() != "false" and value.startswith("http"):
                address = value
    if address is None:
        about = item.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about")
        address = about if about and about.startswith("http") else None
    collector.add(
        address,
        base=_own_base(item),
        title=texts.get("title"),
        lead=texts.get("description"),
        published=texts.get("pubdate") or texts.get(f"{{{_DUBLIN_CORE}}}date"),
        modified=texts.get(f"{{{_ATOM}}}updated") or texts.get(f"{{{_DUBLIN_TERMS}}}modified"),
    )


def _add_entry(entry: etree._Element, collector: LinkCollector) -> None:
    texts = _texts(entry)
    # "issued" and "modified" are the names of Atom 0.3.
    collector.add(
        _alternate(entry, namespace(entry)),
        base=_own_base(entry),
        title=texts.get("title"),
        lead=texts.get("summary"),
        published=texts.get("published") or texts.get("issued"),
        modified=texts.get("updated") or texts.get("modified"),
    )


def _alternate(parent: etree._Element, space: str) -> str | None:
    """The `href` of the link to the page itself (RFC 4287 section 4.2.7)."""
    for link in _children(parent, "link", space):
        href = link.get("href")
        if href and link.get("rel", "alternate").strip().lower() == "alternate":
            return href
    return None


def _own_base(element: etree._Element) -> str | None:
    """An absolute `xml:base` on the element or above it."""
    name = "{http://www.w3.org/XML/1998/namespace}base"
    for node in (element, *element.iterancestors()):
        base = node.get(name)
        if base is not None and base.startswith(("http://", "https://")):
            return base
    return None


def _json_feed(data: bytes, url: str, content_type: str | None) -> Feed:
    text, problems = decode(data, content_type, max_bytes=MAX_FEED_BYTES)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FeedError(f"not JSON: {error}", reason="malformed") from error
    if not isinstance(document, dict) or "jsonfeed.org/version" not in str(document.get("version")):
        raise DriftError("JSON, but no JSON Feed", reason="not-a-feed")
    collector = LinkCollector(url, MAX_ITEMS, "items-over-limit")
    items = document.get("items")
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, dict):
            collector.count("items-without-link")
            continue
        identity = _string(item, "id")
        collector.add(
            _string(item, "url") or (identity if identity and identity.startswith("http") else None),
            title=_string(item, "title"),
            lead=_string(item, "summary"),
            published=_string(item, "date_published"),
            modified=_string(item, "date_modified"),
        )
    return Feed(
        links=collector.links,
        kind="json",
        title=one_line(_string(document, "title")),
        ttl_minutes=None,
        problems=_with_emptiness((*problems, *collector.problems), collector.links),
    )


def _string(document: dict[str, Any], key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) else None
