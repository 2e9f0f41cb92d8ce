"""How hosts must be spared: kept in the store, so that every process that begins a run knows it.

A wait that a host asked for (Retry-After) is written at once, in a transaction of its own: it outlives a run
that is killed. When a host may be asked next is written when a run ends. A run reads both when it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from storage.ledger_rows import upsert
from storage.tables import Host, table_of


@dataclass(frozen=True, slots=True)
class HostState:
    """A host is not asked before `free_at` (its delay), and left alone until `held_until` (Retry-After)."""

    name: str
    free_at: datetime | None = None
    held_until: datetime | None = None


def write_hosts(connection: Connection, states: Sequence[HostState]) -> None:
    """Note how hosts must be spared; of two times the later one stays, and None changes nothing.

    To be called under the write lock.
    """
    table = table_of(Host)
    query = select(table).where(table.c.name.in_([state.name for state in states]))
    before = {row["name"]: HostState(**row) for row in connection.execute(query).mappings()}
    rows = []
    for state in states:
        old = before.get(state.name, state)
        rows.append(
            {
                "name": state.name,
                "free_at": _later(old.free_at, state.free_at),
                "held_until": _later(old.held_until, state.held_until),
            }
        )
    upsert(connection, table, rows)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((time for time in (one, other) if time is not None), default=None)


def read_host(connection: Connection, name: str) -> HostState | None:
    """How one host must be spared; None if nothing is known of it."""
    table = table_of(Host)
    row = connection.execute(select(table).where(table.c.name == name)).mappings().first()
    return None if row is None else HostState(**row)


def read_hosts(connection: Connection, now: datetime) -> dict[str, HostState]:
    """The hosts that must be spared after `now`, by name."""
    table = table_of(Host)
    query = select(table).where(or_(table.c.free_at > now, table.c.held_until > now))
    return {row["name"]: HostState(**row) for row in connection.execute(query).mappings()}
