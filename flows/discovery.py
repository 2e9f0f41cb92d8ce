"""Discovery: ask a source's feeds, sitemaps and listing pages which articles there are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from flows.contents import Contents, Discovery, read_contents, within_window
from flows.endpoints import Poll, is_due
from flows.listing_pages import day_address, days_to_read, is_dated, page_address
from flows.selection import LONGEST_LOOK, LONGEST_WAIT, LOOKS_AT_ONCE, Found
from flows.sources import Source
from flows.workbench import Workbench
from parsers.errors import FetchError, ParseError
from parsers.sitemaps import children_to_read
from parsers.urls import canonical_url
from storage import EndpointState, PageState

MAX_SITEMAP_DEPTH = 3
MAX_CHILDREN = 20
"""Sitemaps of one index that a run reads at most; older ones are for a backfill."""

_NO_SUCH_PAGE = frozenset({404, 410})
# What was published while a sitemap was being read may stand in it only the next time.
_OVERLAP = timedelta(days=1)


async def discover(source: Source, bench: Workbench) -> Discovery:
    """Ask every feed, sitemap and listing of a source that is due, feeds first; failures are data.

    A feed that has run over (flows/gaps.py) makes sitemaps due at once, for the time of its gap; without
    sitemaps the listings.
    """
    known = await asyncio.to_thread(bench.store.endpoints, source.name)
    polls = await asyncio.to_thread(bench.store.polls)
    poll = Poll(source, bench, known, polls[source.name].rhythm if source.name in polls else "")
    for url in source.feeds:
        reading = await poll.read(url, "feed")
        if reading is not None and reading.gap_since is not None:
            poll.found.problems.append(_gap(source, url, reading.gap_since))
    gaps = _open_gaps(poll)
    answered_before = poll.found.answered
    start = min(gaps.values()) - _OVERLAP if gaps else None
    for url in source.sitemaps:
        since = poll.now if start is None else start
        await _read_sitemap(poll, url, since=since, urgent=bool(gaps), depth=1, seen={url})
    for url in source.listings:
        await _read_listing(poll, url, urgent=bool(gaps) and not source.sitemaps)
    _close_gaps(poll, gaps, answered_before)
    await _add_waiting(poll)
    return poll.found


def _gap(source: Source, url: str, since: datetime) -> str:
    looked = "the sitemaps are" if source.sitemaps else "the listings are" if source.listings else "no one is"
    return (
        f"{url}: gap: it shares no item with its last answer ({since:%Y-%m-%d %H:%M} UTC), so that some may "
        f"be lost; {looked} asked at once"
    )


def _open_gaps(poll: Poll) -> dict[str, datetime]:
    """The feeds with a gap that was not looked into, and when each gap began."""
    states = {**poll.known, **{state.url: state for state in poll.found.endpoints}}
    return {
        url: state.gap_since
        for url in poll.source.feeds
        if (state := states.get(url)) is not None and state.gap_since is not None
    }


def _close_gaps(poll: Poll, gaps: dict[str, datetime], answered_before: int) -> None:
    """Gaps are closed once something that could fill them has answered, or if there is nothing to ask.

    A sitemap that failed meanwhile is read back to its own last answer when it is tried again.
    """
    helpless = not poll.source.sitemaps and not poll.source.listings
    if not gaps or not (poll.found.answered > answered_before or helpless):
        return
    noted = {state.url for state in poll.found.endpoints}
    for url in gaps:
        if url not in noted:
            poll.found.endpoints.append(poll.known[url])
        poll.remember(url, gap_since=None)


def window_start(source: Source, before: EndpointState | None, now: datetime) -> datetime:
    """How far back sitemaps are read: the source's window, or the last answer if that is longer ago. Pure."""
    start = now - timedelta(days=source.window_days)
    if before is not None and before.answered_at is not None:
        start = min(start, before.answered_at - _OVERLAP)
    return start


async def _read_sitemap(
    poll: Poll, url: str, *, since: datetime, urgent: bool, depth: int, seen: set[str]
) -> None:
    """Read a sitemap and those below it, back to `since` or to its own last answer, whichever is earlier."""
    before = poll.known.get(url)
    since = min(since, window_start(poll.source, before, poll.now))
    kind = before.kind if before is not None and before.kind.startswith("sitemap") else "sitemap"
    reading = await poll.read(url, kind, since=since, urgent=urgent)
    if reading is None or not reading.contents.children:
        return
    if depth >= MAX_SITEMAP_DEPTH:
        poll.found.problems.append(f"{url}: sitemaps nested deeper than {MAX_SITEMAP_DEPTH} are not read")
        return
    chosen = children_to_read(
        reading.contents.children,
        since=since,
        now=poll.now,
        limit=MAX_CHILDREN,
        trust_lastmod=poll.source.trust_lastmod,
    )
    for child in chosen:
        if child.url not in seen:
            seen.add(child.url)
            await _read_sitemap(poll, child.url, since=since, urgent=urgent, depth=depth + 1, seen=seen)


async def _read_listing(poll: Poll, url: str, *, urgent: bool) -> None:
    if is_dated(url):
        await _read_days(poll, url, urgent=urgent)
        return
    before = poll.known.get(url)
    unfinished = before is not None and before.gap_since is not None
    met = set(poll.found.found)
    reading = await poll.read(url, "listing", urgent=urgent)
    if reading is None:
        return
    fresh = await _fresh(poll, reading.urls, met)
    try:
        if fresh or unfinished or urgent:
            await _read_further(poll, url, reading.contents, whole=unfinished or urgent)
    except (FetchError, ParseError) as error:
        # Its first page vouches for all of them: the next poll reads it again, and goes on from there.
        since = before.answered_at if before is not None else None
        poll.remember(url, gap_since=(before.gap_since if unfinished and before else since) or poll.now)
        poll.bench.note_wait(poll.source, error)
        poll.found.problems.append(f"{url}: {error.reason}: a further page: {error.message}")
    else:
        poll.remember(url, gap_since=None)


async def _read_days(poll: Poll, listing: str, *, urgent: bool) -> None:
    """Read a listing that has a page for each day: the days since its last answer."""
    if not poll.is_due(listing, urgent=urgent):
        return
    before = poll.known.get(listing)
    urls: list[str] = []
    try:
        for day in days_to_read(before.answered_at if before else None, poll.now):
            url = day_address(listing, day)
            contents, found = await _read_page(poll, url)
            urls.extend(found)
            urls.extend(await _read_further(poll, url, contents, whole=False))
    except (FetchError, ParseError) as error:
        poll.fail(listing, "listing", error)
    else:
        poll.answered(listing, "listing", tuple(urls))


async def _read_further(poll: Poll, first: str, contents: Contents, *, whole: bool) -> list[str]:
    """Follow a listing's further pages until one brings nothing new; with `whole` up to the limit.

    Raises FetchError and ParseError.
    """
    source = poll.source
    seen = {canonical_url(first)}
    urls: list[str] = []
    for number in range(2, source.listing_pages + 1):
        told = page_address(source.listing_pattern, first, number) if source.listing_pattern else None
        address = told or contents.next_page
        if address is None or not source.owns(address) or canonical_url(address) in seen:
            break
        seen.add(canonical_url(address))
        met = set(poll.found.found)
        try:
            contents, found = await _read_page(poll, address)
        except FetchError as error:
            if told is not None and error.status in _NO_SUCH_PAGE:
                break  # the address was made by the pattern: there are no more pages
            raise
        urls.extend(found)
        if not whole and not await _fresh(poll, found, met):
            break
    return urls


async def _read_page(poll: Poll, url: str) -> tuple[Contents, tuple[str, ...]]:
    """A page of which nothing is remembered but what it names. Raises FetchError and ParseError."""
    fetched = await poll.ask(url, "listing")
    contents = await asyncio.to_thread(read_contents, "listing", fetched)
    await poll.keep(url, "listing", fetched)
    return contents, poll.add(contents.links, url, "listing")


async def _fresh(poll: Poll, urls: tuple[str, ...], met: set[str]) -> bool:
    """Whether one of the URLs was never met before, neither in this poll (`met`) nor in an earlier one."""
    unknown = [url for url in urls if url not in met]
    if not unknown:
        return False
    known = await asyncio.to_thread(poll.bench.store.pages, poll.source.name, unknown)
    return len(known) < len(set(unknown))


async def _add_waiting(poll: Poll) -> None:
    """Add the pages that were put off, and the articles whose time for another look has come."""
    store, name, found = poll.bench.store, poll.source.name, poll.found
    for page in await asyncio.to_thread(store.pending, name, poll.now, LONGEST_WAIT):
        _add_known(poll, page)
    looks = await asyncio.to_thread(store.looks, name, poll.now, LONGEST_LOOK, LOOKS_AT_ONCE)
    for page in looks:
        _add_known(poll, page)
        found.found[page.url] = replace(found.found[page.url], look=True)


def _add_known(poll: Poll, page: PageState) -> None:
    if page.url in poll.found.found:
        return
    poll.found.found[page.url] = Found(
        page.url,
        page.found_in,
        page.hint_at,
        page.published_hint_at,
        article_id=poll.source.article_id(page.url),
    )
    # The pattern may have been narrowed since the page was put off.
    if not poll.source.is_article(page.url):
        poll.found.outside.add(page.url)


__all__ = [
    "MAX_CHILDREN",
    "MAX_SITEMAP_DEPTH",
    "Contents",
    "Discovery",
    "discover",
    "is_due",
    "read_contents",
    "window_start",
    "within_window",
]
