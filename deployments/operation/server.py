"""Prefect's server on an SQLite file, with a shorter wait for locks; run as a module.

Prefect lets each connection wait 60 seconds for another's lock. When Python's garbage collection, on the
thread of the event loop, meets a cursor of a connection that is waiting so, all of the server stands still
until the wait is over, for the lock is held by a transaction that the same loop would have to end. Five
seconds are more than any transaction takes; who has waited in vain is answered 503, and Prefect's client asks
again.
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

WAIT_SECONDS = 5


def wait_less(connection: Any, _record: Any, _proxy: Any) -> None:
    """Set the wait of a connection that is taken out of the pool; Prefect sets it when one is made."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
    cursor.close()


def main() -> None:
    """Run `prefect server` with these arguments."""
    event.listen(Pool, "checkout", wait_less)
    sys.argv = ["prefect", "server", *sys.argv[1:]]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
