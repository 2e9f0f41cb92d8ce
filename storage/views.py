"""What a store shows: versions, documents, runs and raw pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime

from storage.archive import read_payload
from storage.daily import (
    DayOfReason,
    DayOfRuns,
    DayOfSource,
    read_days,
    read_last_success,
    read_reasons,
    read_run_days,
)
from storage.documents import Change, Document
from storage.opened import Opened
from storage.reading import Reader, count_by_source, read_versions
from storage.rejected import Rejected, count_rejected, read_rejected
from storage.run_facts import RunFacts, read_run_facts
from storage.stories import RunRow, Story, read_capture, read_runs, read_story
from storage.tags import LATEST, resolve
from storage.versions import VersionRow


class Views(Opened):
    """The corpus and its past as users ask for them, each look in a transaction of its own."""

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
