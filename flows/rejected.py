"""Rejected pages read again: from the archive, by today's parsers, committed as a version of kind `reparse`.

Nothing is fetched. What is an article today is appended, or revises the document of its page unless that was
revised since; what is rejected again stays so. The pages of one source are judged together (flows/drift.py):
if they still drift from the past, none of that parser is appended, unless the new shape is accepted, which
forgets the past. What a source turns away as off-topic (flows/gate.py) stays out. All is one commit: a call
that is killed leaves nothing, and the same call starts again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from flows.clock import Clock
from flows.gate import Gate, recorded
from flows.ingest import new_run_id
from flows.pages import FetchedPage, parse_batch
from flows.quarantine import DRIFT, judge
from flows.selection import Found, next_look
from flows.settings import CODE_VERSION
from flows.sources import Source
from parsers import parse_article
from parsers.article import Article, Rejection
from parsers.errors import NotFound, StoreDamaged
from parsers.shape import Shape
from storage import (
    CaptureRow,
    End,
    Ending,
    Met,
    Offer,
    Record,
    Rejected,
    RunResult,
    ShapeRow,
    SourcePart,
    Store,
)
from storage.archive import read_payload
from storage.captures import read_captures
from storage.ledger_rows import CHUNK
from storage.rejected import TAKEN_OUT

BATCH = 200


@dataclass(frozen=True, slots=True)
class Still:
    """A page that stays rejected: why, and what was seen today."""

    url: str
    source: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class RetryReport:
    """What reading again came to. `result` is None if nothing was to be written.

    `drifts` tell, by source, what still differs from the past: pages of it stay set aside.
    """

    looked_at: int
    still: tuple[Still, ...]
    drifts: Mapping[str, tuple[str, ...]]
    result: RunResult | None


@dataclass(slots=True)
class _Read:
    """What the pages of one source gave."""

    offers: list[Offer] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    still: list[Still] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)


def retry_rejected(
    store: Store,
    sources: Mapping[str, Source],
    chosen: Sequence[Rejected],
    *,
    clock: Clock,
    rng: random.Random,
    accept: bool = False,
    gates: Mapping[str, Gate] | None = None,
    read: Callable[..., Article | Rejection] = parse_article,
    advance: Callable[[], None] = lambda: None,
) -> RetryReport:
    """Read rejected pages again and append those that are articles now.

    `chosen` are pages as `Store.rejected` gives them; those of a source that is not among `sources` stay.
    With `accept` the shape that they have now is what later runs are compared with, and no other. `gates` are
    those of sources that keep to topics, by name.
    """
    now = clock.now()
    run_id = new_run_id(now, rng)
    by_source: dict[str, list[Rejected]] = {}
    for page in chosen:
        by_source.setdefault(page.source, []).append(page)
    parts: list[SourcePart] = []
    still: list[Still] = []
    drifts: dict[str, tuple[str, ...]] = {}
    for name, pages in sorted(by_source.items()):
        source = sources.get(name)
        if source is None:
            still.extend(Still(p.url, name, "no-such-source", "there is no source file of it") for p in pages)
            continue
        found = _read_pages(store, source, pages, now, read, advance)
        still.extend(found.still)
        past: list[ShapeRow] = [] if accept else [row for row in store.shapes(name) if not row.drift]
        judged = judge(name, found.offers, found.shapes, past, run_id, now)
        still.extend(Still(end.met.url, name, end.reason, end.detail) for end in judged.ends)
        if judged.drifts:
            drifts[name] = tuple(str(drift) for drift in judged.drifts)
        gate = (gates or {}).get(name) or Gate(name)
        passed = gate.after(judged.offers, frozenset(p.url for p in pages if p.record_url is not None))
        told = {page.url: (page.reason, page.detail) for page in pages}
        turned = [end for end in passed.ends if told[end.met.url] != (end.reason, end.detail)]
        still.extend(Still(end.met.url, name, end.reason, end.detail) for end in passed.ends)
        ends = tuple(end for end in found.ends if end.reason != DRIFT or not judged.drifts)
        ends = (*ends, *turned)
        whole = not judged.drifts and _is_whole(store, name, pages)
        if passed.offers or ends or (accept and pages):
            forget = "all" if accept else "drifted" if whole else ""
            shapes = judged.rows if accept or whole else ()
            left_out = recorded(passed.left_out, turned)
            parts.append(
                SourcePart(name, passed.offers, ends, shapes=shapes, forget=forget, left_out=left_out)
            )
    result = _commit(store, run_id, parts, now, clock) if parts else None
    return RetryReport(len(chosen), tuple(still), drifts, result)


def _is_whole(store: Store, source: str, pages: Sequence[Rejected]) -> bool:
    """Whether all pages of the source that were set aside are among these: then the drift is over."""
    aside = {page.url for page in store.rejected(source=source, reason=DRIFT)}
    return aside <= {page.url for page in pages} and bool(aside)


def _read_pages(
    store: Store,
    source: Source,
    pages: Sequence[Rejected],
    now: datetime,
    read: Callable[..., Article | Rejection],
    advance: Callable[[], None],
) -> _Read:
    found = _Read()
    for start in range(0, len(pages), BATCH):
        batch = pages[start : start + BATCH]
        before = {page.url: page for page in batch}
        fetched = _from_archive(store, source, batch, now, found)
        parsed = parse_batch(source, fetched, now, read)
        found.shapes.update(parsed.shapes)
        found.offers.extend(_after_newest(store, offer, before[offer.met.url]) for offer in parsed.offers)
        for end in parsed.ends:
            old = before[end.met.url]
            told = (end.ending, end.reason, end.detail)
            if end.ending is Ending.REJECTED and told != (Ending.REJECTED, old.reason, old.detail):
                # A wall that was saved is no reason to ask again: that was decided when it was met.
                found.ends.append(replace(end, retry_at=None))
            found.still.append(Still(end.met.url, source.name, end.reason, end.detail))
        for _ in batch:
            advance()
    return found


def _from_archive(
    store: Store, source: Source, batch: Sequence[Rejected], now: datetime, found: _Read
) -> tuple[FetchedPage, ...]:
    """The raw pages of a batch; those that cannot be had are told in `found`."""
    ids = [page.capture_id for page in batch if page.capture_id is not None]
    rows: dict[int, CaptureRow] = {}
    with store.reading() as connection:
        for start in range(0, len(ids), CHUNK):
            rows |= read_captures(connection, ids[start : start + CHUNK])
    states = store.pages(source.name, [page.url for page in batch])
    fetched = []
    for page in batch:
        row, state = rows.get(page.capture_id or 0), states[page.url]
        if page.reason == TAKEN_OUT:
            found.still.append(Still(page.url, page.source, page.reason, "it was taken out of the corpus"))
            continue
        if row is None:
            told = page.detail or "no raw page is kept of it"
            found.still.append(Still(page.url, page.source, page.reason, told))
            continue
        try:
            body = read_payload(store.archive_folder, row.file, row.offset, row.length, row.payload_sha256)
        except (StoreDamaged, NotFound) as error:
            found.still.append(Still(page.url, page.source, error.reason, error.message))
            continue
        item = Found(page.url, page.found_in, state.hint_at, state.published_hint_at)
        met = Met(
            page.url,
            page.found_in,
            state.hint_at,
            state.published_hint_at,
            status=row.status,
            capture_id=row.id,
            fetched_at=row.fetched_at,
            etag=row.etag,
            last_modified=row.last_modified,
            payload_sha256=row.payload_sha256,
            look_at=next_look(item, state, now),
            article_id=state.article_id,
        )
        fetched.append(FetchedPage(met, row.final_url, body, row.content_type, 0, state.record_url))
    return tuple(fetched)


def records_of(
    store: Store, sources: Mapping[str, Source], pages: Sequence[Rejected], now: datetime
) -> Iterator[Record]:
    """What today's parsers read in rejected pages whose raw page is kept; nothing is decided or written."""
    by_source: dict[str, list[Rejected]] = {}
    for page in pages:
        if page.source in sources:
            by_source.setdefault(page.source, []).append(page)
    for name, chosen in sorted(by_source.items()):
        for start in range(0, len(chosen), BATCH):
            batch = chosen[start : start + BATCH]
            fetched = _from_archive(store, sources[name], batch, now, _Read())
            yield from (offer.record for offer in parse_batch(sources[name], fetched, now).offers)


def _after_newest(store: Store, offer: Offer, page: Rejected) -> Offer:
    """The offer, bound to the revision that it may follow: one that was read before its page was fetched.

    The page is old: what its document says since then must stay.
    """
    history = store.history(offer.record.url)
    owner = offer.record.url in (page.url, page.record_url) or offer.moved
    if not history or not owner:
        return offer
    newest = history[-1]
    older = newest.record.fetched_at <= offer.record.fetched_at
    # No revision has the id 0: the commit then says that there is a newer one.
    return replace(offer, replaces=newest.revision_id if older else 0)


def _commit(store: Store, run_id: str, parts: Sequence[SourcePart], now: datetime, clock: Clock) -> RunResult:
    store.begin_run(run_id, "reparse", "rejected pages read again", now)
    try:
        return store.commit_run(run_id, "reparse", "rejected pages read again", parts, now, CODE_VERSION)
    except BaseException as error:
        store.fail_run(run_id, f"{type(error).__name__}: {error}", clock.now())
        raise
