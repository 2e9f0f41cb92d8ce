"""A backup: one folder that holds a whole store in one state of it, taken while runs go on.

    FOLDER/khotin.db    all tables, as one SQLite file, whichever database the store is in
    FOLDER/HEAD.json    the checkpoint of exactly this state
    FOLDER/raw/...      the raw archive's files, as far as this state names them

It is a home of its own: to restore, set KHOTIN_HOME to the folder or to a copy of it. It is built under
another name beside FOLDER, checked, synced and renamed; so FOLDER, where it is there, is whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sqlalchemy import func, select

from parsers.errors import StoreDamaged, StoreError, UserError
from storage.checkpoint import Head, write_head
from storage.codec import PURGED, Unpacker
from storage.copying import archive_extents, copy_store
from storage.hashing import leaf_hash
from storage.raw_files import RawCopy, copy_raw, sync_path
from storage.reading import read_dictionaries
from storage.records import Record, leaf_fields
from storage.store import Store, open_store
from storage.tables import Revision, Version, table_of
from storage.versions import VersionRow, last_version

DATABASE = "khotin.db"
PARTS = 3


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds. `version` is None for a store that had none yet."""

    folder: Path
    version: VersionRow | None
    revisions: int
    raw: RawCopy


def back_up(
    store: Store,
    folder: Path,
    *,
    link: bool = False,
    advance: Callable[[], None] = lambda: None,
) -> Backup:
    """Back up a store into a folder that does not exist yet.

    `link`: hard-link the raw files instead of copying them, on the same file system. `advance` is called
    after each of its PARTS: the tables, the raw files, the check. Raises UserError (`target-exists`,
    `target-inside-home`), StoreError (`backup-not-written`),
    StoreDamaged when the backup does not hold what the store holds.
    """
    folder = folder.absolute()
    _check_target(store, folder)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        temporary.mkdir(parents=True)
        _write_database(store, temporary / DATABASE)
        advance()
        with open_store(temporary, f"sqlite:///{temporary / DATABASE}") as made:
            with made.reading() as connection:
                version, extents = last_version(connection), archive_extents(connection)
            if version is not None:
                write_head(temporary, Head(made.store_id, version.id, version.chain))
            raw = copy_raw(store.archive_folder, made.archive_folder, extents, link=link)
            advance()
            revisions = _check(store, made, version)
        sync_path(temporary / DATABASE)
        sync_path(temporary)
        _publish(temporary, folder)
        advance()
    except OSError as error:
        raise StoreError(
            f"cannot write the backup {folder}: {error.strerror or error}",
            reason="backup-not-written",
            hint="name a folder on a disk with room that you may write to; nothing was left there",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Backup(folder, version, revisions, raw)


def _check_target(store: Store, folder: Path) -> None:
    if folder.exists() or folder.is_symlink():
        raise UserError(
            f"{folder} is there already",
            reason="target-exists",
            hint="name a folder that is not, for instance with the date in its name",
        )
    if folder.resolve().is_relative_to(store.home.resolve()):
        raise UserError(
            f"{folder} lies inside the store's own folder {store.home}",
            reason="target-inside-home",
            hint="name a folder outside, best on another disk",
        )


def _publish(temporary: Path, folder: Path) -> None:
    # rename() would replace an empty folder that somebody made meanwhile: harmless, and no other.
    temporary.rename(folder)
    sync_path(folder.parent)


def _write_database(store: Store, path: Path) -> None:
    url = store.url
    if url.get_backend_name() == "postgresql":
        try:
            copy_store(store, f"sqlite:///{path}")
        except StoreError as error:
            cause = getattr(error.__cause__, "orig", None)
            if isinstance(cause, sqlite3.Error):  # the backup's own file refused, not the store
                raise OSError(str(cause)) from error
            raise
        return
    # VACUUM INTO is refused inside a transaction, so it goes past Store.reading(). It sees one committed
    # state, as any reader does, and writers go on.
    connection = sqlite3.connect(str(url.database), isolation_level=None, timeout=60)
    try:
        connection.execute("VACUUM INTO ?", (str(path),))
    except sqlite3.DatabaseError as error:
        if "malformed" in str(error) or "not a database" in str(error):
            raise StoreDamaged(
                f"the database {store.location} cannot be read: {error}",
                hint="run `khotin verify`; restore an older backup",
            ) from error
        raise OSError(str(error)) from error
    finally:
        connection.close()


def _check(store: Store, made: Store, version: VersionRow | None) -> int:
    """Whether the backup holds what the store holds up to its version; gives the number of revisions."""
    with made.reading() as connection:
        said = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    if said != ["ok"]:
        raise _unlike(f"SQLite says {said[0]}")
    hi = version.hi if version else 0
    revision, versions = table_of(Revision), table_of(Version)
    of_revisions = select(func.count()).select_from(revision).where(revision.c.id <= hi)
    of_versions = select(versions.c.chain).where(versions.c.id <= (version.id if version else 0))
    found = []
    for one in (store, made):
        with one.reading() as connection:
            chains = connection.execute(of_versions.order_by(versions.c.id)).scalars().all()
            found.append((int(connection.execute(of_revisions).scalar_one()), chains))
    if found[0] != found[1]:
        raise _unlike("its versions or the number of its revisions differ")
    _check_leaves(made)
    return found[1][0]


def _check_leaves(made: Store) -> None:
    """Hash every revision again, from its body and fields and the leaf before it."""
    table = table_of(Revision)
    before = table.alias()
    query = (
        select(table, before.c.leaf.label("prev_leaf"))
        .outerjoin(before, before.c.id == table.c.prev_id)
        .order_by(table.c.id)
    )
    with made.reading() as connection:
        unpacker = Unpacker(read_dictionaries(connection))
        for row in connection.execution_options(yield_per=1_000).execute(query):
            if row.codec == PURGED:
                body = row.body.hex()
            else:
                body = hashlib.sha256(unpacker.unpack(row.body, row.zdict_id)).hexdigest()
            # The row has the fields of a record under the same names.
            fields = leaf_fields(cast(Record, row), row.rev, row.op, row.prev_leaf, body)
            if leaf_hash(fields).hex() != row.leaf:
                raise _unlike(f"revision {row.id} ({row.url}) does not match its hash")


def _unlike(what: str) -> StoreDamaged:
    return StoreDamaged(
        f"the backup was not kept, because it is not sound: {what}",
        hint="run `khotin verify` to see whether the store itself is damaged",
    )
