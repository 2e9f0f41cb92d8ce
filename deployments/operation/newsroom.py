"""The sample newsroom beside scheduled runs: each run that ends brings the next edition."""

from __future__ import annotations

import asyncio
import random

from deployments.sample import SEEDS
from deployments.sample.press import LAST_EDITION
from deployments.sample.server import SampleNewsroom
from flows.clock import SystemClock
from flows.configured import SAMPLE_LABEL
from flows.seed import import_seeds
from parsers.errors import StoreError
from storage import Store

EVERY_SECONDS = 1.0


def edition_of(store: Store) -> int:
    """The edition that the next run is to find."""
    return min(store.finished_runs(SAMPLE_LABEL) + 1, LAST_EDITION)


def prepare_sample(store: Store) -> None:
    """Make the store one of the sample newsroom, with its seeds as version 1. Raises UserError."""
    store.mark_sample()
    if not store.versions():
        import_seeds(store, SEEDS, clock=SystemClock(), rng=random.Random())


async def follow(newsroom: SampleNewsroom, store: Store) -> None:
    """Turn to the next edition whenever a run has ended; for ever."""
    while True:
        try:
            edition = await asyncio.to_thread(edition_of, store)
        except StoreError:  # busy, or gone for a while: the edition of before goes on
            edition = newsroom.edition
        if edition != newsroom.edition:
            newsroom.turn_to(edition)
        await asyncio.sleep(EVERY_SECONDS)
