"""Hosts shared by runs: however many processes and machines run at once, one of them asks a host at a time.

A run claims a host (storage/claims.py) before it asks it, and keeps it while its requests follow one
another: so a claim costs next to nothing. After `KEEP_SECONDS` it lets others have their turn; before that
it gives the host back when the delay after its last request is over. Who claims a host reads in the store
how it must be spared: a wait that it asked another run for holds for all of them at once. The claims of a
run that was killed are free at once, by the kernel or the server of the database.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from flows.clock import Clock
from flows.fetching.gate import Spare
from flows.hosts import LONGEST_DELAY, LONGEST_HOLD, seconds_left
from parsers.errors import TransientFetchError
from storage import Claims, HostState, Store

KEEP_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 300.0
"""A host that others keep for longer is given up for now."""

_LINGER = 0.05
_FIRST_POLL, _LONGEST_POLL = 0.02, 0.25
# Longer than those who wait sleep between two tries: so they have the host, not who had it before.
_PAUSE = 0.3


@dataclass(slots=True)
class _Host:
    """A host as this run has it; times are those of the event loop."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    users: int = 0
    since: float | None = None
    free_at: float = 0.0
    timer: asyncio.TimerHandle | None = None


@asynccontextmanager
async def host_turns(
    store: Store, claims: Claims, clock: Clock, rng: random.Random
) -> AsyncIterator[HostTurns]:
    """The hosts of a run; they are given back at the latest with its claims."""
    turns = HostTurns(claims, store.host, clock, rng)
    try:
        yield turns
    finally:
        await turns.close()


class HostTurns:
    """The hosts of one run (flows.fetching.gate.HostGate); `close` it before its claims are given back."""

    def __init__(
        self,
        claims: Claims,
        read_host: Callable[[str], HostState | None],
        clock: Clock,
        rng: random.Random,
        *,
        keep_seconds: float = KEEP_SECONDS,
        longest_wait: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        self._claims = claims
        self._read_host = read_host
        self._clock = clock
        self._rng = rng
        self._keep_seconds = keep_seconds
        self._longest_wait = longest_wait
        self._hosts: dict[str, _Host] = {}
        self._releasing: set[asyncio.Task[None]] = set()

    async def enter(self, host: str) -> Spare:
        """Wait until this run has the host; the first request after that is told how to spare it."""
        state = self._hosts.setdefault(host, _Host())
        async with state.lock:
            if state.since is not None and _now() - state.since > self._keep_seconds:
                await self._let_others(host, state)
            spare = Spare()
            if state.since is None:
                await self._claim(host)
                state.since = _now()
                try:
                    spare = await self._spare(host)
                except BaseException:
                    state.since = None
                    self._claims.give_back(_name(host))
                    raise
            state.users += 1
            state.idle.clear()
            return spare

    def leave(self, host: str, free_in: float) -> None:
        """One request of this run less; the last one starts the time after which the host is given back."""
        state = self._hosts[host]
        state.users -= 1
        state.free_at = max(state.free_at, _now() + free_in)
        if state.users == 0:
            state.idle.set()
            if state.timer is not None:
                state.timer.cancel()
            wait = max(state.free_at - _now(), 0.0) + _LINGER
            state.timer = asyncio.get_running_loop().call_later(wait, self._release_later, host)

    async def close(self) -> None:
        """Stop giving back: what is still claimed goes with the claims of the run."""
        for state in self._hosts.values():
            if state.timer is not None:
                state.timer.cancel()
        if self._releasing:
            await asyncio.wait(self._releasing)

    async def _let_others(self, host: str, state: _Host) -> None:
        if state.users:
            await state.idle.wait()
        await asyncio.sleep(max(state.free_at - _now(), 0.0))
        await self._give_back(host, state)
        await asyncio.sleep(_PAUSE)

    async def _claim(self, host: str) -> None:
        give_up = _now() + self._longest_wait
        wait = _FIRST_POLL
        while not await self._take(host):
            if _now() > give_up:
                raise TransientFetchError(
                    f"{host} was asked by other runs for {self._longest_wait:.0f} s", reason="host-busy"
                )
            await asyncio.sleep(wait * self._rng.uniform(0.7, 1.0))
            wait = min(wait * 2, _LONGEST_POLL)

    async def _take(self, host: str) -> bool:
        taking = asyncio.ensure_future(asyncio.to_thread(self._claims.take, _name(host)))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The thread goes on: what it takes for nobody must not stay taken.
            taking.add_done_callback(lambda done: self._undo(host, done))
            raise

    def _undo(self, host: str, done: asyncio.Future[bool]) -> None:
        if not done.cancelled() and done.exception() is None and done.result():
            self._claims.give_back(_name(host))

    async def _spare(self, host: str) -> Spare:
        known = await asyncio.to_thread(self._read_host, host)
        if known is None:
            return Spare()
        now: datetime = self._clock.now()
        return Spare(
            free_in=seconds_left(known.free_at, now, LONGEST_DELAY),
            held_for=seconds_left(known.held_until, now, LONGEST_HOLD),
        )

    def _release_later(self, host: str) -> None:
        task = asyncio.get_running_loop().create_task(self._release(host))
        self._releasing.add(task)
        task.add_done_callback(self._releasing.discard)

    async def _release(self, host: str) -> None:
        state = self._hosts[host]
        async with state.lock:
            if state.users == 0 and state.since is not None and state.free_at <= _now():
                await self._give_back(host, state)

    async def _give_back(self, host: str, state: _Host) -> None:
        state.since = None
        await asyncio.to_thread(self._claims.give_back, _name(host))


def _name(host: str) -> str:
    return f"host {host}"


def _now() -> float:
    return asyncio.get_running_loop().time()
