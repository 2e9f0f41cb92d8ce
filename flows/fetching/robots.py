"""robots.txt (RFC 9309): reading it, keeping it for a day, and asking it about each URL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from protego import Protego

from flows.clock import Clock
from flows.fetching.memory import Recall, RobotsMemo, recall_nothing
from flows.fetching.targets import port_of
from flows.fetching.values import FetchConfig, Fetched, HostPolicy
from parsers.errors import FetchError, PermanentFetchError, RefusedFetchError, TransientFetchError

FetchRobots = Callable[[str, HostPolicy], Awaitable[Fetched]]

# Protego stores each rule once per User-agent line before it: a small file can ask for gigabytes.
_MAX_AGENT_RULES = 1_000_000
# What says that there is no such host, or no safe way to it, is as true of the page: it keeps its name.
_OF_THE_HOST = frozenset({"dns-failed", "tls-failed", "host-backoff"})
# RFC 9309, 2.3.1.2: redirects that lead nowhere make the file unavailable, which allows all.
_REDIRECT_TROUBLE = frozenset({"bad-redirect", "bad-scheme", "redirect-loop", "too-many-redirects"})

_Origin = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What robots.txt allows: the rule in words, and the delay in seconds that it asks for (0: none)."""

    rule: str
    crawl_delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one origin; `robots` is None where there are none, and `told` says why in words."""

    robots: Protego | None
    told: str

    def allows(self, url: str, product: str) -> bool:
        """Whether a crawler with this product token may ask `url`."""
        return self.robots is None or self.robots.can_fetch(url, product)

    def crawl_delay(self, product: str) -> float:
        """Seconds between requests that the file asks for; 0 when it asks for none that can be read."""
        return (self.robots.crawl_delay(product) or 0.0) if self.robots is not None else 0.0


def parse_rules(body: bytes) -> Rules:
    """The rules in a robots.txt; HTML in its place counts as no rules.

    TransientFetchError (`robots-unavailable`) for a file that would take too much memory: what it
    forbids is not known.
    """
    text = body.decode("utf-8", errors="replace").lstrip("\ufeff")
    if text.lstrip().startswith("<"):
        return Rules(None, "no rules: HTML instead of robots.txt")
    lines = [line.lstrip()[:5].lower() for line in text.splitlines()]
    agents = sum(line.startswith("user") for line in lines)
    if agents * (len(lines) - agents) > _MAX_AGENT_RULES:
        raise TransientFetchError(
            f"robots.txt with {agents} user agents and {len(lines)} lines", reason="robots-unavailable"
        )
    return Rules(Protego.parse(text), "allowed")


@dataclass(slots=True)
class _Entry:
    rules: Rules | None
    problem: str
    until: float


class RobotsGate:
    """Asks each origin's robots.txt at most once a day, and refuses what it disallows.

    What an earlier run found counts for the rest of its day; `asked` is what this one found.
    """

    def __init__(
        self, fetch: FetchRobots, config: FetchConfig, clock: Clock, recall: Recall = recall_nothing
    ) -> None:
        self._fetch = fetch
        self._config = config
        self._clock = clock
        self._recall = recall
        self.asked: list[RobotsMemo] = []
        self._entries: dict[_Origin, _Entry] = {}
        self._locks: dict[_Origin, asyncio.Lock] = {}

    async def ruling(self, target: httpx.URL, policy: HostPolicy) -> Ruling:
        """What robots.txt says of `target`.

        RefusedFetchError (`robots-disallowed`) when it forbids it, TransientFetchError
        (`robots-unavailable`) while it cannot be read; besides what names the host itself as
        unreachable (`private-address`, `dns-failed`, `tls-failed`, `host-backoff`).
        """
        origin = (target.scheme, target.raw_host.decode("ascii"), port_of(target))
        async with self._locks.setdefault(origin, asyncio.Lock()):
            entry = self._entries.get(origin)
            if entry is None or self._clock.monotonic() >= entry.until:
                url = str(target.join("/robots.txt"))
                recalled = await self._recalled(url) if entry is None else None
                entry = self._entries[origin] = recalled or await self._ask(url, policy)
        if entry.rules is None:
            raise TransientFetchError(
                f"{target} is not asked while its robots.txt is unavailable: {entry.problem}",
                reason="robots-unavailable",
                retry_after=max(entry.until - self._clock.monotonic(), 0.0),
            )
        product = self._config.product
        if not entry.rules.allows(str(target), product):
            raise RefusedFetchError(
                f"robots.txt disallows {target} for {product}", reason="robots-disallowed"
            )
        return self._with_delay(entry.rules, product)

    def _with_delay(self, rules: Rules, product: str) -> Ruling:
        asked = rules.crawl_delay(product)
        if not asked:
            return Ruling(rules.told)
        capped = min(asked, self._config.max_crawl_delay)
        note = f", capped at {capped:g} s" if capped < asked else ""
        return Ruling(f"{rules.told}; crawl-delay {asked:g} s{note}", capped)

    async def _ask(self, url: str, policy: HostPolicy) -> _Entry:
        body: bytes | None = None
        status: int | None = None
        problem = told = ""
        try:
            fetched = await self._fetch(url, policy)
            body, status = fetched.body, fetched.status
            parse_rules(body)
        except RefusedFetchError:
            raise
        except FetchError as error:
            if error.reason in _OF_THE_HOST:
                raise
            permitted = _why_no_rules(error)
            body, status = None, error.status
            if permitted is None:
                problem = f"{error.reason}: {error.message}"
            else:
                told = f"no rules: {permitted}"
        memo = RobotsMemo(url, self._clock.now(), status, body, told, problem)
        self.asked.append(memo)
        return self._entry(memo, 0.0)

    async def _recalled(self, url: str) -> _Entry | None:
        memo = await self._recall(url)
        if memo is None:
            return None
        age = (self._clock.now() - memo.asked_at).total_seconds()
        # A file that was read in the future was read by a clock that ran ahead.
        if age < 0 or age >= self._lifetime(memo):
            return None
        return self._entry(memo, age)

    def _entry(self, memo: RobotsMemo, age: float) -> _Entry:
        until = self._clock.monotonic() + self._lifetime(memo) - age
        if memo.problem:
            return _Entry(None, memo.problem, until)
        return _Entry(parse_rules(memo.body) if memo.body is not None else Rules(None, memo.told), "", until)

    def _lifetime(self, memo: RobotsMemo) -> float:
        return self._config.robots_retry if memo.problem else self._config.robots_lifetime


def _why_no_rules(error: FetchError) -> str | None:
    """Why a failure to read robots.txt allows all, or None when it forbids all for now."""
    if error.status is not None and 400 <= error.status < 500 and error.status != 429:
        return f"HTTP {error.status}"
    if error.reason == "empty-body":  # 204: there is a file, with nothing in it
        return error.reason
    if isinstance(error, PermanentFetchError) and error.reason in _REDIRECT_TROUBLE:
        return error.reason
    return None
