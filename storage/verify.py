"""Verifying a store: everything is hashed anew and compared, and nothing stops at the first damage.

What vouches for what: HEAD.json for the last chain; a chain for the header of its version and all before it;
a header for the Merkle root over the leaves of its revisions; a leaf for the fields, the body and the raw
page of one revision, and for the revision before it; a row of `capture` carries a hash of its own.
The ledger and the working memory of the flows (`outcome`, `run_source`, `page`, `endpoint`, ...) carry none:
SQLite's own check sees their pages, and what they say of versions and revisions is compared.

An export is verified apart from its store, by `storage.verify_export`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from parsers.errors import NotFound, StoreBusy, StoreDamaged, StoreError
from storage.checkpoint import Head, read_head
from storage.faults import driver_errors
from storage.findings import Finding, Findings
from storage.scanning import Rows, first_line
from storage.store import Store
from storage.verify_archive import CaptureCheck
from storage.verify_database import (
    check_checkpoint,
    check_file,
    check_guards,
    check_ledger,
    check_schema,
    check_schema_version,
)
from storage.verify_revisions import RevisionCheck
from storage.verify_versions import check_dictionaries, check_models, check_versions

Advance = Callable[[int, int], None]
"""Called after each batch with the rows done and the rows there are, both counted over all tables."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification saw. `sound` is the answer; notes are odd, but no damage."""

    location: str
    versions: int
    revisions: int
    captures: int
    purged: int
    deep: bool
    archive: bool
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not self.findings


def store_to_verify(home: Path, url: str) -> Store:
    """The store as it is: nothing is made, upgraded or checked at opening, so that damage can be looked at.

    Raises NotFound if there is none.
    """
    target = make_url(url)
    if target.get_backend_name() == "sqlite" and not Path(target.database or "").exists():
        hint = "set KHOTIN_HOME or KHOTIN_DATABASE_URL to a store, or make one with `khotin ingest --sample`"
        if read_head(home) is not None:
            hint = f"{home}/HEAD.json remembers a store that was there: restore it from a backup"
        raise NotFound(f"there is no store at {target.database}", reason="no-store", hint=hint)
    return Store(home, url)


def verify_store(
    store: Store, *, archive: bool = True, deep: bool = False, advance: Advance = lambda _done, _total: None
) -> Verification:
    """Verify a store inside one read transaction; other runs may go on beside it.

    `archive`: read every raw page too. `deep`: fold every text anew for its comparison keys and word count,
    which no leaf covers (many times slower). Damage is never raised: it is a finding. Raises StoreError
    only if the database server cannot be reached or goes away.
    """
    findings = Findings()
    head = _read_head(store.home, findings)
    counts = (0, 0, 0, 0)
    try:
        with store.reading() as connection:
            counts = _verify(connection, store, head, findings, archive=archive, deep=deep, advance=advance)
    except StoreBusy:
        raise
    except StoreError as error:
        # Of a server it means that it is not there; a file is there, and cannot be read.
        if not store.location.startswith("sqlite"):
            raise
        findings.add("database", "", "unreadable", error.message)
    except DBAPIError as error:
        findings.add("database", "", "unreadable", first_line(error.orig or error))
    except SQLAlchemyError as error:
        findings.add("database", "", "unreadable", first_line(error))
    except driver_errors() as error:
        findings.add("database", "", "unreadable", first_line(error))
    versions, revisions, captures, purged = counts
    return Verification(
        store.location,
        versions,
        revisions,
        captures,
        purged,
        deep,
        archive,
        tuple(findings.found),
        tuple(findings.notes),
    )


def _verify(
    connection: Connection,
    store: Store,
    head: Head | None,
    findings: Findings,
    *,
    archive: bool,
    deep: bool,
    advance: Advance,
) -> tuple[int, int, int, int]:
    rows = Rows(connection, findings)
    check_file(rows, findings)
    there = check_schema(connection, findings)
    check_schema_version(rows, findings)
    check_guards(rows, findings)
    if not {"version", "revision", "zdict", "capture"} <= there:
        check_checkpoint(store.home, head, _store_id(rows), [], findings)
        return 0, 0, 0, 0
    total = sum(_count(rows, table) for table in ("revision", "capture"))
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        advance(done, max(total, done))

    versions = check_versions(rows, findings)
    check_checkpoint(store.home, head, _store_id(rows), versions, findings)
    revisions = RevisionCheck(rows, findings, versions, check_dictionaries(rows, findings), deep=deep)
    revisions.run(progress)
    captures = CaptureCheck(rows, findings, store.archive_folder if archive else None, revisions.purged)
    captures.run(progress)
    check_ledger(rows, versions, findings)
    check_models(rows, findings)
    return len(versions), revisions.count, captures.count, len(revisions.purged.url_keys)


def _count(rows: Rows, table: str) -> int:
    # Ids have no gaps, so the greatest is the count, without a scan.
    found = rows.attempt(table, f"SELECT max(id) FROM {table}")  # noqa: S608 - names of our own tables
    value: Any = found[0][0] if found else 0
    return value if isinstance(value, int) else 0


def _store_id(rows: Rows) -> str | None:
    found = rows.attempt("meta", "SELECT value FROM meta WHERE key = 'store_id'")
    return str(found[0][0]) if found else None


def _read_head(home: Path, findings: Findings) -> Head | None:
    # Before the database is read: a commit in between can only put the database ahead.
    try:
        return read_head(home)
    except StoreDamaged as error:
        findings.add("checkpoint", home / "HEAD.json", error.reason, error.message)
        return None


__all__ = ["Advance", "Finding", "Verification", "store_to_verify", "verify_store"]
