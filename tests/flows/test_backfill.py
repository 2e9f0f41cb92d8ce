"""The backfill from sitemaps: each day a version, within the budget, and on from where it was stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest

from flows.sitemap_walk import Span
from storage import Ending, Store, open_store
from storage.retraction import retract
from tests.flows.backfills import (
    BASE,
    HOST,
    XML,
    Days,
    articles,
    furnish,
    limited,
    source,
    urlset,
    walk,
)
from tests.killed import die_in
from tests.scripted_site import Answer, ScriptedSite

IN_SPAN = {f"{BASE}/bai-{number}.html" for number in range(1, 6)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "home", f"sqlite:///{tmp_path / 'home' / 'khotin.db'}") as opened:
        yield opened


@contextmanager
def serving() -> Iterator[ScriptedSite]:
    """The site, served beside the test."""
    site = ScriptedSite()
    furnish(site)
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with site:
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield site
    finally:
        done.set()
        thread.join()


@pytest.fixture
def site() -> Iterator[ScriptedSite]:
    with serving() as served:
        yield served


def urls(store: Store) -> list[str]:
    with store.documents(store.version()) as documents:
        return [document.record.url for document in documents]


def messages(store: Store) -> list[str]:
    return [version.message for version in store.versions()]


def test_each_day_of_publication_is_a_version_the_newest_first(store: Store, site: ScriptedSite) -> None:
    report = walk(store, site.port)
    assert messages(store) == [
        "backfill a 2026-03-03",
        "backfill a 2026-03-01",
        "backfill a 2026-02-28",
        "backfill a 2026-02-10",
    ]
    assert [version.added for version in store.versions()] == [2, 1, 1, 1]
    assert set(urls(store)) == IN_SPAN
    assert (report.counts().stored, report.stopped, report.next_until) == (5, None, None)
    assert all(path != "/sitemaps/news-2026-1.xml" for _, path in site.asked), "not in the span, not asked"


def test_so_many_articles_are_a_version_on_demand(store: Store, site: ScriptedSite) -> None:
    walk(store, site.port, every=2)
    assert [version.added for version in store.versions()] == [2, 2, 1]
    assert set(urls(store)) == IN_SPAN


def test_only_the_days_asked_for_are_fetched(store: Store, site: ScriptedSite) -> None:
    walk(store, site.port, span=Span(date(2026, 2, 28), date(2026, 3, 1)))
    assert sorted(articles(site.asked)) == ["/bai-3.html", "/bai-4.html"]


def test_the_same_call_again_asks_for_no_article_and_commits_nothing(
    store: Store, site: ScriptedSite
) -> None:
    walk(store, site.port)
    versions, asked = store.versions(), len(site.asked)
    again = walk(store, site.port)
    assert (again.known, again.results) == (5, [])
    assert store.versions() == versions
    assert articles(site.asked[asked:]) == []


def test_entries_without_a_date_are_of_the_month_that_their_sitemap_names(
    store: Store, site: ScriptedSite
) -> None:
    site.answers[HOST, "/sitemaps/news-2026-3.xml"] = Answer(urlset({1: None, 2: "2026-05-01"}), headers=XML)
    walk(store, site.port, span=Span(date(2026, 3, 1), date(2026, 3, 31)))
    assert messages(store) == ["backfill a 2026-03-31"]
    assert set(urls(store)) == {f"{BASE}/bai-1.html", f"{BASE}/bai-2.html"}


def test_entries_without_any_date_are_left_out_and_told(store: Store, site: ScriptedSite) -> None:
    site.answers[HOST, "/sitemap.xml"] = Answer(urlset({1: None, 2: "2026-03-03"}), headers=XML)
    report = walk(store, site.port)
    assert urls(store) == [f"{BASE}/bai-2.html"]
    assert report.notes == [f"{BASE}/sitemap.xml: 1 entries without any date are left out"]


def test_it_stops_at_the_budget_of_the_day_and_goes_on_the_next_day(store: Store, site: ScriptedSite) -> None:
    clock = Days()
    wanted = source(limits=limited(6))  # robots.txt, two sitemaps and three articles
    first = walk(store, site.port, clock=clock, wanted=wanted)
    assert (first.stopped, first.next_until) == ("daily-budget", date(2026, 3, 1))
    assert len(site.asked) <= 6
    same_day = walk(store, site.port, clock=clock, wanted=wanted)
    assert (same_day.stopped, same_day.requests) == ("daily-budget", 0)
    for _ in range(3):
        clock.time += timedelta(days=1)
        last = walk(store, site.port, clock=clock, wanted=wanted)
    assert last.stopped is None
    assert sorted(urls(store)) == sorted(IN_SPAN)
    asked = articles(site.asked)
    assert len(asked) == len(set(asked)), "no article was asked for twice"


def test_it_stops_when_the_host_asks_to_be_left_alone(store: Store, site: ScriptedSite) -> None:
    site.answers[HOST, "/bai-3.html"] = Answer(b"slow down", 429, {"Retry-After": "3600"})
    report = walk(store, site.port)
    assert (report.stopped, report.next_until) == ("host-backoff", date(2026, 3, 1))
    assert "/bai-4.html" not in articles(site.asked)
    assert report.counts().failed == 1


def test_a_sitemap_that_fails_is_told_and_the_others_are_read(store: Store, site: ScriptedSite) -> None:
    del site.answers[HOST, "/sitemaps/news-2026-3.xml"]
    report = walk(store, site.port)
    assert any("http-404" in problem for problem in report.problems)
    assert report.answered
    assert set(urls(store)) == {f"{BASE}/bai-4.html", f"{BASE}/bai-5.html"}


def test_listings_with_a_page_for_each_day_are_walked_backwards(store: Store, site: ScriptedSite) -> None:
    for day, number in ((3, 1), (2, 4)):
        html = f'<html><body><a href="/bai-{number}.html">Bài</a></body></html>'.encode()
        site.answers[HOST, f"/ngay/2026-03-{day:02}"] = Answer(html)
    wanted = source(sitemaps=(), listings=(f"{BASE}/ngay/{{yyyy}}-{{mm}}-{{dd}}",))
    report = walk(
        store,
        site.port,
        wanted=wanted,
        span=Span(date(2026, 3, 2), date(2026, 3, 3)),
    )
    assert messages(store) == ["backfill a 2026-03-03", "backfill a 2026-03-02"]
    assert report.problems == []


def test_validators_of_polls_are_left_alone_and_sitemaps_are_kept(store: Store, site: ScriptedSite) -> None:
    report = walk(store, site.port)
    assert {state.kind for state in store.endpoints("a").values()} == {"robots"}
    poll = store.polls()["a"]
    assert (poll.next_poll_at, poll.requests_today) == (None, report.requests)
    assert report.requests == len(site.asked)
    story = store.story(f"{BASE}/sitemap.xml")
    assert [capture["kind"] for capture in story.captures] == ["sitemap"]


def test_retracted_articles_are_not_asked_for(store: Store, site: ScriptedSite) -> None:
    walk(store, site.port, span=Span(date(2026, 3, 3), date(2026, 3, 3)))
    retract(
        store,
        [f"{BASE}/bai-1.html"],
        "asked for",
        purge=False,
        run_id="r",
        now=Days().now(),
        code_version="t",
    )
    asked = len(site.asked)
    walk(store, site.port)
    assert "/bai-1.html" not in articles(site.asked[asked:])


@pytest.mark.parametrize(
    "point", ["fetch", "commit", "INSERT INTO version", "INSERT INTO page", "INSERT INTO run_source"]
)
def test_a_killed_backfill_is_made_good_by_the_same_call(
    store_url: str, tmp_path: Path, site: ScriptedSite, point: str
) -> None:
    home = tmp_path / "home"
    with open_store(home, store_url):
        pass
    die_in("tests.flows.backfills", str(home), store_url, str(site.port), point)
    with open_store(home, store_url) as store:
        assert messages(store) == ["backfill a 2026-03-03"], "the first day is whole, of the second nothing"
        asked = len(site.asked)
        walk(store, site.port)
        assert sorted(urls(store)) == sorted(IN_SPAN)
        assert len(store.versions()) == 4
        assert sorted(articles(site.asked[asked:])) == ["/bai-4.html", "/bai-5.html"], (
            "what the killed one had fetched is not asked for again"
        )
        ends = [end for url in IN_SPAN for end in store.story(url).outcomes]
        assert [end["outcome"] for end in ends] == [Ending.STORED.value] * 5
