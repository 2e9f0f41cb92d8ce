"""The Fetcher: one `get` with redirects, robots.txt, politeness and limits, and nothing kept but rules."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from weakref import WeakKeyDictionary

import httpx

from flows.clock import Clock
from flows.fetching.exchange import Exchange
from flows.fetching.gate import HostGate
from flows.fetching.memory import Recall, RobotsMemo, TellHold, recall_nothing, tell_nobody
from flows.fetching.network import Dialler, Resolver, system_resolver
from flows.fetching.politeness import Politeness, Sleep
from flows.fetching.robots import RobotsGate, Ruling
from flows.fetching.targets import check_target, host_of, leads_home, next_target
from flows.fetching.transport import GuardedTransport
from flows.fetching.values import DEFAULT_POLICY, FetchConfig, Fetched, HostPolicy, Kind, Validators
from parsers.errors import FetchError, PermanentFetchError, TransientFetchError


class _Budget:
    """The total time of one `get`. It runs down only while something is asked, not while we wait."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Count the time of the block; TimeoutError when the budget ends in it."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(self._left):
                yield
        finally:
            self._left -= loop.time() - started


class Fetcher:
    """Gets URLs for one run; an async context manager.

    It keeps rules of robots.txt and the times of each host, never cookies, and reads nothing from the
    environment. `routes` maps host names to fixed (address, port) pairs for policies that allow
    loopback. `resolver` and `ssl_context` stand in for the system's resolver and the usual certificate
    authorities. `recall` gives the robots.txt files that earlier runs have read, `tell_hold` hears of hosts
    that ask to be left alone, `gate` keeps other runs from asking a host at the same time.
    """

    def __init__(
        self,
        config: FetchConfig,
        *,
        clock: Clock,
        rng: random.Random,
        routes: Mapping[str, tuple[str, int]] | None = None,
        sleep: Sleep = asyncio.sleep,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        recall: Recall = recall_nothing,
        tell_hold: TellHold = tell_nobody,
        gate: HostGate | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._routes = dict(routes or {})
        self._resolver = resolver or system_resolver
        self._ssl_context = ssl_context
        self._politeness = Politeness(clock, rng, sleep, gate)
        self._robots = RobotsGate(self._get_robots, config, clock, recall)
        self._tell_hold = tell_hold
        self._documents: list[Fetched] = []
        self.sent: Counter[str] = Counter()
        """Requests that were made, by host: redirects and robots.txt too, refused ones not."""
        self._arrived: WeakKeyDictionary[FetchError, Fetched] = WeakKeyDictionary()
        self._transports: dict[bool, GuardedTransport] = {}

    async def __aenter__(self) -> Fetcher:
        context = self._ssl_context or httpx.create_ssl_context(trust_env=False)
        context.set_alpn_protocols(["http/1.1"])
        # Two of them, so that what one policy allows can never serve another.
        for allow_loopback in (False, True):
            dialler = Dialler(
                resolver=self._resolver,
                routes=self._routes,
                allow_loopback=allow_loopback,
                max_header_bytes=self._config.max_header_bytes,
            )
            self._transports[allow_loopback] = GuardedTransport(dialler, context)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._transports.clear()
        await asyncio.sleep(0)  # the last connections are closed by the loop in its next turn

    async def get(
        self,
        url: str,
        *,
        policy: HostPolicy = DEFAULT_POLICY,
        validators: Validators | None = None,
        kind: Kind = "page",
    ) -> Fetched:
        """The answer to GET `url`: status 200 with a body within the limits, or 304 to `validators`.

        `validators` are sent to the host of `url` only, not to another one that it redirects to.

        UrlError: `bad-url`, `bad-scheme`. RefusedFetchError: `bad-port`, `private-address`,
        `robots-disallowed`. TransientFetchError: `timeout`, `connect-failed`, `dns-failed`, `tls-failed`,
        `protocol-error`, `truncated-body`, `empty-body`, `host-backoff`, `host-busy`,
        `robots-unavailable`, `http-202`, `http-408`, `http-429`, `http-5xx`. PermanentFetchError:
        `tls-failed`, `bad-redirect`, `bad-scheme`, `redirect-loop`, `redirect-to-home`,
        `too-many-redirects`, `too-large`, `bomb`, `bad-encoding`, `not-html`, `protocol-error`,
        `http-404` and other statuses.
        """
        if not self._transports:
            raise RuntimeError("the Fetcher is used outside its `async with` block")
        requested = target = self._check(url, policy)
        budget = _Budget(self._config.total_timeout)
        visited: list[str] = []
        while True:
            same_host = _bare_host(target) == _bare_host(requested)
            exchange = Exchange(target, kind, validators if same_host else None, self._config, self._clock)
            ruling = await self._ruling(target, policy, kind)
            try:
                async with self._politeness.turn(host_of(target), policy, ruling.crawl_delay):
                    self.sent[host_of(target)] += 1
                    try:
                        await self._run(exchange, policy, budget)
                    except FetchError as error:
                        # Before the turn ends: other runs must know of a wait when theirs begins.
                        await self._heed(error, host_of(target))
                        raise
                if exchange.redirects:
                    visited.append(str(target))
                    target = self._follow(exchange, requested, visited, policy, kind)
                    continue
            except FetchError as error:
                self._record(error, exchange, url, tuple(visited), ruling)
                raise
            fetched = exchange.fetched(url, tuple(visited), ruling.rule or None)
            assert fetched is not None  # noqa: S101 - an exchange that ends without error has a status
            if kind == "robots":
                self._documents.append(fetched)
            return fetched

    def robots_documents(self) -> tuple[Fetched, ...]:
        """Every robots.txt that was read in this run, in order, for the archive."""
        return tuple(self._documents)

    def robots_asked(self) -> tuple[RobotsMemo, ...]:
        """What was found at each robots.txt that was asked for in this run, for the runs to come."""
        return tuple(self._robots.asked)

    def spare(self, host: str, *, free_in: float = 0.0, held_for: float = 0.0) -> None:
        """Take over from another run that `host` is not asked for `free_in` seconds, or left alone."""
        if free_in > 0:
            self._politeness.spare(host, free_in)
        if held_for > 0:
            self._politeness.hold_back(host, held_for)

    def busy_hosts(self) -> dict[str, float]:
        """The hosts whose delay is not over, with the seconds that are left of it."""
        return self._politeness.busy()

    def arrived(self, error: FetchError) -> Fetched | None:
        """What had arrived when `get` of this Fetcher raised `error`, for the archive; None when nothing had.

        Its `body` is the bytes of the wire (chunks joined, content coding not undone), as far as they
        came; empty when they were beyond the limits. Its `status` may be any.
        """
        return self._arrived.get(error)

    def _check(self, url: str, policy: HostPolicy) -> httpx.URL:
        return check_target(url, allowed_ports=policy.allowed_ports, max_length=self._config.max_url_length)

    async def _ruling(self, target: httpx.URL, policy: HostPolicy, kind: Kind) -> Ruling:
        self._politeness.check(host_of(target))
        if kind == "robots":
            return Ruling("")
        return await self._robots.ruling(target, policy)

    async def _get_robots(self, url: str, policy: HostPolicy) -> Fetched:
        return await self.get(url, policy=policy, kind="robots")

    async def _run(self, exchange: Exchange, policy: HostPolicy, budget: _Budget) -> None:
        try:
            async with budget.running():
                await exchange.run(self._transports[policy.allow_loopback])
        except TimeoutError as error:
            if exchange.failure is not None:
                raise exchange.failure from error
            raise TransientFetchError(
                f"{exchange.target} was not there within {self._config.total_timeout} s in all",
                reason="timeout",
                status=exchange.status,
            ) from error

    def _follow(
        self, exchange: Exchange, requested: httpx.URL, visited: list[str], policy: HostPolicy, kind: Kind
    ) -> httpx.URL:
        target = next_target(
            exchange.target,
            exchange.locations,
            allowed_ports=policy.allowed_ports,
            max_length=self._config.max_url_length,
        )
        problem = None
        if str(target) in visited:
            problem = ("redirect-loop", f"{requested} redirects in a circle, through {target}")
        elif kind != "robots" and leads_home(requested, target):
            problem = ("redirect-to-home", f"{requested} redirects to the home page {target}")
        elif len(visited) > self._config.max_redirects:
            problem = (
                "too-many-redirects",
                f"{requested} redirects more than {self._config.max_redirects} times",
            )
        if problem is not None:
            raise PermanentFetchError(problem[1], reason=problem[0], status=exchange.status)
        return target

    def _record(
        self, error: FetchError, exchange: Exchange, url: str, redirects: tuple[str, ...], ruling: Ruling
    ) -> None:
        arrived = exchange.fetched(url, redirects, ruling.rule or None)
        if arrived is not None:
            self._arrived[error] = arrived

    async def _heed(self, error: FetchError, host: str) -> None:
        """Leave a host alone that asks for it, and tell the other runs."""
        if error.status in {429, 503}:
            wait = error.retry_after
            if wait is None and error.status == 429:
                wait = self._config.default_backoff
            self._politeness.hold_back(host, wait or 0.0)
            if wait:
                await self._tell_hold(host, wait)


def _bare_host(target: httpx.URL) -> str:
    return host_of(target).removeprefix("www.")
