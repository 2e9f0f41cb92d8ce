"""How hosts must be spared: kept in the store, so that every process that begins a run knows it.

A wait that a host asked for (Retry-After) is written at once, in a transaction of its own: it outlives a run
that is killed. When a host may be asked next is written when a run ends. A run reads both when it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, or_, select

from storage.ledger import upsert
from storage.tables import Host, table_of


@dataclass(frozen=True, slots=True)
class HostState:
    """A host is not asked before `free_at` (its delay), and left alone until `held_until` (Retry-After)."""

    name: str
    free_at: datetime | None = None
    held_until: datetime | None = None


def write_hosts(connection: Connection, states: Sequence[HostState]) -> None:
    """Note how hosts must be spared; of two times the later one stays, and None changes nothing."""
    rows = [{name: getattr(state, name) for name in HostState.__slots__} for state in states]
    upsert(connection, table_of(Host), rows, {"free_at": _later, "held_until": _later})


def _later(old: Any, new: Any) -> Any:
    return case((new.is_(None), old), (or_(old.is_(None), new > old), new), else_=old)


def read_hosts(connection: Connection, now: datetime) -> dict[str, HostState]:
    """The hosts that must be spared after `now`, by name."""
    table = table_of(Host)
    query = select(table).where(or_(table.c.free_at > now, table.c.held_until > now))
    return {row["name"]: HostState(**row) for row in connection.execute(query).mappings()}
