"""Tombstones: the version of a retraction (storage/retraction.py), written inside a write transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select

from parsers.compare import text_facts
from parsers.errors import NotFound, UserError
from parsers.urls import url_key
from storage.bulk import as_stored
from storage.codec import ZSTD, Packer, Unpacker
from storage.commit import write_tallies
from storage.ledger import Counts, End, Ending, Met, SourceTally
from storage.ledger_rows import write_ends
from storage.records import ROW_COLUMNS, Record, Retraction
from storage.stories import led_to
from storage.tables import IngestRun, Page, Revision, table_of
from storage.versions import NewVersion, VersionRow, append_version, last_version

PARSER, PARSER_VERSION = "retraction", "1"
_TOLD_UNKNOWN = 5


@dataclass(frozen=True, slots=True)
class _Head:
    """The newest revision of a document that is to go; `purge`: it is a tombstone that says purge."""

    id: int
    rev: int
    op: str
    leaf: str
    url: str
    source: str
    record_kind: str
    language: str
    kind: str
    purge: bool = False

    def needs_tombstone(self, *, purge: bool) -> bool:
        return self.op != "retract" or (purge and not self.purge)


def write_retraction(
    connection: Connection,
    urls: Sequence[str],
    retraction: Retraction,
    run_id: str,
    now: datetime,
    code_version: str,
) -> tuple[VersionRow | None, tuple[str, ...]]:
    """Write the version of a retraction inside the caller's write transaction; nothing is purged by it.

    Gives the version, None if all of the documents had been retracted before, and their own URLs.
    """
    heads = _heads(connection, urls)
    due = [head for head in heads if head.needs_tombstone(purge=retraction.purge)]
    version = None
    if due:
        message = f"{len(due)} {'documents' if len(due) > 1 else 'document'} retracted"
        message += f" and purged: {retraction.reason}" if retraction.purge else f": {retraction.reason}"
        new = NewVersion(run_id, "retract", message, now, code_version)
        version = _write_version(connection, new, due, retraction)
    return version, tuple(head.url for head in heads)


def _heads(connection: Connection, urls: Sequence[str]) -> list[_Head]:
    """The newest revision of each document, sorted by URL; refuses all if one is unknown."""
    found: dict[str, _Head] = {}
    unknown: list[str] = []
    for url in dict.fromkeys(urls):
        head = _head(connection, url)
        if head is None and (led := led_to(connection, url)) is not None:
            head = _head(connection, led)
        if head is None:
            unknown.append(url)
        else:
            found[head.url] = head
    if unknown:
        more = f", and {len(unknown) - _TOLD_UNKNOWN} more" if len(unknown) > _TOLD_UNKNOWN else ""
        raise NotFound(
            f"no such document: {', '.join(unknown[:_TOLD_UNKNOWN])}{more}; nothing was retracted",
            reason="no-such-document",
            hint="`khotin why URL` tells what became of an address; seeds are written seed:<16 hex digits>",
        )
    if not found:
        raise UserError("no document is named", hint="name at least one URL")
    return [found[url] for url in sorted(found)]


def _head(connection: Connection, url: str) -> _Head | None:
    """Reads no text: a document whose body is damaged can be retracted like any other."""
    table = table_of(Revision)
    names = [name for name in _Head.__slots__ if name != "purge"]
    query = (
        select(*(table.c[name] for name in names), table.c.body)
        .where(table.c.url_key == url_key(url))
        .order_by(table.c.rev.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    *values, body = row
    head = _Head(*values)
    if head.op != "retract":
        return head
    told = orjson.loads(Unpacker({}).unpack(body, None))["retraction"]
    return replace(head, purge=bool(told["purge"]))


def _write_version(
    connection: Connection, new: NewVersion, heads: Sequence[_Head], retraction: Retraction
) -> VersionRow:
    parent = last_version(connection)
    if parent is None:  # pragma: no cover - there is a document, so there is a version
        raise NotFound("the store holds no version yet", reason="empty-store")
    packer = Packer(None)
    rows: list[tuple[Any, ...]] = []
    leaves: list[bytes] = []
    ends: dict[str, list[End]] = {}
    for revision_id, head in enumerate(heads, parent.hi + 1):
        record = _tombstone(head, retraction, new.now)
        row, leaf = _row(head, record, revision_id, parent.id + 1, packer)
        rows.append(row)
        leaves.append(leaf)
        for source, end in _ends(connection, record, revision_id, retraction):
            ends.setdefault(source, []).append(end)
    again = sum(head.op == "retract" for head in heads)
    stored = as_stored(table_of(Revision), ROW_COLUMNS, rows)
    version = append_version(connection, parent, new, stored, leaves, already_retracted=again)
    _write_run(connection, new, version, ends)
    return version


def _tombstone(head: _Head, retraction: Retraction, now: datetime) -> Record:
    return Record(
        url=head.url,
        source=head.source,
        record_kind=head.record_kind,
        title="",
        lead=None,
        paragraphs=(),
        captions=(),
        authors=(),
        agency=None,
        published_at=None,
        published_precision=None,
        modified_at=None,
        section=None,
        tags=(),
        language=head.language,
        kind=head.kind,
        parser=PARSER,
        parser_version=PARSER_VERSION,
        fetched_at=now,
        payload_sha256=None,
        retraction=retraction,
    )


def _row(
    head: _Head, record: Record, revision_id: int, version_id: int, packer: Packer
) -> tuple[tuple[Any, ...], bytes]:
    """A tombstone as a row in the order of ROW_COLUMNS, as Python has it, and its leaf."""
    leaf = record.leaf(head.rev + 1, "retract", head.leaf)
    _, text_key, body_key = text_facts(record.lead, record.paragraphs)
    values: dict[str, Any] = {
        name: getattr(record, name) for name in ROW_COLUMNS if hasattr(record, name) and name != "body"
    }
    values |= {
        "id": revision_id,
        "version_id": version_id,
        "prev_id": head.id,
        "rev": head.rev + 1,
        "op": "retract",
        "url_key": url_key(record.url),
        "word_count": 0,
        "text_key": text_key,
        "body_key": body_key,
        "capture_id": None,
        "leaf": leaf,
        "codec": ZSTD,
        "zdict_id": packer.zdict_id,
        "body": packer.pack(record.body),
    }
    return tuple(values[name] for name in ROW_COLUMNS), leaf


def _ends(
    connection: Connection, record: Record, revision_id: int, retraction: Retraction
) -> list[tuple[str, End]]:
    """How the pages that led to the document end, by source: rejected, and so never asked for again."""
    page = table_of(Page)
    query = select(page.c.source, page.c.url, page.c.found_in, page.c.record_url).where(
        (page.c.url_key == url_key(record.url)) | (page.c.record_url == record.url)
    )
    pages = connection.execute(query.order_by(page.c.source, page.c.url)).all()
    # By now another document may stand at the address: its page stays as it is.
    of_it = [row[:3] for row in pages if row.record_url in (None, record.url)]
    mets = [(source, Met(url, found_in)) for source, url, found_in in of_it]
    if not mets:
        mets = [(record.source, Met(record.url, "", seen=not pages))]
    return [
        (
            source,
            End(
                met,
                Ending.REJECTED,
                "retracted",
                detail=retraction.reason,
                revision_id=revision_id,
                record_url=record.url,
            ),
        )
        for source, met in mets
    ]


def _write_run(
    connection: Connection, new: NewVersion, version: VersionRow, ends: dict[str, list[End]]
) -> None:
    """The run is written with its version: it is never seen under way."""
    run = {
        "run_id": new.run_id,
        "kind": new.kind,
        "label": new.message,
        "state": "committed",
        "version_id": version.id,
        "detail": "",
        "started_at": new.now,
        "finished_at": new.now,
    }
    connection.execute(insert(table_of(IngestRun)), [run])
    write_ends(connection, new.run_id, ends, new.now)
    tallies = [SourceTally(source, Counts.of(told)) for source, told in sorted(ends.items())]
    write_tallies(connection, new.run_id, tallies)
