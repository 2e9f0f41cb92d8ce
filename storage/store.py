"""`Store`: the one door to the database and the raw archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.engine import URL

from parsers.errors import KhotinError, NotFound, StoreDamaged, StoreError, UserError
from storage.archive import ArchiveWriter, read_payload
from storage.captures import Captured, CaptureRow, read_kept, read_left_over, write_captures
from storage.checkpoint import Head, advance_head, check_head, read_head, refuse_lost
from storage.claims import Claims, open_claims
from storage.closeness import StoredModel, has_model
from storage.codec import TRAININGS, ZSTD, Dictionary, Packer, Training, Unpacker, train
from storage.commit import PreparedOffer, RunResult, SourcePart, run_state, write_run
from storage.daily import (
    DayOfReason,
    DayOfRuns,
    DayOfSource,
    read_days,
    read_last_success,
    read_reasons,
    read_run_days,
)
from storage.database import (
    BUSY_TIMEOUT_SECONDS,
    connect_engine,
    database_exists,
    database_url,
    reading,
    storing,
    writing,
)
from storage.documents import Change, Document
from storage.hosts import HostState, read_host, read_hosts, write_hosts
from storage.ledger import (
    EndpointState,
    PageState,
    SourcePoll,
    read_all_endpoints,
    read_by_article_id,
    read_endpoints,
    read_looks,
    read_next_retry,
    read_pages,
    read_pending,
    read_polls,
)
from storage.likeness import FOLDER, LikenessIndex
from storage.off_topic import LeftOut, read_left_out
from storage.reading import (
    Reader,
    count_by_source,
    read_dictionaries,
    read_versions,
)
from storage.records import prepare
from storage.rejected import Rejected, count_rejected, read_rejected
from storage.resketch import resketch
from storage.run_facts import RunFacts, read_run_facts
from storage.schema import prepare_schema
from storage.scoring import current_model, score_new
from storage.shapes import ShapeRow, read_shapes
from storage.stories import (
    RunRow,
    Story,
    count_finished_runs,
    read_capture,
    read_problems_before,
    read_runs,
    read_story,
)
from storage.tables import IngestRun, Meta, Revision, Version, Zdict, table_of
from storage.tags import LATEST, resolve
from storage.versions import NewVersion, VersionRow, last_version

LONGEST_RUN = timedelta(days=1)
"""A run that is older and has no end was killed."""


class Store:
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
        self.home = home
        self._near_duplicates = near_duplicates
        self._engine = connect_engine(database_url(url), busy_seconds)
        self._dictionary: Dictionary | None = None
        self._untrainable: set[Training] = set()
        self.store_id = ""
        self._likeness: LikenessIndex | None = None

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @property
    def location(self) -> str:
        """The database's URL, without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    @property
    def url(self) -> URL:
        """The database's URL with all that is needed to connect."""
        return self._engine.url

    @property
    def archive_folder(self) -> Path:
        return self.home / "raw"

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads: one consistent state, and no wait for writers."""
        return reading(self._engine)

    def writing(self) -> AbstractContextManager[Connection]:
        """The one transaction that may write: everything in it is stored, or nothing."""
        return writing(self._engine)

    @contextmanager
    def committing(self) -> Iterator[Connection]:
        """A write transaction that may append a version; the checkpoint is checked before, written after."""
        self._check_checkpoint()
        with self.writing() as connection:
            yield connection
            newest = last_version(connection)
        if newest is not None:
            self._advance_checkpoint(newest)

    def _storing(self) -> AbstractContextManager[Connection]:
        return storing(self._engine)

    def claims(self) -> AbstractContextManager[Claims]:
        """Names that one process holds at a time, such as that of a source while it is run."""
        return open_claims(self._engine, self.home, self.store_id)

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
            table = table_of(Version)
            wanted = head.version if head else 0
            query = (
                select(table.c.id, table.c.chain).where(table.c.id >= wanted).order_by(table.c.id).limit(2)
            )
            chains = {row.id: row.chain for row in connection.execute(query)}
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
        table = table_of(IngestRun)
        with self._storing() as connection:
            there = run_state(connection, run_id)
            if there is not None:
                raise StoreError(
                    f"there is a run {run_id} already: {there}",
                    reason="run-not-open",
                    hint="give each run a name of its own",
                )
            connection.execute(
                update(table)
                .where(table.c.state == "running", table.c.started_at < now - LONGEST_RUN)
                .values(state="failed", detail="it never ended: the process was killed", finished_at=now)
            )
            connection.execute(insert(table), [row])

    def fail_run(self, run_id: str, detail: str, now: datetime) -> None:
        """Note that a run ended before its commit; what it fetched is taken up by the next one.

        If the store cannot take the note, the run looks like one that was killed, which comes to the same:
        so no error is raised, which would hide the one that ended the run.
        """
        table = table_of(IngestRun)
        with suppress(KhotinError), self._storing() as connection:
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
        packer = self._packer()
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
        with self._storing() as connection:
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

    def _packer(self) -> Packer:
        """A packer with the newest dictionary; trains the next one once there is enough to train on."""
        with self.reading() as connection:
            newest_id = connection.execute(select(func.max(table_of(Zdict).c.id))).scalar()
            # Dictionaries never change, and to read and prepare one takes longer than a small commit.
            if newest_id is not None and (self._dictionary is None or self._dictionary.id != newest_id):
                self._dictionary = read_dictionaries(connection)[newest_id]
            training = TRAININGS[newest_id or 0] if (newest_id or 0) < len(TRAININGS) else None
            if training is None or training in self._untrainable:
                return Packer(self._dictionary)
            newest = last_version(connection)
            if newest is None or newest.documents < training.documents:
                return Packer(self._dictionary)
            samples = self._read_samples(connection, training.samples)
        trained = train(samples, (newest_id or 0) + 1, training.size)
        if trained is None:  # texts too much alike: to try it again with each commit would cost more
            self._untrainable.add(training)
        else:
            self._dictionary = self._keep(trained)
        return Packer(self._dictionary)

    @staticmethod
    def _read_samples(connection: Connection, count: int) -> list[bytes]:
        table = table_of(Revision)
        query = (
            select(table.c.body, table.c.zdict_id)
            .where(table.c.codec == ZSTD, table.c.op != "retract")
            .order_by(table.c.id.desc())
            .limit(count)
        )
        unpacker = Unpacker(read_dictionaries(connection))
        return [unpacker.unpack(body, zdict_id) for body, zdict_id in connection.execute(query)]

    def _keep(self, trained: Dictionary) -> Dictionary:
        """Store a dictionary, unless another process was first: then theirs is used."""
        with self._storing() as connection:
            there = read_dictionaries(connection)
            if trained.id in there:
                return there[max(there)]
            row = {"id": trained.id, "sha256": trained.sha256, "data": trained.data}
            connection.execute(insert(table_of(Zdict)), [row])
            return trained

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
        with self._storing() as connection:
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

    # -- what the flows remember --------------------------------------------------------------------------

    def pages(self, source: str, urls: Sequence[str]) -> dict[str, PageState]:
        """What a source knows of those of the URLs that it met before."""
        with self.reading() as connection:
            return read_pages(connection, source, urls)

    def pending(self, source: str, now: datetime, longest_wait: timedelta) -> list[PageState]:
        """The URLs of a source that were put off or wait for another look, and are due."""
        with self.reading() as connection:
            return read_pending(connection, source, now, longest_wait)

    def next_retry(self, source: str, now: datetime, longest_wait: timedelta) -> datetime | None:
        """When the next page of a source is to be tried again; None if none waits."""
        with self.reading() as connection:
            return read_next_retry(connection, source, now, longest_wait)

    def looks(self, source: str, now: datetime, longest_wait: timedelta, limit: int) -> list[PageState]:
        """The articles of a source that are due for another look, longest due first."""
        with self.reading() as connection:
            return read_looks(connection, source, now, longest_wait, limit)

    def pages_by_article_id(self, source: str, article_ids: Sequence[str]) -> dict[str, list[PageState]]:
        """The pages of a source that gave a document, by the site's own number of the article."""
        with self.reading() as connection:
            return read_by_article_id(connection, source, article_ids)

    def hosts(self, now: datetime) -> dict[str, HostState]:
        """The hosts that must be spared after `now`, by name."""
        with self.reading() as connection:
            return read_hosts(connection, now)

    def host(self, name: str) -> HostState | None:
        """How one host must be spared, as all runs know it."""
        with self.reading() as connection:
            return read_host(connection, name)

    def spare_hosts(self, states: Sequence[HostState]) -> None:
        """Note at once how hosts must be spared by every run that begins from now on."""
        if states:
            with self._storing() as connection:
                write_hosts(connection, states)

    def endpoints(self, source: str) -> dict[str, EndpointState]:
        """What is known of a source's feeds, sitemaps and listings."""
        with self.reading() as connection:
            return read_endpoints(connection, source)

    def all_endpoints(self) -> list[EndpointState]:
        """What is known of the feeds, sitemaps and listings of all sources."""
        with self.reading() as connection:
            return read_all_endpoints(connection)

    def polls(self, source: str | None = None) -> dict[str, SourcePoll]:
        """When a source, or each of all, was polled last and is due again, by name."""
        with self.reading() as connection:
            return read_polls(connection, source)

    def problems_before(self, run_id: str, source: str) -> tuple[str, ...]:
        """What was wrong with a source in the newest run of it before this one."""
        with self.reading() as connection:
            return read_problems_before(connection, run_id, source)

    def shapes(self, source: str | None = None) -> list[ShapeRow]:
        """What the pages of earlier runs were like, of a source or of all, newest first."""
        with self.reading() as connection:
            return read_shapes(connection, source)

    def off_topic(self, source: str, urls: Sequence[str]) -> dict[str, LeftOut]:
        """What a source last said of those of the URLs that it left out as off-topic."""
        with self.reading() as connection:
            return read_left_out(connection, source, urls)

    def closeness_model(self) -> StoredModel | None:
        """The newest model of closeness to the seeds, None if none was fitted."""
        return current_model(self)

    def left_over(self, source: str, since: datetime) -> dict[str, CaptureRow]:
        """Pages that interrupted runs had fetched already."""
        with self.reading() as connection:
            return read_left_over(connection, source, since)

    def kept(self, url: str, payload_sha256: str) -> bytes | None:
        """The raw bytes with this hash that an address gave once; None if they are not there (any more)."""
        with self.reading() as connection:
            capture_id = read_kept(connection, url, payload_sha256)
        try:
            return self.raw(capture_id) if capture_id is not None else None
        except (NotFound, StoreDamaged):
            return None

    def finished_runs(self, label_prefix: str) -> int:
        """How many runs with such a label came to their end."""
        with self.reading() as connection:
            return count_finished_runs(connection, label_prefix)

    # -- reading ------------------------------------------------------------------------------------------

    def versions(self) -> list[VersionRow]:
        """All versions, oldest first."""
        with self.reading() as connection:
            return read_versions(connection)

    def version(self, at: int | str | None = None) -> VersionRow:
        """One version, by number, tag, date or time (`storage.tags.resolve`); None: the newest."""
        with self.reading() as connection:
            return resolve(connection, LATEST if at is None else str(at))

    @contextmanager
    def documents(self, version: VersionRow, since: VersionRow | None = None) -> Iterator[Iterator[Document]]:
        """The corpus as of a version, as a stream inside one read transaction."""
        with self.reading() as connection:
            yield Reader(connection).documents(version, since.hi if since else 0)

    def document(self, url: str, version: VersionRow) -> Document | None:
        """One document as of a version."""
        with self.reading() as connection:
            return Reader(connection).document(url, version)

    def history(self, url: str) -> list[Document]:
        """Every revision of one document."""
        with self.reading() as connection:
            return Reader(connection).history(url)

    def changes(self, old: int | str, new: int | str) -> list[Change]:
        """What changed between two versions; version 0 is the empty corpus before the first."""
        with self.reading() as connection:
            first, last = (None if str(at) == "0" else resolve(connection, str(at)) for at in (old, new))
            return list(Reader(connection).changes(first, last))

    def documents_by_source(self, version: VersionRow) -> dict[str, int]:
        """How many documents of a version each source has."""
        with self.reading() as connection:
            return count_by_source(connection, version)

    def runs(self, limit: int = 20) -> list[RunRow]:
        """The newest runs with their sums."""
        with self.reading() as connection:
            return read_runs(connection, limit)

    def run_facts(self, run_id: str | None = None) -> RunFacts:
        """What a run came to, for a report; None: the newest that has ended."""
        with self.reading() as connection:
            return read_run_facts(connection, run_id)

    def days(self, since: date, source: str | None = None) -> list[DayOfSource]:
        """What the runs of each day brought, by source."""
        with self.reading() as connection:
            return read_days(connection, since, source=source)

    def reasons_by_day(self, since: date, source: str | None = None) -> list[DayOfReason]:
        """Why pages were rejected or failed, by day and source."""
        with self.reading() as connection:
            return read_reasons(connection, since, source=source)

    def run_days(self, since: date) -> list[DayOfRuns]:
        """How the runs of each day ended."""
        with self.reading() as connection:
            return read_run_days(connection, since)

    def last_success(self) -> datetime | None:
        """When an ingest last came to its end; None if none ever did."""
        with self.reading() as connection:
            return read_last_success(connection)

    def rejected(
        self,
        *,
        source: str | None = None,
        reason: str | None = None,
        since: datetime | None = None,
        urls: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[Rejected]:
        """The pages that are rejected and fit all that is asked, newest first."""
        with self.reading() as connection:
            return read_rejected(
                connection, source=source, reason=reason, since=since, urls=urls, limit=limit
            )

    def count_rejected(self) -> dict[tuple[str, str], int]:
        """How many pages are rejected, by source and reason."""
        with self.reading() as connection:
            return count_rejected(connection)

    def story(self, url: str) -> Story:
        """All that is known of a URL."""
        with self.reading() as connection:
            return read_story(connection, Reader(connection), url)

    def raw(self, capture_id: int) -> bytes:
        """The raw bytes of a capture, checked. Raises NotFound or StoreDamaged."""
        with self.reading() as connection:
            row = read_capture(connection, capture_id)
        return read_payload(
            self.archive_folder, row["file"], row["offset"], row["length"], row["payload_sha256"]
        )


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
