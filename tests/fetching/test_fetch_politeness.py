"""robots.txt, delays and being asked to wait (cases 64 to 66); time is a manual clock."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from flows.fetching import Fetched
from parsers.errors import FetchError, RefusedFetchError, TransientFetchError
from tests.fetching.settings import POLICY, ManualClock, OpenFetcher, at, config, failure, fetch_failure
from tests.hostile_server import (
    Conversation,
    HostileServer,
    Script,
    answer,
    endless,
    head,
    in_turn,
    raw,
    redirect,
)

PAGE = answer(b"<p>hello</p>")
NO_JITTER = replace(POLICY, min_delay_seconds=2.0, jitter=0.0)


def rules(*lines: str) -> Script:
    """A robots.txt for all crawlers."""
    return answer("\n".join(["User-agent: *", *lines, ""]).encode())


@pytest.mark.parametrize(
    ("robots", "rule"),
    [
        pytest.param(rules("Disallow: /private"), "allowed", id="rules"),
        pytest.param(answer(b""), "allowed", id="empty"),
        pytest.param(raw(head(204)), "no rules: empty-body", id="204"),
        pytest.param(answer(b"x", status=403), "no rules: HTTP 403", id="403"),
        pytest.param(answer(b"x", status=404), "no rules: HTTP 404", id="404"),
        pytest.param(
            answer(b"\xef\xbb\xbf\n<!DOCTYPE html><p>Disallow: /"),
            "no rules: HTML instead of robots.txt",
            id="HTML",
        ),
        pytest.param(redirect("/robots.txt"), "no rules: redirect-loop", id="loop"),
        pytest.param(rules("Crawl-delay: 2.5"), "allowed; crawl-delay 2.5 s", id="delay"),
        pytest.param(
            rules("Crawl-delay: 99999"), "allowed; crawl-delay 99999 s, capped at 30 s", id="huge delay"
        ),
        pytest.param(rules("Crawl-delay: abc"), "allowed", id="delay of letters"),
        pytest.param(rules("Crawl-delay: -1"), "allowed", id="negative delay"),
        pytest.param(rules("Crawl-delay: nan"), "allowed", id="delay that is no number"),
    ],
)
async def test_robots_txt_that_allows_says_how(open_fetcher: OpenFetcher, robots: Script, rule: str) -> None:
    async with HostileServer({"/robots.txt": robots, "/a": PAGE}) as server, open_fetcher(server) as fetcher:
        fetched = await fetcher.get(at("/a"), policy=POLICY)
    assert fetched.robots_rule == rule


@pytest.mark.parametrize(
    "robots",
    [
        pytest.param(answer(b"x", status=500), id="500"),
        pytest.param(answer(b"x", status=503), id="503"),
        pytest.param(endless(b"", b"", 0.02), id="timeout"),
        pytest.param(raw(), id="closed"),
        pytest.param(raw(head(200, [("Content-Length", "99")]) + b"User-agent: *"), id="cut"),
        pytest.param(answer(b"x", headers=[("Content-Encoding", "gzip")]), id="bad coding"),
        pytest.param(
            answer(
                b"".join(b"User-agent: a%d\n" % number for number in range(5000)) + b"Disallow: /\n" * 5000
            ),
            id="rules that multiply",
        ),
    ],
)
async def test_robots_txt_that_cannot_be_read_refuses_for_now(
    open_fetcher: OpenFetcher, clock: ManualClock, robots: Script
) -> None:
    scripts = {"/robots.txt": in_turn(robots, rules("Disallow: /b")), "/a": PAGE}
    async with HostileServer(scripts) as server, open_fetcher(server, config(total_timeout=0.5)) as fetcher:
        first = await failure(fetcher, at("/a"))
        again = await failure(fetcher, at("/a"))
        assert server.paths == ["/robots.txt"]
        clock.elapsed += 301
        assert (await fetcher.get(at("/a"), policy=POLICY)).status == 200
    assert isinstance(first, TransientFetchError)
    assert (first.reason, again.reason) == ("robots-unavailable", "robots-unavailable")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/tin/1.html", True),
        ("/tim-kiem", False),
        ("/tim-kiem?q=a", False),
        ("/a/in-an/1", False),
        ("/anh.jpg", False),
        ("/anh.jpg?x", True),
        ("/tim-kiem/gioi-thieu", True),
    ],
)
async def test_rules_with_wildcards_are_kept(open_fetcher: OpenFetcher, path: str, allowed: bool) -> None:
    robots = rules("Disallow: /tim-kiem", "Allow: /tim-kiem/gioi", "Disallow: /*/in-an/", "Disallow: /*.jpg$")
    async with HostileServer({"/robots.txt": robots, path: PAGE}) as server, open_fetcher(server) as fetcher:
        if allowed:
            assert (await fetcher.get(at(path), policy=POLICY)).status == 200
        else:
            error = await failure(fetcher, at(path))
            assert (type(error), error.reason) == (RefusedFetchError, "robots-disallowed")
            assert server.paths == ["/robots.txt"]


async def test_rules_for_our_name_go_before_those_for_all(open_fetcher: OpenFetcher) -> None:
    robots = answer(b"User-agent: *\nDisallow: /\n\nUser-agent: khotin-test\nDisallow: /b\n")
    async with HostileServer({"/robots.txt": robots, "/a": PAGE}) as server, open_fetcher(server) as fetcher:
        assert (await fetcher.get(at("/a"), policy=POLICY)).status == 200
        assert (await failure(fetcher, at("/b"))).reason == "robots-disallowed"


async def test_of_a_long_robots_txt_the_first_part_counts(open_fetcher: OpenFetcher) -> None:
    start = head(200) + b"User-agent: *\nDisallow: /a\n"
    async with (
        HostileServer({"/robots.txt": endless(start, b"# more\n" * 500), "/b": PAGE}) as server,
        open_fetcher(server) as fetcher,
    ):
        assert (await failure(fetcher, at("/a"))).reason == "robots-disallowed"
        assert (await fetcher.get(at("/b"), policy=POLICY)).status == 200
        [document] = fetcher.robots_documents()
    assert len(document.body) == 512_000  # RFC 9309: at least 500 KiB
    assert document.url == at("/robots.txt")


async def test_robots_txt_is_asked_once_a_day_for_all_who_wait(
    open_fetcher: OpenFetcher, clock: ManualClock
) -> None:
    scripts = {"/robots.txt": rules(), "/a": PAGE, "/b": PAGE}
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        await asyncio.gather(*(fetcher.get(at(path), policy=POLICY) for path in ("/a", "/b", "/a")))
        assert server.paths.count("/robots.txt") == 1
        clock.elapsed += 86_401
        await fetcher.get(at("/a"), policy=POLICY)
        assert server.paths.count("/robots.txt") == 2
        assert len(fetcher.robots_documents()) == 2


async def test_starts_are_apart_by_the_delay(open_fetcher: OpenFetcher, clock: ManualClock) -> None:
    async with HostileServer({"/a": PAGE}) as server, open_fetcher(server) as fetcher:
        for _ in range(3):
            await fetcher.get(at("/a"), policy=NO_JITTER)
    assert clock.sleeps == [2.0, 2.0, 2.0]  # between robots.txt and the three pages


async def test_jitter_only_adds_to_the_delay(open_fetcher: OpenFetcher, clock: ManualClock) -> None:
    policy = replace(NO_JITTER, jitter=0.5)
    async with HostileServer({"/a": PAGE}) as server, open_fetcher(server) as fetcher:
        for _ in range(20):
            await fetcher.get(at("/a"), policy=policy)
    assert all(2.0 <= pause <= 3.0 for pause in clock.sleeps)
    assert len(set(clock.sleeps)) > 10


@pytest.mark.parametrize(("asked", "pause"), [("5", 5.0), ("0.1", 2.0), ("99999", 30.0), ("abc", 2.0)])
async def test_a_crawl_delay_only_raises_the_delay(
    open_fetcher: OpenFetcher, clock: ManualClock, asked: str, pause: float
) -> None:
    scripts = {"/robots.txt": rules(f"Crawl-delay: {asked}"), "/a": PAGE}
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        for _ in range(3):
            await fetcher.get(at("/a"), policy=NO_JITTER)
    assert clock.sleeps[1:] == [pause, pause]


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_no_more_requests_are_open_than_the_policy_says(
    open_fetcher: OpenFetcher, concurrency: int
) -> None:
    running = 0
    most = 0

    async def counting(conversation: Conversation) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.03)
        await conversation.send(head(200) + b"<p>x</p>")
        running -= 1

    policy = replace(POLICY, concurrency=concurrency)
    async with HostileServer({"/a": counting}) as server, open_fetcher(server) as fetcher:
        await asyncio.gather(*(fetcher.get(at("/a"), policy=policy) for _ in range(7)))
    assert most == concurrency


@pytest.mark.parametrize(
    ("value", "told", "held"),
    [
        ("120", 120.0, 120.0),
        ("Mon, 02 Mar 2026 00:01:00 GMT", 60.0, 60.0),
        ("Sun, 01 Mar 2026 00:00:00 GMT", 0.0, 0.0),
        ("-5", 0.0, 0.0),
        ("1e9", 86_400.0, 86_400.0),
        ("soon", None, 60.0),
        (None, None, 60.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_host_that_asks_to_wait_is_left_alone(
    open_fetcher: OpenFetcher,
    clock: ManualClock,
    status: int,
    value: str | None,
    told: float | None,
    held: float,
) -> None:
    if status == 503 and told is None:
        held = 0.0  # a 503 without a time is a fault, no request to slow down
    headers = [("Retry-After", value)] if value is not None else []
    scripts = {"/a": answer(b"x", status=status, headers=headers), "/b": PAGE}
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        error = await fetch_failure(fetcher, at("/a"))
        assert (type(error), error.reason, error.retry_after) == (TransientFetchError, f"http-{status}", told)
        if held:
            waiting = await fetch_failure(fetcher, at("/b"))
            assert (waiting.reason, waiting.retry_after) == ("host-backoff", held)
            assert server.paths == ["/robots.txt", "/a"]
        clock.elapsed += held
        assert (await fetcher.get(at("/b"), policy=POLICY)).status == 200


async def test_requests_that_wait_their_turn_are_held_back_too(open_fetcher: OpenFetcher) -> None:
    paths = [f"/feed{number}" for number in range(6)]
    limited = answer(b"x", status=429, headers=[("Retry-After", "60")])
    async with HostileServer(dict.fromkeys(paths, limited)) as server, open_fetcher(server) as fetcher:
        found: list[Fetched | BaseException] = await asyncio.gather(
            *(fetcher.get(at(path), policy=POLICY, kind="feed") for path in paths), return_exceptions=True
        )
    reasons = [error.reason for error in found if isinstance(error, FetchError)]
    assert sorted(reasons) == ["host-backoff"] * 5 + ["http-429"]
    assert len(server.paths) == 2


async def test_other_hosts_are_asked_while_one_is_held_back(open_fetcher: OpenFetcher) -> None:
    limited = answer(b"x", status=429, headers=[("Retry-After", "60")])
    async with HostileServer({"/a": limited, "/b": PAGE}) as server:
        routes = {"paper.example": server.address, "other.example": server.address}
        async with open_fetcher(routes=routes) as fetcher:
            assert (await failure(fetcher, at("/a"))).reason == "http-429"
            assert (await fetcher.get("http://other.example/b", policy=POLICY)).status == 200


async def test_a_robots_txt_that_asks_to_wait_holds_the_host_back(open_fetcher: OpenFetcher) -> None:
    limited = answer(b"x", status=429, headers=[("Retry-After", "60")])
    async with HostileServer({"/robots.txt": limited, "/a": PAGE}) as server, open_fetcher(server) as fetcher:
        reasons = [(await failure(fetcher, at("/a"))).reason for _ in range(2)]
    assert reasons == ["robots-unavailable", "host-backoff"]
    assert server.paths == ["/robots.txt"]


async def test_waiting_for_a_turn_does_not_use_up_the_total_time(open_fetcher: OpenFetcher) -> None:
    async def slow(conversation: Conversation) -> None:
        await asyncio.sleep(0.3)
        await conversation.send(head(200) + b"<p>x</p>")

    async with (
        HostileServer({"/a": slow}) as server,
        open_fetcher(server, config(total_timeout=1.4)) as fetcher,
    ):
        found = await asyncio.gather(*(fetcher.get(at("/a"), policy=POLICY) for _ in range(5)))
    assert len(found) == 5
