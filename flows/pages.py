"""Fetching and parsing of article pages in batches; what goes wrong with one page is data of its batch."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flows.fetching import Fetched, Validators
from flows.selection import MAX_ATTEMPTS, Found, retry_delay
from flows.sources import Source
from flows.workbench import LEFT_OVER, Workbench, captured
from parsers import parse_article
from parsers.article import Article, Rejection
from parsers.errors import FetchError, RefusedFetchError, StoreDamaged, TransientFetchError, UrlError
from parsers.urls import canonical_url
from storage import Captured, CaptureRow, End, Ending, Met, Offer, record_of

BATCH = 40


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """One page that was fetched now or by an interrupted run, and is kept in the archive."""

    met: Met
    url: str
    body: bytes
    content_type: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class FetchedBatch:
    """What a batch came to: pages to parse, and the ends of the others."""

    pages: tuple[FetchedPage, ...]
    ends: tuple[End, ...]


@dataclass(frozen=True, slots=True)
class ParsedBatch:
    """Records to offer, and the ends of the pages that gave none."""

    offers: tuple[Offer, ...]
    ends: tuple[End, ...]


async def fetch_batch(source: Source, batch: tuple[Found, ...], bench: Workbench) -> FetchedBatch:
    """Fetch a batch of pages at the pace that the source allows, and keep them before anything else."""
    since = bench.clock.now() - LEFT_OVER
    left_over = await asyncio.to_thread(bench.store.left_over, source.name, since)
    results = await asyncio.gather(*(_fetch(source, item, left_over, bench) for item in batch))
    to_keep: list[Captured] = []
    owners: list[int] = []
    for index, result in enumerate(results):
        if result.captured is not None:
            to_keep.append(result.captured)
            owners.append(index)
    ids = await bench.keep(to_keep)
    for index, capture_id in zip(owners, ids, strict=True):
        results[index] = results[index].with_capture(capture_id)
    return FetchedBatch(
        tuple(result.page for result in results if result.page is not None),
        tuple(result.end for result in results if result.end is not None),
    )


@dataclass(frozen=True, slots=True)
class _Result:
    page: FetchedPage | None = None
    end: End | None = None
    captured: Captured | None = None

    def with_capture(self, capture_id: int) -> _Result:
        page, end = self.page, self.end
        if page is not None:
            page = replace(page, met=replace(page.met, capture_id=capture_id))
        if end is not None:
            end = replace(end, met=replace(end.met, capture_id=capture_id))
        return _Result(page, end)


async def _fetch(source: Source, item: Found, left_over: dict[str, CaptureRow], bench: Workbench) -> _Result:
    old = left_over.get(item.url)
    if old is not None and old.status == 200 and (item.hint_at is None or item.hint_at <= old.fetched_at):
        page = await asyncio.to_thread(_from_archive, item, old, bench)
        if page is not None:
            bench.progress.page_done(source.name)
            return _Result(page)
    try:
        fetched = await bench.fetcher.get(
            item.url,
            policy=bench.policy(source),
            validators=Validators(item.etag, item.last_modified),
        )
    except (FetchError, UrlError) as error:
        bench.count(source, None)
        arrived = bench.fetcher.arrived(error) if isinstance(error, FetchError) else None
        kept = captured(source, "failed-page", item.url, arrived) if arrived and arrived.body else None
        return _Result(end=_end_of_failure(item, error, bench.clock.now()), captured=kept)
    finally:
        bench.progress.page_done(source.name)
    bench.count(source, fetched)
    met = _met(item, fetched)
    if fetched.not_modified:
        return _Result(end=End(met, Ending.UNCHANGED, "not-modified"))
    kept = captured(source, "page", item.url, fetched)
    return _Result(
        FetchedPage(met, fetched.url, fetched.body, fetched.content_type, item.attempts), None, kept
    )


def _from_archive(item: Found, row: CaptureRow, bench: Workbench) -> FetchedPage | None:
    """The page as an interrupted run kept it; None if it is not whole, so that it is fetched again."""
    try:
        body = bench.store.raw(row.id)
    except StoreDamaged:
        return None
    met = Met(
        item.url,
        item.found_in,
        item.hint_at,
        status=row.status,
        capture_id=row.id,
        fetched_at=row.fetched_at,
        etag=row.etag,
        last_modified=row.last_modified,
        payload_sha256=row.payload_sha256,
    )
    return FetchedPage(met, row.final_url, body, row.content_type, item.attempts)


def _met(item: Found, fetched: Fetched) -> Met:
    unchanged = fetched.not_modified
    return Met(
        item.url,
        item.found_in,
        item.hint_at,
        status=fetched.status,
        fetched_at=fetched.fetched_at,
        etag=fetched.etag or (item.etag if unchanged else None),
        last_modified=fetched.last_modified or (item.last_modified if unchanged else None),
        payload_sha256=None if unchanged else hashlib.sha256(fetched.body).hexdigest(),
    )


def _end_of_failure(item: Found, error: FetchError | UrlError, now: datetime) -> End:
    """How a URL ends whose request did not: refused is a decision, the rest may be tried again. Pure."""
    status = getattr(error, "status", None)
    met = replace(item.met, status=status)
    if isinstance(error, RefusedFetchError | UrlError):
        return End(met, Ending.REJECTED, error.reason, error.message)
    retry_after = timedelta(seconds=getattr(error, "retry_after", None) or 0)
    if error.reason in ("host-backoff", "robots-unavailable"):
        wait = max(retry_after, retry_delay(1))
        return End(met, Ending.DEFERRED, error.reason, error.message, retry_at=now + wait)
    return failure(
        met,
        error.reason,
        error.message,
        item.attempts,
        now,
        retry_after,
        transient=isinstance(error, TransientFetchError),
    )


def failure(
    met: Met,
    reason: str,
    detail: str,
    attempts: int,
    now: datetime,
    retry_after: timedelta = timedelta(0),
    *,
    transient: bool,
) -> End:
    """The end of a page that failed once more after `attempts` failures: tried again, or given up. Pure."""
    retry_at = None
    if transient and attempts + 1 < MAX_ATTEMPTS:
        retry_at = now + max(retry_delay(attempts + 1), retry_after)
    return End(met, Ending.FAILED, reason, detail, retry_at=retry_at)


def parse_batch(
    source: Source,
    pages: tuple[FetchedPage, ...],
    now: datetime,
    read: Callable[..., Article | Rejection] = parse_article,
) -> ParsedBatch:
    """Read each page into a record or a reason why it gives none; one bad page never harms the others."""
    offers: list[Offer] = []
    ends: list[End] = []
    for page in pages:
        result = _parse(source, page, now, read)
        if isinstance(result, Offer):
            offers.append(result)
        else:
            ends.append(result)
    return ParsedBatch(tuple(offers), tuple(ends))


def _parse(
    source: Source, page: FetchedPage, now: datetime, read: Callable[..., Article | Rejection]
) -> Offer | End:
    try:
        final = canonical_url(page.url)
    except UrlError as error:
        return End(page.met, Ending.REJECTED, error.reason, error.message)
    if final != page.met.url and not source.is_article(final):
        return End(page.met, Ending.REJECTED, "redirected-outside", f"redirected to {final}")
    try:
        parsed = read(
            page.body,
            final,
            content_type=page.content_type,
            parser=source.parser,
            language=source.language,
        )
    except Exception as error:  # a fault of ours must cost one page, not the run
        detail = f"{type(error).__name__}: {error}"
        return failure(page.met, "parser-error", detail, page.attempts, now, transient=True)
    if isinstance(parsed, Rejection):
        return End(page.met, Ending.REJECTED, parsed.reason.value, parsed.evidence)
    article = _with_own_url(source, parsed, final)
    fetched_at = page.met.fetched_at or now
    return Offer(
        page.met,
        record_of(article, source=source.name, fetched_at=fetched_at, payload_sha256=page.met.payload_sha256),
    )


def _with_own_url(source: Source, article: Article, final: str) -> Article:
    """A page may name any address as canonical; only an article address of its own site is believed."""
    try:
        told = canonical_url(article.canonical_url)
    except UrlError:
        told = final
    if not (source.owns(told) and source.is_article(told)):
        told = final
    return replace(article, canonical_url=told)
