"""Rows of `kin`: what a text was to a known one, with the scores that led to it. They are never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert

from parsers.relations import Relation, Scores
from parsers.shingles import ALGORITHM
from parsers.urls import url_key
from storage.bulk import among
from storage.records import Record
from storage.tables import Kin, table_of

KEPT_OUT = frozenset({Relation.DUPLICATE, Relation.REPRINT})
"""What is not appended."""


@dataclass(frozen=True, slots=True)
class Partner:
    """The known text that a new one is kin to. `scores` are None where no comparison was needed."""

    relation: Relation
    reason: str
    revision_id: int
    url: str
    scores: Scores | None

    @property
    def told(self) -> str:
        """The scores in a line, for the ledger."""
        if self.scores is None:
            return ""
        s = self.scores
        return (
            f"{self.relation}: jaccard {s.jaccard:.2f}, containment {s.containment:.2f}, "
            f"coverage {s.coverage:.2f}, numbers {s.agreeing} alike, {s.conflicting} not"
        )


class Told(NamedTuple):
    """What is kept of a text beside its relation."""

    url: str
    word_count: int
    published_at: datetime | None


def told_of(record: Record) -> Told:
    """What is kept of a record."""
    return Told(record.url, record.facts.word_count, record.published_at)


class KinRows:
    """Writes the rows of one run, each in the cluster of its partner."""

    def __init__(self, connection: Connection, run_id: str, now: datetime) -> None:
        self._connection = connection
        self._run_id = run_id
        self._now = now
        self._rows: list[tuple[Any, ...]] = []
        self._clusters: dict[bytes, bytes] = {}

    def note(self, source: str, text: Told, partner: Partner, revision_id: int | None) -> None:
        """Remember what a text is to its partner; `revision_id` is its own, if it is or was in the corpus."""
        key, partner_key = bytes.fromhex(url_key(text.url)), bytes.fromhex(url_key(partner.url))
        joins = partner.relation in (*KEPT_OUT, Relation.NEAR)
        cluster = self._cluster(partner_key) if joins else key
        self._clusters[key] = cluster
        s = partner.scores
        scores = (
            (None,) * 7
            if s is None
            else (s.jaccard, s.containment, s.coverage, s.rewritten, s.moved, s.agreeing, s.conflicting)
        )
        self._rows.append((
            self._run_id, source, key.hex(), text.url, partner.relation.value, partner.reason, revision_id,
            partner_key.hex(), partner.url, partner.revision_id, cluster.hex(), *scores, ALGORITHM,
            text.word_count, text.published_at, self._now,
        ))  # fmt: skip

    def write(self) -> None:
        """Write what was noted since the last time."""
        if self._rows:
            names = [column.name for column in table_of(Kin).columns if column.name != "id"]
            rows = [dict(zip(names, row, strict=True)) for row in self._rows]
            self._connection.execute(insert(table_of(Kin)), rows)
            self._rows = []

    def _cluster(self, partner_key: bytes) -> bytes:
        """The cluster of a document: that of its own partner, if it is the same text, else one of its own."""
        if partner_key not in self._clusters:
            rows = among(self._connection, f"{_CLUSTER} ORDER BY id", [partner_key])
            found = [bytes(row[0]) for row in rows]
            self._clusters[partner_key] = found[-1] if found else partner_key
        return self._clusters[partner_key]


_CLUSTER = "SELECT cluster_key FROM kin WHERE revision_id IS NOT NULL AND url_key {}"
