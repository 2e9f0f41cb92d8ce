"""Discovery: ask a source's feeds, sitemaps and listing pages which articles there are."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from flows.fetching import Fetched, Validators
from flows.fetching.values import Kind
from flows.selection import LONGEST_WAIT, Found
from flows.sources import Source
from flows.workbench import Workbench, captured
from parsers.errors import FetchError, KhotinError, ParseError, UrlError
from parsers.feeds import parse_feed
from parsers.links import Link
from parsers.listings import parse_listing
from parsers.sitemaps import SitemapChild, children_to_read, parse_sitemap
from parsers.urls import canonical_url
from storage import EndpointState

MAX_SITEMAP_DEPTH = 3
MAX_CHILDREN = 20
"""Sitemaps of one index that a run reads at most; older ones are for a backfill."""

_FETCH_KIND: dict[str, Kind] = {
    "feed": "feed",
    "sitemap": "sitemap",
    "sitemap-index": "sitemap",
    "listing": "page",
}
_FIRST_RETRY = timedelta(minutes=15)
_CLOCKS_APART = timedelta(days=1)
# What was published while a sitemap was being read may stand in it only the next time.
_OVERLAP = timedelta(days=1)


@dataclass(slots=True)
class Discovery:
    """What a poll of one source met: URLs in the order met, those that fit no pattern, what to remember."""

    found: dict[str, Found] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)
    endpoints: list[EndpointState] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is no problem, but explains a number."""
    answered: int = 0
    failed: int = 0

    def add(self, source: Source, link: Link, found_in: str, now: datetime, *, only_articles: bool) -> bool:
        """Take one link in; gives whether it counts. An address that is none is told as a problem."""
        try:
            url = canonical_url(link.url)
        except UrlError as error:
            self.problems.append(f"{found_in}: {error.reason}: {link.url[:200]!r}")
            return False
        if not source.is_article(url):
            # Navigation fills listing pages: only what a feed or sitemap vouches for is counted.
            if only_articles:
                return False
            self.outside.add(url)
        before = self.found.get(url) or Found(url, found_in)
        # A time that has not come is a slip of the pen: kept, it would hide every change until then.
        latest = now + _CLOCKS_APART
        self.found[url] = replace(
            before,
            hint_at=_later(before.hint_at, link.modified_at, latest),
            published_hint_at=_later(before.published_hint_at, link.published_at, latest),
        )
        return True


def _later(one: datetime | None, other: datetime | None, latest: datetime) -> datetime | None:
    times = [time for time in (one, other) if time is not None and time <= latest]
    return max(times, default=None)


@dataclass(frozen=True, slots=True)
class Contents:
    """What one feed, sitemap or listing holds."""

    links: tuple[Link, ...] = ()
    children: tuple[SitemapChild, ...] = ()
    problems: tuple[str, ...] = ()
    truncated: bool = False


def read_contents(kind: str, fetched: Fetched) -> Contents:
    """Read links from the bytes of a feed, sitemap or listing. Raises ParseError. Pure."""
    if kind == "feed":
        feed = parse_feed(fetched.body, fetched.url, fetched.content_type)
        return Contents(feed.links, problems=feed.problems, truncated=feed.truncated)
    if kind == "listing":
        return Contents(parse_listing(fetched.body, fetched.url, fetched.content_type).links)
    sitemap = parse_sitemap(fetched.body, fetched.url, fetched.content_type)
    return Contents(sitemap.links, sitemap.children, sitemap.problems, sitemap.truncated)


async def discover(source: Source, bench: Workbench) -> Discovery:
    """Ask every feed, sitemap and listing of a source that is due, feeds first; failures are data."""
    found = Discovery()
    known = await asyncio.to_thread(bench.store.endpoints, source.name)
    now = bench.clock.now()
    for url in source.feeds:
        await _read(source, bench, found, known, url, "feed", now, since=None)
    for url in source.sitemaps:
        since = window_start(source, known.get(url), now)
        await _read_sitemap(source, bench, found, known, url, now, since=since, depth=1, seen={url})
    for url in source.listings:
        await _read(source, bench, found, known, url, "listing", now, since=None)
    for page in await asyncio.to_thread(bench.store.pending, source.name, now, LONGEST_WAIT):
        if page.url not in found.found:
            found.found[page.url] = Found(page.url, page.found_in, page.hint_at, page.published_hint_at)
            # The pattern may have been narrowed since the page was put off.
            if not source.is_article(page.url):
                found.outside.add(page.url)
    return found


def window_start(source: Source, before: EndpointState | None, now: datetime) -> datetime:
    """How far back sitemaps are read: the source's window, or the last answer if that is longer ago. Pure."""
    start = now - timedelta(days=source.window_days)
    if before is not None and before.answered_at is not None:
        start = min(start, before.answered_at - _OVERLAP)
    return start


async def _read_sitemap(
    source: Source,
    bench: Workbench,
    found: Discovery,
    known: dict[str, EndpointState],
    url: str,
    now: datetime,
    *,
    since: datetime,
    depth: int,
    seen: set[str],
) -> None:
    before = known.get(url)
    kind = before.kind if before is not None and before.kind.startswith("sitemap") else "sitemap"
    contents = await _read(source, bench, found, known, url, kind, now, since=since)
    if contents is None or not contents.children:
        return
    if depth >= MAX_SITEMAP_DEPTH:
        found.problems.append(f"{url}: sitemaps nested deeper than {MAX_SITEMAP_DEPTH} are not read")
        return
    chosen = children_to_read(
        contents.children, since=since, now=now, limit=MAX_CHILDREN, trust_lastmod=source.trust_lastmod
    )
    for child in chosen:
        if child.url not in seen:
            seen.add(child.url)
            await _read_sitemap(
                source, bench, found, known, child.url, now, since=since, depth=depth + 1, seen=seen
            )


def is_due(before: EndpointState | None, now: datetime, *, force: bool) -> bool:
    """Whether an endpoint is to be asked now; not even `force` hurries one that failed. Pure."""
    if before is None or before.next_check_at is None or before.next_check_at <= now:
        return True
    # A check in the future was noted by a clock that ran ahead: its plans are void.
    return before.checked_at > now or (force and before.failures == 0)


def next_check(source: Source, kind: str, failures: int, now: datetime) -> datetime:
    """When to ask a feed, sitemap or listing next; after failures later and later, at most a day. Pure."""
    if failures:
        factor: int = 2 ** min(failures - 1, 10)
        return now + min(_FIRST_RETRY * factor, timedelta(days=1))
    minutes = {"feed": source.poll_minutes, "listing": source.listing_minutes}.get(
        kind, source.sitemap_minutes
    )
    return now + timedelta(minutes=minutes)


async def _read(
    source: Source,
    bench: Workbench,
    found: Discovery,
    known: dict[str, EndpointState],
    url: str,
    kind: str,
    now: datetime,
    *,
    since: datetime | None,
) -> Contents | None:
    """Ask one endpoint and take its links in; None if it is not due, unchanged or failed."""
    before = known.get(url)
    if not is_due(before, now, force=bench.force):
        return None
    # The children of an index may change while the index itself does not: it is always read whole.
    validators = (
        Validators(before.etag, before.last_modified)
        if before is not None and kind != "sitemap-index"
        else None
    )
    try:
        fetched = await bench.fetcher.get(
            url, policy=bench.policy(source), validators=validators, kind=_FETCH_KIND[kind]
        )
        bench.count(source, fetched)
        if fetched.not_modified and before is not None:
            contents = None
            found.endpoints.append(_unchanged(source, before, fetched, now))
        else:
            contents = await _take(source, bench, found, before, url, kind, fetched, now, since=since)
        # Only now: a wall that is served as a feed is an answer, but none that says anything.
        found.answered += 1
        return contents
    except (FetchError, ParseError) as error:
        found.failed += 1
        bench.note_wait(source, error)
        found.problems.append(f"{url}: {error.reason}: {error.message}")
        found.endpoints.append(_after_failure(source, before, url, kind, error, now))
        return None


async def _take(
    source: Source,
    bench: Workbench,
    found: Discovery,
    before: EndpointState | None,
    url: str,
    kind: str,
    fetched: Fetched,
    now: datetime,
    *,
    since: datetime | None,
) -> Contents:
    digest = hashlib.sha256(fetched.body).hexdigest()
    changed = before is None or before.payload_sha256 != digest
    if changed:
        await bench.keep([captured(source, kind, url, fetched)])
    contents = read_contents(kind, fetched)
    if contents.children:
        kind = "sitemap-index"
    links = list(contents.links)
    if kind.startswith("sitemap") and not source.trust_lastmod:
        links = [replace(link, modified_at=None) for link in links]
    if since is not None:
        links = within_window(links, since)
        older = len(contents.links) - len(links)
        if older:
            found.notes.append(f"{url}: {older} entries from before {since:%Y-%m-%d} are left to a backfill")
    counted = sum(found.add(source, link, url, now, only_articles=kind == "listing") for link in links)
    found.problems.extend(f"{url}: {problem}" for problem in contents.problems)
    found.endpoints.append(
        EndpointState(
            url=url,
            source=source.name,
            kind=kind,
            checked_at=now,
            answered_at=now,
            # What did not arrive whole is asked for again: its validators are not kept.
            etag=None if contents.truncated else fetched.etag,
            last_modified=None if contents.truncated else fetched.last_modified,
            payload_sha256=digest,
            status=fetched.status,
            links=counted,
            changed_at=now if changed else (before.changed_at if before else now),
            next_check_at=next_check(source, kind, 0, now),
        )
    )
    return contents


def within_window(links: Iterable[Link], since: datetime) -> list[Link]:
    """The links that are not told to be older: sitemaps reach years back, which a backfill reads. Pure."""
    return [
        link
        for link in links
        if (changed := link.modified_at or link.published_at) is None or changed >= since
    ]


def _unchanged(source: Source, before: EndpointState, fetched: Fetched, now: datetime) -> EndpointState:
    return replace(
        before,
        checked_at=now,
        answered_at=now,
        etag=fetched.etag or before.etag,
        last_modified=fetched.last_modified or before.last_modified,
        status=304,
        reason="not-modified",
        failures=0,
        next_check_at=next_check(source, before.kind, 0, now),
    )


def _after_failure(
    source: Source, before: EndpointState | None, url: str, kind: str, error: KhotinError, now: datetime
) -> EndpointState:
    """Validators stay as they were: what they vouched for is still what was read last."""
    failures = (before.failures if before else 0) + 1
    wait = next_check(source, kind, failures, now)
    retry_after = getattr(error, "retry_after", None)
    if retry_after:
        wait = max(wait, now + timedelta(seconds=retry_after))
    base = before or EndpointState(url=url, source=source.name, kind=kind, checked_at=now)
    return replace(
        base,
        checked_at=now,
        status=getattr(error, "status", None),
        reason=error.reason,
        failures=failures,
        next_check_at=wait,
    )
