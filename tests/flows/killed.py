"""Runs one ingest of the sample newsroom in its own process and kills it (SIGKILL) at a given point.

    python -m tests.flows.killed HOME DATABASE_URL EDITION POINT

POINT is `fetch` (after the first batch is kept), `commit` (before the transaction), or the start of an SQL
statement, before which the process dies.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import event
from sqlalchemy.engine import Engine

from flows.pages import FetchedBatch, fetch_batch
from flows.stages import Stages
from storage import open_store
from tests.flows.running import run_edition


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


async def _fetch_and_die(*args: Any) -> FetchedBatch:
    await fetch_batch(*args)
    die()


async def _die(*_: Any) -> NoReturn:
    die()


def _die_at(start: str) -> None:
    @event.listens_for(Engine, "before_cursor_execute")
    def _check(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(start):
            die()


def main(home: str, url: str, edition: str, point: str) -> None:
    stages = Stages()
    if point == "fetch":
        stages = Stages(fetch=_fetch_and_die)
    elif point == "commit":
        stages = Stages(commit=_die)
    with open_store(Path(home), url) as store:
        if point not in ("fetch", "commit"):
            _die_at(point)
        asyncio.run(run_edition(store, int(edition), stages=stages))


if __name__ == "__main__":
    main(*sys.argv[1:])
