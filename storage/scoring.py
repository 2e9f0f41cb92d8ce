"""Scores of closeness made where they are missing: after a commit, or for the whole corpus by a new model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from parsers.closeness import ClosenessModel
from storage.closeness import (
    AT_ONCE,
    StoredModel,
    missing,
    newest_model_id,
    read_model,
    steps_between,
    write_model,
    write_steps,
)
from storage.codec import Unpacker
from storage.reading import read_dictionaries

if TYPE_CHECKING:
    from storage.store import Store


def current_model(store: Store) -> StoredModel | None:
    """The newest model of a store, None if none was fitted."""
    with store.reading() as connection:
        model_id = newest_model_id(connection)
        return None if model_id is None else read_model(connection, model_id)


def score_new(
    store: Store,
    stored: StoredModel | None = None,
    *,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> int:
    """Score what a model (the newest) has not scored; gives how many revisions that were.

    It goes through the revisions in order, a thousand in a transaction, so that runs go on beside it and a
    call that is killed is taken up by the next. `advance` is told how many were gone through, of how many.
    """
    with store.reading() as connection:
        if stored is None:
            model_id = newest_model_id(connection)
            if model_id is None:
                return 0
            stored = read_model(connection, model_id)
        done, last = missing(connection, stored.id)
        if done >= last:
            return 0
        unpacker = Unpacker(read_dictionaries(connection))
    made = 0
    for after in range(done, last, AT_ONCE):
        end = min(after + AT_ONCE, last)
        # Scored without the lock, which is held for the rows alone.
        with store.reading() as connection:
            steps = steps_between(connection, stored, unpacker, after, end)
        with store.writing() as connection:
            made += write_steps(connection, stored.id, steps)
        advance(end, last)
    return made


def add_model(
    store: Store, model: ClosenessModel, seeds_version: int, now: datetime, code_version: str
) -> tuple[StoredModel, bool]:
    """Store a model as the newest version, unless it is that already; gives it, and whether it is new."""
    with store.writing() as connection:
        newest = newest_model_id(connection)
        there = None if newest is None else read_model(connection, newest)
        if there is not None and there.model == model:
            return there, False
        model_id = write_model(connection, model, seeds_version, now, code_version)
        return read_model(connection, model_id), True
