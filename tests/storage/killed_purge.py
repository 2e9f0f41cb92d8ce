"""Runs one purge in its own process and kills it (SIGKILL) at a given point.

    python -m tests.storage.killed_purge HOME DATABASE_URL URL POINT

POINT is `raw:N` (before the Nth raw file is opened for writing), `checkpoint` (before it is renamed), or the
start of an SQL statement, before which the process dies.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from storage import open_store
from storage.retraction import retract
from tests.conftest import START


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_at_raw_file(number: int) -> None:
    seen = 0

    def hook(name: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        if name == "open" and str(args[0]).endswith(".warc.gz") and "+" in str(args[1]):
            seen += 1
            if seen == number:
                die()

    sys.addaudithook(hook)


def _die_at_checkpoint() -> None:
    def hook(name: str, args: tuple[Any, ...]) -> None:
        if name == "os.rename" and str(args[1]).endswith("HEAD.json"):
            die()

    sys.addaudithook(hook)


def _die_at_statement(start: str) -> None:
    @event.listens_for(Engine, "before_cursor_execute")
    def _check(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(start):
            die()


def main(home: str, url: str, document: str, point: str) -> None:
    with open_store(Path(home), url) as store:
        if point.startswith("raw:"):
            _die_at_raw_file(int(point.removeprefix("raw:")))
        elif point == "checkpoint":
            _die_at_checkpoint()
        else:
            _die_at_statement(point)
        retract(store, [document], "test", purge=True, run_id="killed", now=START, code_version="0")


if __name__ == "__main__":
    main(*sys.argv[1:])
