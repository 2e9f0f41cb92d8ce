"""What the errors of the two databases mean: each becomes one of ours, by code and not by wording.

SQLite tells by its result codes (https://sqlite.org/rescode.html), PostgreSQL by SQLSTATE (its manual,
appendix A). An error that tells of a fault in a statement rather than of the database has no name here.
"""

from __future__ import annotations

import sqlite3
import sys
from typing import cast

from sqlalchemy import Dialect
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from parsers.errors import KhotinError, StoreBusy, StoreDamaged, StoreError, UserError

# SQLite: primary result codes.
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NOT_WRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
# PostgreSQL: lock_not_available, deadlock_detected; data_corrupted, index_corrupted; disk_full, io_error.
_BUSY_STATES = {"55P03", "40P01"}
_DAMAGED_STATES = {"XX001", "XX002"}
_NO_ROOM_STATES = {"53100", "58030"}


def driver_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What arrives from the drivers past SQLAlchemy, and the others: psycopg's COPY raises its own.

    SQLAlchemy imports psycopg when a store on PostgreSQL is opened. Nothing of ours does: it takes a tenth of
    the time in which a command starts.
    """
    psycopg = sys.modules.get("psycopg")
    return (*others, sqlite3.Error) if psycopg is None else (*others, sqlite3.Error, psycopg.Error)


def as_sqlalchemy(error: Exception, dialect: Dialect) -> DBAPIError:
    """The same error, of the driver of the dialect, as SQLAlchemy would have raised it."""
    base = dialect.loaded_dbapi.Error
    return cast(DBAPIError, DBAPIError.instance(None, None, error, base, dialect=dialect))


def named(error: DBAPIError, where: str, busy_seconds: float) -> KhotinError | None:
    """Our error for one of the database at `where`; None for a fault in a statement."""
    message = _message(error)
    kind = _kind(error)
    if kind == "busy":
        return StoreBusy(
            f"another process has been writing to {where} for {busy_seconds:g} s",
            hint="wait for it to end, or stop it; what it had committed is safe",
        )
    if kind == "damaged":
        return StoreDamaged(
            f"the database {where} is damaged: {message}",
            hint="restore a backup; `khotin verify` tells what is damaged",
        )
    if kind == "not-writable":
        return UserError(
            f"the database {where} cannot be opened or written: {message}",
            reason="home-not-writable",
            hint="set KHOTIN_HOME to a folder that you may write to",
        )
    if kind == "no-room":
        return StoreError(
            f"the database {where} cannot write: {message}",
            hint="free some disk space; what was committed is safe, the rest is taken up by the next run",
        )
    if kind == "failed":
        return refused(error, where)
    if kind == "unreachable":
        return StoreError(
            f"the database {where} does not answer: {message}",
            reason="store-unreachable",
            hint="check KHOTIN_DATABASE_URL and that the server runs",
        )
    return None


def refused(error: DBAPIError, where: str) -> StoreError:
    """Our error for a statement that the database refused, for whatever reason: nothing of it is stored."""
    return StoreError(
        f"the database {where} refused a statement: {_message(error)}",
        hint="nothing of the transaction was stored; if nobody changed the database by hand, "
        "please report this as a bug",
    )


def _message(error: DBAPIError) -> str:
    lines = str(error.orig or error).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__


def _kind(error: DBAPIError) -> str | None:
    orig = error.orig
    if isinstance(orig, sqlite3.Error):
        return _sqlite_kind(orig)
    state = getattr(orig, "sqlstate", None)
    if state in _BUSY_STATES:
        return "busy"
    if state in _DAMAGED_STATES:
        return "damaged"
    if state in _NO_ROOM_STATES:
        return "no-room"
    # Without a state the connection broke; 25P03 and class 57 are ends that the server made.
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return "unreachable"
    return None


def _sqlite_kind(orig: sqlite3.Error) -> str | None:
    code = getattr(orig, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & 0xFF
    for codes, kind in (
        (_BUSY, "busy"),
        (_DAMAGED, "damaged"),
        (_NOT_WRITABLE, "not-writable"),
        (_NO_ROOM, "no-room"),
    ):
        if primary in codes:
            return kind
    # For instance a table that is not there; constraints and triggers are no operational errors.
    return "failed" if isinstance(orig, sqlite3.OperationalError) else None
