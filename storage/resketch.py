"""Sketches made anew from stored texts: after an upgrade of the algorithm, or when somebody asks for it.

It goes through the revisions in order, a thousand in a transaction, so that runs go on beside it. The sketch
of the newest revision changes last: as long as that is of another algorithm, the work is not done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, select

from parsers.shingles import ALGORITHM, sketches_of_all
from storage.codec import ZSTD, Unpacker
from storage.kin import compared_text
from storage.reading import read_dictionaries
from storage.sketches import write_sketches
from storage.tables import Revision, Sketch, table_of

if TYPE_CHECKING:
    from storage.store import Store

AT_ONCE = 1_000


def sketches_are_stale(connection: Connection) -> bool:
    """Whether the newest text has no sketch of today's algorithm."""
    sketch, revision = table_of(Sketch), table_of(Revision)
    newest = select(sketch.c.revision_id, sketch.c.algorithm).order_by(sketch.c.revision_id.desc()).limit(1)
    found = connection.execute(newest).first()
    # From the end: a maximum with a condition would go through the whole table.
    with_text = (revision.c.op != "retract") & (revision.c.codec == ZSTD)
    query = select(revision.c.id).where(with_text).order_by(revision.c.id.desc()).limit(1)
    last = connection.execute(query).scalar()
    return last is not None and (found is None or found.algorithm != ALGORITHM or found.revision_id < last)


def resketch(
    store: Store,
    *,
    everything: bool = False,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> int:
    """Sketch the stored texts that have no sketch of today's algorithm, or `everything`; gives how many.

    `advance` is told how many revisions were gone through, and of how many.
    """
    with store.reading() as connection:
        if not everything and not sketches_are_stale(connection):
            return 0
        last = connection.execute(select(func.max(table_of(Revision).c.id))).scalar() or 0
        unpacker = Unpacker(read_dictionaries(connection))
    made = 0
    for after in range(0, last, AT_ONCE):
        end = min(after + AT_ONCE, last)
        with store.writing() as connection:
            made += _resketch(connection, unpacker, after, end, everything=everything)
        advance(end, last)
    return made


def _resketch(connection: Connection, unpacker: Unpacker, after: int, end: int, *, everything: bool) -> int:
    sketch, revision = table_of(Sketch), table_of(Revision)
    within = (sketch.c.revision_id > after) & (sketch.c.revision_id <= end)
    if not everything:
        within &= sketch.c.algorithm != ALGORITHM
    connection.execute(delete(sketch).where(within))
    there = select(sketch.c.revision_id).where(sketch.c.revision_id > after, sketch.c.revision_id <= end)
    query = (
        select(revision.c.id, revision.c.body, revision.c.zdict_id)
        .where(revision.c.id > after, revision.c.id <= end)
        .where(revision.c.op != "retract", revision.c.codec == ZSTD, revision.c.id.not_in(there))
        .order_by(revision.c.id)
    )
    rows = connection.execute(query).all()
    texts = [compared_text(unpacker.unpack(bytes(body), zdict_id)).folded for _, body, zdict_id in rows]
    keys = sketches_of_all(texts)
    write_sketches(connection, [(row.id, own) for row, own in zip(rows, keys, strict=True)])
    return len(rows)


def rebuild(
    store: Store,
    *,
    texts: bool = False,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[int, int]:
    """Make the index anew from the stored sketches, or with `texts` those first from the stored texts.

    Gives how many texts were sketched, and how many revisions the index covers.
    """
    sketched = resketch(store, everything=texts, advance=advance)
    store.likeness.clear()
    with store.reading() as connection:
        last = connection.execute(select(func.max(table_of(Revision).c.id))).scalar() or 0
        done = 0

        def taken(count: int) -> None:
            nonlocal done
            done += count
            advance(done, last)

        store.likeness.catch_up(connection, last, smallest=1, advance=taken)
        return sketched, store.likeness.covered(connection, last)
