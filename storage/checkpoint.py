"""The external head: a small file beside the database that says which version was last.

Without it, cutting the last version off the database would go unnoticed. It is written after each commit:
to a temporary file, synced, renamed. A crash between the commit and the checkpoint leaves the checkpoint
one version behind, which is harmless and mended by the next commit; a database behind its checkpoint is not.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

from parsers.errors import StoreDamaged, StoreError

FILE_NAME = "HEAD.json"
LOCK_NAME = "HEAD.lock"


@dataclass(frozen=True, slots=True)
class Head:
    """The last version that was committed to the store with this id."""

    store_id: str
    version: int
    chain: str


def read_head(folder: Path) -> Head | None:
    """The checkpoint in `folder`, None if there is none. Raises StoreDamaged if it cannot be read."""
    path = folder / FILE_NAME
    try:
        value = json.loads(path.read_text("utf-8"))
        return Head(str(value["store_id"]), int(value["version"]), str(value["chain"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreDamaged(
            f"the checkpoint {path} cannot be read: {error}",
            reason="bad-checkpoint",
            hint="restore it from a backup; if the database is sound, move the file away",
        ) from error


def write_head(folder: Path, head: Head) -> None:
    """Replace the checkpoint atomically and durably."""
    path = folder / FILE_NAME
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    value = {"store_id": head.store_id, "version": head.version, "chain": head.chain}
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump(value, stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _not_written(path, error) from error


def advance_head(folder: Path, head: Head) -> None:
    """Write a checkpoint, unless that of a later version of the store is there.

    Two runs may come here in another order than they committed in: a lock on a file lets one look and write
    at a time.
    """
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _not_written(folder / FILE_NAME, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        there = read_head(folder)
        if there is None or there.store_id != head.store_id or there.version < head.version:
            write_head(folder, head)
    finally:
        os.close(descriptor)


def _not_written(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"the version is committed, but not its checkpoint {path}: {error.strerror or error}",
        reason="checkpoint-not-written",
        hint="make the folder writable; the next commit writes it",
    )


_MOVE = "if you replaced the database on purpose, move HEAD.json away; otherwise restore a backup"


def refuse_lost(folder: Path) -> None:
    """Raises StoreDamaged if `folder` has a checkpoint: for a database in which there is nothing at all.

    Such a database must not be made into a new store: what was lost (an SQLite file whose WAL is gone, an
    exchanged server) could then not be put back without more loss.
    """
    head = read_head(folder)
    if head is not None:
        raise StoreDamaged(
            f"the database is empty, but version {head.version} of store {head.store_id} was committed",
            reason="behind-checkpoint",
            hint=_MOVE,
        )


def check_head(head: Head | None, store_id: str, chains: dict[int, str]) -> None:
    """Compare a checkpoint with what the database holds at that version (`chains`: version -> chain).

    Raises StoreDamaged if the database belongs to another store, is behind the checkpoint, or has forked.
    """
    if head is None:
        return
    if head.store_id != store_id:
        raise StoreDamaged(
            f"HEAD.json belongs to store {head.store_id}, the database is store {store_id}",
            reason="other-store",
            hint=_MOVE,
        )
    if head.version not in chains:
        raise StoreDamaged(
            f"the database ends before version {head.version}, which was committed",
            reason="behind-checkpoint",
            hint=_MOVE,
        )
    if chains[head.version] != head.chain:
        raise StoreDamaged(
            f"version {head.version} is not the one that was committed",
            reason="forked",
            hint=_MOVE,
        )
