"""Versions: their rows, headers and chain, and how one is put on top of the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from storage.bulk import insert_rows, insert_stored, plainly
from storage.hashing import FORMATS, chain_hash, merkle_root
from storage.records import ROW_COLUMNS
from storage.tables import Revision, Version, from_micros, micros, table_of


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version as users see it; `lo` and `hi` are the ids of its first and last revision."""

    id: int
    parent_id: int | None
    run_id: str
    kind: str
    message: str
    created_at: datetime
    added: int
    revised: int
    retracted: int
    documents: int
    lo: int
    hi: int
    delta_root: str
    chain: str
    zdict_sha256: str | None
    formats: str
    code_version: str

    def header(self) -> list[Any]:
        """The fields that the chain hash covers, in their frozen order; no ids of revisions are in it."""
        return [
            self.id,
            self.run_id,
            self.kind,
            self.message,
            micros(self.created_at),
            self.added,
            self.revised,
            self.retracted,
            self.documents,
            self.delta_root,
            self.zdict_sha256,
            self.formats,
            self.code_version,
        ]


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What a caller says of the version that it appends."""

    run_id: str
    kind: str
    message: str
    now: datetime
    code_version: str
    zdict_sha256: str | None = None


_LAST = f"SELECT {', '.join(VersionRow.__slots__)} FROM version ORDER BY id DESC LIMIT 1"  # noqa: S608


def last_version(connection: Connection) -> VersionRow | None:
    """The newest version, None in an empty store."""
    row = plainly(connection, _LAST).first()
    if row is None:
        return None
    told = dict(zip(VersionRow.__slots__, row, strict=True))
    for name in ("delta_root", "chain", "zdict_sha256"):
        told[name] = None if told[name] is None else bytes(told[name]).hex()
    return VersionRow(**{**told, "created_at": from_micros(told["created_at"])})


def append_version(
    connection: Connection,
    parent: VersionRow | None,
    new: NewVersion,
    rows: list[tuple[Any, ...]],
    leaves: Sequence[bytes],
    *,
    already_retracted: int = 0,
) -> VersionRow:
    """Write rows of `revision` and the version that they make.

    The rows stand in the form of the database, in the order of ROW_COLUMNS, with ids from parent.hi + 1.

    `already_retracted`: so many of its tombstones follow a tombstone, so that no document goes with them.
    """
    op = ROW_COLUMNS.index("op")
    counts = Counter(row[op] for row in rows)
    # A clock that went back must not make versions run backwards: reading by date relies on their order.
    created_at = max(new.now, parent.created_at) if parent else new.now
    values: dict[str, Any] = {
        "id": rows[0][ROW_COLUMNS.index("version_id")],
        "parent_id": parent.id if parent else None,
        "run_id": new.run_id,
        "kind": new.kind,
        "message": new.message,
        "created_at": created_at,
        "added": counts["add"],
        "revised": counts["revise"],
        "retracted": counts["retract"],
        "documents": (parent.documents if parent else 0)
        + counts["add"]
        - (counts["retract"] - already_retracted),
        "lo": rows[0][0],
        "hi": rows[-1][0],
        "delta_root": merkle_root(leaves).hex(),
        "zdict_sha256": new.zdict_sha256,
        "formats": FORMATS,
        "code_version": new.code_version,
    }
    header = VersionRow(**values, chain="").header()
    parent_chain = bytes.fromhex(parent.chain) if parent else None
    version = VersionRow(**values, chain=chain_hash(parent_chain, header).hex())
    names = VersionRow.__slots__
    insert_rows(connection, table_of(Version), names, [[getattr(version, name) for name in names]], few=True)
    insert_stored(connection, table_of(Revision), ROW_COLUMNS, rows)
    return version
