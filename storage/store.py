"""`Store`: the one door to the database and the raw archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from parsers.errors import KhotinError, NotFound, StoreError, UserError
from storage.archive import ArchiveWriter
from storage.bulk import insert_rows, plainly
from storage.captures import Captured, write_captures
from storage.checkpoint import Head, advance_head, check_head, read_head, refuse_lost
from storage.closeness import StoredModel, has_model
from storage.commit import PreparedOffer, RunResult, SourcePart, run_state, write_run
from storage.database import (
    BUSY_TIMEOUT_SECONDS,
    database_exists,
    database_url,
)
from storage.dictionaries import Dictionaries
from storage.likeness import FOLDER, LikenessIndex
from storage.records import prepare
from storage.remembered import Remembered
from storage.resketch import resketch
from storage.schema import prepare_schema
from storage.scoring import current_model, score_new
from storage.tables import IngestRun, Meta, micros, table_of
from storage.versions import NewVersion, VersionRow, last_version

LONGEST_RUN = timedelta(days=1)
"""A run that is older and has no end was killed."""


class Store(Remembered):
    """A versioned corpus: a database, and beside it the raw archive and the checkpoint in `home`.

    Opened by `open_store`. Safe to use from several threads and, on the same home and database, from several
    processes: writers take turns, readers wait for nobody.
    """

    def __init__(
        self,
        home: Path,
        url: str,
        busy_seconds: float = BUSY_TIMEOUT_SECONDS,
        *,
        near_duplicates: bool = True,
    ) -> None:
        super().__init__(home, url, busy_seconds)
        self._near_duplicates = near_duplicates
        self._dictionaries = Dictionaries(self)
        self._likeness: LikenessIndex | None = None

    @contextmanager
    def committing(self) -> Iterator[Connection]:
        """A write transaction that may append a version; the checkpoint is checked before, written after."""
        self._check_checkpoint()
        with self.writing() as connection:
            yield connection
            newest = last_version(connection)
        if newest is not None:
            self._advance_checkpoint(newest)

    # -- opening ----------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the tables of a new store, or bring those of an old one up to date."""
        facts = prepare_schema(self._engine, before_founding=lambda: refuse_lost(self.home))
        self.store_id = facts["store_id"]
        self._check_checkpoint()

    @staticmethod
    def _facts(connection: Connection) -> dict[str, str]:
        table = table_of(Meta)
        return {row.key: row.value for row in connection.execute(select(table.c.key, table.c.value))}

    def _check_checkpoint(self) -> bool:
        """Whether the checkpoint is of the last version. Raises StoreDamaged if the database does not fit it.

        A run that was killed after its commit leaves a checkpoint of the version before.
        """
        # The checkpoint is read before the database: a commit in between can only put the database ahead.
        head = read_head(self.home)
        with self.reading() as connection:
            wanted = head.version if head else 0
            query = "SELECT id, chain FROM version WHERE id >= ? ORDER BY id LIMIT 2"
            chains = {number: bytes(chain).hex() for number, chain in plainly(connection, query, wanted)}
            check_head(head, self.store_id, chains)
        return set(chains) <= {wanted}

    # -- runs -------------------------------------------------------------------------------------------

    def begin_run(self, run_id: str, kind: str, label: str, now: datetime) -> None:
        """Note that a run has begun."""
        row = {
            "run_id": run_id,
            "kind": kind,
            "label": label,
            "state": "running",
            "detail": "",
            "started_at": now,
        }
        with self.storing() as connection:
            there = run_state(connection, run_id)
            if there is not None:
                raise StoreError(
                    f"there is a run {run_id} already: {there}",
                    reason="run-not-open",
                    hint="give each run a name of its own",
                )
            plainly(
                connection,
                "UPDATE ingest_run SET state = 'failed', detail = 'it never ended: the process was killed', "
                "finished_at = ? WHERE state = 'running' AND started_at < ?",
                micros(now),
                micros(now - LONGEST_RUN),
            )
            insert_rows(connection, table_of(IngestRun), tuple(row), [tuple(row.values())], few=True)

    def fail_run(self, run_id: str, detail: str, now: datetime) -> None:
        """Note that a run ended before its commit; what it fetched is taken up by the next one.

        If the store cannot take the note, the run looks like one that was killed, which comes to the same:
        so no error is raised, which would hide the one that ended the run.
        """
        table = table_of(IngestRun)
        with suppress(KhotinError), self.storing() as connection:
            connection.execute(
                update(table)
                .where(table.c.run_id == run_id, table.c.state == "running")
                .values(state="failed", detail=detail[:2000], finished_at=now)
            )

    def commit_run(
        self,
        run_id: str,
        kind: str,
        message: str,
        parts: Sequence[SourcePart],
        now: datetime,
        code_version: str,
    ) -> RunResult:
        """Write all that a run found in one transaction: at most one version, the ledger, the cursors."""
        up_to_date = self._check_checkpoint()
        if self._near_duplicates:
            resketch(self)  # after an upgrade of the algorithm: what is compared must be of one kind
        packer = self._dictionaries.packer()
        index = self.likeness if self._near_duplicates else None
        offered = [offer.record for part in parts for offer in part.offers]
        records = prepare(offered, packer, sketches=index is not None)
        owners = [(part.source, offer) for part in parts for offer in part.offers]
        prepared = [
            PreparedOffer(source, offer, record)
            for (source, offer), record in zip(owners, records, strict=True)
        ]
        zdict = packer.dictionary.sha256 if packer.dictionary else None
        new = NewVersion(run_id, kind, message, now, code_version, zdict)
        with self.storing() as connection:
            result = write_run(connection, new, parts, prepared, index)
            measured = has_model(connection)
            newest = result.version or (None if up_to_date else last_version(connection))
        if newest is not None:
            self._advance_checkpoint(newest)
        if result.version is not None and index is not None:
            self._catch_up(result.version.hi)
        if result.version is not None and measured:
            # The corpus is safe: what is not scored now, the next commit scores.
            with suppress(StoreError):
                score_new(self)
        return result

    def closeness_model(self) -> StoredModel | None:
        """The newest model of closeness to the seeds, None if none was fitted."""
        return current_model(self)

    @property
    def likeness(self) -> LikenessIndex:
        """The index of texts that are alike."""
        if self._likeness is None:
            self._likeness = LikenessIndex(self.home / FOLDER, self.store_id)
        return self._likeness

    def _catch_up(self, hi: int) -> None:
        """Let the index take in what was committed. It can be made anew at any time: no run fails for it."""
        with suppress(OSError), self.reading() as connection:
            self.likeness.catch_up(connection, hi)

    def _advance_checkpoint(self, version: VersionRow) -> None:
        advance_head(self.home, Head(self.store_id, version.id, version.chain))

    def archive_writer(self, run_id: str, started_at: datetime, software: str) -> ArchiveWriter:
        """The raw archive's writer for one run."""
        return ArchiveWriter(self.archive_folder, run_id, started_at, software)

    def capture(self, run_id: str, archive: ArchiveWriter, captured: Sequence[Captured]) -> list[int]:
        """Keep raw payloads: archive, sync, then the index rows, whose ids it gives in order."""
        if not captured:
            return []
        placed = [(item, archive.write(item.payload)) for item in captured]
        archive.sync()
        with self.storing() as connection:
            return write_captures(connection, run_id, placed)

    def mark_sample(self) -> None:
        """Note, in a store without any version, that it is for the sample newsroom only.

        Raises UserError for a store that holds something else: what is appended can never be taken out.
        """
        with self.writing() as connection:
            if self._facts(connection).get("sample"):
                return
            if last_version(connection) is not None:
                raise UserError(
                    f"{self.location} is no store of the sample newsroom",
                    reason="not-a-sample-store",
                    hint="set KHOTIN_HOME to a folder of its own for the sample",
                )
            connection.execute(insert(table_of(Meta)), [{"key": "sample", "value": "1"}])

    @property
    def is_sample(self) -> bool:
        """Whether the store was made for the sample newsroom."""
        with self.reading() as connection:
            return "sample" in self._facts(connection)


def open_store(
    home: Path,
    url: str,
    *,
    create: bool = True,
    busy_seconds: float = BUSY_TIMEOUT_SECONDS,
    near_duplicates: bool = True,
) -> Store:
    """Open the store, and make it if there is none; with `create=False` raise NotFound instead.

    A writer waits `busy_seconds` for another before it ends with StoreBusy. Without `near_duplicates` commits
    keep out equal texts only, in a fraction of the time: for imports that are known to hold no copies.
    The next opening with them sketches what was appended.
    """
    if not create and not database_exists(database_url(url)):
        raise NotFound(
            f"there is no store in {home}",
            reason="no-store",
            hint="set KHOTIN_HOME to the folder of a store, or make one: `khotin ingest --sample`",
        )
    store = Store(home, url, busy_seconds, near_duplicates=near_duplicates)
    try:
        home.mkdir(parents=True, exist_ok=True)
        store.prepare()
    except OSError as error:
        store.close()
        raise StoreError(
            f"cannot use the folder {home}: {error.strerror or error}",
            reason="home-not-writable",
            hint="set KHOTIN_HOME to a folder that you may write to",
        ) from error
    except BaseException:
        store.close()
        raise
    return store


__all__ = ["Store", "open_store"]
