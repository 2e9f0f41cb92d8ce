"""What a store remembers for the flows: pages, endpoints, hosts, polls, and what was fetched before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from parsers.errors import NotFound, StoreDamaged
from storage.captures import CaptureRow, read_kept, read_left_over
from storage.hosts import HostState, read_host, read_hosts, write_hosts
from storage.ledger import EndpointState, PageState, SourcePoll
from storage.ledger_rows import (
    read_all_endpoints,
    read_by_article_id,
    read_endpoints,
    read_looks,
    read_next_retry,
    read_pages,
    read_pending,
    read_polls,
)
from storage.off_topic import LeftOut, read_left_out
from storage.shapes import ShapeRow, read_shapes
from storage.stories import count_finished_runs, read_problems_before
from storage.views import Views


class Remembered(Views):
    """The working memory of the flows, each look in a transaction of its own."""

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
            with self.storing() as connection:
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
