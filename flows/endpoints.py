"""One feed, sitemap or listing: ask it if it is due, take its links in, and say what to remember of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from flows.contents import Contents, Discovery, read_contents, within_window
from flows.fetching import Fetched, Validators
from flows.fetching.values import Kind
from flows.gaps import compare
from flows.polling import NextPoll, Situation, fresh_for, next_poll
from flows.rhythm import Rhythm, from_text
from flows.sources import Source
from flows.workbench import Workbench, captured
from parsers.errors import FetchError, KhotinError, ParseError
from parsers.links import Link
from storage import EndpointState

_FETCH_KIND: dict[str, Kind] = {
    "feed": "feed",
    "sitemap": "sitemap",
    "sitemap-index": "sitemap",
    "listing": "page",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer that was read: what it holds, the articles that it named, and how it compares."""

    contents: Contents
    urls: tuple[str, ...]
    new: bool
    gap_since: datetime | None = None


class Poll:
    """What the endpoints of one source share while they are asked."""

    def __init__(
        self, source: Source, bench: Workbench, known: dict[str, EndpointState], rhythm_text: str = ""
    ) -> None:
        self.source = source
        self.bench = bench
        self.known = known
        self.now = bench.clock.now()
        self.found = Discovery()
        self._rhythm: Rhythm | None = from_text(rhythm_text)

    def is_due(self, url: str, *, urgent: bool = False) -> bool:
        """Whether an endpoint is to be asked now."""
        return is_due(self.known.get(url), self.now, force=self.bench.force or urgent)

    async def read(
        self, url: str, kind: str, *, since: datetime | None = None, urgent: bool = False
    ) -> Reading | None:
        """Ask one endpoint and take its links in; None if it is not due, unchanged or failed."""
        before = self.known.get(url)
        if not self.is_due(url, urgent=urgent):
            return None
        # The children of an index may change while the index itself does not, and a listing whose further
        # pages were not all read must be read whole once more.
        whole = kind == "sitemap-index" or (kind == "listing" and before is not None and before.gap_since)
        validators = Validators(before.etag, before.last_modified) if before and not whole else None
        try:
            fetched = await self.ask(url, kind, validators)
            if fetched.not_modified and before is not None:
                reading = None
                self.found.endpoints.append(self._unchanged(before, fetched))
            else:
                reading = await self._take(before, url, kind, fetched, since=since)
            # Only now: a wall that is served as a feed is an answer, but none that says anything.
            self.found.answered += 1
            return reading
        except (FetchError, ParseError) as error:
            self.fail(url, kind, error)
            return None

    async def ask(self, url: str, kind: str, validators: Validators | None = None) -> Fetched:
        """One request for a feed, sitemap or listing page. Raises FetchError and UrlError."""
        fetched = await self.bench.fetcher.get(
            url, policy=self.bench.policy(self.source), validators=validators, kind=_FETCH_KIND[kind]
        )
        self.bench.count(self.source, fetched)
        return fetched

    async def keep(self, url: str, kind: str, fetched: Fetched) -> None:
        """Put an answer into the archive."""
        await self.bench.keep([captured(self.source, kind, url, fetched)])

    def add(self, links: Iterable[Link], found_in: str, kind: str) -> tuple[str, ...]:
        """Take links in; gives the canonical URLs of those that count."""
        only = kind == "listing"
        urls = (self.found.add(self.source, link, found_in, self.now, only_articles=only) for link in links)
        return tuple(url for url in urls if url is not None)

    def fail(self, url: str, kind: str, error: KhotinError) -> None:
        """Note that an endpoint could not be read. Its validators stay: they vouch for what was read last."""
        self.found.failed += 1
        self.bench.note_wait(self.source, error)
        self.found.problems.append(f"{url}: {error.reason}: {error.message}")
        before = self.known.get(url)
        failures = (before.failures if before else 0) + 1
        planned = next_poll(
            Situation(
                self.source.floor(kind),
                self.source.ceiling,
                failures=failures,
                failure=error.reason,
                retry_after=getattr(error, "retry_after", None),
            ),
            self.now,
            self.bench.rng,
        )
        base = before or EndpointState(url=url, source=self.source.name, kind=kind, checked_at=self.now)
        self.found.endpoints.append(
            _planned(
                replace(
                    base,
                    checked_at=self.now,
                    status=getattr(error, "status", None),
                    reason=error.reason,
                    failures=failures,
                ),
                planned,
            )
        )

    async def _take(
        self, before: EndpointState | None, url: str, kind: str, fetched: Fetched, *, since: datetime | None
    ) -> Reading:
        digest = hashlib.sha256(fetched.body).hexdigest()
        changed = before is None or before.payload_sha256 != digest
        if changed:
            await self.keep(url, kind, fetched)
        contents = await asyncio.to_thread(read_contents, kind, fetched)
        if contents.children:
            kind = "sitemap-index"
        links = list(contents.links)
        if kind.startswith("sitemap") and not self.source.trust_lastmod:
            links = [replace(link, modified_at=None) for link in links]
        if since is not None:
            links = within_window(links, since)
            older = len(contents.links) - len(links)
            if older:
                self.found.notes.append(
                    f"{url}: {older} entries from before {since:%Y-%m-%d} are left to a backfill"
                )
        urls = self.add(links, url, kind)
        self.found.problems.extend(f"{url}: {problem}" for problem in contents.problems)
        times = ((found := self.found.found[u]).published_hint_at or found.hint_at for u in urls)
        compared = compare(before.recent if before else (), zip(urls, times, strict=True))
        open_gap = before.gap_since if before else None
        if compared.gap and before is not None and kind == "feed":
            open_gap = open_gap or before.answered_at
        state = EndpointState(
            url=url,
            source=self.source.name,
            kind=kind,
            checked_at=self.now,
            answered_at=self.now,
            # What did not arrive whole is asked for again: its validators are not kept.
            etag=None if contents.truncated else fetched.etag,
            last_modified=None if contents.truncated else fetched.last_modified,
            payload_sha256=digest,
            status=fetched.status,
            links=len(urls),
            changed_at=self.now if changed else (before.changed_at if before else self.now),
            idle=0 if compared.new or before is None else before.idle + 1,
            ttl_minutes=contents.ttl_minutes,
            skip_hours=tuple(map(str, contents.skip_hours)),
            skip_days=contents.skip_days,
            recent=compared.recent,
            gap_since=open_gap,
        )
        self.found.endpoints.append(_planned(state, self._plan(state, fetched)))
        gap = compared.gap and kind == "feed"
        return Reading(contents, urls, compared.new, before.answered_at if gap and before else None)

    def _unchanged(self, before: EndpointState, fetched: Fetched) -> EndpointState:
        state = replace(
            before,
            checked_at=self.now,
            answered_at=self.now,
            etag=fetched.etag or before.etag,
            last_modified=fetched.last_modified or before.last_modified,
            status=304,
            reason="not-modified",
            failures=0,
            idle=before.idle + 1,
        )
        return _planned(state, self._plan(state, fetched))

    def _plan(self, state: EndpointState, fetched: Fetched | None) -> NextPoll:
        """When an endpoint that answered is asked next."""
        return next_poll(
            Situation(
                self.source.floor(state.kind),
                self.source.ceiling,
                rhythm=self._rhythm,
                idle=state.idle,
                items=len(state.recent) if state.kind == "feed" else 0,
                fresh_for=fresh_for(fetched.headers, self.now) if fetched else None,
                ttl_minutes=state.ttl_minutes,
                skip_hours=tuple(map(int, state.skip_hours)),
                skip_days=state.skip_days,
            ),
            self.now,
            self.bench.rng,
        )

    def answered(self, url: str, kind: str, urls: tuple[str, ...]) -> None:
        """Note that a listing with a page for each day was read whole."""
        before = self.known.get(url)
        compared = compare(before.recent if before else (), ((found, None) for found in urls))
        base = before or EndpointState(url=url, source=self.source.name, kind=kind, checked_at=self.now)
        state = replace(
            base,
            checked_at=self.now,
            answered_at=self.now,
            status=200,
            reason="",
            failures=0,
            links=len(urls),
            idle=0 if compared.new or before is None else before.idle + 1,
            recent=compared.recent,
        )
        self.found.answered += 1
        self.found.endpoints.append(_planned(state, self._plan(state, None)))

    def remember(self, url: str, **changes: datetime | None) -> None:
        """Change what was noted of an endpoint in this poll."""
        self.found.endpoints = [
            replace(state, **changes) if state.url == url else state  # type: ignore[arg-type]
            for state in self.found.endpoints
        ]


def _planned(state: EndpointState, planned: NextPoll) -> EndpointState:
    return replace(state, next_check_at=planned.at, why=f"{planned.reason}: {planned.why}")


def is_due(before: EndpointState | None, now: datetime, *, force: bool) -> bool:
    """Whether an endpoint is to be asked now; not even `force` hurries one that failed. Pure."""
    if before is None or before.next_check_at is None or before.next_check_at <= now:
        return True
    # A check in the future was noted by a clock that ran ahead: its plans are void.
    return before.checked_at > now or (force and before.failures == 0)
