"""Duplicates that are in the corpus already, such as imported seeds: found, and proposed for retraction.

Every document as of the newest version is compared with those before it: the earliest published first, of
equal times the longer text. So the original stays, and what is proposed are its later and shorter copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, Exists, Table, exists, select

from parsers.compared import ComparedText
from parsers.relations import Relation
from parsers.shingles import sketches_of_all
from parsers.urls import url_key
from storage.bulk import among
from storage.codec import ZSTD, Unpacker
from storage.kin import AT_ONCE, Verdict, compared_text, read_rulings
from storage.kin_rows import KinRows, Partner, Told
from storage.likeness import View
from storage.matching import Matcher
from storage.reading import read_dictionaries
from storage.records import Retraction
from storage.tables import Revision, micros, table_of
from storage.tombstones import write_retraction
from storage.versions import VersionRow

if TYPE_CHECKING:
    from storage.store import Store


REASON = "copies of other documents (khotin duplicates scan)"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A document that is the copy of another one of the corpus."""

    url: str
    revision_id: int
    partner: Partner


def scan(store: Store, *, advance: Callable[[int, int], None] = lambda _done, _total: None) -> list[Proposal]:
    """Find the copies inside the corpus; documents that a user ruled to keep are none.

    `advance` is told how many documents were compared, and of how many.
    """
    with store.reading() as connection:
        return _Scan(connection).run(advance)


def retract_copies(
    store: Store, proposals: Sequence[Proposal], *, run_id: str, now: datetime, code_version: str
) -> VersionRow | None:
    """Retract copies as one version, and record of each whose copy it was, in one transaction.

    A proposal that no longer holds is passed over: the copy or its original was revised, retracted or ruled
    on meanwhile. Gives the version; None if nothing was left to retract.
    """
    with store.committing() as connection:
        holding = _holding(connection, proposals)
        if not holding:
            return None
        rows = KinRows(connection, run_id, now)
        for proposal, (source, told) in holding:
            rows.note(source, told, proposal.partner, proposal.revision_id)
        rows.write()
        retraction = Retraction(REASON, purge=False)
        urls = [proposal.url for proposal, _ in holding]
        version, _ = write_retraction(connection, urls, retraction, run_id, now, code_version)
        return version


def _holding(
    connection: Connection, proposals: Sequence[Proposal]
) -> list[tuple[Proposal, tuple[str, Told]]]:
    """The proposals of which both documents are still what was compared."""
    kept = _kept(connection, [bytes.fromhex(url_key(proposal.url)) for proposal in proposals])
    ids = sorted({p.revision_id for p in proposals} | {p.partner.revision_id for p in proposals})
    table = table_of(Revision)
    names = ("id", "url", "source", "word_count", "published_at")
    newest = select(*(table.c[name] for name in names)).where(table.c.op != "retract", ~_followed(table))
    heads: dict[int, tuple[str, Told]] = {}
    for start in range(0, len(ids), AT_ONCE):
        for row in connection.execute(newest.where(table.c.id.in_(ids[start : start + AT_ONCE]))):
            heads[row.id] = row.source, Told(row.url, row.word_count, row.published_at)
    return [
        (proposal, heads[proposal.revision_id])
        for proposal in proposals
        if proposal.revision_id in heads
        and proposal.partner.revision_id in heads
        and bytes.fromhex(url_key(proposal.url)) not in kept
    ]


class _Scan:
    """One look at all documents. To the matcher those that stay are numbered from 1 on, in their order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._unpacker = Unpacker(read_dictionaries(connection))
        self._heads = _heads(connection)
        self._kept = _kept(connection, [head.key for head in self._heads])
        self._staying: list[_Head] = []
        self._number: dict[int, int] = {}
        self._by_text: dict[int, _Head] = {}
        self._matcher = Matcher(View([], 0), self._fetch, keep=False)

    def run(self, advance: Callable[[int, int], None]) -> list[Proposal]:
        proposals: list[Proposal] = []
        for start in range(0, len(self._heads), AT_ONCE):
            chunk = self._heads[start : start + AT_ONCE]
            texts = _texts(self._connection, [head.id for head in chunk], self._unpacker)
            ready = [texts[head.id] for head in chunk]
            self._matcher.open(sketches_of_all([text.folded for text in ready]), ready)
            for place, head in enumerate(chunk):
                partner = None if head.key in self._kept else self._partner(place, head)
                if partner is not None:
                    proposals.append(Proposal(head.url, head.id, partner))
                    self._matcher.became(place, self._number[partner.revision_id], appended=False)
                    continue
                self._staying.append(head)
                self._number[head.id] = len(self._staying)
                self._by_text.setdefault(head.text_key, head)
                self._matcher.became(place, len(self._staying), appended=True)
            self._matcher.close()
            advance(start + len(chunk), len(self._heads))
        return proposals

    def _partner(self, place: int, head: _Head) -> Partner | None:
        twin = self._by_text.get(head.text_key)
        if twin is not None:
            return Partner(Relation.DUPLICATE, "same-text", twin.id, twin.url, None)
        match = self._matcher.match(place)
        if match is None or match.kinship.relation is not Relation.REPRINT:
            return None
        known = self._staying[match.revision_id - 1]
        return Partner(Relation.REPRINT, "reprint", known.id, known.url, match.kinship.scores)

    def _fetch(self, numbers: Sequence[int]) -> dict[int, ComparedText]:
        ids = [self._staying[number - 1].id for number in numbers]
        texts = _texts(self._connection, ids, self._unpacker)
        return {self._number[revision_id]: text for revision_id, text in texts.items()}


class _Head(NamedTuple):
    """The newest revision of a document."""

    id: int
    url: str
    text_key: int
    key: bytes


def _heads(connection: Connection) -> list[_Head]:
    """The newest revision of each document, the originals first."""
    table = table_of(Revision)
    names = ("id", "url", "text_key", "url_key", "published_at", "word_count")
    query = select(*(table.c[name] for name in names)).where(~_followed(table))
    rows = connection.execute(query.where(table.c.op != "retract", table.c.codec == ZSTD)).all()
    ordered = sorted(rows, key=lambda row: (-row.word_count, row.url))
    ordered.sort(
        key=lambda row: (
            row.published_at is None,
            0 if row.published_at is None else micros(row.published_at),
        )
    )
    return [_Head(row.id, row.url, row.text_key, bytes.fromhex(row.url_key)) for row in ordered]


def _followed(table: Table) -> Exists:
    """Whether a revision has a later one."""
    later = table.alias()
    return exists().where(later.c.prev_id == table.c.id)


def _kept(connection: Connection, keys: list[bytes]) -> set[bytes]:
    kept: set[bytes] = set()
    for start in range(0, len(keys), AT_ONCE):
        rulings = read_rulings(connection, keys[start : start + AT_ONCE])
        kept |= {key for key, (verdict, _) in rulings.items() if verdict == Verdict.KEEP}
    return kept


def _texts(connection: Connection, ids: list[int], unpacker: Unpacker) -> dict[int, ComparedText]:
    found: dict[int, ComparedText] = {}
    for start in range(0, len(ids), AT_ONCE):
        query = "SELECT id, body, zdict_id FROM revision WHERE id {}"
        for revision_id, body, zdict_id in among(connection, query, ids[start : start + AT_ONCE]):
            found[revision_id] = compared_text(unpacker.unpack(bytes(body), zdict_id))
    return found
