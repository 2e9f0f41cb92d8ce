"""A source that keeps to topics: what is fetched, what is kept, what is told of the rest."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from flows.backfill import backfill
from flows.backfill_warc import backfill_from_warc
from flows.clock import SystemClock
from flows.gate import gates_of
from flows.rejected import retry_rejected
from flows.sitemap_walk import Span
from flows.topic_scan import Reconsidered, Scanned, fit_closeness, reconsider, scan
from parsers.errors import NotFound, UserError
from parsers.topics import Phrases, Rule
from storage import Ending, Store, open_store
from storage.closeness import folded_text
from storage.off_topic import READ, TOLD
from tests.conftest import START, ManualClock
from tests.flows.running import ends_by_url, environment
from tests.flows.topic_site import (
    HOST,
    KNOWN,
    TOPIC,
    article,
    grow,
    page,
    pages_asked,
    picky,
    run,
    seed,
    serve,
    url,
)
from tests.flows.warc_files import Told, write_warc
from tests.scripted_site import Answer, ScriptedSite
from tests.storage.test_commit import commit

ABOUT, POLICE, FAR = "cum-7-so-ket", "cap-can-cuoc", "bong-da-cup"
# The same topic, widened to police news.
WIDER = replace(TOPIC, rules=(*TOPIC.rules, Rule("can-cuoc", must=(Phrases(("căn cước",)),))))
# The same, which takes football too.
WIDEST = replace(
    WIDER,
    anchors=(*TOPIC.anchors, "cúp quốc gia"),
    rules=(*WIDER.rules, Rule("bong-da", must=(Phrases(("huấn luyện viên",)),))),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "home", f"sqlite:///{tmp_path / 'home' / 'khotin.db'}") as opened:
        yield opened


def stored_urls(store: Store) -> set[str]:
    if not store.versions():
        return set()
    with store.documents(store.version()) as documents:
        return {document.record.url for document in documents}


async def test_title_and_lead_keep_most_of_the_rest_from_being_fetched(store: Store) -> None:
    async with ScriptedSite() as site:
        serve(site, ABOUT, POLICE, FAR)
        ends = ends_by_url(await run(store, site))
        assert pages_asked(site) == sorted([ABOUT, POLICE])
        assert {u: (end.ending, end.reason) for u, end in ends.items()} == {
            url(ABOUT): (Ending.STORED, "new-article"),
            url(POLICE): (Ending.REJECTED, "off-topic"),
            url(FAR): (Ending.REJECTED, "off-topic"),
        }
        assert "title and lead have none of its anchors" in ends[url(FAR)].detail
        assert "no rule holds: cum-thi-dua (without" in ends[url(POLICE)].detail
        assert stored_urls(store) == {url(ABOUT)}
        assert "min_score is not looked at without a model" in store.runs()[0].tallies[0].notes[0]


async def test_what_was_judged_is_on_record_with_title_and_stage(store: Store) -> None:
    async with ScriptedSite() as site:
        serve(site, ABOUT, POLICE, FAR)
        await run(store, site)
    told = store.off_topic("a", [url(ABOUT), url(POLICE), url(FAR)])
    assert set(told) == {url(POLICE), url(FAR)}
    for name, stage in ((POLICE, READ), (FAR, TOLD)):
        row = told[url(name)]
        assert (row.title, row.stage, row.topics, row.score) == (
            KNOWN[name].text.title, stage, TOPIC.label, None
        )  # fmt: skip
    assert told[url(FAR)].lead == KNOWN[FAR].text.lead
    assert store.story(url(FAR)).left_out == (told[url(FAR)],)


async def test_what_is_kept_says_by_which_rule(store: Store) -> None:
    async with ScriptedSite() as site:
        serve(site, ABOUT)
        await run(store, site)
    (outcome,) = store.story(url(ABOUT)).outcomes
    assert outcome["detail"].startswith(f"topic {TOPIC.label}: rule cum-thi-dua, vi-an-ninh-to-quoc, ")
    assert "“cụm thi đua” in title" in outcome["detail"]


async def test_off_topic_pages_are_not_asked_for_again(store: Store) -> None:
    clock = ManualClock()
    async with ScriptedSite() as site:
        serve(site, ABOUT, POLICE, FAR)
        await run(store, site, clock=clock)
        pages_asked(site)
        for _ in range(2):
            clock.advance(hours=1)
            report = await run(store, site, clock=clock)
            assert pages_asked(site) == []
            assert report.result is not None
            assert report.result.tallies[0].counts.unchanged == 3
            assert report.result.ends == (), "nothing new is written of them"


async def test_off_topic_page_that_changed_is_left_alone(store: Store) -> None:
    clock = ManualClock()
    async with ScriptedSite() as site:
        serve(site, POLICE)
        await run(store, site, clock=clock)
        pages_asked(site)
        clock.advance(days=1)
        feed = site.answers[HOST, "/feed.xml"]
        site.answers[HOST, "/feed.xml"] = Answer(
            feed.body.replace(b"02 Mar", b"03 Mar"), headers=feed.headers
        )
        await run(store, site, clock=clock)
        assert pages_asked(site) == []


async def test_changed_topic_fetches_what_its_titles_leave_open(store: Store) -> None:
    clock = ManualClock()
    async with ScriptedSite() as site:
        serve(site, ABOUT, POLICE, FAR)
        await run(store, site, clock=clock)
        pages_asked(site)
        clock.advance(hours=1)
        ends = ends_by_url(await run(store, site, topics=(WIDER,), clock=clock))
        # The page is asked for whole: its ETag is that of the page that was turned away.
        assert pages_asked(site) == [POLICE]
        assert ends[url(POLICE)].ending is Ending.STORED
        assert (ends[url(FAR)].ending, ends[url(FAR)].reason) == (Ending.REJECTED, "off-topic")
        assert WIDER.version in ends[url(FAR)].detail
        clock.advance(hours=1)
        await run(store, site, topics=(WIDER,), clock=clock)
        assert pages_asked(site) == []


async def test_source_that_keeps_everything_again_fetches_what_it_left_out(store: Store) -> None:
    clock = ManualClock()
    async with ScriptedSite() as site:
        serve(site, ABOUT, POLICE, FAR)
        await run(store, site, clock=clock)
        clock.advance(hours=1)
        await run(store, site, picky(keep="all"), clock=clock)
    assert stored_urls(store) == {url(ABOUT), url(POLICE), url(FAR)}


async def test_document_of_the_corpus_stays_and_is_revised_whatever_its_topic(store: Store) -> None:
    clock = ManualClock()
    async with ScriptedSite() as site:
        serve(site, FAR)
        await run(store, site, picky(keep="all"), clock=clock)
        pages_asked(site)
        clock.advance(days=1)
        changed = page(FAR).replace("đội trưởng".encode(), "phó đội trưởng".encode())
        site.answers[HOST, url(FAR).removeprefix(f"http://{HOST}")] = Answer(changed)
        feed = site.answers[HOST, "/feed.xml"]
        site.answers[HOST, "/feed.xml"] = Answer(
            feed.body.replace(b"02 Mar", b"03 Mar"), headers=feed.headers
        )
        ends = ends_by_url(await run(store, site, clock=clock))
    assert ends[url(FAR)].ending is Ending.REVISED


async def test_page_without_a_title_is_judged_by_its_address_or_read(store: Store) -> None:
    names = ["/cum-thi-dua-so-7-so-ket-bai-1.html", "/ket-qua-bong-da-dem-qua-bai-2.html", "/bai-3.html"]
    source = picky(
        feeds=(), sitemaps=(f"http://{HOST}/s.xml",), article_pattern=rf"^http://{HOST}/.*bai-\d\.html$"
    )
    async with ScriptedSite() as site:
        entries = "".join(f"<url><loc>http://{HOST}{name}</loc></url>" for name in names)
        sitemap = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'
        site.answers[HOST, "/s.xml"] = Answer(sitemap.encode(), headers={"Content-Type": "application/xml"})
        for name, what in zip(names, (ABOUT, FAR, POLICE), strict=True):
            site.answers[HOST, name] = Answer(page(what))
        await run(store, site, source)
        asked = {path for _, path in site.asked}
    assert set(names) & asked == {names[0], names[2]}
    assert stored_urls(store) == {f"http://{HOST}{names[0]}"}
    told = store.off_topic("a", [f"http://{HOST}{name}" for name in names])
    assert told[f"http://{HOST}{names[1]}"].title == "ket qua bong da dem qua bai"


async def test_page_of_a_tag_is_a_listing_whose_headlines_are_judged(store: Store) -> None:
    source = picky(feeds=(), listings=(f"http://{HOST}/tags/thi-dua.html",))
    async with ScriptedSite() as site:
        serve(site, ABOUT, FAR)
        links = "".join(
            f'<h3><a href="{url(name)}">{KNOWN[name].text.title}</a></h3>' for name in (ABOUT, FAR)
        )
        site.answers[HOST, "/tags/thi-dua.html"] = Answer(f"<html><body>{links}</body></html>".encode())
        await run(store, site, source)
        assert pages_asked(site) == [ABOUT]
    assert stored_urls(store) == {url(ABOUT)}
    assert store.off_topic("a", [url(FAR)])[url(FAR)].title == KNOWN[FAR].text.title


async def test_closeness_stands_beside_what_is_turned_away_and_what_is_kept(store: Store) -> None:
    grow(store)
    fit_closeness(store, {}, (TOPIC,), clock=ManualClock())
    async with ScriptedSite() as site:
        serve(site, "doan-kiem-tra-cham-diem", POLICE, FAR)
        ends = ends_by_url(await run(store, site))
        told = store.off_topic("a", [url(POLICE), url(FAR)])
    assert all(row.score is not None and row.score < 0.3 and row.model_id == 1 for row in told.values())
    kept = ends[url("doan-kiem-tra-cham-diem")]
    (scored,) = store.story(url("doan-kiem-tra-cham-diem")).closeness
    assert kept.detail.endswith(f"; closeness {scored.score:.4f}")
    assert 0.2 < scored.score <= 1


async def test_source_without_its_topic_is_told_before_anything_is_asked(store: Store) -> None:
    async with ScriptedSite() as site:
        serve(site, ABOUT)
        for topics, source in (((), picky()), ((TOPIC,), picky(topics=("khac",)))):
            with pytest.raises(NotFound) as caught:
                await run(store, site, source, topics=topics)
            assert caught.value.reason == "no-such-topic"
            assert "source a" in caught.value.message
        assert site.asked == []
    assert store.runs() == []


def reconsidered(store: Store, topics: object, **options: bool) -> Reconsidered:
    sources = {"a": picky()}
    gates = gates_of(list(sources.values()), topics, store)  # type: ignore[arg-type]
    return reconsider(store, sources, gates, clock=ManualClock(), rng=random.Random(3), **options)


async def test_reconsidering_reads_the_archive_and_lets_the_next_run_fetch_the_rest(store: Store) -> None:
    clock = ManualClock()
    async with ScriptedSite() as site:
        serve(site, ABOUT, POLICE, FAR)
        await run(store, site, clock=clock)
        same = reconsidered(store, (TOPIC,))
        assert (same.looked_at, same.same, same.to_read, same.to_fetch) == (2, 2, (), ())
        tried = reconsidered(store, (WIDEST,), dry_run=True)
        assert (tried.to_read, tried.to_fetch, tried.read) == ((url(POLICE),), (url(FAR),), None)
        assert stored_urls(store) == {url(ABOUT)}
        pages_asked(site)
        done = reconsidered(store, (WIDEST,))
        assert done.read is not None
        assert done.read.result is not None
        assert stored_urls(store) == {url(ABOUT), url(POLICE)}, "without a request"
        assert pages_asked(site) == []
        # The feed names none of them any more.
        site.answers[HOST, "/feed.xml"] = Answer(site.answers[HOST, "/feed.xml"].body[:0], 304)
        clock.advance(hours=1)
        await run(store, site, topics=(WIDEST,), clock=clock)
        assert pages_asked(site) == [FAR]
    assert stored_urls(store) == {url(ABOUT), url(POLICE), url(FAR)}
    story = store.story(url(POLICE))
    assert [row["reason"] for row in story.outcomes] == ["off-topic", "new-article"]
    assert f"topic {WIDEST.label}: rule can-cuoc" in story.outcomes[1]["detail"]


async def test_reading_rejects_again_appends_nothing_that_is_off_topic(store: Store) -> None:
    async with ScriptedSite() as site:
        serve(site, POLICE)
        await run(store, site)
    chosen = store.rejected(reason="off-topic")
    gates = gates_of([picky()], (TOPIC,), store)
    report = retry_rejected(
        store, {"a": picky()}, chosen, clock=ManualClock(), rng=random.Random(1), gates=gates
    )
    assert report.result is None
    assert [(item.url, item.reason) for item in report.still] == [(url(POLICE), "off-topic")]


async def test_backfill_keeps_to_the_topics(store: Store) -> None:
    names = {ABOUT: "2026-03-03", POLICE: "2026-03-03", FAR: "2026-03-02"}
    entries = "".join(
        f"<url><loc>{url(name)}</loc><lastmod>{day}T08:00:00+07:00</lastmod><news:news><news:publication>"
        "<news:name>A</news:name><news:language>vi</news:language></news:publication>"
        f"<news:publication_date>{day}T08:00:00+07:00</news:publication_date>"
        f"<news:title>{KNOWN[name].text.title}</news:title></news:news></url>"
        for name, day in names.items()
    )
    spaces = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    clock = ManualClock()
    clock.advance(days=10)
    source = picky(feeds=(), sitemaps=(f"http://{HOST}/s.xml",))
    async with ScriptedSite() as site:
        serve(site, *names)
        sitemap = f"<urlset {spaces}>{entries}</urlset>".encode()
        site.answers[HOST, "/s.xml"] = Answer(sitemap, headers={"Content-Type": "application/xml"})
        for _ in range(2):
            world = replace(environment(store, site.routes(HOST), clock), topics=(TOPIC,))
            await backfill(source, world, Span(date(2026, 3, 1), date(2026, 3, 5)))
        assert pages_asked(site) == sorted([ABOUT, POLICE])
    assert stored_urls(store) == {url(ABOUT)}
    assert {row.url: row.stage for row in store.off_topic("a", list(map(url, names))).values()} == {
        url(POLICE): READ, url(FAR): TOLD
    }  # fmt: skip
    assert len(store.story(url(FAR)).outcomes) == 1


def test_backfill_from_files_keeps_to_the_topics(store: Store, tmp_path: Path) -> None:
    slug = f"http://{HOST}/ket-qua-bong-da-dem-qua-bai-9.html"
    source = picky(article_pattern=rf"^http://{HOST}/.*bai-\d+\.html$")
    told = [Told(url(name), page(name)) for name in (ABOUT, FAR)]
    path = write_warc(tmp_path / "f.warc.gz", [*told, Told(slug, page("tuoi-tre-thi-dua"))])
    report = backfill_from_warc(
        [path], [source], store, clock=SystemClock(), rng=random.Random(1), topics=(TOPIC,)
    )
    assert dict(report.files[0].skipped) == {"off-topic": 1}
    assert stored_urls(store) == {url(ABOUT)}
    assert store.story(slug).captures == ()
    assert store.story(url(FAR)).outcomes[0]["reason"] == "off-topic"


# -- the model over the corpus -----------------------------------------------------------------------------


def scores(store: Store, model_id: int) -> dict[str, float]:
    with store.documents(store.version()) as documents:
        urls = [document.url for document in documents]
    return {u: s.score for u in urls for s in store.story(u).closeness if s.model_id == model_id}


def test_fitted_model_scores_the_corpus_and_all_that_comes(store: Store) -> None:
    grow(store)
    leaves = {u: store.history(u)[0].leaf for u in stored_urls(store)}
    done = fit_closeness(store, {}, (TOPIC,), clock=ManualClock())
    assert (done.new, done.stored.id, done.scored) == (True, 1, 27)
    assert (done.stored.model.seeds, done.stored.model.background) == (5, 22)
    told = scores(store, 1)
    assert len(told) == 27
    assert min(s for u, s in told.items() if u.startswith("seed:")) > 0.9
    assert max(s for u, s in told.items() if not u.startswith("seed:")) < 0.5
    assert {u: store.history(u)[0].leaf for u in leaves} == leaves
    commit(store, "more", article("giao-luu-cum"))
    assert 0.2 < scores(store, 1)["http://other.example/giao-luu-cum"] <= 1


def test_stored_text_is_folded_as_the_record_is(store: Store) -> None:
    grow(store)
    commit(store, "more", replace(article(FAR), url="http://other.example/x", title="TP. ", lead=None))
    with store.documents(store.version()) as documents:
        for document in documents:
            assert folded_text(document.body) == document.record.folded


def test_same_seeds_and_background_make_no_new_model(store: Store) -> None:
    grow(store)
    first = fit_closeness(store, {}, (TOPIC,), clock=ManualClock())
    again = fit_closeness(store, {}, (TOPIC,), clock=ManualClock())
    assert (again.new, again.scored, again.stored) == (False, 0, first.stored)


def test_more_seeds_make_a_new_version_of_the_model_beside_the_old(store: Store) -> None:
    grow(store)
    fit_closeness(store, {}, (TOPIC,), clock=ManualClock())
    old = scores(store, 1)
    commit(store, "more", seed("giao-luu-cum"))
    done = fit_closeness(store, {}, (TOPIC,), clock=ManualClock())
    assert (done.new, done.stored.id, done.stored.seeds_version, done.scored) == (True, 2, 3, 28)
    assert {u: s for u, s in scores(store, 1).items() if u in old} == old, "the old scores stay as they were"
    assert scores(store, 2) != scores(store, 1)


def test_scoring_that_was_cut_short_is_made_good_by_the_next_commit(store: Store) -> None:
    from storage.scoring import add_model

    grow(store)
    model = fit_closeness(store, {}, (TOPIC,), clock=ManualClock()).stored.model
    # A process that was killed between the model and its scores.
    add_model(store, replace(model, background=model.background + 1), 2, START, "0")
    assert scores(store, 2) == {}
    commit(store, "next", article("giao-luu-cum"))
    assert len(scores(store, 2)) == 28


async def test_pages_turned_away_after_reading_are_a_background_too(store: Store) -> None:
    commit(store, "seeds", seed(ABOUT))
    reads_all = replace(TOPIC, anchors=(), must_not=())
    async with ScriptedSite() as site:
        serve(site, *(name for name, sample in KNOWN.items() if sample.label != "topic"))
        await run(store, site, topics=(reads_all,))
    assert len(stored_urls(store)) == 1
    done = fit_closeness(store, {"a": picky()}, (reads_all,), clock=ManualClock())
    assert done.stored.model.background == len(store.rejected(reason="off-topic")) == 22
    with pytest.raises(UserError) as caught:
        fit_closeness(store, {}, (reads_all,), clock=ManualClock())
    assert caught.value.reason == "no-background"


def test_no_model_without_seeds_or_background(store: Store) -> None:
    commit(store, "r1", article(FAR))
    with pytest.raises(UserError) as caught:
        fit_closeness(store, {}, (TOPIC,), clock=ManualClock())
    assert caught.value.reason == "no-seeds"
    commit(store, "r2", seed(ABOUT))
    with pytest.raises(UserError) as caught:
        fit_closeness(store, {}, (TOPIC,), clock=ManualClock())
    assert caught.value.reason == "no-background"


def test_scan_tells_what_a_changed_topic_would_decide_otherwise(store: Store) -> None:
    grow(store)
    commit(store, "more", article(ABOUT))
    taken: list[Scanned] = []
    scan(store, store.version(), (TOPIC,), (WIDER,), take=taken.append)
    assert len(taken) == 27, "the copy of a seed was kept out"
    matches = {one.url for one in taken if one.verdict.matches}
    assert matches == {u for u in stored_urls(store) if u.startswith("seed:")}
    assert {one.url for one in taken if one.differs} >= {f"http://other.example/{POLICE}"}
    for one in taken:
        if one.differs:
            assert one.changed is not None
            assert one.changed.rules == ("can-cuoc",)
