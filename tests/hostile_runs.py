"""Runs one hostile case for real and says how it ended: through a whole ingest, or by one request.

In an ingest the hostile answer stands among good ones: another article of the same paper, and another paper.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flows.clock import Clock, SystemClock
from flows.fetching import FetchConfig, Fetcher, HostPolicy
from flows.fetching.values import DEFAULT_POLICY
from flows.ingest import Environment, IngestReport, ingest
from flows.sources import Source
from parsers.errors import FetchError, KhotinError
from storage import EndpointState, Store, open_store
from tests.conftest import ManualClock
from tests.fetching.certificates import server_context, trust_in, write_certificate
from tests.flows.running import article_html, feed_xml, scripted_source
from tests.hostile_server import HostileServer, Script, answer

BASE = "http://a.example"
VICTIM, NEIGHBOUR, OTHER = f"{BASE}/bai-1.html", f"{BASE}/bai-2.html", "http://b.example/bai-9.html"
RSS = ("Content-Type", "application/rss+xml")
HTML = ("Content-Type", "text/html; charset=utf-8")
OLD, NEW = '"old"', '"new"'
"""Entity tags: that of the good feed which was read before, and the one that the hostile answer carries."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a case ended: `told` are outcomes and reason codes, `spoiled` what it did to others (nothing)."""

    told: tuple[str, ...]
    spoiled: tuple[str, ...] = ()


def limits(**changes: float | int) -> FetchConfig:
    """Limits so low that no case takes long; the byte limits are those of real runs."""
    values: dict[str, float | int] = {"connect_timeout": 2.0, "total_timeout": 15.0, **changes}
    return FetchConfig(user_agent="khotin-test/1", **values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Ingested:
    """A case that an ingest meets: the answers to some paths, by path, beside those of a sound site."""

    scripts: Mapping[str, Script]
    config: FetchConfig = field(default_factory=limits)
    source: Mapping[str, object] = field(default_factory=dict)
    for_the_host: tuple[str, ...] = ()
    """Reasons that may also stand at the other article of the same host."""

    async def run(self) -> Seen:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            with open_store(home, f"sqlite:///{home / 'khotin.db'}") as store:
                return await self._run(store)

    async def _run(self, store: Store) -> Seen:
        clock = ManualClock()
        sources = (_source_a(self.source), _source_b())
        async with HostileServer(_sound(sources[0])) as server:
            if self._of_discovery:  # a good answer before the hostile one
                await _ingest(store, sources, server, clock, self.config)
                clock.advance(days=2)
            server.scripts["/b.xml"] = answer(feed_xml("b.example", [9]), headers=[RSS])
            server.scripts.update(self.scripts)
            report = await _ingest(store, sources, server, clock, self.config)
        return self._seen(report, store.endpoints("a"))

    @property
    def _of_discovery(self) -> bool:
        return bool(self.scripts.keys() & {"/feed.xml", "/sitemap.xml"})

    def _seen(self, report: IngestReport, endpoints: Mapping[str, EndpointState]) -> Seen:
        assert report.result is not None
        ends = {end.met.url: end for _, end in report.result.ends}
        problems = {tally.source: tally.problems for tally in report.result.tallies}
        told: list[str] = []
        spoiled: list[str] = []
        if self._of_discovery:
            told.extend(sorted({_reason_of(problem) for problem in problems["a"]}) or ["read"])
            for path in self.scripts.keys() & {"/feed.xml", "/sitemap.xml"}:
                state = endpoints[BASE + path]
                if (state.failures or "truncated" in told) and state.etag == NEW:
                    spoiled.append("the validators moved on")
        else:
            end, near = ends.get(VICTIM), ends.get(NEIGHBOUR)
            if end is not None:
                told.append(f"{end.ending.value} {end.reason}")
            else:
                told.extend(sorted({_reason_of(problem) for problem in problems["a"]}) or ["not met"])
            # What holds for the whole host (robots.txt, a wait it asked for) holds for the neighbour too.
            reason = near.reason if near is not None else "not met"
            if reason not in ("new-article", *self.for_the_host):
                spoiled.append(f"its neighbour: {reason}")
        other = ends.get(OTHER)
        if other is None or other.reason != "new-article":
            spoiled.append(f"the other paper: {other.reason if other is not None else 'not met'}")
        return Seen(tuple(told), tuple(spoiled))


def _reason_of(problem: str) -> str:
    """The code in a line about a feed: `address: code`, with a message or a count behind it."""
    return problem.split(": ", 1)[1].split(":", 1)[0]


def _source_a(changes: Mapping[str, object]) -> Source:
    values = scripted_source("a").model_dump()
    return Source.model_validate({**values, "sitemaps": (f"{BASE}/sitemap.xml",), **changes})


def _source_b() -> Source:
    return scripted_source("b", feeds=("http://b.example/b.xml",))


def _sound(source: Source) -> dict[str, Script]:
    entries = f"<url><loc>{NEIGHBOUR}</loc><lastmod>2026-03-02T08:00:00+07:00</lastmod></url>"
    sitemap = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'.encode()
    return {
        "/feed.xml": answer(feed_xml("a.example", [1, 2]), headers=[RSS, ("ETag", OLD)]),
        "/sitemap.xml": answer(sitemap, headers=[("Content-Type", "application/xml"), ("ETag", OLD)]),
        "/b.xml": answer(feed_xml("b.example", [8]), headers=[RSS]),
        "/bai-1.html": answer(article_html(1), headers=[HTML]),
        "/bai-2.html": answer(article_html(2), headers=[HTML]),
        "/bai-8.html": answer(article_html(8), headers=[HTML]),
        "/bai-9.html": answer(article_html(9), headers=[HTML]),
    }


async def _ingest(
    store: Store, sources: Sequence[Source], server: HostileServer, clock: Clock, config: FetchConfig
) -> IngestReport:
    environment = Environment(
        store=store,
        fetch_config=config,
        clock=clock,
        rng=random.Random(7),
        routes={"a.example": server.address, "b.example": server.address},
    )
    return await ingest(sources, environment, force=True)


Addresses = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Asked:
    """A case of one request: the URL, the answers of the names by turns, and what the server says.

    `{port}` in the URL is the server's. The policy is that of a live source, unless `loopback` says that the
    server itself is what is asked.
    """

    url: str
    names: Mapping[str, Addresses] = field(default_factory=dict)
    scripts: Mapping[str, Script] = field(default_factory=dict)
    loopback: bool = False
    certificate: str | None = None
    """`expired`, `wrong host` or `self-signed`: what is wrong with the certificate of the server."""

    async def run(self) -> Seen:
        with tempfile.TemporaryDirectory() as folder:
            tls = trusted = None
            if self.certificate is not None:
                host = "other.example" if self.certificate == "wrong host" else "a.example"
                path = write_certificate(Path(folder), host, expired=self.certificate == "expired")
                tls, trusted = server_context(path), trust_in(path)
                trusted = None if self.certificate == "self-signed" else trusted
            async with HostileServer({"/": answer(b"<p>reached</p>"), **self.scripts}, tls=tls) as server:
                return await self._ask(server, trusted)

    async def _ask(self, server: HostileServer, trusted: object) -> Seen:
        turns: dict[str, int] = {}

        async def resolver(host: str, _port: int) -> Sequence[str]:
            given = self.names.get(host.rstrip("."))
            if given is None:
                raise OSError(f"{host} is not known")
            turns[host] = turns.get(host, -1) + 1
            return given[min(turns[host], len(given) - 1)]

        policy = DEFAULT_POLICY
        if self.loopback:
            policy = HostPolicy(
                min_delay_seconds=0.0, allow_loopback=True, allowed_ports=(80, 443, server.port)
            )
        fetcher = Fetcher(
            limits(),
            clock=SystemClock(),
            rng=random.Random(7),
            routes={"a.example": server.address},
            resolver=resolver,
            ssl_context=trusted,  # type: ignore[arg-type]
        )
        async with fetcher:
            try:
                fetched = await fetcher.get(self.url.replace("{port}", str(server.port)), policy=policy)
            except KhotinError as error:
                reached = [path for path in server.paths if path != "/robots.txt"]
                refused = not isinstance(error, FetchError) or not self.scripts
                spoiled = ("the server was reached",) if refused and reached else ()
                return Seen((error.reason,), spoiled)
        return Seen((f"read, status {fetched.status}",))
