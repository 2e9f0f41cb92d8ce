"""Conditional requests across runs: validators go back as they came, and never before what they vouch for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flows.ingest import IngestReport, ingest
from flows.stages import Stages
from storage import EndpointState, Store, open_store
from tests.conftest import ManualClock
from tests.flows.running import article_html, environment, feed_xml, scripted_source
from tests.scripted_site import Answer, ScriptedSite

HOST = "a.example"
FEED = f"http://{HOST}/feed.xml"
XML = {"Content-Type": "application/rss+xml; charset=utf-8"}
CHANGED = "Mon, 02 Mar 2026 00:00:00 +0000 (bad form)"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path, f"sqlite:///{tmp_path / 'khotin.db'}")


async def run(store: Store, site: ScriptedSite, clock: ManualClock, **stages: object) -> IngestReport:
    env = environment(store, site.routes(HOST), clock)
    return await ingest((scripted_source(),), env, stages=Stages(**stages))  # type: ignore[arg-type]


def feed(*numbers: int, **headers: str) -> Answer:
    return Answer(feed_xml(HOST, numbers), headers={**XML, **headers})


def state(store: Store) -> EndpointState:
    return store.endpoints("a")[FEED]


@pytest.mark.parametrize("etag", ['"a"', 'W/"a-1"', "bare", '"x"y"', '"\xe9"'])
async def test_validators_survive_the_store_byte_for_byte(
    store: Store, clock: ManualClock, etag: str
) -> None:
    async with ScriptedSite() as site:
        site.answers[HOST, "/feed.xml"] = feed(1, ETag=etag, **{"Last-Modified": CHANGED})
        site.answers[HOST, "/bai-1.html"] = Answer(article_html(1))
        await run(store, site, clock)
        report = await run(store, site, clock)
        assert report.result is not None
        assert report.result.tallies[0].not_modified == 1
        (_, sent) = (headers for path, headers in site.heads if path == "/feed.xml")
        assert (sent["if-none-match"], sent["if-modified-since"]) == (etag, CHANGED)


async def test_validators_that_a_304_brings_are_sent_the_next_time(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        site.answers[HOST, "/feed.xml"] = feed(1, ETag='"1"', **{"Last-Modified": CHANGED})
        site.answers[HOST, "/bai-1.html"] = Answer(article_html(1))
        await run(store, site, clock)
        site.answers[HOST, "/feed.xml"] = Answer(status=304, headers={"ETag": 'W/"2"'})
        await run(store, site, clock)
        assert (state(store).etag, state(store).last_modified) == ('W/"2"', CHANGED)
        await run(store, site, clock)
        assert [h.get("if-none-match") for path, h in site.heads if path == "/feed.xml"][2] == 'W/"2"'


async def test_validators_are_not_stored_when_the_commit_of_their_entries_fails(
    store: Store, clock: ManualClock
) -> None:
    async def never(*_: object) -> object:
        raise asyncio.CancelledError

    async with ScriptedSite() as site:
        site.answers[HOST, "/feed.xml"] = feed(1, ETag='"1"')
        site.answers[HOST, "/bai-1.html"] = Answer(article_html(1))
        await run(store, site, clock)
        site.answers[HOST, "/feed.xml"] = feed(1, 2, ETag='"2"')
        with pytest.raises(asyncio.CancelledError):
            await run(store, site, clock, commit=never)
        assert state(store).etag == '"1"'
        site.answers[HOST, "/bai-2.html"] = Answer(article_html(2))
        report = await run(store, site, clock)
        assert report.result is not None
        assert report.result.tallies[0].counts.stored == 1
        assert state(store).etag == '"2"'


async def test_feed_that_was_cut_off_is_asked_for_whole_again(store: Store, clock: ManualClock) -> None:
    async with ScriptedSite() as site:
        whole = feed(1, 2, ETag='"1"')
        site.answers[HOST, "/feed.xml"] = Answer(whole.body[:-60], headers=whole.headers)
        for number in (1, 2):
            site.answers[HOST, f"/bai-{number}.html"] = Answer(article_html(number))
        await run(store, site, clock)
        assert state(store).etag is None
        site.answers[HOST, "/feed.xml"] = whole
        await run(store, site, clock)
        assert state(store).etag == '"1"'
        assert len(store.history(f"http://{HOST}/bai-2.html")) == 1
