"""Between two runs the clock goes back, or the archive of a killed run loses its tail."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from flows.ingest import IngestReport, ingest
from parsers.errors import StoreDamaged
from storage import Ending, Store, open_store
from storage.tables import Capture, table_of
from tests.conftest import ManualClock
from tests.flows.running import (
    article_html,
    ends_by_url,
    environment,
    feed_xml,
    run_edition,
    scripted_source,
)
from tests.killed import die_in
from tests.scripted_site import Answer, ScriptedSite
from tests.storage.editions import check_checkpoint, check_sound

HOST = "a.example"
XML = {"Content-Type": "application/rss+xml; charset=utf-8"}


def publish(site: ScriptedSite, *numbers: int) -> None:
    site.answers[HOST, "/feed.xml"] = Answer(feed_xml(HOST, numbers), headers=XML)
    for number in numbers:
        site.answers[HOST, f"/bai-{number}.html"] = Answer(article_html(number))


async def run(store: Store, site: ScriptedSite, clock: ManualClock) -> IngestReport:
    source = scripted_source(poll_minutes=30)
    return await ingest((source,), environment(store, site.routes(HOST), clock))


@pytest.mark.parametrize("back", [timedelta(hours=2), timedelta(days=4000)])
async def test_source_is_polled_again_after_the_clock_was_put_back(
    store: Store, clock: ManualClock, back: timedelta
) -> None:
    async with ScriptedSite() as site:
        publish(site, 1)
        assert (await run(store, site, clock)).result is not None
        clock.time -= back
        publish(site, 1, 2)
        report = await run(store, site, clock)
        assert report.result is not None, "due, although its next poll was set far in the future"
        ends = ends_by_url(report)
        assert ends[f"http://{HOST}/bai-2.html"].ending is Ending.STORED
        first, second = store.versions()
        assert second.created_at >= first.created_at
        check_sound(store)
        check_checkpoint(store)
        clock.advance(minutes=1)
        again = await run(store, site, clock)
        assert again.result is None, "and is then left alone as before"


async def test_page_in_the_torn_tail_of_a_killed_run_is_fetched_again_and_no_other(
    store_url: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with open_store(home, store_url) as store:
        await run_edition(store, 1)
        before = {row.run_id for row in store.runs()}
    await asyncio.to_thread(killed_run, home, store_url)
    with open_store(home, store_url) as store:
        torn, kept = tear_last_page(store, before)
        with pytest.raises(StoreDamaged):
            store.raw(torn["id"])
        report, newsroom = await run_edition(store, 2)
        assert report.result is not None
        assert [r.path for r in newsroom.requests if r.path in kept] == [urlsplit(torn["url"]).path]
        assert all(end.ending is not Ending.FAILED for _, end in report.result.ends)
        story = store.story(torn["url"])
        assert store.raw(story.captures[-1]["id"])
        check_sound(store)
        check_checkpoint(store)


def killed_run(home: Path, url: str) -> None:
    """An ingest of edition 2 in a process that is killed before its commit."""
    die_in("tests.flows.killed", str(home), url, "2", "commit")


def tear_last_page(store: Store, before: set[str]) -> tuple[dict[str, Any], set[str]]:
    """Cut the archive of the run that is not among `before` in the middle of its last page.

    Gives that page's row, and the paths of all pages of the run.
    """
    table = table_of(Capture)
    query = select(table).where(table.c.run_id.not_in(before), table.c.kind == "page", table.c.status == 200)
    with store.reading() as connection:
        rows = connection.execute(query.order_by(table.c.offset)).mappings().all()
    last = dict(rows[-1])
    os.truncate(store.archive_folder / last["file"], last["offset"] + last["length"] // 2)
    return last, {urlsplit(row["url"]).path for row in rows}
