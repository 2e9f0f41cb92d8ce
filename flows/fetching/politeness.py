"""Sparing the hosts: how many requests at once, how far apart, and when to leave a host alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from flows.clock import Clock
from flows.fetching.gate import HostGate, NobodyElse, Spare
from flows.fetching.values import HostPolicy
from parsers.errors import TransientFetchError

Sleep = Callable[[float], Awaitable[object]]


@dataclass(slots=True)
class _Host:
    turns: asyncio.Semaphore
    next_start: float = float("-inf")


class Politeness:
    """Gives each request to a host its turn. Times are those of the clock's `monotonic`.

    `gate` keeps other runs from asking the host meanwhile.
    """

    def __init__(self, clock: Clock, rng: random.Random, sleep: Sleep, gate: HostGate | None = None) -> None:
        self._clock = clock
        self._rng = rng
        self._sleep = sleep
        self._gate = gate or NobodyElse()
        self._hosts: dict[str, _Host] = {}
        self._held: dict[str, float] = {}
        self._free: dict[str, float] = {}

    @asynccontextmanager
    async def turn(self, host: str, policy: HostPolicy, crawl_delay: float = 0.0) -> AsyncIterator[None]:
        """One request's turn at `host`, from its start to the end of its body.

        Starts are at least `max(policy.min_delay_seconds, crawl_delay)` seconds apart.
        TransientFetchError (`host-backoff`) when the host asked to be left alone, also when it did so
        while we waited.
        """
        state = self._hosts.get(host)
        if state is None:
            free = self._free.get(host, float("-inf"))
            state = self._hosts[host] = _Host(asyncio.Semaphore(policy.concurrency), free)
        async with state.turns:
            self.check(host)
            spare = await self._gate.enter(host)
            try:
                self._take_over(host, state, spare)
                await self._wait(host, state, policy, crawl_delay)
                yield
            finally:
                self._gate.leave(host, state.next_start - self._clock.monotonic())

    def _take_over(self, host: str, state: _Host, spare: Spare) -> None:
        """Keep to what other runs left of the host."""
        if spare.free_in > 0:
            state.next_start = max(state.next_start, self._clock.monotonic() + spare.free_in)
        if spare.held_for > 0:
            self.hold_back(host, spare.held_for)
            self.check(host)

    async def _wait(self, host: str, state: _Host, policy: HostPolicy, crawl_delay: float) -> None:
        delay = max(policy.min_delay_seconds, crawl_delay) * self._rng.uniform(1.0, 1.0 + policy.jitter)
        now = self._clock.monotonic()
        start = max(now, state.next_start)
        # Reserved before the sleep, so that another request that waits meanwhile comes after it.
        state.next_start = start + delay
        if start > now:
            await self._sleep(start - now)
            self.check(host)

    def spare(self, host: str, seconds: float) -> None:
        """Begin with no request to `host` for so long: another run has asked it only now."""
        self._free[host] = self._clock.monotonic() + seconds

    def busy(self) -> dict[str, float]:
        """The hosts whose delay is not over, with the seconds that are left of it."""
        now = self._clock.monotonic()
        return {host: state.next_start - now for host, state in self._hosts.items() if state.next_start > now}

    def hold_back(self, host: str, seconds: float) -> None:
        """Leave `host` alone for so long; a longer time asked for earlier stays."""
        until = self._clock.monotonic() + seconds
        self._held[host] = max(until, self._held.get(host, until))

    def check(self, host: str) -> None:
        """TransientFetchError (`host-backoff`) while `host` is to be left alone."""
        left = self._held.get(host, float("-inf")) - self._clock.monotonic()
        if left > 0:
            raise TransientFetchError(
                f"{host} asked to be left alone for {left:.0f} s more",
                reason="host-backoff",
                retry_after=left,
            )
