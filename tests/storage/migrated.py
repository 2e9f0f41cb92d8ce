"""Brings a store's schema up to date in a process of its own, with the migrations of a given folder.

    python -m tests.storage.migrated DATABASE_URL FOLDER HEAD [die]

With `die` it is killed (SIGKILL) when all is written and only COMMIT is left to do.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

from storage.database import connect_engine, database_url
from storage.schema import Migrations, prepare_schema


def _die_at_commit(connection: Connection) -> None:
    if connection.get_execution_options().get("khotin_write"):
        os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, folder: str, head: str, die: str = "") -> None:
    if die:
        event.listen(Engine, "commit", _die_at_commit)
    engine = connect_engine(database_url(url))
    print(prepare_schema(engine, Migrations(Path(folder), head))["schema"])


if __name__ == "__main__":
    main(*sys.argv[1:])
