"""A paper is redesigned mid-way: its pages are set aside, the others go on, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from flows.ingest import IngestReport, ingest
from flows.pages import FetchedPage, ParsedBatch, parse_batch
from flows.quarantine import open_drifts
from flows.rejected import RetryReport, retry_rejected
from flows.sources import Source
from flows.stages import Stages
from parsers import Article, Rejection, parse_article
from parsers.reading import read_article
from parsers.sites.epi import EPI
from storage import Ending, Met, Offer, ShapeRow, SourcePart, Store, open_store
from storage.shapes import KEPT_ROWS
from tests.conftest import START, ManualClock
from tests.flows.running import article_html, ends_by_url, environment, feed_xml, scripted_source
from tests.killed import die_in
from tests.parsers import made_up
from tests.scripted_site import Answer, ScriptedSite

XML = {"Content-Type": "application/rss+xml; charset=utf-8"}
PAPERS = (scripted_source("a", parser="epi"), scripted_source("b"))
SOURCES = {source.name: source for source in PAPERS}
MENDED = replace(EPI, version="mended", lead=(".tom-tat", *EPI.lead))
Read = Callable[..., Article | Rejection]


def epi_page(number: int, *, redesigned: bool) -> bytes:
    """A page of paper a; after the redesign its lead stands in an element that no selector knows."""
    page = made_up.epi(
        title=f"Bài thứ {number} của báo a",
        lead=f"Tóm tắt của bài thứ {number}, mỗi bài một khác.",
        extra=f"<p>Đoạn cuối chỉ có trong bài {number}, viết lần thứ {number}.</p>",
    )
    return page.replace(b'class="article__sapo cms-desc"', b'class="tom-tat"') if redesigned else page


def mended(html: bytes, url: str, *, parser: str | None = None, **rest: Any) -> Article | Rejection:
    """Today's parsers once the site parser of paper a was mended."""
    if parser != "epi":
        return parse_article(html, url, parser=parser, **rest)
    return read_article(html, url, MENDED, parser=parser, **rest)


class Press:
    """Two papers on a scripted site, and one ingest after another."""

    def __init__(self, store: Store, site: ScriptedSite, clock: ManualClock) -> None:
        self.store, self.site, self.clock = store, site, clock
        self.published: dict[str, int] = {"a": 0, "b": 0}
        self.redesigned = False

    async def run(self, a: int, b: int = 0, read: Read = parse_article) -> IngestReport:
        """Publish so many articles in each paper, and ingest both."""
        for name, count in (("a", a), ("b", b)):
            first = self.published[name] + 1
            numbers = range(first, first + count)
            self.published[name] += count
            host = f"{name}.example"
            self.site.answers[host, "/feed.xml"] = Answer(feed_xml(host, numbers), headers=XML)
            for n in numbers:
                body = epi_page(n, redesigned=self.redesigned) if name == "a" else article_html(n)
                self.site.answers[host, f"/bai-{n}.html"] = Answer(body)
        self.clock.advance(hours=1)

        async def parse(source: Source, pages: tuple[FetchedPage, ...], now: Any) -> ParsedBatch:
            return parse_batch(source, pages, now, read)

        routes = self.site.routes("a.example", "b.example")
        surroundings = environment(self.store, routes, self.clock)
        return await ingest(PAPERS, surroundings, stages=Stages(parse=parse), force=True)

    async def grow(self) -> None:
        for _ in range(4):
            report = await self.run(16, 2)
            assert report.drifted_sources == ()

    def retry(self, read: Read = parse_article, **options: Any) -> RetryReport:
        self.clock.advance(hours=1)
        chosen = self.store.rejected(reason="drift")
        return retry_rejected(
            self.store, SOURCES, chosen, clock=self.clock, rng=random.Random(4), read=read, **options
        )

    def leads(self) -> Counter[tuple[str, bool]]:
        """How many documents each paper has, with and without a lead."""
        with self.store.documents(self.store.version()) as documents:
            return Counter((d.record.source, bool(d.record.lead)) for d in documents)


def problems(report: IngestReport, source: str) -> tuple[str, ...]:
    assert report.result is not None
    told = next(tally.problems for tally in report.result.tallies if tally.source == source)
    return tuple(problem for problem in told if problem.startswith("drift:"))


def endings(report: IngestReport) -> Counter[tuple[str, Ending, str]]:
    found = ends_by_url(report).items()
    return Counter((url.removeprefix("http://")[0], end.ending, end.reason) for url, end in found)


async def test_redesign_is_caught_quarantined_and_made_good(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        press = Press(store, site, clock)
        await press.grow()
        press.redesigned = True
        report = await press.run(12, 3)
        assert report.drifted_sources == ("a",)
        (problem,) = problems(report, "a")
        assert problem.startswith(
            f"drift: lead: 100 % of 64 pages before, 0 % of 12 pages now (parser epi {EPI.version})"
        )
        assert problems(report, "b") == ()
        assert endings(report) == {
            ("a", Ending.REJECTED, "drift"): 12,
            ("b", Ending.STORED, "new-article"): 3,
        }
        assert "lead: 100 %" in ends_by_url(report)["http://a.example/bai-70.html"].detail
        assert open_drifts(store.shapes())["a"] == (problem.split("; its")[0].removeprefix("drift: "),)
        few = await press.run(1)
        assert endings(few) == {("a", Ending.REJECTED, "drift"): 1}, "the alarm stays open"

        still = press.retry()
        assert (still.looked_at, len(still.still), still.result) == (13, 13, None)
        assert "lead" in still.drifts["a"][0]
        asked = len(site.asked)
        done = press.retry(mended)
        assert (done.looked_at, done.still, done.drifts, len(site.asked)) == (13, (), {}, asked)
        assert done.result is not None
        assert done.result.version is not None
        assert (done.result.version.kind, done.result.version.added) == ("reparse", 13)
        assert press.leads() == {("a", True): 64 + 13, ("b", False): 11}
        assert (press.retry(mended).looked_at, open_drifts(store.shapes())) == (0, {})
        later = await press.run(12, read=mended)
        assert endings(later) == {("a", Ending.STORED, "new-article"): 12}
        assert Counter(path for host, path in site.asked if host == "a.example").most_common(2)[1][1] == 1


async def test_accepted_shape_is_what_later_runs_are_compared_with(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        press = Press(store, site, clock)
        await press.grow()
        press.redesigned = True
        await press.run(12)
        done = press.retry(accept=True)
        assert (len(done.still), done.drifts) == (0, {})
        assert press.leads()["a", False] == 12
        for _ in range(4):
            assert (await press.run(16)).drifted_sources == ()
        press.redesigned = False
        (problem,) = problems(await press.run(12), "a")
        assert problem.startswith("drift: lead: 0 % of 76 pages before, 100 % of 12 pages now")


async def test_page_that_the_site_parser_cannot_read_is_retried_too(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        press = Press(store, site, clock)
        body = epi_page(9, redesigned=False).replace(b"article__body", b"than-bai").replace(b"cms-body", b"x")
        site.answers["a.example", "/bai-9.html"] = Answer(body)
        site.answers["a.example", "/feed.xml"] = Answer(feed_xml("a.example", [9]), headers=XML)
        clock.advance(hours=1)
        routes = site.routes("a.example", "b.example")
        report = await ingest(PAPERS[:1], environment(store, routes, clock), force=True)
        assert endings(report) == {("a", Ending.REJECTED, "drift"): 1}
        (page,) = store.rejected(source="a")
        assert (page.reason, page.url) == ("drift", "http://a.example/bai-9.html")
        wider = replace(EPI, version="mended", body=(".than-bai",))

        def read(html: bytes, url: str, *, parser: str | None = None, **rest: Any) -> Article | Rejection:
            return read_article(html, url, wider, parser=parser, **rest)

        done = press.retry(read)
        assert done.result is not None
        assert [(end.ending, end.reason) for _, end in done.result.ends] == [(Ending.STORED, "new-article")]
        assert store.rejected() == []


async def test_retried_page_never_replaces_what_was_read_later(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        press = Press(store, site, clock)
        await press.grow()
        press.redesigned = True
        await press.run(12)
        url = "http://a.example/bai-65.html"
        known = store.history("http://a.example/bai-64.html")[-1].record
        later = clock.now() + timedelta(minutes=5)
        record = replace(known, url=url, title="Mới hơn", lead="Đã sửa.", paragraphs=known.paragraphs[:2])
        newer = Offer(Met(url, "feed", seen=False), replace(record, fetched_at=later))
        store.begin_run("other", "ingest", "", later)
        store.commit_run("other", "ingest", "", [SourcePart("a", (newer,))], later, "0")
        done = press.retry(mended)
        assert done.result is not None
        ends = {end.met.url: (end.ending, end.reason) for _, end in done.result.ends}
        assert ends.pop(url) == (Ending.UNCHANGED, "newer-revision")
        assert set(ends.values()) == {(Ending.STORED, "new-article")}
        assert store.history(url)[-1].record.title == "Mới hơn"


def test_retry_that_was_killed_starts_again(store_url: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    clock = ManualClock()

    async def grown() -> None:
        async with ScriptedSite() as site:
            with open_store(home, store_url) as store:
                press = Press(store, site, clock)
                await press.grow()
                press.redesigned = True
                await press.run(12)

    asyncio.run(grown())
    for point in ("INSERT INTO version", "UPDATE ingest_run"):
        die_in("tests.flows.killed_retry", str(home), store_url, point)
        with open_store(home, store_url) as store:
            assert store.version().documents == 72
            assert len(store.rejected(reason="drift")) == 12
    clock.advance(days=2)
    with open_store(home, store_url) as store:
        report = retry_rejected(
            store, SOURCES, store.rejected(), clock=clock, rng=random.Random(5), read=mended
        )
        assert report.result is not None
        assert store.version().documents == 84
        assert store.rejected() == []


def test_only_the_newest_counts_are_kept(store: Store) -> None:
    for number in range(KEPT_ROWS + 5):
        at = START + timedelta(hours=number)
        row = ShapeRow("a", "epi", "1", f"r{number:04}", at, 1, "{}", "đổi" if number < 3 else "")
        store.begin_run(row.run_id, "ingest", "", at)
        store.commit_run(row.run_id, "ingest", "", [SourcePart("a", shapes=(row,))], at, "0")
    rows = store.shapes("a")
    assert len([row for row in rows if not row.drift]) == KEPT_ROWS
    assert [row.run_id for row in rows if row.drift] == ["r0002", "r0001", "r0000"]
    assert rows[0].run_id == f"r{KEPT_ROWS + 4:04}"
