"""The commit of a run: one transaction that decides what each offered record is and appends one version.

Encoding, packing and hashing are done before the lock is taken. What `decide` looks at is read under it, so
that two runs at once cannot both append the same article.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from parsers.errors import StoreError
from parsers.urls import url_key
from storage.bulk import among, insert_rows, plainly
from storage.codec import ZSTD, Unpacker
from storage.decision import Head, Offer, Twin, decide
from storage.kin import AT_ONCE, KinFinder, keeps_out
from storage.ledger import Counts, End, Ending, EndpointState, SourcePoll, SourceTally
from storage.ledger_rows import CHUNK, write_endpoints, write_ends, write_polls
from storage.likeness import LikenessIndex
from storage.off_topic import LeftOut, write_left_out
from storage.reading import read_dictionaries
from storage.records import ContentOfRow, Prepared
from storage.shapes import ShapeRow, forget_shapes, write_shapes
from storage.tables import RunSource, micros, table_of
from storage.versions import NewVersion, VersionRow, append_version, last_version


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
    notes: tuple[str, ...] = ()
    shapes: tuple[ShapeRow, ...] = ()
    forget: str = ""
    """What to forget of earlier shapes, before those of this run are kept: "drifted" ones, or "all"."""
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to: the version it committed (None: nothing new), and each source's sum."""

    run_id: str
    version: VersionRow | None
    tallies: tuple[SourceTally, ...]
    ends: tuple[tuple[str, End], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class PreparedOffer:
    """An offer with its record made ready."""

    source: str
    offer: Offer
    prepared: Prepared


def in_order(offers: Iterable[PreparedOffer]) -> list[PreparedOffer]:
    """The earliest published first: it is the original. Equal times are told apart by URL, not by chance."""

    def key(item: PreparedOffer) -> tuple[datetime, str]:
        record = item.offer.record
        return record.published_at or record.fetched_at, record.url

    return sorted(offers, key=key)


def write_run(
    connection: Connection,
    new: NewVersion,
    parts: Sequence[SourcePart],
    prepared: Sequence[PreparedOffer],
    index: LikenessIndex | None,
) -> RunResult:
    """Decide and write everything of a run inside the caller's write transaction.

    Records come first, then the ledger; validators and cursors, which vouch for both, last.
    """
    _require_open(connection, new.run_id)
    version, decided = write_offers(connection, new, prepared, index)
    ends: dict[str, list[End]] = {part.source: list(part.ends) for part in parts}
    for source, end in decided:
        ends[source].append(end)
    write_ends(connection, new.run_id, ends, new.now)
    tallies = tuple(
        SourceTally(
            part.source,
            Counts.of(ends[part.source]),
            part.requests,
            part.not_modified,
            part.wire_bytes,
            part.problems,
            part.notes,
        )
        for part in parts
    )
    write_tallies(connection, new.run_id, tallies)
    for part in parts:
        if part.forget:
            forget_shapes(connection, part.source, drifted_only=part.forget != "all")
    write_shapes(connection, [row for part in parts for row in part.shapes])
    write_left_out(connection, new.run_id, [row for part in parts for row in part.left_out], new.now)
    write_endpoints(connection, [state for part in parts for state in part.endpoints])
    write_polls(connection, [part.poll for part in parts if part.poll is not None])
    _finish_run(connection, new.run_id, version, new.now)
    told = tuple((source, end) for source, told in ends.items() for end in told if not end.skipped)
    return RunResult(new.run_id, version, tallies, told)


def write_offers(
    connection: Connection, new: NewVersion, prepared: Sequence[PreparedOffer], index: LikenessIndex | None
) -> tuple[VersionRow | None, list[tuple[str, End]]]:
    """Decide what each record is, and append a version if any is new or revised."""
    if not prepared:
        return None, []
    parent = last_version(connection)
    heads = read_heads(connection, [item.prepared.url_key for item in prepared])
    led_to = _read_led_to(connection, prepared)
    twins = _Twins(connection, [item.prepared for item in prepared])
    next_id = (parent.hi if parent else 0) + 1
    version_id = (parent.id if parent else 0) + 1
    finder = KinFinder(connection, index, next_id - 1, new.run_id, new.now)
    rows: list[tuple[Any, ...]] = []
    leaves: list[bytes] = []
    decided: list[tuple[str, End]] = []
    ordered = in_order(prepared)
    for start in range(0, len(ordered), AT_ONCE):
        chunk = ordered[start : start + AT_ONCE]
        finder.open([item.prepared for item in chunk])
        for place, item in enumerate(chunk):
            record, met = item.offer.record, item.offer.met
            head = heads.get(record.url)
            partner = None
            if head is None:
                partner = finder.partner(place, item.prepared, twins.of(item.prepared))
            kept_out = partner if partner and keeps_out(partner, record) else None
            twin = Twin(kept_out.revision_id, kept_out.url, kept_out.reason) if kept_out else None
            end = decide(item.offer, head, led_to.get((item.source, met.url)), twin, next_id)
            if end.ending in (Ending.STORED, Ending.REVISED):
                if item.offer.why:
                    end = replace(end, detail=item.offer.why)
                prev = (head.id, head.rev, head.leaf) if head else None
                row, leaf = item.prepared.row(next_id, version_id, prev, met.capture_id)
                rows.append(row)
                leaves.append(leaf)
                rev = prev[1] + 1 if prev else 1
                op = "revise" if prev else "add"
                heads[record.url] = Head(next_id, record.url, rev, op, leaf.hex(), None)
                twins.add(next_id, item.prepared)
                finder.appended(place, item.prepared, next_id)
                next_id += 1
            elif kept_out:
                finder.sighted(place, kept_out)
            if partner is not None:
                finder.note(item.source, record, partner, end.revision_id)
                end = replace(
                    end,
                    detail=partner.told,
                    partner_url=partner.url,
                    partner_revision_id=partner.revision_id,
                )
            decided.append((item.source, end))
        finder.end()
    version = append_version(connection, parent, new, rows, leaves) if rows else None
    return version, decided


def run_state(connection: Connection, run_id: str) -> str | None:
    """How a run stands; None if there was none of this name."""
    state: str | None = plainly(connection, "SELECT state FROM ingest_run WHERE run_id = ?", run_id).scalar()
    return state


def _require_open(connection: Connection, run_id: str) -> None:
    state = run_state(connection, run_id)
    if state != "running":
        raise StoreError(f"run {run_id} is not under way: {state or 'unknown'}", reason="run-not-open")


def _finish_run(connection: Connection, run_id: str, version: VersionRow | None, now: datetime) -> None:
    statement = "UPDATE ingest_run SET state = ?, version_id = ?, finished_at = ? WHERE run_id = ?"
    state, version_id = ("committed", version.id) if version else ("nothing", None)
    plainly(connection, statement, state, version_id, micros(now), run_id)


_TALLY_COLUMNS = (
    "run_id", "source", *Counts().as_dict(), "requests", "not_modified", "wire_bytes", "problems", "notes",
)  # fmt: skip


def write_tallies(connection: Connection, run_id: str, tallies: Sequence[SourceTally]) -> None:
    """Write what each source gave in a run; a CHECK constraint refuses a sum that does not add up."""
    rows = [
        (
            run_id, tally.source, *tally.counts.as_dict().values(), tally.requests, tally.not_modified,
            tally.wire_bytes, tally.problems, tally.notes,
        )
        for tally in tallies
    ]  # fmt: skip
    insert_rows(connection, table_of(RunSource), _TALLY_COLUMNS, rows, few=True)


_HEADS = (
    f"SELECT url, id, rev, op, leaf, codec, zdict_id, body, {', '.join(ContentOfRow.COLUMNS)} "  # noqa: S608
    "FROM revision WHERE url_key {} AND NOT EXISTS "
    "(SELECT 1 FROM revision AS later WHERE later.prev_id = revision.id) ORDER BY rev"
)


def read_heads(connection: Connection, url_keys: Iterable[bytes]) -> dict[str, Head]:
    """The last revision under each of the keys that is known, by URL. Raises StoreDamaged for a torn body."""
    keys = sorted(set(url_keys))
    heads: dict[str, Head] = {}
    unpacker: Unpacker | None = None  # to read the dictionaries takes longer than a small commit
    for start in range(0, len(keys), CHUNK):
        for url, revision_id, rev, op, leaf, codec, zdict_id, body, *content in among(
            connection, _HEADS, keys[start : start + CHUNK]
        ):
            told = None
            if codec == ZSTD and op != "retract":
                unpacker = unpacker or Unpacker(read_dictionaries(connection))
                told = ContentOfRow.stored(content, unpacker.unpack(body, zdict_id))
            heads[url] = Head(revision_id, url, rev, op, leaf.hex(), told)
    return heads


def _read_led_to(
    connection: Connection, prepared: Sequence[PreparedOffer]
) -> dict[tuple[str, str], str | None]:
    """The URL of the record that a page led to before, where it is not the page's own."""
    aliases = sorted({i.offer.met.url for i in prepared if i.offer.met.url != i.offer.record.url})
    found: dict[tuple[str, str], str | None] = {}
    for start in range(0, len(aliases), CHUNK):
        keys = [bytes.fromhex(url_key(url)) for url in aliases[start : start + CHUNK]]
        query = "SELECT source, url, record_url FROM page WHERE url_key {}"
        found.update({(source, url): led_to for source, url, led_to in among(connection, query, keys)})
    return found


# A text that its own document has left behind makes no duplicates; a retracted one does.
_SAME_TEXT = (
    "SELECT id, url, text_key, body_key FROM revision AS r "
    "WHERE op <> 'retract' AND (text_key {} OR body_key {}) AND NOT EXISTS "
    "(SELECT 1 FROM revision AS later WHERE later.prev_id = r.id AND later.op = 'revise') ORDER BY id"
)


class _Twins:
    """The first revision with each text key and body key, in the store and in this run."""

    def __init__(self, connection: Connection, records: Sequence[Prepared]) -> None:
        self._by_text: dict[int, tuple[int, str]] = {}
        self._by_body: dict[int, tuple[int, str]] = {}
        for start in range(0, len(records), CHUNK):
            chunk = records[start : start + CHUNK]
            texts = [record.text_key for record in chunk]
            bodies = [record.body_key for record in chunk if record.body_key is not None]
            for revision_id, url, text_key, body_key in among(connection, _SAME_TEXT, texts, bodies):
                self._add(revision_id, url, text_key, body_key)

    def add(self, revision_id: int, prepared: Prepared) -> None:
        self._add(revision_id, prepared.record.url, prepared.text_key, prepared.body_key)

    def _add(self, revision_id: int, url: str, text_key: int, body_key: int | None) -> None:
        self._by_text.setdefault(text_key, (revision_id, url))
        if body_key is not None:
            self._by_body.setdefault(body_key, (revision_id, url))

    def of(self, prepared: Prepared) -> Twin | None:
        same_text = self._by_text.get(prepared.text_key)
        if same_text is not None and same_text[1] != prepared.record.url:
            return Twin(*same_text, "same-text")
        same_body = None if prepared.body_key is None else self._by_body.get(prepared.body_key)
        if same_body is not None and same_body[1] != prepared.record.url:
            return Twin(*same_body, "same-body")
        return None
