"""What a Fetcher takes over from earlier runs, and what it leaves to later ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from flows.fetching import RobotsMemo
from flows.fetching.memory import Recall
from tests.fetching.settings import POLICY, ManualClock, OpenFetcher, at, failure
from tests.hostile_server import HostileServer, answer

PAGE = answer(b"<p>hello</p>")
ROBOTS = answer(b"User-agent: *\nDisallow: /b\n")


def remembering(clock: ManualClock, age: float, **found: object) -> Recall:
    """A memory of the one robots.txt, read so many seconds ago."""

    async def recall(url: str) -> RobotsMemo | None:
        assert url == at("/robots.txt")
        return RobotsMemo(url, clock.now() - timedelta(seconds=age), **found)  # type: ignore[arg-type]

    return recall


async def test_robots_txt_of_an_earlier_run_is_obeyed_for_the_rest_of_its_day(
    open_fetcher: OpenFetcher, clock: ManualClock
) -> None:
    recall = remembering(clock, 86_000, body=b"User-agent: *\nDisallow: /a\nCrawl-delay: 3\n", status=200)
    async with (
        HostileServer({"/robots.txt": ROBOTS, "/a": PAGE, "/b": PAGE}) as server,
        open_fetcher(server, recall=recall) as fetcher,
    ):
        assert (await failure(fetcher, at("/a"))).reason == "robots-disallowed"
        fetched = await fetcher.get(at("/b"), policy=POLICY)
        assert fetched.robots_rule == "allowed; crawl-delay 3 s"
        assert fetcher.robots_asked() == ()
        clock.elapsed += 401
        assert (await failure(fetcher, at("/b"))).reason == "robots-disallowed"
        (memo,) = fetcher.robots_asked()
    assert server.paths == ["/b", "/robots.txt"]
    assert (memo.url, memo.status, memo.asked_at) == (at("/robots.txt"), 200, clock.now())


@pytest.mark.parametrize("age", [86_400, 1e6, -5])
async def test_robots_txt_that_is_too_old_or_from_the_future_is_asked_for(
    open_fetcher: OpenFetcher, clock: ManualClock, age: float
) -> None:
    recall = remembering(clock, age, body=b"User-agent: *\nDisallow: /\n")
    scripts = {"/robots.txt": ROBOTS, "/a": PAGE}
    async with HostileServer(scripts) as server, open_fetcher(server, recall=recall) as fetcher:
        assert (await fetcher.get(at("/a"), policy=POLICY)).status == 200


async def test_absence_of_rules_is_remembered_in_words(open_fetcher: OpenFetcher, clock: ManualClock) -> None:
    recall = remembering(clock, 60, told="no rules: HTTP 404", status=404)
    async with HostileServer({"/a": PAGE}) as server, open_fetcher(server, recall=recall) as fetcher:
        assert (await fetcher.get(at("/a"), policy=POLICY)).robots_rule == "no rules: HTTP 404"
    assert server.paths == ["/a"]


@pytest.mark.parametrize(("age", "reason"), [(299, "robots-unavailable"), (301, None)])
async def test_robots_txt_that_failed_forbids_for_five_minutes_in_every_run(
    open_fetcher: OpenFetcher, clock: ManualClock, age: float, reason: str | None
) -> None:
    recall = remembering(clock, age, problem="http-503: busy")
    scripts = {"/robots.txt": ROBOTS, "/a": PAGE}
    async with HostileServer(scripts) as server, open_fetcher(server, recall=recall) as fetcher:
        if reason is None:
            assert (await fetcher.get(at("/a"), policy=POLICY)).status == 200
        else:
            assert (await failure(fetcher, at("/a"))).reason == reason
            assert server.paths == []


async def test_delay_of_an_earlier_run_is_waited_for_and_the_own_one_is_left_behind(
    open_fetcher: OpenFetcher, clock: ManualClock
) -> None:
    policy = replace(POLICY, min_delay_seconds=2.0, jitter=0.0)
    async with HostileServer({"/robots.txt": ROBOTS, "/a": PAGE}) as server, open_fetcher(server) as fetcher:
        fetcher.spare("paper.example", free_in=7.0)
        await fetcher.get(at("/a"), policy=policy)
        assert clock.sleeps == [7.0, 2.0]
        assert fetcher.busy_hosts() == {"paper.example": 2.0}
        clock.elapsed += 2
        assert fetcher.busy_hosts() == {}


async def test_wait_of_an_earlier_run_holds_the_host_back(
    open_fetcher: OpenFetcher, clock: ManualClock
) -> None:
    async with HostileServer({"/robots.txt": ROBOTS, "/a": PAGE}) as server, open_fetcher(server) as fetcher:
        fetcher.spare("paper.example", held_for=60.0)
        assert (await failure(fetcher, at("/a"))).reason == "host-backoff"
        assert server.paths == []
        clock.elapsed += 60
        assert (await fetcher.get(at("/a"), policy=POLICY)).status == 200


async def test_host_that_asks_to_wait_is_told_at_once(open_fetcher: OpenFetcher) -> None:
    told: list[tuple[str, float]] = []

    async def tell(host: str, seconds: float) -> None:
        told.append((host, seconds))

    limited = answer(b"x", status=429, headers=[("Retry-After", "90")])
    scripts = {"/robots.txt": ROBOTS, "/a": limited}
    async with HostileServer(scripts) as server, open_fetcher(server, tell_hold=tell) as fetcher:
        assert (await failure(fetcher, at("/a"))).reason == "http-429"
    assert told == [("paper.example", 90.0)]
