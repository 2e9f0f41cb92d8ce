"""Polls one after the other: what is asked again, what is known to be lost, what runs tell one another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from flows.ingest import IngestReport, ingest
from flows.rhythm import Rhythm, from_text, to_text
from flows.sources import Limits, Source
from storage import Ending, SourcePart, SourcePoll, SourceTally, Store, open_store
from storage.retraction import retract
from tests.conftest import ManualClock
from tests.flows.running import article_html, ends_by_url, environment, feed_xml, scripted_source
from tests.scripted_site import Answer, ScriptedSite

HOST = "a.example"
FEED, SITEMAP = f"http://{HOST}/feed.xml", f"http://{HOST}/sitemap.xml"
XML = {"Content-Type": "application/rss+xml; charset=utf-8"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path, f"sqlite:///{tmp_path / 'khotin.db'}")


def publish(site: ScriptedSite, *numbers: int, headers: dict[str, str] | None = None) -> None:
    body = feed_xml(HOST, numbers)
    etag = {"ETag": f'W/"{"-".join(map(str, numbers))}"'}
    site.answers[HOST, "/feed.xml"] = Answer(body, headers={**XML, **etag, **(headers or {})})
    for number in numbers:
        site.answers.setdefault((HOST, f"/bai-{number}.html"), Answer(article_html(number)))


def urlset(*entries: tuple[int, str]) -> bytes:
    body = "".join(
        f"<url><loc>http://{HOST}/bai-{n}.html</loc><lastmod>{day}</lastmod></url>" for n, day in entries
    )
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{body}</urlset>'.encode()


async def run(
    store: Store, site: ScriptedSite, source: Source, clock: ManualClock, *, force: bool = False
) -> IngestReport:
    return await ingest((source,), environment(store, site.routes(HOST), clock), force=force)


def tally(report: IngestReport) -> SourceTally:
    assert report.result is not None
    return report.result.tallies[0]


def endings(report: IngestReport) -> dict[str, tuple[Ending, str]]:
    return {
        url.removeprefix(f"http://{HOST}"): (e.ending, e.reason) for url, e in ends_by_url(report).items()
    }


def asked_since(site: ScriptedSite, before: int) -> list[str]:
    return [path for _, path in site.asked[before:]]


# -- gaps ------------------------------------------------------------------------------------------------


def with_sitemap(**changes: object) -> Source:
    return scripted_source("a", sitemaps=(SITEMAP,), sitemap_minutes=360, window_days=3, **changes)


async def test_feed_that_has_run_over_makes_the_sitemap_due_at_once(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1, 2)
        site.answers[HOST, "/sitemap.xml"] = Answer(urlset((1, "2026-03-01"), (2, "2026-03-01")), headers=XML)
        assert tally(await run(store, site, with_sitemap(), clock)).problems == ()
        for number in (3, 4):
            site.answers[HOST, f"/bai-{number}.html"] = Answer(article_html(number))
        lost = ((3, "2026-03-02"), (4, "2026-03-02"))
        site.answers[HOST, "/sitemap.xml"] = Answer(urlset(*lost), headers=XML)
        publish(site, 5, 6)
        clock.advance(minutes=10)
        report = await run(store, site, with_sitemap(), clock)
        (problem,) = tally(report).problems
        assert problem.startswith(f"{FEED}: gap: ")
        assert {url for url, end in endings(report).items() if end[0] is Ending.STORED} == {
            f"/bai-{number}.html" for number in (3, 4, 5, 6)
        }
        assert store.endpoints("a")[FEED].gap_since is None
        (newest, *_) = store.runs()
        assert newest.tallies[0].problems == (problem,), "it can be looked up later"


async def test_sitemap_is_not_asked_before_its_time_without_a_gap(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1, 2)
        site.answers[HOST, "/sitemap.xml"] = Answer(urlset((1, "2026-03-01")), headers=XML)
        await run(store, site, with_sitemap(), clock)
        publish(site, 2, 3)
        clock.advance(minutes=10)
        before = len(site.asked)
        assert tally(await run(store, site, with_sitemap(), clock)).problems == ()
        assert asked_since(site, before) == ["/feed.xml", "/bai-3.html"]


async def test_gap_stays_open_until_the_sitemap_answers(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        site.answers[HOST, "/sitemap.xml"] = Answer(urlset((1, "2026-03-01")), headers=XML)
        await run(store, site, with_sitemap(), clock)
        started = clock.now()
        site.answers[HOST, "/sitemap.xml"] = Answer(b"busy", 503)
        publish(site, 5)
        clock.advance(minutes=10)
        await run(store, site, with_sitemap(), clock)
        assert store.endpoints("a")[FEED].gap_since == started
        site.answers[HOST, "/bai-3.html"] = Answer(article_html(3))
        site.answers[HOST, "/sitemap.xml"] = Answer(urlset((3, "2026-03-02")), headers=XML)
        clock.advance(minutes=20)
        report = await run(store, site, with_sitemap(), clock)
        assert endings(report) == {"/bai-3.html": (Ending.STORED, "new-article")}
        assert store.endpoints("a")[FEED].gap_since is None


async def test_sitemap_of_a_gap_is_read_back_to_where_the_gap_began(store: Store, clock: ManualClock) -> None:
    """Ten days without the feed; the sitemap was read meanwhile, so its own window is three days."""
    async with ScriptedSite() as site:
        publish(site, 1)
        site.answers[HOST, "/sitemap.xml"] = Answer(urlset((1, "2026-03-01")), headers=XML)
        await run(store, site, with_sitemap(), clock)
        site.answers[HOST, "/feed.xml"] = Answer(b"busy", 503)
        clock.advance(days=10)
        await run(store, site, with_sitemap(), clock)
        publish(site, 9)
        for number in (3, 4):
            site.answers[HOST, f"/bai-{number}.html"] = Answer(article_html(number))
        entries = ((3, "2026-03-04"), (4, "2026-03-11"))
        site.answers[HOST, "/sitemap.xml"] = Answer(urlset(*entries), headers=XML)
        clock.advance(hours=1)
        report = await run(store, site, with_sitemap(), clock)
        assert set(endings(report)) == {"/bai-3.html", "/bai-4.html", "/bai-9.html"}


async def test_empty_feed_is_no_gap_and_forgets_nothing(store: Store, clock: ManualClock) -> None:
    source = scripted_source()
    async with ScriptedSite() as site:
        for numbers in ((1, 2), (), (2, 3)):
            publish(site, *numbers)
            report = await run(store, site, source, clock)
            assert not any("gap" in problem for problem in tally(report).problems)
            clock.advance(minutes=10)


async def test_gap_without_a_sitemap_is_told_once(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        problems = []
        for numbers in ((1,), (2,), (2,)):
            publish(site, *numbers)
            problems.append(tally(await run(store, site, scripted_source(), clock)).problems)
            clock.advance(minutes=10)
        assert [len(told) for told in problems] == [0, 1, 0]
        assert "no one is asked" in problems[1][0]


# -- rhythm and silence ----------------------------------------------------------------------------------


def remember(store: Store, clock: ManualClock, rhythm: Rhythm) -> None:
    """Let a run have left this rhythm."""
    store.begin_run("before", "ingest", "", clock.now())
    poll = SourcePoll("a", clock.now(), clock.now(), rhythm=to_text(rhythm))
    store.commit_run("before", "ingest", "", [SourcePart("a", poll=poll)], clock.now(), "0")


def steady(now: datetime, a_day: float) -> Rhythm:
    since = now - timedelta(days=20)
    return Rhythm(since, now, (a_day * 20 / 24,) * 24, (20.0,) * 24, newest=now)


async def test_source_is_due_again_when_its_rhythm_lets_something_be_expected(
    store: Store, clock: ManualClock
) -> None:
    remember(store, clock, steady(clock.now(), 24))
    source = scripted_source(poll_minutes=10)
    async with ScriptedSite() as site:
        publish(site, 1, 2, 3, 4)
        await run(store, site, source, clock)
        poll = store.polls()["a"]
        assert poll.reason == "rhythm"
        assert "1.0 articles an hour" in poll.why
        assert poll.next_poll_at is not None
        wait = poll.next_poll_at - clock.now()
        assert timedelta(minutes=55) < wait < timedelta(minutes=70)


async def test_host_that_says_how_long_an_answer_stays_fresh_is_believed(
    store: Store, clock: ManualClock
) -> None:
    source = scripted_source(poll_minutes=10)
    async with ScriptedSite() as site:
        publish(site, 1, headers={"Cache-Control": "public, max-age=7200"})
        await run(store, site, source, clock)
        poll = store.polls()["a"]
        assert poll.reason == "cache-headers"
        assert poll.next_poll_at is not None
        assert poll.next_poll_at - clock.now() >= timedelta(hours=2)


async def test_what_a_feed_asks_for_holds_also_when_it_answers_304(store: Store, clock: ManualClock) -> None:
    source = scripted_source(poll_minutes=10)
    async with ScriptedSite() as site:
        publish(site, 1)
        feed = site.answers[HOST, "/feed.xml"]
        feed.body = feed.body.replace(b"<channel>", b"<channel><ttl>240</ttl>")
        for status in (200, 304):
            await run(store, site, source, clock)
            state = store.endpoints("a")[FEED]
            assert (state.status, state.why.partition(":")[0]) == (status, "feed-ttl")
            clock.advance(hours=5)


async def test_silent_source_is_told_in_the_run_and_its_exit_is_no_failure(
    store: Store, clock: ManualClock
) -> None:
    remember(store, clock, steady(clock.now(), 48))
    async with ScriptedSite() as site:
        publish(site, 1)
        told: list[tuple[str, ...]] = []
        for _ in range(3):
            report = await run(store, site, scripted_source(), clock)
            assert report.failed_sources == ()
            told.append(tally(report).problems)
            clock.advance(hours=6)
        assert told[:2] == [(), ()]
        assert told[2][0].startswith("silent: ")
        publish(site, *range(2, 30))
        await run(store, site, scripted_source(), clock)
        assert tally(await run(store, site, scripted_source(), clock)).problems == ()


async def test_rhythm_counts_what_is_new_but_not_what_a_sitemap_names_without_a_time(
    store: Store, clock: ManualClock
) -> None:
    source = scripted_source(sitemaps=(SITEMAP,), sitemap_minutes=0)
    async with ScriptedSite() as site:
        publish(site, 1)
        await run(store, site, source, clock)
        clock.advance(minutes=30)
        site.answers[HOST, "/feed.xml"] = feed_of(*(f"http://{HOST}/bai-{n}.html" for n in (1, 2, 3)))
        undated = "".join(f"<url><loc>http://{HOST}/bai-{n}.html</loc></url>" for n in range(3, 30))
        site.answers[HOST, "/sitemap.xml"] = Answer(f"<urlset>{undated}</urlset>".encode(), headers=XML)
        assert tally(await run(store, site, source, clock)).counts.discovered == 29
        rhythm = from_text(store.polls()["a"].rhythm)
        assert rhythm is not None
        assert (sum(rhythm.articles), rhythm.watched_hours) == (2, 0.5)


async def test_page_that_waits_makes_its_source_due_without_its_feed(
    store: Store, clock: ManualClock
) -> None:
    source = scripted_source(poll_minutes=10, max_poll_minutes=720)
    async with ScriptedSite() as site:
        publish(site, 1, headers={"Cache-Control": "max-age=36000"})
        site.answers[HOST, "/bai-1.html"] = Answer(b"busy", 503)
        await run(store, site, source, clock)
        assert store.polls()["a"].reason == "retry"
        site.answers[HOST, "/bai-1.html"] = Answer(article_html(1))
        before = len(site.asked)
        clock.advance(minutes=16)
        assert endings(await run(store, site, source, clock)) == {
            "/bai-1.html": (Ending.STORED, "new-article")
        }
        assert asked_since(site, before) == ["/bai-1.html"]


# -- looks at known articles -----------------------------------------------------------------------------


async def looks(store: Store, site: ScriptedSite, source: Source, clock: ManualClock) -> list[int]:
    """On which of the next ten days the article 1 was asked for."""
    days = []
    for day in range(11):
        before = len(site.asked)
        await run(store, site, source, clock, force=True)
        if "/bai-1.html" in asked_since(site, before):
            days.append(day)
        clock.advance(days=1, minutes=5)
    return days


async def test_article_is_looked_at_again_after_a_day_and_a_week(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        assert await looks(store, site, scripted_source(), clock) == [0, 1, 7]
        (row,) = store.story(f"http://{HOST}/bai-1.html").pages
        assert (row["outcome"], row["attempts"], row["look_at"]) == ("unchanged", 0, None)


async def test_change_that_a_look_finds_becomes_a_revision(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        await run(store, site, scripted_source(), clock)
        site.answers[HOST, "/bai-1.html"] = Answer(article_html(1, title="Con đường mới đã được sửa lại tên"))
        clock.advance(days=1)
        assert endings(await run(store, site, scripted_source(), clock)) == {
            "/bai-1.html": (Ending.REVISED, "content-changed")
        }


async def test_site_that_tells_of_changes_is_believed_and_not_looked_at_without_one(
    store: Store, clock: ManualClock
) -> None:
    source = scripted_source(feeds=(), sitemaps=(SITEMAP,))
    async with ScriptedSite() as site:
        publish(site, 1)
        site.answers[HOST, "/sitemap.xml"] = Answer(urlset((1, "2026-03-01")), headers=XML)
        assert await looks(store, site, source, clock) == [0]
        site.answers[HOST, "/sitemap.xml"] = Answer(urlset((1, "2026-03-09")), headers=XML)
        assert await looks(store, site, source, clock) == [0]


async def test_looks_come_after_what_is_new_and_lose_no_place(store: Store, clock: ManualClock) -> None:
    source = scripted_source(limits=Limits(min_delay_seconds=0.0, articles_per_run=2))
    async with ScriptedSite() as site:
        publish(site, 1, 2)
        await run(store, site, source, clock)
        clock.advance(days=1)
        publish(site, 1, 2, 3, 4)
        report = await run(store, site, source, clock)
        assert set(endings(report)) == {"/bai-3.html", "/bai-4.html"}
        assert tally(report).counts.deferred == 0
        assert set(endings(await run(store, site, source, clock))) == {"/bai-1.html", "/bai-2.html"}


# -- robots.txt and hosts --------------------------------------------------------------------------------


def robots(*lines: str, status: int = 200) -> Answer:
    return Answer("\n".join(["User-agent: *", *lines]).encode(), status, {"Content-Type": "text/plain"})


async def test_robots_txt_is_read_once_a_day_whatever_the_number_of_runs(
    store: Store, clock: ManualClock
) -> None:
    async with ScriptedSite() as site:
        site.answers[HOST, "/robots.txt"] = robots("Disallow: /bai-2", "Crawl-delay: 0.001")
        for hours in range(0, 48, 6):
            publish(site, 1, 2, 3 + hours)
            report = await run(store, site, scripted_source(), clock)
            if hours == 6:
                capture = store.story(f"http://{HOST}/bai-9.html").captures[-1]
                assert capture["robots_rule"] == "allowed; crawl-delay 0.001 s"
            assert endings(report).get("/bai-2.html") in (
                None, (Ending.REJECTED, "robots-disallowed"),
            )  # fmt: skip
            clock.advance(hours=6)
        assert [path for _, path in site.asked].count("/robots.txt") == 2
        assert (HOST, "/bai-2.html") not in site.asked
        assert len(store.story(f"http://{HOST}/robots.txt").captures) == 1, "kept once, since it is the same"


async def test_robots_txt_that_changed_is_obeyed_a_day_later(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        site.answers[HOST, "/robots.txt"] = robots("Disallow: /x")
        await run(store, site, scripted_source(), clock)
        site.answers[HOST, "/robots.txt"] = robots("Disallow: /")
        clock.advance(hours=25)
        report = await run(store, site, scripted_source(), clock)
        assert report.failed_sources == ("a",)
        assert "robots-disallowed" in tally(report).problems[0]


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (403, 1), (500, 2), (429, 2)])
async def test_robots_txt_that_is_not_there_is_remembered_and_one_that_fails_is_asked_again(
    store: Store, clock: ManualClock, status: int, asked: int
) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        site.answers[HOST, "/robots.txt"] = robots(status=status)
        await run(store, site, scripted_source(), clock)
        clock.advance(minutes=1)
        before = len(site.asked)
        await run(store, site, scripted_source(), clock, force=True)
        assert asked_since(site, before) == ([] if status >= 429 else ["/feed.xml"])
        clock.advance(minutes=20)
        await run(store, site, scripted_source(), clock)
        assert [path for _, path in site.asked].count("/robots.txt") == asked


async def test_wait_of_a_host_is_known_to_a_run_that_begins_before_the_first_has_ended(
    store: Store, clock: ManualClock
) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        site.answers[HOST, "/bai-1.html"] = Answer(b"slow down", 429, {"Retry-After": "7200"})
        seen: list[dict[str, object]] = []

        class Watching(ManualClock):
            """Looks into the store at each question for the time, as another process would."""

            def now(self) -> datetime:
                seen.append(dict(store.hosts(self.time)))
                return self.time

        await run(store, site, scripted_source(), Watching(clock.now()))
        assert HOST in seen[-1]
        store.spare_hosts([])
        # A new source on the same host has no memory of its own, and waits all the same.
        other = scripted_source("b", home=f"http://{HOST}/", feeds=(f"http://{HOST}/other.xml",))
        before = len(site.asked)
        report = await run(store, site, other, clock)
        assert asked_since(site, before) == []
        assert "host-backoff" in tally(report).problems[0]


# -- listings --------------------------------------------------------------------------------------------


def listing(*numbers: int, following: str = "") -> Answer:
    links = "".join(f'<h3><a href="/bai-{n}.html">Bài {n}</a></h3>' for n in numbers)
    more = f'<a rel="next" href="{following}">sau</a>' if following else ""
    return Answer(f"<!doctype html><html><body>{links}{more}</body></html>".encode())


def with_listing(**changes: object) -> Source:
    return scripted_source("a", **{"feeds": (), "listings": (f"http://{HOST}/tin.htm",), **changes})


def list_pages(site: ScriptedSite, pages: Sequence[Sequence[int]], name: str = "/tin") -> None:
    for number, articles in enumerate(pages, 1):
        path = f"{name}.htm" if number == 1 else f"{name}/trang-{number}.htm"
        following = f"{name}/trang-{number + 1}.htm" if number < len(pages) else ""
        site.answers[HOST, path] = listing(*articles, following=following)
        for article in articles:
            site.answers.setdefault((HOST, f"/bai-{article}.html"), Answer(article_html(article)))


@pytest.mark.parametrize("pattern", ["", "{stem}/trang-{page}.htm"])
async def test_further_pages_are_read_until_one_brings_nothing_new(
    store: Store, clock: ManualClock, pattern: str
) -> None:
    source = with_listing(listing_pattern=pattern)
    async with ScriptedSite() as site:
        site.answers[HOST, "/robots.txt"] = robots()
        list_pages(site, [(1, 2), (3, 4), (5, 6)])
        first = await run(store, site, source, clock)
        assert set(endings(first)) == {f"/bai-{n}.html" for n in range(1, 7)}
        list_pages(site, [(9, 8), (7, 1), (2, 3), (4, 5)])
        before = len(site.asked)
        second = await run(store, site, source, clock)
        assert {url for url, end in endings(second).items() if end[0] is Ending.STORED} == {
            "/bai-7.html", "/bai-8.html", "/bai-9.html",
        }  # fmt: skip
        listed = [path for path in asked_since(site, before) if "/tin" in path]
        assert listed == ["/tin.htm", "/tin/trang-2.htm", "/tin/trang-3.htm"]
        before = len(site.asked)
        await run(store, site, source, clock)
        assert asked_since(site, before) == ["/tin.htm"]


async def test_no_more_pages_are_read_than_the_source_file_allows(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        list_pages(site, [(n,) for n in range(1, 9)])
        report = await run(store, site, with_listing(listing_pages=3), clock)
        assert set(endings(report)) == {"/bai-1.html", "/bai-2.html", "/bai-3.html"}


async def test_further_page_that_fails_is_read_in_the_next_poll(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        list_pages(site, [(1,), (2,), (3,)])
        page = site.answers[HOST, "/tin/trang-2.htm"]
        site.answers[HOST, "/tin/trang-2.htm"] = Answer(b"busy", 503)
        site.answers[HOST, "/tin.htm"].headers["ETag"] = '"1"'
        report = await run(store, site, with_listing(), clock)
        assert "http-503" in tally(report).problems[0]
        site.answers[HOST, "/tin/trang-2.htm"] = page
        clock.advance(minutes=20)
        report = await run(store, site, with_listing(), clock)
        assert {"/bai-2.html", "/bai-3.html"} <= set(endings(report))
        assert store.endpoints("a")[f"http://{HOST}/tin.htm"].gap_since is None


async def test_further_pages_that_go_round_or_elsewhere_are_not_followed(
    store: Store, clock: ManualClock
) -> None:
    async with ScriptedSite() as site:
        list_pages(site, [(1,), (2,)])
        site.answers[HOST, "/tin/trang-2.htm"] = listing(2, following="/tin.htm")
        await run(store, site, with_listing(), clock)
        site.answers[HOST, "/tin.htm"] = listing(3, following="http://b.example/trang-2.htm")
        await run(store, site, with_listing(), clock)
        assert [path for _, path in site.asked if "tin" in path] == [
            "/tin.htm",
            "/tin/trang-2.htm",
            "/tin.htm",
        ]
        assert {host for host, _ in site.asked} == {HOST}


async def test_listing_of_days_is_read_since_its_last_answer(store: Store, clock: ManualClock) -> None:
    template = f"http://{HOST}/luu-tru/{{yyyy}}/{{mm}}/{{dd}}.htm"
    source = with_listing(listings=(template,))
    async with ScriptedSite() as site:
        for day in range(1, 10):
            list_pages(site, [(day,)], f"/luu-tru/2026/03/0{day}")
        site.answers[HOST, "/luu-tru/2026/03/01.htm"] = Answer(b"busy", 503)
        report = await run(store, site, source, clock)  # on the 2nd
        assert "/luu-tru/" in tally(report).problems[0]
        list_pages(site, [(1,)], "/luu-tru/2026/03/01")
        clock.advance(hours=1)
        assert set(endings(await run(store, site, source, clock))) == {"/bai-1.html"}
        clock.advance(days=3)
        before = len(site.asked)
        report = await run(store, site, source, clock)
        assert [path for path in asked_since(site, before) if "luu-tru" in path] == [
            f"/luu-tru/2026/03/0{day}.htm" for day in (5, 4, 3, 2)
        ]
        assert {"/bai-3.html", "/bai-4.html", "/bai-5.html"} <= set(endings(report))


# -- one article, many addresses -------------------------------------------------------------------------


def numbered() -> Source:
    return scripted_source(article_pattern=r"^https?://(?:www\.)?a\.example/[a-z-]+-(?P<id>\d+)\.html$")


def feed_of(*urls: str) -> Answer:
    items = "".join(f"<item><title>x</title><link>{url}</link></item>" for url in urls)
    return Answer(f'<rss version="2.0"><channel>{items}</channel></rss>'.encode(), headers=XML)


async def test_new_address_of_a_known_article_is_a_revision_of_it(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        site.answers[HOST, "/feed.xml"] = feed_of(f"http://{HOST}/tua-cu-17.html")
        site.answers[HOST, "/tua-cu-17.html"] = Answer(article_html(17))
        await run(store, site, numbered(), clock)
        site.answers[HOST, "/feed.xml"] = feed_of(f"http://{HOST}/tua-moi-17.html")
        new = Answer(article_html(17, title="Con đường mới được đặt một cái tên khác"))
        site.answers[HOST, "/tua-moi-17.html"] = new
        site.answers[HOST, "/tua-cu-17.html"] = Answer(status=301, headers={"Location": "/tua-moi-17.html"})
        report = await run(store, site, numbered(), clock)
        assert endings(report) == {"/tua-moi-17.html": (Ending.REVISED, "content-changed")}
        assert [d.rev for d in store.history(f"http://{HOST}/tua-cu-17.html")] == [1, 2]
        assert store.history(f"http://{HOST}/tua-moi-17.html") == []
        clock.advance(days=1, minutes=5)
        looked = endings(await run(store, site, numbered(), clock))
        assert set(looked.values()) == {(Ending.UNCHANGED, "same-content")}
        assert store.version().documents == 1


async def test_two_addresses_of_one_article_met_at_once_cost_one_request(
    store: Store, clock: ManualClock
) -> None:
    async with ScriptedSite() as site:
        one, two = f"http://{HOST}/mot-5.html", f"http://{HOST}/hai-5.html"
        site.answers[HOST, "/feed.xml"] = feed_of(one, two, f"{one}?utm_source=rss")
        site.answers[HOST, "/mot-5.html"] = site.answers[HOST, "/hai-5.html"] = Answer(article_html(5))
        first = await run(store, site, numbered(), clock)
        assert endings(first) == {
            "/mot-5.html": (Ending.STORED, "new-article"),
            "/hai-5.html": (Ending.DEFERRED, "same-article"),
        }
        second = await run(store, site, numbered(), clock)
        assert endings(second) == {"/hai-5.html": (Ending.DUPLICATE, "same-article")}
        assert ends_by_url(second)[two].partner_url == one
        assert endings(await run(store, site, numbered(), clock)) == {}
        assert [path for _, path in site.asked].count("/hai-5.html") == 0


async def test_other_address_is_taken_when_the_first_fails(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        site.answers[HOST, "/feed.xml"] = feed_of(f"http://{HOST}/mot-5.html", f"http://{HOST}/hai-5.html")
        site.answers[HOST, "/hai-5.html"] = Answer(article_html(5))
        await run(store, site, numbered(), clock)
        report = await run(store, site, numbered(), clock)
        assert endings(report)["/hai-5.html"] == (Ending.STORED, "new-article")


async def test_new_address_of_a_retracted_article_is_not_asked_for(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        site.answers[HOST, "/feed.xml"] = feed_of(f"http://{HOST}/tua-cu-17.html")
        site.answers[HOST, "/tua-cu-17.html"] = Answer(article_html(17))
        await run(store, site, numbered(), clock)
        gone = [f"http://{HOST}/tua-cu-17.html"]
        retract(store, gone, "a court", purge=False, run_id="r", now=clock.now(), code_version="0")
        site.answers[HOST, "/feed.xml"] = feed_of(f"http://{HOST}/tua-moi-17.html")
        report = await run(store, site, numbered(), clock)
        assert endings(report) == {"/tua-moi-17.html": (Ending.REJECTED, "retracted")}
        assert (HOST, "/tua-moi-17.html") not in site.asked
