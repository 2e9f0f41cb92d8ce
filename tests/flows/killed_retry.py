"""Reads rejected pages again in its own process and kills it (SIGKILL) before an SQL statement.

python -m tests.flows.killed_retry HOME DATABASE_URL STATEMENT
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from flows.rejected import retry_rejected
from storage import open_store
from tests.conftest import ManualClock
from tests.flows.test_quarantine import SOURCES, mended


def main(home: str, url: str, start: str) -> None:
    with open_store(Path(home), url) as store:

        @event.listens_for(Engine, "before_cursor_execute")
        def _check(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith(start):
                os.kill(os.getpid(), signal.SIGKILL)

        clock = ManualClock()
        clock.advance(days=1)
        retry_rejected(store, SOURCES, store.rejected(), clock=clock, rng=random.Random(), read=mended)


if __name__ == "__main__":
    main(*sys.argv[1:])
