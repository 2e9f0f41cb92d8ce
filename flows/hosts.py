"""What runs tell one another of the hosts: robots.txt files, delays, and waits that were asked for.

A robots.txt is kept as a row of its source's endpoints, its bytes in the raw archive. A run that begins
within a day of it does not ask again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from flows.clock import Clock
from flows.fetching import Fetched, Fetcher, RobotsMemo
from flows.fetching.retry_after import MAX_SECONDS
from flows.sources import Source
from flows.workbench import Workbench, captured
from parsers.urls import host_of
from storage import EndpointState, HostState, Store

_ROBOTS = "robots"
_UNREADABLE = "robots-unavailable"
# A host is never left alone for longer than the longest Retry-After that is believed.
LONGEST_HOLD = timedelta(seconds=MAX_SECONDS)
LONGEST_DELAY = timedelta(hours=1)


class HostMemory:
    """The hosts of some sources, as earlier runs left them; made when a run begins."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        sources: Sequence[Source],
        *,
        hosts: Mapping[str, HostState],
        robots: Mapping[str, EndpointState],
    ) -> None:
        self._store = store
        self._clock = clock
        self._sources = sources
        self._hosts = hosts
        self._robots = dict(robots)

    @staticmethod
    async def of(store: Store, clock: Clock, sources: Sequence[Source]) -> HostMemory:
        """Read what the store knows."""

        def read() -> tuple[dict[str, HostState], dict[str, EndpointState]]:
            robots = {
                state.url: state
                for source in sources
                for state in store.endpoints(source.name).values()
                if state.kind == _ROBOTS
            }
            return store.hosts(clock.now()), robots

        hosts, robots = await asyncio.to_thread(read)
        return HostMemory(store, clock, sources, hosts=hosts, robots=robots)

    def spare(self, fetcher: Fetcher) -> None:
        """Tell a new Fetcher which hosts must be spared."""
        now = self._clock.now()
        for host, state in self._hosts.items():
            fetcher.spare(
                host,
                free_in=seconds_left(state.free_at, now, LONGEST_DELAY),
                held_for=seconds_left(state.held_until, now, LONGEST_HOLD),
            )

    async def recall(self, url: str) -> RobotsMemo | None:
        """What an earlier run found at a robots.txt; None if the archive does not have its bytes any more."""
        state = self._robots.get(url)
        if state is None:
            return None
        if state.reason:
            problem = state.why if state.reason == _UNREADABLE else ""
            told = "" if problem else state.why
            return RobotsMemo(url, state.checked_at, state.status, told=told, problem=problem)
        body = None
        if state.payload_sha256 is not None:
            body = await asyncio.to_thread(self._store.kept, url, state.payload_sha256)
        return RobotsMemo(url, state.checked_at, state.status, body) if body is not None else None

    async def hold(self, host: str, seconds: float) -> None:
        """Note at once that a host asked to be left alone: a run that is killed must not forget it."""
        until = self._clock.now() + timedelta(seconds=seconds)
        await asyncio.to_thread(self._store.spare_hosts, [HostState(host, held_until=until)])

    async def keep(self, bench: Workbench) -> dict[str, list[EndpointState]]:
        """Keep what a run has learnt: delays that are not over, and each robots.txt; its state by source.

        Several runs may share a Fetcher: a robots.txt that is kept is not put into the archive again.
        """
        now = self._clock.now()
        busy = bench.fetcher.busy_hosts()
        free = [HostState(host, now + timedelta(seconds=left)) for host, left in sorted(busy.items())]
        await asyncio.to_thread(self._store.spare_hosts, free)
        documents = {document.requested_url: document for document in bench.fetcher.robots_documents()}
        states: dict[str, list[EndpointState]] = {}
        for memo in bench.fetcher.robots_asked():
            source = self._owner(memo.url)
            if source is not None:
                state = await self._state(source, memo, documents.get(memo.url), bench)
                states.setdefault(source.name, []).append(state)
                self._robots[memo.url] = state
        return states

    async def _state(
        self, source: Source, memo: RobotsMemo, document: Fetched | None, bench: Workbench
    ) -> EndpointState:
        before = self._robots.get(memo.url)
        digest = hashlib.sha256(memo.body).hexdigest() if memo.body is not None else None
        changed = before is None or before.payload_sha256 != digest
        if document is not None and digest is not None and changed:
            await bench.keep([captured(source, _ROBOTS, memo.url, document)])
        return EndpointState(
            url=memo.url,
            source=source.name,
            kind=_ROBOTS,
            checked_at=memo.asked_at,
            answered_at=None if memo.problem else memo.asked_at,
            payload_sha256=digest,
            status=memo.status,
            reason=_UNREADABLE if memo.problem else "no-rules" if memo.told else "",
            failures=int(bool(memo.problem)),
            changed_at=memo.asked_at if changed or before is None else before.changed_at,
            why=memo.problem or memo.told,
        )

    def _owner(self, url: str) -> Source | None:
        host = host_of(url)
        return next((source for source in self._sources if source.owns(f"http://{host}/")), None)


def seconds_left(until: datetime | None, now: datetime, longest: timedelta) -> float:
    """Seconds that are left; 0 for a time so far away that only a clock that ran ahead can have set it."""
    left = until - now if until is not None else timedelta(0)
    return left.total_seconds() if timedelta(0) < left <= longest else 0.0
