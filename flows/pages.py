"""Fetching and parsing of article pages in batches; what goes wrong with one page is data of its batch."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from flows.fetching import Fetched, Validators
from flows.selection import MAX_ATTEMPTS, Found, retry_delay
from flows.sources import Source
from flows.workbench import Workbench, captured
from parsers import parse_article
from parsers.article import Article, Rejection, RejectReason
from parsers.errors import (
    FetchError,
    NotFound,
    RefusedFetchError,
    StoreDamaged,
    StoreError,
    TransientFetchError,
    UrlError,
)
from parsers.shape import Shape, shape_of
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
    record_url: str | None = None
    """The document that the page is known to be."""


@dataclass(frozen=True, slots=True)
class FetchedBatch:
    """What a batch came to: pages to parse, and the ends of the others."""

    pages: tuple[FetchedPage, ...]
    ends: tuple[End, ...]


@dataclass(frozen=True, slots=True)
class ParsedBatch:
    """Records to offer, the ends of the pages that gave none, and what all that were read were like."""

    offers: tuple[Offer, ...]
    ends: tuple[End, ...]
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    """By the URL of the page as it was met."""


async def fetch_batch(
    source: Source, batch: tuple[Found, ...], left_over: Mapping[str, CaptureRow], bench: Workbench
) -> FetchedBatch:
    """Fetch a batch of pages at the pace that the source allows, and keep them before anything else.

    `left_over` are pages that an interrupted run has fetched already, by URL.
    """
    keeper = _Keeper(bench)
    tasks = [asyncio.create_task(_fetch(source, item, left_over, bench)) for item in batch]
    try:
        for next_result in asyncio.as_completed(tasks):
            await keeper.take(await next_result)
        await keeper.flush()
    finally:
        # A fault in one must not leave the others asking a site that nobody listens to any more.
        for task in tasks:
            task.cancel()
    order = {item.url: number for number, item in enumerate(batch)}
    pages = sorted(keeper.pages, key=lambda page: order[page.met.url])
    return FetchedBatch(tuple(pages), tuple(keeper.ends))


KEEP_AT_ONCE = 10
"""So many pages at most are lost when the process is killed; the others are in the archive."""


class _Keeper:
    """Puts results into the archive a few at a time, and gathers what is to be parsed and what has ended."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._waiting: list[_Result] = []
        self.pages: list[FetchedPage] = []
        self.ends: list[End] = []

    async def take(self, result: _Result) -> None:
        self._waiting.append(result)
        if len(self._waiting) >= KEEP_AT_ONCE:
            await self.flush()

    async def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        to_keep = [result for result in waiting if result.captured is not None]
        ids = await self._bench.keep([result.captured for result in to_keep if result.captured is not None])
        kept = [result.with_capture(number) for result, number in zip(to_keep, ids, strict=True)]
        for result in [*kept, *(result for result in waiting if result.captured is None)]:
            if result.page is not None:
                self.pages.append(result.page)
            if result.end is not None:
                self.ends.append(result.end)


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


async def _fetch(
    source: Source, item: Found, left_over: Mapping[str, CaptureRow], bench: Workbench
) -> _Result:
    """Fetch one page. Whatever goes wrong with it is its own end; only a store that fails ends the run."""
    try:
        old = left_over.get(item.url)
        if old is not None and old.status == 200 and not _changed_since(item, old.fetched_at):
            page = await asyncio.to_thread(_from_archive, item, old, bench)
            if page is not None:
                return _Result(page)
        return await _ask(source, item, bench)
    except (FetchError, UrlError) as error:
        bench.note_wait(source, error)
        arrived = bench.fetcher.arrived(error) if isinstance(error, FetchError) else None
        kept = captured(source, "failed-page", item.url, arrived) if arrived and arrived.body else None
        return _Result(end=end_of_failure(item, error, bench.clock.now()), captured=kept)
    except StoreError:
        raise
    except Exception as error:  # a fault of ours must cost one page, not the batch
        detail = f"{type(error).__name__}: {error}"
        end = failure(item.met, "fetcher-error", detail, item.attempts, bench.clock.now())
        return _Result(end=end)
    finally:
        bench.progress.page_done(source.name)


async def _ask(source: Source, item: Found, bench: Workbench) -> _Result:
    fetched = await bench.fetcher.get(
        item.url,
        policy=bench.policy(source),
        validators=Validators(item.etag, item.last_modified),
    )
    bench.count(source, fetched)
    met = _met(item, fetched)
    if fetched.not_modified:
        return _Result(end=End(met, Ending.UNCHANGED, "not-modified"))
    page = FetchedPage(met, fetched.url, fetched.body, fetched.content_type, item.attempts, item.record_url)
    return _Result(page, None, captured(source, "page", item.url, fetched))


def _changed_since(item: Found, fetched_at: datetime) -> bool:
    return any(told is not None and told > fetched_at for told in (item.hint_at, item.published_hint_at))


def _from_archive(item: Found, row: CaptureRow, bench: Workbench) -> FetchedPage | None:
    """The page as an interrupted run kept it; None if it is not whole or purged: then it is fetched again."""
    try:
        body = bench.store.raw(row.id)
    except (StoreDamaged, NotFound):
        return None
    met = replace(
        item.met,
        status=row.status,
        capture_id=row.id,
        fetched_at=row.fetched_at,
        etag=row.etag,
        last_modified=row.last_modified,
        payload_sha256=row.payload_sha256,
    )
    return FetchedPage(met, row.final_url, body, row.content_type, item.attempts, item.record_url)


def _met(item: Found, fetched: Fetched) -> Met:
    unchanged = fetched.not_modified
    return replace(
        item.met,
        status=fetched.status,
        fetched_at=fetched.fetched_at,
        etag=fetched.etag or (item.etag if unchanged else None),
        last_modified=fetched.last_modified or (item.last_modified if unchanged else None),
        payload_sha256=None if unchanged else hashlib.sha256(fetched.body).hexdigest(),
    )


# These say nothing of the page: our line is down, or the host is. No look is counted, none is given up.
_OUT_OF_REACH = frozenset({"dns-failed", "connect-failed", "host-backoff", "host-busy", "robots-unavailable"})
# These will be the same tomorrow: the page is gone, or too large, or no page at all.
_FINAL = frozenset({"http-410", "too-large", "bomb", "not-html", "bad-scheme", "bad-port"})
# Decisions that may be taken back: robots.txt is changed, a name leads into a private network for an hour.
_REVOCABLE = frozenset({"robots-disallowed", "private-address"})
_DAY = timedelta(days=1)


def end_of_failure(item: Found, error: FetchError | UrlError, now: datetime) -> End:
    """How a URL ends whose request did not: put off, refused, or failed and tried again. Pure.

    Also what a server calls permanent is tried again, a day later: firewalls, expired certificates and
    overload answer 403 and 404 for an hour.
    """
    met = replace(item.met, status=getattr(error, "status", None))
    if error.reason in _OUT_OF_REACH:
        wait = max(timedelta(seconds=getattr(error, "retry_after", None) or 0), retry_delay(2))
        return End(met, Ending.DEFERRED, error.reason, error.message, retry_at=now + wait)
    if isinstance(error, RefusedFetchError | UrlError):
        again = error.reason in _REVOCABLE and item.attempts + 1 < MAX_ATTEMPTS
        return End(met, Ending.REJECTED, error.reason, error.message, retry_at=now + _DAY if again else None)
    if error.reason in _FINAL:
        return End(met, Ending.FAILED, error.reason, error.message)
    wait = timedelta(seconds=error.retry_after or 0)
    if not isinstance(error, TransientFetchError):
        wait = max(wait, _DAY)
    attempts = 2 if error.reason == "http-404" else MAX_ATTEMPTS
    return failure(met, error.reason, error.message, item.attempts, now, wait=wait, attempts_allowed=attempts)


def failure(
    met: Met,
    reason: str,
    detail: str,
    attempts: int,
    now: datetime,
    *,
    wait: timedelta = timedelta(0),
    attempts_allowed: int = MAX_ATTEMPTS,
) -> End:
    """The end of a page that failed once more after `attempts` failures: tried again, or given up. Pure."""
    retry_at = None
    if attempts + 1 < attempts_allowed:
        retry_at = now + max(retry_delay(attempts + 1), wait)
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
    shapes: dict[str, Shape] = {}
    for page in pages:
        result, shape = _parse(source, page, now, read)
        if shape is not None:
            shapes[page.met.url] = shape
        if isinstance(result, Offer):
            offers.append(result)
        else:
            ends.append(result)
    return ParsedBatch(tuple(offers), tuple(ends), shapes)


def _parse(
    source: Source, page: FetchedPage, now: datetime, read: Callable[..., Article | Rejection]
) -> tuple[Offer | End, Shape | None]:
    try:
        final = canonical_url(page.url)
    except UrlError as error:
        return End(page.met, Ending.REJECTED, error.reason, error.message), None
    if final != page.met.url and not source.is_article(final):
        return End(page.met, Ending.REJECTED, "redirected-outside", f"redirected to {final}"), None
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
        return failure(page.met, "parser-error", detail, page.attempts, now), None
    if isinstance(parsed, Rejection):
        # A wall is put up for an hour and for everyone: behind it may be an article.
        again = parsed.reason is RejectReason.CHALLENGE_PAGE and page.attempts + 1 < MAX_ATTEMPTS
        retry_at = now + _DAY if again else None
        end = End(page.met, Ending.REJECTED, parsed.reason.value, parsed.evidence, retry_at=retry_at)
        return end, shape_of(parsed)
    article = _with_own_url(source, parsed, final)
    moved = _same_article(source, page.record_url, article.canonical_url)
    if moved and page.record_url is not None:
        # The address changed with the headline: the document keeps the one under which it is known.
        article = replace(article, canonical_url=page.record_url)
    fetched_at = page.met.fetched_at or now
    record = record_of(
        article, source=source.name, fetched_at=fetched_at, payload_sha256=page.met.payload_sha256
    )
    # Worked out here, beside fetching, the commit need not do it.
    _ = record.facts
    return Offer(page.met, record, moved=moved), shape_of(parsed)


def _same_article(source: Source, known: str | None, told: str) -> bool:
    """Whether two addresses carry the site's number of one article."""
    number = source.article_id(known) if known is not None else None
    return number is not None and number == source.article_id(told)


def _with_own_url(source: Source, article: Article, final: str) -> Article:
    """A page may name any address as canonical; only an article address of its own site is believed."""
    try:
        told = canonical_url(article.canonical_url)
    except UrlError:
        told = final
    if not (source.owns(told) and source.is_article(told)):
        told = final
    return replace(article, canonical_url=told)
