"""Claims: names that one process holds at a time, and that are free again the moment it dies.

On SQLite, where all writers are on one machine, a claim is a lock on a file in the home folder; on PostgreSQL
an advisory lock of a session, so that it holds between machines. The kernel or the server takes either
back from a holder that was killed: nothing has to be cleaned up, and no time-out is to be guessed.

A claim keeps two runs from asking one site at the same time. That nothing is stored twice does not rest on
it: the write lock and the commit see to that.
"""

from __future__ import annotations

import fcntl
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, Engine, text

from parsers.errors import StoreError
from storage.database import naming_errors

FOLDER = "claims"
_DIGEST_BYTES = 8


class Claims(Protocol):
    """The claims of one holder."""

    def take(self, name: str) -> bool:
        """Take the name, at once or not at all: False if another holder has it."""
        ...

    def give_back(self, name: str) -> None:
        """Let others take the name; a name that is not held is none of our business."""
        ...


@contextmanager
def open_claims(engine: Engine, home: Path, store_id: str) -> Iterator[Claims]:
    """Claims in a store; all that are still held are given back at the end."""
    if engine.dialect.name == "sqlite":
        files = _FileClaims(home / FOLDER)
        try:
            yield files
        finally:
            files.close()
        return
    with naming_errors(engine):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        yield _SessionClaims(connection, engine, store_id)
    finally:
        # The session is ended and not given to the pool: with it end its locks, whatever state it is in.
        with suppress(Exception):
            connection.invalidate()
        connection.close()


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=_DIGEST_BYTES).digest()


class _FileClaims:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, IO[bytes]] = {}
        self._lock = threading.Lock()

    def take(self, name: str) -> bool:
        with self._lock:
            if name in self._held:
                return False
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                # The file stays when it is free: were it deleted, two holders could lock two files.
                file = (self._folder / f"{_digest(name).hex()}.lock").open("ab")
            except OSError as error:
                raise StoreError(
                    f"cannot write to {self._folder}: {error.strerror or error}",
                    reason="home-not-writable",
                    hint="set KHOTIN_HOME to a folder that you may write to",
                ) from error
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            self._held[name] = file
            return True

    def give_back(self, name: str) -> None:
        with self._lock:
            file = self._held.pop(name, None)
            if file is not None:
                file.close()

    def close(self) -> None:
        for name in list(self._held):
            self.give_back(name)


class _SessionClaims:
    def __init__(self, connection: Connection, engine: Engine, store_id: str) -> None:
        self._connection = connection
        self._engine = engine
        self._store_id = store_id
        self._held: set[str] = set()
        self._lock = threading.Lock()

    def _key(self, name: str) -> int:
        # Advisory locks are of the whole database, in which several stores may live, each in its schema.
        return int.from_bytes(_digest(self._store_id, name), "big", signed=True)

    def take(self, name: str) -> bool:
        with self._lock:
            # The server would give a session the same lock again.
            if name in self._held:
                return False
            with naming_errors(self._engine):
                query = text("SELECT pg_try_advisory_lock(:key)")
                taken = bool(self._connection.execute(query, {"key": self._key(name)}).scalar())
            if taken:
                self._held.add(name)
            return taken

    def give_back(self, name: str) -> None:
        with self._lock:
            if name in self._held:
                self._held.discard(name)
                with suppress(Exception):  # a session that is gone holds nothing
                    self._connection.execute(
                        text("SELECT pg_advisory_unlock(:key)"), {"key": self._key(name)}
                    )
