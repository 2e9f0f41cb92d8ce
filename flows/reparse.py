"""Reparse: today's parsers over the pages in the archive, committed as a version of kind `reparse`.

The page of each document is the one that its newest revision was read from. What says the same as before is
not touched; what today's parser reads in another way becomes a revision, which keeps the identity, the time
and the raw page of the one before. A page that today's parser rejects, or that cannot be read, is told and
stays in the corpus as it is: a parser does not retract.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from flows.clock import Clock
from flows.ingest import new_run_id
from flows.seed import seed_record
from flows.settings import CODE_VERSION
from flows.sources import Source
from parsers import SeedDocument, SeedProblem, parse_article, parse_seed
from parsers.article import Article, Rejection
from parsers.errors import NotFound, StoreDamaged
from storage import CaptureRow, Change, Document, Met, Offer, Record, RunResult, SourcePart, Store, record_of
from storage.archive import read_payload
from storage.captures import read_captures
from storage.records import ContentOfRow

BATCH = 200
FIELDS = (
    "title", "lead", "paragraphs", "captions", "authors", "agency", "section", "tags", "language", "kind",
    "published_at", "published_precision",
)  # fmt: skip
"""The fields in which a record may differ from its revision before: those that make a new revision."""


@dataclass(frozen=True, slots=True)
class Readers:
    """What reads the archived bytes; tests put parsers of their own here."""

    article: Callable[..., Article | Rejection] = parse_article
    seed: Callable[[str, bytes], SeedDocument | SeedProblem] = parse_seed


@dataclass(frozen=True, slots=True)
class NotReparsed:
    """A document that gave no record today and stays as it is: why, and what was seen."""

    url: str
    source: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class ReparseReport:
    """What a reparse came to. `result` is None if nothing changed, or if it was a dry run."""

    looked_at: int
    unchanged: int
    changes: tuple[Change, ...]
    not_reparsed: tuple[NotReparsed, ...]
    result: RunResult | None

    def fields(self) -> dict[str, int]:
        """How many documents changed in each field, the most frequent first."""
        counts: Counter[str] = Counter()
        for change in self.changes:
            if change.old is not None and change.new is not None:
                counts.update(changed_fields(change.old.record, change.new.record))
        return dict(counts.most_common())


def changed_fields(old: Record, new: Record) -> tuple[str, ...]:
    """The fields in which two records of a document differ. Pure."""
    return tuple(name for name in FIELDS if getattr(old, name) != getattr(new, name))


def reparse(
    store: Store,
    sources: Mapping[str, Source],
    *,
    clock: Clock,
    rng: random.Random,
    only_source: str | None = None,
    since: datetime | None = None,
    dry_run: bool = False,
    readers: Readers | None = None,
    advance: Callable[[], None] = lambda: None,
) -> ReparseReport:
    """Read every archived page again and commit what today's parsers see differently.

    `sources` say which parser reads a page; the pages of a source that is not among them are read as
    `auto`. `since`: only pages that were fetched at this time or later. With `dry_run` nothing is written.
    Raises NotFound (`empty-store`, or `no-such-source` if no document is from `only_source`).
    """
    readers = readers or Readers()
    looked_at = unchanged = 0
    offers: dict[str, list[Offer]] = {}
    changes: list[Change] = []
    told: list[NotReparsed] = []
    version = store.version()
    with store.documents(version) as documents:
        chosen = _chosen(documents, only_source, since, advance)
        while batch := list(islice(chosen, BATCH)):
            captures = _captures(store, batch)
            for document in batch:
                looked_at += 1
                read = _read(store, document, captures, sources, readers)
                if isinstance(read, NotReparsed):
                    told.append(read)
                elif read.record.same_content(ContentOfRow.of(document.record)):
                    unchanged += 1
                else:
                    offers.setdefault(document.record.source, []).append(read)
                    changes.append(_change(document, read.record, version.id + 1))
    result = None
    if offers and not dry_run:
        result = _commit(store, offers, only_source, clock, rng)
    return ReparseReport(looked_at, unchanged, tuple(changes), tuple(told), result)


def _chosen(
    documents: Iterator[Document],
    only_source: str | None,
    since: datetime | None,
    advance: Callable[[], None],
) -> Iterator[Document]:
    there: set[str] = set()
    for document in documents:
        record = document.record
        there.add(record.source)
        if only_source in (None, record.source) and (since is None or record.fetched_at >= since):
            yield document
        advance()
    if only_source is not None and only_source not in there:
        raise NotFound(
            f"no document is from a source {only_source!r}",
            reason="no-such-source",
            hint=f"there are documents from: {', '.join(sorted(there))}",
        )


def _captures(store: Store, batch: list[Document]) -> dict[int, CaptureRow]:
    ids = [document.capture_id for document in batch if document.capture_id is not None]
    with store.reading() as connection:
        return read_captures(connection, ids)


def _read(
    store: Store,
    document: Document,
    captures: Mapping[int, CaptureRow],
    sources: Mapping[str, Source],
    readers: Readers,
) -> Offer | NotReparsed:
    """The record that today's parser reads from a document's page, as an offer to replace its revision."""
    old = document.record

    def told(reason: str, detail: str) -> NotReparsed:
        return NotReparsed(old.url, old.source, reason, detail)

    row = captures.get(document.capture_id or 0)
    if row is None:
        return told("no-capture", "no raw page is kept of it")
    try:
        body = read_payload(store.archive_folder, row.file, row.offset, row.length, row.payload_sha256)
    except (StoreDamaged, NotFound) as error:
        return told(error.reason, error.message)
    source = sources.get(old.source)
    try:
        if row.kind == "seed":
            parsed: Article | Rejection | SeedDocument | SeedProblem = readers.seed(_seed_name(old.url), body)
        else:
            parsed = readers.article(
                body,
                row.final_url,
                content_type=row.content_type,
                parser=source.parser if source else "auto",
                language=source.language if source else "vi",
            )
    except Exception as error:  # a fault of ours must cost one page, not the run
        return told("parser-error", f"{type(error).__name__}: {error}")
    if isinstance(parsed, Rejection):
        return told(parsed.reason.value, parsed.evidence)
    if isinstance(parsed, SeedProblem):
        return told(parsed.reason, parsed.message)
    met = Met(
        row.url,
        "archive",
        status=row.status,
        capture_id=row.id,
        payload_sha256=row.payload_sha256,
        seen=False,
    )
    return Offer(met, _record(parsed, old), replaces=document.revision_id)


def _record(parsed: Article | SeedDocument, old: Record) -> Record:
    """Today's reading as a revision of the same document, whatever address the page calls its own."""
    if isinstance(parsed, SeedDocument):
        new = seed_record(parsed, old.payload_sha256, old.fetched_at)
    else:
        new = record_of(
            parsed, source=old.source, fetched_at=old.fetched_at, payload_sha256=old.payload_sha256
        )
    return replace(new, url=old.url, source=old.source)


def _seed_name(url: str) -> str:
    """A file name for a seed's bytes; its running number is no part of the record."""
    return f"000_{url.removeprefix('seed:')}.txt"


def _change(old: Document, record: Record, version_id: int) -> Change:
    return Change("revised", old, old.followed_by(record, version_id))


def _commit(
    store: Store,
    offers: Mapping[str, list[Offer]],
    only_source: str | None,
    clock: Clock,
    rng: random.Random,
) -> RunResult:
    now = clock.now()
    run_id = new_run_id(now, rng)
    message = f"reparse of {only_source}" if only_source else "reparse"
    store.begin_run(run_id, "reparse", message, now)
    try:
        parts = [SourcePart(source, tuple(found)) for source, found in sorted(offers.items())]
        return store.commit_run(run_id, "reparse", message, parts, now, CODE_VERSION)
    except BaseException as error:
        store.fail_run(run_id, f"{type(error).__name__}: {error}", clock.now())
        raise
