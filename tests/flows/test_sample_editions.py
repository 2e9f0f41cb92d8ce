"""The main job on the sample newsroom, edition by edition, on both databases."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter

import pytest

from deployments.sample import SEEDS
from deployments.sample.papers import article_url
from deployments.sample.press import LAST_EDITION, load_press
from flows.clock import SystemClock
from flows.ingest import totals
from flows.seed import import_seeds
from parsers.folding import fold
from storage import Ending, Store
from tests.flows.running import ends_by_url, run_edition

PRESS = load_press()
SPECIAL = {
    "video": "video",
    "paywall": "paywall",
    "soft-404": "soft-404",
    "english": "wrong-language",
}


@pytest.fixture
def seeded(store: Store) -> Store:
    import_seeds(store, SEEDS, clock=SystemClock(), rng=random.Random(1))
    return store


def article_paths(newsroom_requests: list[object]) -> Counter[tuple[str, str]]:
    urls = {article_url(page) for page in PRESS.at(LAST_EDITION)}
    asked: Counter[tuple[str, str]] = Counter()
    for request in newsroom_requests:
        url = f"http://{request.host}{request.path}"  # type: ignore[attr-defined]
        if url in urls and request.status == 200:  # type: ignore[attr-defined]
            asked[(request.host, request.path)] += 1  # type: ignore[attr-defined]
    return asked


async def test_corpus_grows_by_what_is_new_and_by_nothing_else(seeded: Store) -> None:
    seen: set[tuple[str, str]] = set()
    changed_pages = {
        ("http://" + page.site, page.id)
        for edition in range(1, 5)
        for page in PRESS.at(edition)
        if page.modified
    }
    for edition in range(1, LAST_EDITION + 1):
        report, newsroom = await run_edition(seeded, edition)
        assert report.result is not None
        assert report.result.version is not None
        assert report.result.version.id == edition + 1  # version 1 holds the seeds
        assert report.failed_sources == ()
        new = {page.key for page in PRESS.at(edition)} - (
            {page.key for page in PRESS.at(edition - 1)} if edition > 1 else set()
        )
        ends = [end for _, end in report.result.ends]
        fresh = [e for e in ends if e.ending in (Ending.STORED, Ending.DUPLICATE, Ending.REJECTED)]
        assert len([e for e in fresh if e.reason != "outside-pattern"]) == len(new)
        asked = article_paths(list(newsroom.requests))
        assert max(asked.values()) == 1
        again = set(asked) & seen
        assert len(again) <= len(changed_pages)
        assert len(again) == sum(e.ending is Ending.REVISED for e in ends)
        seen |= set(asked)
        for tally in report.result.tallies:
            assert tally.problems == ()


async def test_every_article_stands_in_the_store_as_it_was_written(seeded: Store) -> None:
    for edition in range(1, LAST_EDITION + 1):
        await run_edition(seeded, edition)
    with seeded.documents(seeded.version()) as documents:
        stored = {d.record.url: d.record for d in documents}
    missing = []
    for page in PRESS.at(LAST_EDITION):
        record = stored.get(article_url(page))
        if record is None:
            missing.append(page)
            continue
        assert page.kind == "article"
        assert record.title == page.title
        assert (record.lead or "") == page.lead
        assert record.published_at == page.published
        assert record.authors == page.authors
        assert record.tags == page.tags or set(record.tags) >= set(page.tags)
        assert unicodedata.is_normalized("NFC", record.text)
    for page in missing:
        story = seeded.story(article_url(page))
        last = story.outcomes[-1]
        if page.kind == "article":
            assert last["outcome"] == "duplicate", page.key
        else:
            assert (last["outcome"], last["reason"]) == ("rejected", SPECIAL[page.kind])
    assert {page.kind for page in missing} == {"article", *SPECIAL}


async def test_reprints_are_found_with_their_originals(seeded: Store) -> None:
    partners = {}
    for edition in range(1, LAST_EDITION + 1):
        report, _ = await run_edition(seeded, edition)
        for url, end in ends_by_url(report).items():
            if end.ending is Ending.DUPLICATE:
                partners[url] = end.partner_url
    pages = {article_url(page): page for page in PRESS.at(LAST_EDITION)}
    by_title = Counter(fold(page.title) for page in pages.values())
    assert len(partners) >= 6
    assert any(partner and partner.startswith("seed:") for partner in partners.values())
    assert any(pages[url].nfd for url in partners)
    assert any(by_title[fold(pages[url].title)] > 1 for url in partners), "the exact copy"
    for url, partner in partners.items():
        if partner and not partner.startswith("seed:"):
            assert pages[partner].published < pages[url].published


async def test_template_series_is_kept_day_by_day(seeded: Store) -> None:
    for edition in range(1, LAST_EDITION + 1):
        await run_edition(seeded, edition)
    with seeded.documents(seeded.version()) as documents:
        gold = [d.record.title for d in documents if fold(d.record.title).startswith("gia vang ngay")]
    assert len(gold) == LAST_EDITION


async def test_unchanged_sources_commit_nothing_and_are_asked_for_no_article(seeded: Store) -> None:
    await run_edition(seeded, 1)
    versions = seeded.versions()
    report, newsroom = await run_edition(seeded, 1)
    assert report.result is not None
    assert report.result.version is None
    assert seeded.versions() == versions
    assert totals(report.result).discovered == 0
    assert not article_paths(list(newsroom.requests))
    statuses = {r.status for r in newsroom.requests if r.path.endswith((".rss", ".atom"))}
    assert statuses == {304}


async def test_feed_of_a_quiet_section_answers_304_between_editions(seeded: Store) -> None:
    await run_edition(seeded, 1)
    _, newsroom = await run_edition(seeded, 2)
    answers = {(r.host, r.path): r.status for r in newsroom.requests if r.path.endswith(".rss")}
    assert 304 in answers.values()
    assert 200 in answers.values()


async def test_raw_page_of_every_record_is_kept(seeded: Store) -> None:
    await run_edition(seeded, 1)
    with seeded.documents(seeded.version()) as documents:
        ids = [(d.capture_id, d.record.record_kind) for d in documents]
    for capture_id, kind in ids:
        assert capture_id is not None
        body = seeded.raw(capture_id)
        assert body.lstrip()[:1] == b"<" if kind == "article" else body.decode("utf-8")
