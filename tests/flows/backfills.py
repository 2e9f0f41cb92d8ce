"""A site with sitemaps of two months for tests of the backfill, and a process that dies in one.

    python -m tests.flows.backfills HOME DATABASE_URL PORT POINT

walks the site on that port; POINT is `fetch` (dies with the second day's pages kept), `commit` (before its
commit) or an SQL statement's start.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import event
from sqlalchemy.engine import Engine

from flows.backfill import BackfillReport, backfill
from flows.pages import FetchedBatch, fetch_batch
from flows.sitemap_walk import Span
from flows.sources import Limits, Source
from flows.stages import Stages
from storage import Store, open_store
from tests.flows.running import article_html, environment, scripted_source
from tests.scripted_site import Answer, ScriptedSite

HOST = "a.example"
BASE = f"http://{HOST}"
SPAN = Span(date(2026, 2, 1), date(2026, 3, 31))
MARCH = {1: "2026-03-03T08:00:00+07:00", 2: "2026-03-03T09:00:00+07:00", 3: "2026-03-01T00:30:00+07:00"}
FEBRUARY = {4: "2026-02-28T23:30:00+07:00", 5: "2026-02-10T08:00:00+07:00"}
JANUARY = {6: "2026-01-31T23:00:00+07:00"}
XML = {"Content-Type": "application/xml"}


class Days:
    """A clock that stands at noon of a day, until it is put on."""

    def __init__(self) -> None:
        self.time = datetime(2026, 4, 2, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


def source(**changes: object) -> Source:
    """The source of the site, with limits that tests may lower."""
    values: dict[str, object] = {"feeds": (), "sitemaps": (f"{BASE}/sitemap.xml",), **changes}
    return Source.model_validate({**scripted_source().model_dump(), **values})


def limited(requests: int) -> Limits:
    return Limits(min_delay_seconds=0.0, concurrency=4, requests_per_day=requests)


def urlset(entries: Mapping[int, str | None]) -> bytes:
    urls = "".join(
        f"<url><loc>{BASE}/bai-{n}.html</loc>{f'<lastmod>{at}</lastmod>' if at else ''}</url>"
        for n, at in entries.items()
    )
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'.encode()


def index(names: Sequence[str]) -> bytes:
    maps = "".join(f"<sitemap><loc>{BASE}{name}</loc></sitemap>" for name in names)
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{maps}</sitemapindex>'.encode()


def furnish(site: ScriptedSite) -> None:
    """An index, three months, six articles."""
    months = {"/sitemaps/news-2026-1.xml": JANUARY, "/sitemaps/news-2026-2.xml": FEBRUARY}
    months["/sitemaps/news-2026-3.xml"] = MARCH
    site.answers[HOST, "/sitemap.xml"] = Answer(index([*months]), headers=XML)
    for path, entries in months.items():
        site.answers[HOST, path] = Answer(urlset(entries), headers=XML)
        for number in entries:
            site.answers[HOST, f"/bai-{number}.html"] = Answer(article_html(number))


def walk(
    store: Store, port: int, *, clock: Days | None = None, stages: Stages | None = None, **arguments: Any
) -> BackfillReport:
    """A backfill of the site that listens on the port."""
    wanted = arguments.pop("wanted", None) or source()
    span = arguments.pop("span", SPAN)
    around = environment(store, {HOST: ("127.0.0.1", port)}, clock or Days())
    return asyncio.run(backfill(wanted, around, span, stages=stages, **arguments))


def articles(asked: Sequence[tuple[str, str]]) -> list[str]:
    """The articles among the requests, in order."""
    return [path for _, path in asked if path.startswith("/bai-")]


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def main(home: str, url: str, port: str, point: str) -> None:
    runs = 0

    async def fetch(*arguments: Any) -> FetchedBatch:
        nonlocal runs
        runs += 1
        fetched = await fetch_batch(*arguments)
        if runs == 2 and point == "fetch":
            die()
        return fetched

    async def parse(*arguments: Any) -> Any:
        parsed = await Stages().parse(*arguments)
        if runs == 2 and point == "commit":
            die()
        if runs == 2 and point not in ("fetch", "commit"):
            _die_at(point)
        return parsed

    with open_store(Path(home), url) as store:
        walk(store, int(port), stages=Stages(fetch=fetch, parse=parse))


def _die_at(start: str) -> None:
    @event.listens_for(Engine, "before_cursor_execute")
    def _check(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(start):
            die()


if __name__ == "__main__":
    main(*sys.argv[1:])
