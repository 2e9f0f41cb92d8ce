"""Runs one reparse with a changed parser in its own process and kills it (SIGKILL) before an SQL statement.

python -m tests.flows.killed_reparse HOME DATABASE_URL STATEMENT
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

from flows.clock import SystemClock
from flows.reparse import reparse
from storage import open_store
from tests.flows.test_reparse import CHANGED, SAMPLE


def main(home: str, url: str, start: str) -> None:
    with open_store(Path(home), url) as store:

        @event.listens_for(Engine, "before_cursor_execute")
        def _check(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith(start):
                os.kill(os.getpid(), signal.SIGKILL)

        reparse(store, SAMPLE, clock=SystemClock(), rng=random.Random(), readers=CHANGED)


if __name__ == "__main__":
    main(*sys.argv[1:])
