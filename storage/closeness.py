"""Closeness to the seeds: the versions of the model, and the score of each revision by each of them.

Scores are derived from stored texts and a stored model: they stand in no hash, and are made where they are
missing. Each commit makes those of its own revisions after the corpus is safe; if a run is killed before, the
next one makes them. A store without a model pays one look at an empty table for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection, func, insert, select

from parsers.closeness import FORMAT, STEPS, ClosenessModel, from_bytes
from parsers.compare import fold_all
from parsers.errors import NotFound, StoreDamaged
from storage.bulk import insert_rows
from storage.codec import ZSTD, Unpacker
from storage.ledger_rows import CHUNK
from storage.tables import Closeness, ClosenessModelRow, Revision, table_of

AT_ONCE = 1_000
"""Revisions that are scored and written at once."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """One version of the model, as it stands in the store."""

    id: int
    sha256: str
    seeds_version: int
    created_at: datetime
    code_version: str
    model: ClosenessModel


@dataclass(frozen=True, slots=True)
class Scored:
    """The score of a revision (0 to 1), by which model."""

    revision_id: int
    model_id: int
    score: float


def newest_model_id(connection: Connection) -> int | None:
    """The number of the newest model, None if there is none."""
    found: int | None = connection.execute(select(func.max(table_of(ClosenessModelRow).c.id))).scalar()
    return found


def has_model(connection: Connection) -> bool:
    """Whether there is a model: asked in every commit, so straight from the driver."""
    return connection.exec_driver_sql("SELECT 1 FROM closeness_model LIMIT 1").first() is not None


def read_model(connection: Connection, model_id: int) -> StoredModel:
    """One version of the model. Raises NotFound, or StoreDamaged if it is not what was stored."""
    table = table_of(ClosenessModelRow)
    row = connection.execute(select(table).where(table.c.id == model_id)).mappings().first()
    if row is None:
        raise NotFound(
            f"there is no closeness model {model_id}",
            reason="no-closeness-model",
            hint="`khotin topics fit` makes one from the seeds and what was ingested",
        )
    data = bytes(row["data"])
    try:
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise ValueError("its bytes do not match its hash")
        model = from_bytes(data)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreDamaged(
            f"closeness model {model_id} cannot be read: {error}",
            hint="restore the store from a backup",
        ) from error
    return StoredModel(
        row["id"], row["sha256"], row["seeds_version"], row["created_at"], row["code_version"], model
    )


def write_model(
    connection: Connection, model: ClosenessModel, seeds_version: int, now: datetime, code_version: str
) -> int:
    """Add a version of the model; gives its number. To be called under the write lock."""
    data = model.to_bytes()
    model_id = (newest_model_id(connection) or 0) + 1
    row = {
        "id": model_id,
        "format": FORMAT,
        "sha256": hashlib.sha256(data).hexdigest(),
        "seeds": model.seeds,
        "background": model.background,
        "seeds_version": seeds_version,
        "code_version": code_version,
        "data": data,
        "created_at": now,
    }
    connection.execute(insert(table_of(ClosenessModelRow)), [row])
    return model_id


def missing(connection: Connection, model_id: int) -> tuple[int, int]:
    """The last revision that a model has looked at, and the last that there is."""
    scores = table_of(Closeness)
    done = select(func.max(scores.c.revision_id)).where(scores.c.model_id == model_id)
    last = select(func.max(table_of(Revision).c.id))
    return connection.execute(done).scalar() or 0, connection.execute(last).scalar() or 0


def steps_between(
    connection: Connection, stored: StoredModel, unpacker: Unpacker, after: int, end: int
) -> list[tuple[int, int]]:
    """The revisions beyond `after` up to `end` that have a text and no score yet, with their scores."""
    revision = table_of(Revision)
    query = (
        select(revision.c.id, revision.c.body, revision.c.zdict_id)
        .where(revision.c.id > after, revision.c.id <= end)
        .where(revision.c.op != "retract", revision.c.codec == ZSTD)
        .order_by(revision.c.id)
    )
    there = _scored(connection, stored.id, after, end)
    return [
        (row.id, stored.model.steps(folded_text(unpacker.unpack(bytes(row.body), row.zdict_id))))
        for row in connection.execute(query)
        if row.id not in there
    ]


def write_steps(connection: Connection, model_id: int, steps: Sequence[tuple[int, int]]) -> int:
    """Write scores of revisions in the order of their ids, save those that another process wrote meanwhile.

    Gives how many were written. To be called under the write lock.
    """
    if not steps:
        return 0
    there = _scored(connection, model_id, steps[0][0] - 1, steps[-1][0])
    rows = [(model_id, revision_id, score) for revision_id, score in steps if revision_id not in there]
    insert_rows(connection, table_of(Closeness), ("model_id", "revision_id", "score"), rows)
    return len(rows)


def _scored(connection: Connection, model_id: int, after: int, end: int) -> set[int]:
    table = table_of(Closeness)
    query = select(table.c.revision_id).where(
        table.c.model_id == model_id, table.c.revision_id > after, table.c.revision_id <= end
    )
    return set(connection.execute(query).scalars())


def folded_text(body: bytes) -> bytes:
    """Title and text of an unpacked body, folded: `Record.folded` without the record."""
    told = orjson.loads(body)
    texts = [told["title"], told["lead"] or "", *[text for _, text in told["paragraphs"]]]
    return b" ".join([part for part in fold_all(texts)[0] if part])


def read_scores(connection: Connection, model_id: int, revision_ids: Sequence[int]) -> dict[int, float]:
    """The scores of those of the revisions that a model has scored, by revision."""
    table = table_of(Closeness)
    found: dict[int, float] = {}
    for start in range(0, len(revision_ids), CHUNK):
        query = select(table.c.revision_id, table.c.score).where(
            table.c.model_id == model_id, table.c.revision_id.in_(revision_ids[start : start + CHUNK])
        )
        found.update({row.revision_id: row.score / STEPS for row in connection.execute(query)})
    return found


def read_scored(connection: Connection, revision_ids: Iterable[int]) -> tuple[Scored, ...]:
    """All scores of some revisions, by all models, the oldest model first."""
    table = table_of(Closeness)
    query = select(table).where(table.c.revision_id.in_(list(revision_ids)))
    rows = connection.execute(query.order_by(table.c.model_id, table.c.revision_id))
    return tuple(Scored(row.revision_id, row.model_id, row.score / STEPS) for row in rows)
