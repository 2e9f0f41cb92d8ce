"""What goes wrong in a run, and what the next run makes of it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from flows.ingest import IngestReport, ingest
from flows.pages import FetchedPage, ParsedBatch, parse_batch
from flows.sources import Limits, Source
from flows.stages import Stages
from parsers import Article, Rejection, parse_article
from parsers.errors import StoreError
from storage import Ending, Store, open_store
from tests.conftest import ManualClock
from tests.flows.running import article_html, ends_by_url, environment, feed_xml, scripted_source
from tests.scripted_site import Answer, ScriptedSite

HOST = "a.example"
XML = {"Content-Type": "application/rss+xml; charset=utf-8"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path, f"sqlite:///{tmp_path / 'khotin.db'}")


def publish(site: ScriptedSite, *numbers: int, hour: int = 8) -> None:
    body = feed_xml(HOST, numbers, hour=hour)
    site.answers[HOST, "/feed.xml"] = Answer(body, headers={**XML, "ETag": f'"{hash(body)}"'})
    for number in numbers:
        site.answers.setdefault((HOST, f"/bai-{number}.html"), Answer(article_html(number)))


async def run(
    store: Store, site: ScriptedSite, *sources: Source, clock: ManualClock, stages: Stages | None = None
) -> IngestReport:
    chosen = sources or (scripted_source(),)
    routes = site.routes(*(f"{source.name}.example" for source in chosen))
    return await ingest(chosen, environment(store, routes, clock), stages=stages, force=True)


def endings(report: IngestReport) -> dict[str, tuple[Ending, str]]:
    return {
        url.removeprefix(f"http://{HOST}"): (e.ending, e.reason) for url, e in ends_by_url(report).items()
    }


async def test_page_that_fails_is_tried_again_although_its_feed_answers_304(
    store: Store, clock: ManualClock
) -> None:
    async with ScriptedSite() as site:
        publish(site, 1, 2)
        site.answers[HOST, "/bai-2.html"] = Answer(b"busy", 503)
        first = await run(store, site, clock=clock)
        assert endings(first) == {
            "/bai-1.html": (Ending.STORED, "new-article"),
            "/bai-2.html": (Ending.FAILED, "http-503"),
        }
        site.answers[HOST, "/bai-2.html"] = Answer(article_html(2))
        clock.advance(minutes=5)
        assert endings(await run(store, site, clock=clock)) == {}
        clock.advance(minutes=11)
        third = await run(store, site, clock=clock)
        assert endings(third) == {"/bai-2.html": (Ending.STORED, "new-article")}
        assert [path for _, path in site.asked].count("/bai-1.html") == 1


async def test_page_that_is_not_there_is_looked_for_once_more_and_then_given_up(
    store: Store, clock: ManualClock
) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        site.answers[HOST, "/bai-1.html"] = Answer(b"gone", 404)
        assert endings(await run(store, site, clock=clock)) == {"/bai-1.html": (Ending.FAILED, "http-404")}
        for _ in range(3):
            clock.advance(days=2)
            publish(site, 1)
            await run(store, site, clock=clock)
        assert [path for _, path in site.asked].count("/bai-1.html") == 2


async def test_firewall_of_an_hour_loses_nothing(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1, 2)
        for number in (1, 2):
            site.answers[HOST, f"/bai-{number}.html"] = Answer(b"forbidden", 403)
        assert {e for e, _ in endings(await run(store, site, clock=clock)).values()} == {Ending.FAILED}
        for number in (1, 2):
            site.answers[HOST, f"/bai-{number}.html"] = Answer(article_html(number))
        clock.advance(days=1, minutes=1)
        assert {e for e, _ in endings(await run(store, site, clock=clock)).values()} == {Ending.STORED}


async def test_article_that_another_paper_mentions_is_still_fetched_by_its_own(
    store: Store, clock: ManualClock
) -> None:
    other = scripted_source("b")
    async with ScriptedSite() as site:
        publish(site, 1)
        site.answers["b.example", "/feed.xml"] = Answer(feed_xml(HOST, [1, 2]), headers=XML)
        await run(store, site, other, clock=clock)
        publish(site, 1, 2)
        report = await run(store, site, other, scripted_source(), clock=clock)
        assert report.result is not None
        by_source = {tally.source: tally.counts for tally in report.result.tallies}
        assert by_source["a"].stored == 2
        publish(site, 1, 2, hour=11)
        site.answers[HOST, "/bai-1.html"] = Answer(article_html(1, title="Con đường mới đã được sửa lại tên"))
        again = await run(store, site, other, scripted_source(), clock=clock)
        assert again.result is not None
        assert {tally.source: tally.counts.revised for tally in again.result.tallies} == {"a": 1, "b": 0}


async def test_feed_that_is_a_wall_makes_its_source_fail(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        site.answers[HOST, "/feed.xml"] = Answer(b"<html><body>cookie wall</body></html>", headers=XML)
        report = await run(store, site, clock=clock)
        assert report.failed_sources == ("a",)
        assert store.polls()["a"].failures == 1


async def test_wait_that_a_host_asks_for_outlives_the_run(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        site.answers[HOST, "/bai-1.html"] = Answer(b"slow down", 429, {"Retry-After": "7200"})
        await run(store, site, clock=clock)
        asked = len(site.asked)
        clock.advance(minutes=10)
        report = await run(store, site, clock=clock)  # run() forces, and even so
        assert report.result is None
        assert len(site.asked) == asked
        clock.advance(hours=2)
        assert (await run(store, site, clock=clock)).result is not None


async def test_requests_are_those_that_were_made(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1, 2)
        site.answers[HOST, "/robots.txt"] = Answer(
            b"User-agent: *\nDisallow: /bai-2", headers={"Content-Type": "text/plain"}
        )
        report = await run(store, site, clock=clock)
        assert report.result is not None
        assert report.result.tallies[0].requests == len(site.asked)
        assert store.polls()["a"].requests_today == len(site.asked)


async def test_sitemap_is_read_back_to_the_last_answer_after_a_long_downtime(
    store: Store, clock: ManualClock
) -> None:
    def entries(*days: int) -> bytes:
        body = "".join(
            f"<url><loc>http://{HOST}/bai-{day}.html</loc><lastmod>2026-03-{day:02d}</lastmod></url>"
            for day in days
        )
        return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{body}</urlset>'.encode()

    source = scripted_source(feeds=(), sitemaps=(f"http://{HOST}/sitemap.xml",), window_days=3)
    async with ScriptedSite() as site:
        site.answers[HOST, "/sitemap.xml"] = Answer(entries(1), headers=XML)
        for day in range(1, 31):
            site.answers[HOST, f"/bai-{day}.html"] = Answer(article_html(day))
        await run(store, site, source, clock=clock)  # on 2026-03-02
        clock.advance(days=20)
        site.answers[HOST, "/sitemap.xml"] = Answer(entries(1, 5, 12, 20), headers=XML)
        report = await run(store, site, source, clock=clock)
        assert {url for url, (ending, _) in endings(report).items() if ending is Ending.STORED} == {
            "/bai-5.html",
            "/bai-12.html",
            "/bai-20.html",
        }


async def test_store_that_fails_ends_the_run_and_is_no_fault_of_the_sources(
    store: Store, clock: ManualClock
) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        store.archive_folder.write_text("a file where the folder should be")
        with pytest.raises(StoreError):
            await run(store, site, clock=clock)
        assert store.runs()[0].state == "failed"
        assert store.polls() == {}


async def test_what_is_beyond_the_run_limit_comes_in_the_next_runs(store: Store, clock: ManualClock) -> None:
    source = scripted_source(limits=Limits(min_delay_seconds=0.0, articles_per_run=2))
    async with ScriptedSite() as site:
        publish(site, 1, 2, 3, 4, 5)
        counts = []
        for _ in range(4):
            report = await run(store, site, source, clock=clock)
            assert report.result is not None
            tally = report.result.tallies[0].counts
            counts.append((tally.discovered, tally.stored, tally.deferred))
        assert counts == [(5, 2, 3), (3, 2, 1), (1, 1, 0), (0, 0, 0)]


async def test_daily_budget_is_kept_and_new_on_the_next_day(store: Store, clock: ManualClock) -> None:
    limits = Limits(min_delay_seconds=0.0, requests_per_day=4)  # robots.txt, the feed, two articles
    source = scripted_source(limits=limits)
    async with ScriptedSite() as site:
        publish(site, 1, 2, 3, 4)
        first = await run(store, site, source, clock=clock)
        assert [reason for _, reason in endings(first).values()].count("daily-budget") == 2
        clock.advance(days=1)
        second = await run(store, site, source, clock=clock)
        assert first.result is not None
        assert second.result is not None
        assert second.result.tallies[0].counts.stored == 2


async def test_source_that_does_not_answer_does_not_harm_the_others(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        dead = scripted_source("b")
        env = environment(store, {**site.routes(HOST), "b.example": ("127.0.0.1", 1)}, clock)
        report = await ingest((scripted_source(), dead), env)
        assert report.failed_sources == ("b",)
        assert report.result is not None
        assert report.result.version is not None
        assert any("connect-failed" in p or "robots" in p for p in report.result.tallies[1].problems)
        poll = store.polls()["b"]
        assert poll.failures == 1
        assert poll.next_poll_at is not None
        assert poll.next_poll_at > clock.now()


async def test_feed_that_fails_keeps_its_old_validators(store: Store, clock: ManualClock) -> None:
    url = f"http://{HOST}/feed.xml"
    async with ScriptedSite() as site:
        publish(site, 1)
        await run(store, site, clock=clock)
        before = store.endpoints("a")[url]
        good = site.answers[HOST, "/feed.xml"]
        site.answers[HOST, "/feed.xml"] = Answer(
            b"<html><body>x</body></html>", headers={**XML, "ETag": '"bad"'}
        )
        await run(store, site, clock=clock)
        after = store.endpoints("a")[url]
        assert (after.etag, after.payload_sha256) == (before.etag, before.payload_sha256)
        assert after.failures == 1
        assert after.reason == "html-instead-of-feed"
        site.answers[HOST, "/feed.xml"] = good
        clock.advance(hours=1)
        await run(store, site, clock=clock)
        assert store.endpoints("a")[url].status == 304


async def test_parser_that_breaks_on_one_page_costs_that_page_only(store: Store, clock: ManualClock) -> None:
    def read(html: bytes, url: str, **options: str | None) -> Article | Rejection:
        if url.endswith("bai-2.html"):
            raise RecursionError("a fault of ours")
        return parse_article(html, url, **options)

    async def parse(source: Source, pages: tuple[FetchedPage, ...], now: datetime) -> ParsedBatch:
        return parse_batch(source, pages, now, read)

    async with ScriptedSite() as site:
        publish(site, 1, 2, 3)
        report = await run(store, site, clock=clock, stages=Stages(parse=parse))
        told = endings(report)
        assert told["/bai-2.html"] == (Ending.FAILED, "parser-error")
        assert {told[f"/bai-{n}.html"][0] for n in (1, 3)} == {Ending.STORED}


async def test_run_that_is_cancelled_commits_nothing_and_its_pages_are_taken_up(
    store: Store, clock: ManualClock
) -> None:
    async def never(*_: object) -> object:
        raise asyncio.CancelledError

    async with ScriptedSite() as site:
        publish(site, 1, 2)
        with pytest.raises(asyncio.CancelledError):
            await run(store, site, clock=clock, stages=Stages(commit=never))  # type: ignore[arg-type]
        assert store.versions() == []
        assert store.runs()[0].state == "failed"
        asked = len(site.asked)
        report = await run(store, site, clock=clock)
        assert {ending for ending, _ in endings(report).values()} == {Ending.STORED}
        assert [path for _, path in site.asked[asked:]] == ["/robots.txt", "/feed.xml"]


async def test_page_that_redirects_outside_the_pattern_is_rejected(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        site.answers[HOST, "/bai-1.html"] = Answer(status=302, headers={"Location": "/chuyen-muc/tin"})
        site.answers[HOST, "/chuyen-muc/tin"] = Answer(article_html(9))
        report = await run(store, site, clock=clock)
        assert endings(report) == {"/bai-1.html": (Ending.REJECTED, "redirected-outside")}


async def test_loopback_is_open_to_the_source_that_names_it_and_to_no_other(
    store: Store, clock: ManualClock
) -> None:
    live = scripted_source("b", allow_loopback=False, feeds=("http://b.example/feed.xml", "http://127.0.0.1/x"),
                           extra_hosts=("127.0.0.1",))  # fmt: skip
    async with ScriptedSite() as site:
        publish(site, 1)
        site.answers["b.example", "/feed.xml"] = Answer(feed_xml("b.example", [1]), headers=XML)
        report = await run(store, site, scripted_source(), live, clock=clock)
        assert endings(report) == {"/bai-1.html": (Ending.STORED, "new-article")}
        assert all(host == HOST for host, _ in site.asked), "the route of b.example leads to loopback too"
    assert report.failed_sources == ("b",)


async def test_robots_rule_that_forbids_is_obeyed_and_told(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1, 2)
        site.answers[HOST, "/robots.txt"] = Answer(
            b"User-agent: *\nDisallow: /bai-2", headers={"Content-Type": "text/plain"}
        )
        report = await run(store, site, clock=clock)
        assert endings(report)["/bai-2.html"] == (Ending.REJECTED, "robots-disallowed")
        assert (HOST, "/bai-2.html") not in site.asked
        kinds = {row["kind"] for row in store.story(f"http://{HOST}/robots.txt").captures}
        assert kinds == {"robots"}


async def test_source_that_is_not_due_is_left_alone(store: Store, clock: ManualClock) -> None:
    source = scripted_source(poll_minutes=30)
    async with ScriptedSite() as site:
        publish(site, 1)
        env = environment(store, site.routes(HOST), clock)
        await ingest((source,), env)
        clock.advance(minutes=29)
        early = await ingest((source,), env)
        assert early.result is None
        assert early.next_due_at is not None
        clock.advance(minutes=3)  # up to a twentieth is added at random
        assert (await ingest((source,), env)).result is not None


async def test_two_runs_at_once_append_every_article_once(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1, 2, 3)
        first, second = await asyncio.gather(run(store, site, clock=clock), run(store, site, clock=clock))
        stored = [
            sum(tally.counts.stored for tally in report.result.tallies) if report.result else 0
            for report in (first, second)
        ]
        assert sum(stored) == 3
        assert len(store.versions()) == 1
        for number in (1, 2, 3):
            assert len(store.history(f"http://{HOST}/bai-{number}.html")) == 1
