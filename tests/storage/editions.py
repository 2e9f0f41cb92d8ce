"""Made-up runs for the fault tests: a store with some versions, and the next run to commit on it.

`settle` makes versions 1 to 3; `next_run` is one run of some thirty offers (new, revised, unchanged, twins)
from two sources, with captures, failures, endpoints and polls. Both give the same for the same arguments.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from parsers.article import Paragraph
from storage import (
    Captured,
    End,
    Ending,
    EndpointState,
    Met,
    Offer,
    Record,
    RunResult,
    SourcePart,
    SourcePoll,
    Store,
)
from storage.archive import Payload
from storage.checkpoint import Head, read_head
from storage.hashing import chain_hash, merkle_root
from storage.tables import Capture, IngestRun, Kin, Outcome, Revision, RunSource, Sketch, table_of
from storage.versions import VersionRow
from tests.conftest import START

SOURCES = ("a", "b")
KNOWN = 12
NEW = 14
CODE = "test"
_SENTENCE = "người dân trong xã cho biết con đường mới giúp việc đi lại thuận tiện hơn trước"
_WORDS = _SENTENCE.split()


def article(source: str, number: int, edition: int = 1, **changes: object) -> Record:
    """Article `number` of a source as it stands in an edition; no two numbers share a text."""
    words = " ".join(_WORDS[(number + n) % len(_WORDS)] for n in range(40))
    body = tuple(Paragraph(f"{words} ở nơi {source} thứ {number}, đoạn {n}.") for n in range(4))
    changed = (Paragraph(f"Cập nhật lần {edition}."),) if edition > 1 else ()
    record = Record(
        url=f"http://{source}.example/bai-{number}.html",
        source=source,
        record_kind="article",
        title=f"Con đường số {number}",
        lead=f"Tin {source} {number}.",
        paragraphs=body + changed,
        captions=(),
        authors=("Lê Hà",),
        agency=None,
        published_at=START + timedelta(minutes=number),
        published_precision="minute",
        modified_at=None,
        section=None,
        tags=("đường",),
        language="vi",
        kind="article",
        parser="generic",
        parser_version="1",
        fetched_at=START,
        payload_sha256=hashlib.sha256(page(source, number, edition)).hexdigest(),
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def page(source: str, number: int, edition: int = 1) -> bytes:
    return f"<html><body>{source} {number} {edition} {'tin tức ' * 200}</body></html>".encode()


def settle(store: Store, now: datetime = START) -> None:
    """Versions 1 to 3: the known articles of both sources in three portions."""
    for number in range(3):
        portion = range(number * KNOWN // 3, (number + 1) * KNOWN // 3)
        records = [article(source, n) for source in SOURCES for n in portion]
        run(store, f"settle-{number}", records, now + timedelta(hours=number))


def run(store: Store, run_id: str, records: list[Record], now: datetime) -> RunResult:
    """Begin and commit a run of these records, without captures."""
    store.begin_run(run_id, "ingest", run_id, now)
    parts = [
        SourcePart(
            source,
            tuple(
                Offer(Met(r.url, "feed", fetched_at=now, payload_sha256=r.payload_sha256), r)
                for r in records
                if r.source == source
            ),
        )
        for source in sorted({r.source for r in records})
    ]
    return store.commit_run(run_id, "ingest", "test", parts, now, CODE)


def next_records(source: str) -> list[Record]:
    """What a source offers in the next run."""
    changed = [article(source, n, 2) for n in range(3)]
    same = [article(source, n) for n in range(3, 5)]
    new = [article(source, n) for n in range(KNOWN, KNOWN + NEW // 2)]
    reprint = article(source, KNOWN, url=f"http://{source}.example/bai-in-lai.html", title="Bản in lại")
    copied = replace(
        article("a", 5), url=f"http://{source}.example/bai-chep.html", source=source, lead="Khác."
    )
    return [*changed, *same, *new, reprint, copied]


def next_run(store: Store, run_id: str, now: datetime = START + timedelta(days=1)) -> RunResult:
    """Begin the next run, keep its pages and commit it."""
    store.begin_run(run_id, "ingest", run_id, now)
    parts = []
    with store.archive_writer(run_id, now, CODE) as archive:
        for source in SOURCES:
            records = next_records(source)
            captured = [_captured(source, record, now) for record in records[:2]]
            ids = [*store.capture(run_id, archive, captured), *[None] * len(records)]
            offers = tuple(
                Offer(
                    Met(r.url, "feed", capture_id=i, fetched_at=now, payload_sha256=r.payload_sha256),
                    replace(r, fetched_at=now),
                )
                for r, i in zip(records, ids, strict=False)
            )
            gone = Met(f"http://{source}.example/bai-99.html", "feed", status=404)
            known = Met(f"http://{source}.example/bai-{KNOWN - 1}.html", "feed")
            feed = f"http://{source}.example/feed.xml"
            parts.append(
                SourcePart(
                    source,
                    offers,
                    (
                        End(gone, Ending.FAILED, "http-404"),
                        End(known, Ending.UNCHANGED, "known", skipped=True),
                    ),
                    (EndpointState(feed, source, "feed", now, etag=f'"{source}2"', status=200),),
                    SourcePoll(source, now, now + timedelta(minutes=30), reason="polled"),
                )
            )
    return store.commit_run(run_id, "ingest", "test", parts, now, CODE)


def _captured(source: str, record: Record, now: datetime) -> Captured:
    number = int(record.url.rsplit("-", 1)[1].removesuffix(".html"))
    edition = 2 if len(record.paragraphs) > 4 else 1
    payload = Payload(record.url, now, page(source, number, edition), status=200, content_type="text/html")
    return Captured(source, "page", record.url, payload)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store holds, as far as it must not depend on how often a run was killed."""

    documents: tuple[tuple[str, int, str, str], ...]
    leaves: tuple[tuple[str, int, str], ...]
    endpoints: tuple[EndpointState, ...]
    polls: tuple[SourcePoll, ...]
    sketches: tuple[tuple[str, int, bytes], ...]
    kin: frozenset[tuple[str, str, str, float | None]]

    @staticmethod
    def of(store: Store) -> Contents:
        with store.documents(store.version()) as documents:
            found = sorted((d.record.url, d.rev, d.record.title, d.record.text) for d in documents)
        endpoints = (state for source in SOURCES for state in store.endpoints(source).values())
        return Contents(
            tuple(found),
            tuple(sorted((url, rev, leaf) for _, _, url, rev, leaf in revisions(store))),
            tuple(endpoints),
            tuple(poll for _, poll in sorted(store.polls().items())),
            tuple(sorted(_sketches(store))),
            frozenset(_kin(store)),
        )


def _sketches(store: Store) -> list[tuple[str, int, bytes]]:
    revision, sketch = table_of(Revision), table_of(Sketch)
    query = select(revision.c.url, revision.c.rev, sketch.c.data).join(
        sketch, sketch.c.revision_id == revision.c.id
    )
    with store.reading() as connection:
        return [(url, rev, bytes(data)) for url, rev, data in connection.execute(query)]


def _kin(store: Store) -> list[tuple[str, str, str, float | None]]:
    table = table_of(Kin)
    query = select(table.c.url, table.c.relation, table.c.partner_url, table.c.jaccard)
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(query)]


def revisions(store: Store) -> list[tuple[int, int, str, int, str]]:
    """Id, version, URL, number and leaf of every revision, in the order of ids."""
    table = table_of(Revision)
    columns = (table.c.id, table.c.version_id, table.c.url, table.c.rev, table.c.leaf)
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(table.c.id))]


def check_sound(store: Store) -> None:
    """Each version follows from its revisions and its parent; no document is there twice, no ledger half."""
    versions = store.versions()
    rows = revisions(store)
    parent: VersionRow | None = None
    for version in versions:
        assert version.id == (parent.id if parent else 0) + 1
        assert version.parent_id == (parent.id if parent else None)
        assert version.lo == (parent.hi if parent else 0) + 1
        own = [(i, bytes.fromhex(leaf)) for i, version_id, _, _, leaf in rows if version_id == version.id]
        assert [i for i, _ in own] == list(range(version.lo, version.hi + 1))
        assert merkle_root([leaf for _, leaf in own]).hex() == version.delta_root
        above = bytes.fromhex(parent.chain) if parent else None
        assert chain_hash(above, version.header()).hex() == version.chain
        assert len({url for i, _, url, _, _ in rows if i <= version.hi}) == version.documents
        parent = version
    assert len(rows) == (parent.hi if parent else 0), "revisions without a version"
    with store.reading() as connection:
        run, sums, outcome = table_of(IngestRun), table_of(RunSource), table_of(Outcome)
        ended = set(connection.execute(select(run.c.run_id).where(run.c.state != "running")).scalars())
        for ledger in (sums, outcome):
            assert set(connection.execute(select(ledger.c.run_id)).scalars()) <= ended, "a ledger half there"
        named = set(connection.execute(select(run.c.version_id).where(run.c.version_id > 0)).scalars())
    assert named == {version.id for version in versions}


def check_captures(store: Store) -> int:
    """Every row of the index gives its page; gives how many there are."""
    with store.reading() as connection:
        ids = list(connection.execute(select(table_of(Capture).c.id)).scalars())
    for capture_id in ids:
        assert store.raw(capture_id)
    return len(ids)


def check_checkpoint(store: Store) -> None:
    """HEAD.json names the last version."""
    last = store.version()
    assert read_head(store.home) == Head(store.store_id, last.id, last.chain)
