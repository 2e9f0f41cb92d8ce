"""The commit: one transaction that decides what each offered record is and appends one version.

The decision itself (`decide`) is a pure function; what it looks at is read under the write lock, so that two
runs at once cannot both append the same article.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from parsers.errors import StoreError
from parsers.urls import url_key
from storage.hashing import FORMATS, chain_hash, merkle_root
from storage.ledger import (
    CHUNK,
    Counts,
    End,
    Ending,
    EndpointState,
    Met,
    PageState,
    SourcePoll,
    SourceTally,
    read_pages,
    write_endpoints,
    write_ends,
    write_poll,
)
from storage.records import Record
from storage.tables import IngestRun, Revision, RunSource, Version, table_of


@dataclass(frozen=True, slots=True)
class Offer:
    """A record that a run offers to the corpus, and the page it was read from."""

    met: Met
    record: Record


@dataclass(frozen=True, slots=True)
class SourcePart:
    """What one source brings to a run: offers, the other ends, and what to remember for the next poll."""

    source: str
    offers: tuple[Offer, ...] = ()
    ends: tuple[End, ...] = ()
    endpoints: tuple[EndpointState, ...] = ()
    poll: SourcePoll | None = None
    requests: int = 0
    not_modified: int = 0
    wire_bytes: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revised:
    """A revision that stands in the store or is about to: what decisions need of it."""

    id: int
    url: str
    rev: int
    op: str
    leaf: str
    content_sha256: str
    in_this_run: bool = False


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version as users see it; `lo` and `hi` are the ids of its first and last revision."""

    id: int
    parent_id: int | None
    run_id: str
    kind: str
    message: str
    created_at: datetime
    added: int
    revised: int
    retracted: int
    documents: int
    lo: int
    hi: int
    delta_root: str
    chain: str
    formats: str
    code_version: str


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to: the version it committed (None: nothing new), and each source's sum."""

    run_id: str
    version: VersionRow | None
    tallies: tuple[SourceTally, ...]
    ends: tuple[tuple[str, End], ...] = field(default=())


def decide(
    offer: Offer, head: Revised | None, page: PageState | None, twin: tuple[Revised, str] | None
) -> End:
    """Say what an offered record is. Pure.

    `head` is the last revision under the record's URL, `page` what is known of the page's URL, `twin` a
    revision under another URL with the same text, with the reason code of the likeness.
    """
    met, record = offer.met, offer.record
    if head is not None:
        owner = met.url == record.url or (page is not None and page.record_url == record.url)
        if head.in_this_run or not owner:
            return End(
                met,
                Ending.DUPLICATE,
                "same-canonical-url",
                partner_url=head.url,
                partner_revision_id=head.id,
            )
        if head.op == "retract":
            return End(met, Ending.REJECTED, "retracted", partner_revision_id=head.id)
        if head.content_sha256 == record.content_sha256:
            return End(met, Ending.UNCHANGED, "same-content", record_url=record.url, revision_id=head.id)
        return End(met, Ending.REVISED, "content-changed", record_url=record.url)
    if twin is not None:
        partner, reason = twin
        return End(met, Ending.DUPLICATE, reason, partner_url=partner.url, partner_revision_id=partner.id)
    return End(
        met,
        Ending.STORED,
        "new-article" if record.record_kind == "article" else "new-seed",
        record_url=record.url,
    )


def write_version(
    connection: Connection,
    run_id: str,
    kind: str,
    message: str,
    parts: Sequence[SourcePart],
    now: datetime,
    code_version: str,
) -> RunResult:
    """Decide and write everything of a run inside the caller's write transaction."""
    _require_open(connection, run_id)
    parent = last_version(connection)
    offers = [(part.source, offer) for part in parts for offer in part.offers]
    # The earliest published is the original; equal times are told apart by URL, so that order is no chance.
    offers.sort(
        key=lambda pair: (pair[1].record.published_at or pair[1].record.fetched_at, pair[1].record.url)
    )
    heads = _read_heads(connection, {offer.record.url for _, offer in offers})
    pages = read_pages(connection, [offer.met.url for _, offer in offers])
    by_text, by_body = _read_twins(connection, [offer.record for _, offer in offers])

    next_id = (parent.hi if parent else 0) + 1
    version_id = (parent.id if parent else 0) + 1
    rows: list[dict[str, Any]] = []
    ends: dict[str, list[End]] = {part.source: list(part.ends) for part in parts}
    for source, offer in offers:
        record = offer.record
        head = heads.get(record.url)
        end = decide(offer, head, pages.get(offer.met.url), _twin(record, by_text, by_body))
        if end.ending in (Ending.STORED, Ending.REVISED):
            row = _revision_row(record, head, offer.met.capture_id, next_id, version_id)
            rows.append(row)
            revised = Revised(
                next_id,
                record.url,
                row["rev"],
                row["op"],
                row["leaf"],
                record.content_sha256,
                in_this_run=True,
            )
            heads[record.url] = revised
            by_text.setdefault(record.text_key, revised)
            if record.body_key:
                by_body.setdefault(record.body_key, revised)
            end = _with_revision(end, next_id)
            next_id += 1
        ends[source].append(end)

    version = None
    if rows:
        version = _version_row(parent, version_id, run_id, kind, message, rows, now, code_version)
        connection.execute(insert(table_of(Version)), [_columns(version)])
        connection.execute(insert(table_of(Revision)), rows)
    tallies = []
    for part in parts:
        write_ends(connection, run_id, part.source, ends[part.source], now)
        tally = SourceTally(
            part.source,
            Counts.of(ends[part.source]),
            part.requests,
            part.not_modified,
            part.wire_bytes,
            part.problems,
        )
        connection.execute(insert(table_of(RunSource)), [_tally_row(run_id, tally)])
        tallies.append(tally)
    # Validators and cursors last: they vouch for the entries above.
    for part in parts:
        write_endpoints(connection, part.endpoints)
        if part.poll is not None:
            write_poll(connection, part.poll)
    _finish_run(connection, run_id, version, now)
    return RunResult(
        run_id,
        version,
        tuple(tallies),
        tuple(
            (source, end) for source, source_ends in ends.items() for end in source_ends if not end.skipped
        ),
    )


def last_version(connection: Connection) -> VersionRow | None:
    """The newest version, None in an empty store."""
    table = table_of(Version)
    row = connection.execute(select(table).order_by(table.c.id.desc()).limit(1)).mappings().first()
    return VersionRow(**row) if row else None


def _columns(version: VersionRow) -> dict[str, Any]:
    return {name: getattr(version, name) for name in VersionRow.__slots__}


def _with_revision(end: End, revision_id: int) -> End:
    return End(
        end.met, end.ending, end.reason, end.detail, record_url=end.record_url, revision_id=revision_id
    )


def _revision_row(
    record: Record, head: Revised | None, capture_id: int | None, revision_id: int, version_id: int
) -> dict[str, Any]:
    rev = head.rev + 1 if head else 1
    op = "revise" if head else "add"
    return {
        "id": revision_id,
        "version_id": version_id,
        "prev_id": head.id if head else None,
        "url_key": url_key(record.url),
        "rev": rev,
        "op": op,
        "leaf": record.leaf(rev, op, head.leaf if head else None),
        "capture_id": capture_id,
        **record.columns(),
    }


def _version_row(
    parent: VersionRow | None,
    version_id: int,
    run_id: str,
    kind: str,
    message: str,
    rows: Sequence[dict[str, Any]],
    now: datetime,
    code_version: str,
) -> VersionRow:
    added = sum(row["op"] == "add" for row in rows)
    revised = len(rows) - added
    # A clock that went back must not make versions run backwards: reading by date relies on their order.
    created_at = max(now, parent.created_at) if parent else now
    root = merkle_root(row["leaf"] for row in rows)
    documents = (parent.documents if parent else 0) + added
    header = version_header(
        version_id, run_id, kind, message, created_at, (added, revised, 0, documents), root, code_version
    )
    return VersionRow(
        id=version_id,
        parent_id=parent.id if parent else None,
        run_id=run_id,
        kind=kind,
        message=message,
        created_at=created_at,
        added=added,
        revised=revised,
        retracted=0,
        documents=documents,
        lo=rows[0]["id"],
        hi=rows[-1]["id"],
        delta_root=root,
        chain=chain_hash(parent.chain if parent else None, header),
        formats=FORMATS,
        code_version=code_version,
    )


def version_header(
    version_id: int,
    run_id: str,
    kind: str,
    message: str,
    created_at: datetime,
    counts: tuple[int, int, int, int],
    delta_root: str,
    code_version: str,
) -> list[tuple[str, Any]]:
    """The fields of a version that its chain hash covers; `counts`: added, revised, retracted, documents."""
    return [
        ("version", version_id),
        ("run_id", run_id),
        ("kind", kind),
        ("message", message),
        ("created_at", created_at),
        *zip(("added", "revised", "retracted", "documents"), counts, strict=True),
        ("delta_root", delta_root),
        ("formats", FORMATS),
        ("code_version", code_version),
    ]


def _tally_row(run_id: str, tally: SourceTally) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "source": tally.source,
        **tally.counts.as_dict(),
        "requests": tally.requests,
        "not_modified": tally.not_modified,
        "wire_bytes": tally.wire_bytes,
        "problems": list(tally.problems),
    }


def _require_open(connection: Connection, run_id: str) -> None:
    run = table_of(IngestRun)
    state = connection.execute(select(run.c.state).where(run.c.run_id == run_id)).scalar()
    if state != "running":
        raise StoreError(f"run {run_id} is not under way: {state or 'unknown'}", reason="run-not-open")


def _finish_run(connection: Connection, run_id: str, version: VersionRow | None, now: datetime) -> None:
    run = table_of(IngestRun)
    connection.execute(
        update(run)
        .where(run.c.run_id == run_id)
        .values(
            state="committed" if version else "nothing",
            version_id=version.id if version else None,
            finished_at=now,
        )
    )


_HEAD_COLUMNS = ("id", "url", "rev", "op", "leaf", "content_sha256")


def _read_heads(connection: Connection, urls: Iterable[str]) -> dict[str, Revised]:
    table = table_of(Revision)
    keys = sorted(url_key(url) for url in urls)
    heads: dict[str, Revised] = {}
    for start in range(0, len(keys), CHUNK):
        query = (
            select(*(table.c[name] for name in _HEAD_COLUMNS))
            .where(table.c.url_key.in_(keys[start : start + CHUNK]))
            .order_by(table.c.rev)
        )
        for row in connection.execute(query):
            heads[row.url] = Revised(*row)
    return heads


def _read_twins(
    connection: Connection, records: Sequence[Record]
) -> tuple[dict[str, Revised], dict[str, Revised]]:
    """The first revision with each text key and each body key that the records have."""
    table = table_of(Revision)
    by_text: dict[str, Revised] = {}
    by_body: dict[str, Revised] = {}
    for start in range(0, len(records), CHUNK):
        chunk = records[start : start + CHUNK]
        text_keys = [record.text_key for record in chunk]
        body_keys = [record.body_key for record in chunk if record.body_key]
        query = (
            select(*(table.c[name] for name in _HEAD_COLUMNS), table.c.text_key, table.c.body_key)
            .where(
                table.c.op != "retract",
                or_(table.c.text_key.in_(text_keys), table.c.body_key.in_(body_keys)),
            )
            .order_by(table.c.id)
        )
        for row in connection.execute(query):
            revised = Revised(*row[: len(_HEAD_COLUMNS)])
            by_text.setdefault(row.text_key, revised)
            if row.body_key:
                by_body.setdefault(row.body_key, revised)
    return by_text, by_body


def _twin(
    record: Record, by_text: dict[str, Revised], by_body: dict[str, Revised]
) -> tuple[Revised, str] | None:
    same_text = by_text.get(record.text_key)
    if same_text is not None and same_text.url != record.url:
        return same_text, "same-text"
    same_body = by_body.get(record.body_key) if record.body_key else None
    if same_body is not None and same_body.url != record.url:
        return same_body, "same-body"
    return None


__all__ = [
    "Offer",
    "RunResult",
    "SourcePart",
    "VersionRow",
    "decide",
    "last_version",
    "version_header",
    "write_version",
]
