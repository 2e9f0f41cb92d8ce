"""What the stages of one run share: store, fetcher, archive, clock, and how progress is told."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from flows.clock import Clock
from flows.fetching import Fetched, Fetcher, HostPolicy
from flows.gate import Gate, Turned
from flows.selection import Found
from flows.sources import Source
from parsers.errors import KhotinError
from parsers.topics import OFF_TOPIC
from storage import Captured, PageState, Store
from storage.archive import ArchiveWriter, Payload

LEFT_OVER = timedelta(days=7)
"""Pages that an interrupted run fetched are taken up for so long; older ones are fetched anew."""


class Progress(Protocol):
    """Who wants to know how a run goes on."""

    def source_started(self, source: str) -> None:
        """Discovery of a source begins."""

    def source_selected(self, source: str, discovered: int, to_fetch: int) -> None:
        """So many URLs were met, and so many of them will be fetched."""

    def page_done(self, source: str) -> None:
        """One of those pages was fetched, or failed."""

    def source_done(self, source: str) -> None:
        """A source has nothing more to do before the commit."""


class Silent:
    """Tells nobody."""

    def source_started(self, source: str) -> None: ...
    def source_selected(self, source: str, discovered: int, to_fetch: int) -> None: ...
    def page_done(self, source: str) -> None: ...
    def source_done(self, source: str) -> None: ...


class Workbench:
    """The tools of one run.

    A plain class and no dataclass: Prefect looks into the dataclasses that a task is given, and there is
    nothing in here for it.
    """

    def __init__(
        self,
        *,
        run_id: str,
        store: Store,
        fetcher: Fetcher,
        archive: ArchiveWriter,
        clock: Clock,
        progress: Progress,
        force: bool = False,
        rng: random.Random | None = None,
        gates: Mapping[str, Gate] | None = None,
    ) -> None:
        self.run_id = run_id
        self.store = store
        self.fetcher = fetcher
        self.archive = archive
        self.clock = clock
        self.progress = progress
        self.force = force
        self.rng = rng or random.Random()
        self._gates = gates or {}
        self.hold_until: dict[str, datetime] = {}
        self.not_modified: Counter[str] = Counter()
        self.bytes_read: Counter[str] = Counter()
        self._archive_lock = asyncio.Lock()

    def gate(self, source: Source) -> Gate:
        """What the source keeps."""
        return self._gates.get(source.name) or Gate(source.name)

    def policy(self, source: Source) -> HostPolicy:
        """How the hosts of a source may be asked."""
        return policy_of(source)

    def count(self, source: Source, fetched: Fetched) -> None:
        """Count what an answer brought."""
        self.not_modified[source.name] += fetched.not_modified
        self.bytes_read[source.name] += len(fetched.body)

    def requests(self, source: Source) -> int:
        """How many requests this run has made to the hosts of a source."""
        return sum(count for host, count in self.fetcher.sent.items() if source.owns(f"http://{host}/"))

    def note_wait(self, source: Source, error: KhotinError) -> None:
        """Remember that a host of the source asked us to wait: the wait must outlive this process."""
        seconds = getattr(error, "retry_after", None)
        if seconds:
            until = self.clock.now() + timedelta(seconds=seconds)
            self.hold_until[source.name] = max(until, self.hold_until.get(source.name, until))

    async def keep(self, captured: Sequence[Captured]) -> list[int]:
        """Keep raw answers for ever; gives the ids of their index rows, in order."""
        async with self._archive_lock:  # one archive file, written by one batch at a time
            return await asyncio.to_thread(self.store.capture, self.run_id, self.archive, captured)


def same_articles(
    store: Store, source: Source, found: Mapping[str, Found], pages: Mapping[str, PageState]
) -> dict[str, list[PageState]]:
    """The pages with documents that new URLs may be other addresses of, by the site's number of the article.

    `pages` is what is known of the URLs themselves.
    """
    asked = {
        item.article_id: None
        for item in found.values()
        if item.article_id is not None and ((page := pages.get(item.url)) is None or page.record_url is None)
    }
    return store.pages_by_article_id(source.name, list(asked)) if asked else {}


def turned_away(
    store: Store, gate: Gate, found: Mapping[str, Found], outside: set[str], pages: Mapping[str, PageState]
) -> Turned:
    """What of the URLs that were met the gate turns away unread; `pages` is what is known of them."""
    if gate.open:
        return Turned({}, ())
    again = [url for url, page in pages.items() if page.reason == OFF_TOPIC]
    earlier = store.off_topic(gate.source, again) if again else {}
    return gate.before((item for url, item in found.items() if url not in outside), pages, earlier)


def policy_of(source: Source) -> HostPolicy:
    """How the hosts of a source may be asked."""
    return HostPolicy(
        min_delay_seconds=source.limits.min_delay_seconds,
        concurrency=source.limits.concurrency,
        allow_loopback=source.allow_loopback,
    )


def captured(source: Source, kind: str, url: str, fetched: Fetched) -> Captured:
    """An answer on its way into the archive; `url` is the address it is filed under."""
    return Captured(
        source=source.name,
        kind=kind,
        url=url,
        payload=Payload(
            url=fetched.url,
            fetched_at=fetched.fetched_at,
            body=fetched.body,
            status=fetched.status,
            headers=fetched.headers,
            content_type=fetched.content_type or "application/octet-stream",
            content_encoding=fetched.content_encoding,
        ),
        etag=fetched.etag,
        last_modified=fetched.last_modified,
        robots_rule=fetched.robots_rule,
    )
