"""Sitemaps (sitemaps.org 0.9), sitemap indexes, news sitemaps, and which children of an index to read.

A sitemap may also be a feed or a plain list of addresses, and may be a gzip file.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from parsers.dates import VIETNAM
from parsers.errors import DriftError, FeedError, UrlError
from parsers.feeds import LinkCollector, feed_of
from parsers.links import Link
from parsers.sitemap_pieces import PIECE, pieces
from parsers.urls import canonical_url, host_of
from parsers.xml import TRUNCATED, decode, local_name, namespace, read_xml, text_of

MAX_SITEMAP_BYTES: Final = 50 * 1024 * 1024
"""Largest sitemap that is read, in bytes after inflating (the limit of sitemaps.org)."""

MAX_SITEMAP_URLS: Final = 50_000
"""Most entries of one sitemap that are looked at (the limit of sitemaps.org)."""

_UNITS: Final = ("url", "sitemap", "item", "entry")
_FEED_ROOTS: Final = frozenset({"rss", "rdf", "feed", "channel"})
_NEWS: Final = "http://www.google.com/schemas/sitemap-news/"
_GZIP: Final = b"\x1f\x8b"
_CHUNK: Final = 64 * 1024
_LINE: Final = re.compile(r"[^\r\n]+")
# A gzip file may be several, one behind the other; empty ones would cost time without end.
_MAX_MEMBERS: Final = 1000

_FIRST_YEAR: Final = 1990
_SEPARATED: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_/.])(\d{1,2})(?:\2(\d{1,2}))?(?!\d)", re.ASCII)
_COMPACT: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)(\d\d)(\d\d)?(?!\d)", re.ASCII)
_YEAR: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)", re.ASCII)
_LAST_NUMBER: Final = re.compile(r"(\d{1,9})\D*$", re.ASCII)
# How far ahead of us a site's clock may be before its dates are not believed.
_AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SitemapChild:
    """A sitemap that an index names, and when it changed last (zone-aware) as the index says."""

    url: str
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What a sitemap says: children if it is an index, else links.

    `problems` are short codes, some with a count behind a colon: those of `parsers.feeds.Feed`, and
    `urls-over-limit: n`, `self-references: n`, `children-of-other-hosts: n`, `bad-lines: n`.
    """

    children: tuple[SitemapChild, ...]
    links: tuple[Link, ...]
    problems: tuple[str, ...]

    @property
    def truncated(self) -> bool:
        """The document was cut off: the complete entries are here, but its validators must not be kept."""
        return TRUNCATED in self.problems


def parse_sitemap(data: bytes, url: str, content_type: str | None = None) -> Sitemap:
    """Read a sitemap fetched from `url`.

    A child of an index that is the index itself or stands on another host is left out and counted. Raises
    FeedError, and nothing else whatever the bytes are: the reasons of `parsers.xml.read_xml`, `bad-gzip`
    and `not-a-sitemap`.
    """
    whole = True
    plain: bytes | bytearray = data
    if data.startswith(_GZIP):
        plain, whole = _inflate(data)
    if len(plain) > MAX_SITEMAP_BYTES:
        raise FeedError(f"{len(plain)} bytes, more than {MAX_SITEMAP_BYTES}", reason="too-large")
    text, _ = decode(bytes(plain[:4096]), content_type, max_bytes=MAX_SITEMAP_BYTES)
    if not text.startswith("<"):
        sitemap = _text_sitemap(bytes(plain), url, content_type)
    else:
        sitemap = _xml_sitemap(plain, url, content_type)
    if whole or sitemap.truncated:
        return sitemap
    return Sitemap(sitemap.children, sitemap.links, (TRUNCATED, *sitemap.problems))


def children_to_read(
    children: tuple[SitemapChild, ...],
    *,
    since: datetime,
    now: datetime,
    limit: int,
    trust_lastmod: bool = True,
) -> tuple[SitemapChild, ...]:
    """The children that may hold entries since `since`, newest-looking first, at most `limit`.

    A child is left out if it has a date and none of its dates reaches `since`: its `modified_at` (unless
    `trust_lastmod` is false) and the day, month or year in its name (`news-2026-3.xml`, `/2026/3/`,
    `20260307`, in Vietnamese time). Children without any date follow, those without a number in document
    order, then the highest number first. Dates more than a day after `now` are not believed.
    """
    dated: list[tuple[datetime, int, SitemapChild]] = []
    undated: list[tuple[int, int, SitemapChild]] = []
    for position, child in enumerate(dict.fromkeys(children)):
        changed = child.modified_at if trust_lastmod else None
        if changed is not None and changed > now + _AHEAD:
            changed = None
        period = named_period(child.url, now)
        named = period[1] if period is not None else None
        if named is None and changed is None:
            number = _LAST_NUMBER.search(urlsplit(child.url).path)
            undated.append((-int(number.group(1)) if number else -(10**9), position, child))
        elif (named is not None and named > since) or (changed is not None and changed >= since):
            # The name is of the publisher's making, `lastmod` often only of the build: the name ranks.
            dated.append((min(named, now) if named is not None else changed or now, position, child))
    dated.sort(key=lambda entry: (-entry[0].timestamp(), entry[1]))
    undated.sort(key=lambda entry: entry[:2])
    chosen = [entry[2] for entry in dated] + [entry[2] for entry in undated]
    return tuple(chosen[: max(limit, 0)])


def named_period(url: str, now: datetime) -> tuple[datetime, datetime] | None:
    """The year, month or day that the address names, as its start and end (exclusive), in Vietnamese time."""
    parts = urlsplit(url)
    name = f"{parts.path}?{parts.query}"
    for pattern, day_group in ((_SEPARATED, 4), (_COMPACT, 3), (_YEAR, None)):
        for match in reversed(list(pattern.finditer(name))):
            year = int(match.group(1))
            month_text = match.group(day_group - 1) if day_group else None
            day_text = match.group(day_group) if day_group else None
            # In "2026-3-1" or "/2026/3/1.xml" the last number may be a page: then only the month counts.
            sure = len(month_text or "") == 2 and len(day_text or "") == 2
            period = _period(year, month_text, day_text if sure else None)
            if period is not None and year >= _FIRST_YEAR and period[0] <= now + _AHEAD:
                return period
    return None


def _period(year: int, month_text: str | None, day_text: str | None) -> tuple[datetime, datetime] | None:
    try:
        start = datetime(year, int(month_text or 1), int(day_text or 1), tzinfo=VIETNAM)
    except ValueError:
        return None
    if day_text is not None:
        return start, start + timedelta(days=1)
    if month_text is not None:
        year, month = (year, start.month + 1) if start.month < 12 else (year + 1, 1)
        return start, start.replace(year=year, month=month)
    return start, start.replace(year=year + 1)


def _inflate(data: bytes) -> tuple[bytearray, bool]:
    """Inflate a gzip file with all its members, to at most 50 MB; and whether it was complete."""
    out = bytearray()
    position = members = 0
    while data.startswith(_GZIP, position):
        members += 1
        if members > _MAX_MEMBERS:
            raise FeedError(f"a gzip file of more than {_MAX_MEMBERS} members", reason="bad-gzip")
        inflater = zlib.decompressobj(wbits=31)
        while not inflater.eof and (position < len(data) or inflater.unconsumed_tail):
            piece = inflater.unconsumed_tail or data[position : position + _CHUNK]
            if not inflater.unconsumed_tail:
                position += _CHUNK
            try:
                out += inflater.decompress(piece, MAX_SITEMAP_BYTES + 1 - len(out))
            except zlib.error as error:
                raise FeedError(f"a damaged gzip file: {error}", reason="bad-gzip") from error
            if len(out) > MAX_SITEMAP_BYTES:
                raise FeedError(f"more than {MAX_SITEMAP_BYTES} bytes after inflating", reason="too-large")
        if not inflater.eof:
            return out, False
        position = min(position, len(data)) - len(inflater.unused_data)
    if out.startswith(_GZIP):
        raise FeedError("a gzip file within a gzip file", reason="bad-gzip")
    return out, True


def _text_sitemap(data: bytes, url: str, content_type: str | None) -> Sitemap:
    text, problems = decode(data, content_type, max_bytes=MAX_SITEMAP_BYTES)
    collector = LinkCollector(url, MAX_SITEMAP_URLS, "urls-over-limit")
    for line in _LINE.finditer(text):
        entry = line.group().strip()
        if entry.startswith(("http://", "https://")):
            collector.add(entry)
        elif entry:
            collector.count("bad-lines")
    if not collector.links:
        raise DriftError("neither XML nor a list of addresses", reason="not-a-sitemap")
    return Sitemap((), collector.links, (*problems, *collector.problems))


def _xml_sitemap(data: bytes | bytearray, url: str, content_type: str | None) -> Sitemap:
    collector = LinkCollector(url, MAX_SITEMAP_URLS, "urls-over-limit")
    # Some sites put <sitemap> into a <urlset> or the reverse: the entry says what it is.
    children = LinkCollector(url, MAX_SITEMAP_URLS, "urls-over-limit")
    problems: dict[str, None] = {}
    for piece in pieces(data):
        document = read_xml(piece, content_type, units=_UNITS, max_bytes=MAX_SITEMAP_BYTES + PIECE)
        name = local_name(document.root)
        if name in _FEED_ROOTS:
            feed = feed_of(document.root, url, document.problems)
            return Sitemap((), feed.links, feed.problems)
        if name not in ("urlset", "sitemapindex"):
            raise DriftError(
                f"the root element is <{name[:40]}>, not that of a sitemap", reason="not-a-sitemap"
            )
        problems.update(dict.fromkeys(document.problems))
        _add_entries(document.root, collector, children)
    kept, told = _allowed_children(children.links, url)
    found = (*problems, *children.problems, *told, *collector.problems)
    return Sitemap(kept, collector.links, found if kept or collector.links or found else ("no-items",))


def _add_entries(root: etree._Element, collector: LinkCollector, children: LinkCollector) -> None:
    for entry in root.iter():
        kind = local_name(entry)
        if kind not in ("url", "sitemap") or namespace(entry) != namespace(root):
            continue
        if kind == "url" and not collector.skips():
            _add_url(entry, collector)
        elif kind == "sitemap" and not children.skips():
            children.add(_own_text(entry, "loc"), modified=_own_text(entry, "lastmod"))


def _add_url(entry: etree._Element, collector: LinkCollector) -> None:
    title = published = None
    for child in entry:
        if local_name(child) == "news" and namespace(child).startswith((_NEWS, "news")):
            title = _own_text(child, "title")
            published = _own_text(child, "publication_date")
    collector.add(
        _own_text(entry, "loc"), title=title, published=published, modified=_own_text(entry, "lastmod")
    )


def _own_text(parent: etree._Element, name: str) -> str | None:
    """The text of a child in the parent's own namespace: `loc`, not `image:loc`."""
    for child in parent:
        if local_name(child) == name and namespace(child) == namespace(parent):
            return text_of(child).strip() or None
    return None


def _allowed_children(links: tuple[Link, ...], url: str) -> tuple[tuple[SitemapChild, ...], tuple[str, ...]]:
    try:
        own, host = canonical_url(url), host_of(url).removeprefix("www.")
    except UrlError:
        own, host = url, ""
    kept: list[SitemapChild] = []
    itself = elsewhere = 0
    for link in links:
        try:
            address = canonical_url(link.url)
        except UrlError:
            elsewhere += 1
            continue
        if host and host_of(link.url).removeprefix("www.") != host:
            elsewhere += 1
        elif address == own:
            itself += 1
        else:
            kept.append(SitemapChild(link.url, link.modified_at))
    told = [f"self-references: {itself}"] if itself else []
    if elsewhere:
        told.append(f"children-of-other-hosts: {elsewhere}")
    return tuple(kept), tuple(told)
