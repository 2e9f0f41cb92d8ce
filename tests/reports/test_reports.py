"""Reports of real runs and of the health of sources: each number is the store's, all text is harmless."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest

from deployments.sample import SOURCES
from flows.health import FAILING, LATE, NO_RUN, Ailment, Health, look_at_health
from flows.ingest import ingest
from flows.reports.health_report import (
    articles_picture,
    day_rows,
    health_markdown,
    reason_counts,
    reasons_picture,
    source_markdown,
    source_rows,
)
from flows.reports.pages import health_page, run_page
from flows.reports.run_report import run_markdown, sum_rows
from flows.rhythm import Rhythm, to_text
from flows.sources import load_sources
from parsers.errors import NotFound
from storage import Counts, EndpointState, SourcePart, SourcePoll, Store
from storage.daily import home_day
from storage.run_facts import MOST_ITEMS
from tests.conftest import START, ManualClock
from tests.flows.running import (
    article_html,
    environment,
    feed_xml,
    run_edition,
    scripted_source,
)
from tests.reports.test_escaping import HOSTILE, tags_of
from tests.scripted_site import Answer, ScriptedSite


@pytest.fixture
async def grown(store: Store) -> Store:
    """A store into which two editions of the sample newsroom were ingested."""
    for edition in (1, 2):
        await run_edition(store, edition)
    return store


async def test_report_of_a_run_tells_its_sums_articles_copies_reasons_and_version(grown: Store) -> None:
    facts = grown.run_facts()
    run = grown.runs(1)[0]
    assert facts.run == run
    assert facts.version is not None
    assert facts.parent is not None
    assert (facts.version.id, facts.parent.id) == (2, 1)
    stored = sum(tally.counts.stored + tally.counts.revised for tally in run.tallies)
    assert len(facts.articles) == stored
    assert len(facts.copies) == sum(tally.counts.duplicate for tally in run.tallies)
    for row, tally in zip(sum_rows(facts), run.tallies, strict=False):
        assert row == {"source": tally.source, **tally.counts.as_dict()}
    rejected = sum(row.count for row in facts.reasons if row.ending == "rejected")
    assert rejected == sum(tally.counts.rejected for tally in run.tallies)
    text = run_markdown(facts)
    for article in facts.articles:
        assert f"(<{article.url}>)" in text
    assert "**7 added, 1 revised, 0 retracted**" in text
    assert "khotin diff 1 2" in text
    assert [change.url for change in facts.changes] == [
        a.url for a in facts.articles if a.ending == "revised"
    ]
    assert "```diff" in text
    assert "| songthuong | rejected | paywall | 1 |" in text
    page = tags_of(run_page(facts))
    links = {value for tag, attrs in page.tags if tag == "a" for name, value in attrs if name == "href"}
    assert {article.url for article in facts.articles} <= links


async def test_report_of_a_run_without_news_or_with_a_fault_says_so(grown: Store, clock: ManualClock) -> None:
    await run_edition(grown, 2)
    assert "Nothing new: no version was committed." in run_markdown(grown.run_facts())
    assert "**nothing new**" in run_markdown(grown.run_facts())
    grown.begin_run("broken", "ingest", "", START + timedelta(days=9000))
    grown.fail_run("broken", "OSError: <b>no room</b>", START + timedelta(days=9001))
    text = run_markdown(grown.run_facts("broken"))
    assert "**failed**" in text
    assert "OSError: &lt;b&gt;no room&lt;/b&gt;" in text
    with pytest.raises(NotFound) as told:
        grown.run_facts("nobody")
    assert told.value.reason == "no-such-run"


def test_store_without_runs_has_no_report(store: Store) -> None:
    with pytest.raises(NotFound) as told:
        store.run_facts()
    assert told.value.reason == "no-run"


async def test_hostile_titles_do_no_harm_in_any_report(store: Store, clock: ManualClock) -> None:
    source = scripted_source()
    async with ScriptedSite() as site:
        numbers = range(1, len(HOSTILE) + 1)
        site.answers["a.example", "/feed.xml"] = Answer(
            feed_xml("a.example", numbers), headers={"Content-Type": "application/rss+xml"}
        )
        for number, title in zip(numbers, HOSTILE, strict=True):
            shown = "".join(f"&#{ord(char)};" for char in title if char >= " ") or "x"
            site.answers["a.example", f"/bai-{number}.html"] = Answer(
                article_html(number * 37, title=f"Tin {number} {shown}")
            )
        await ingest([source], environment(store, site.routes("a.example"), clock))
    facts = store.run_facts()
    assert len(facts.articles) == len(HOSTILE)
    # Most titles arrive as they were meant.
    assert sum(any(title in a.title for a in facts.articles) for title in HOSTILE) >= 6
    allowed = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "code", "strong", "table",
               "thead", "tbody", "tr", "th", "td", "a"}  # fmt: skip
    page = tags_of(run_page(facts))
    assert {tag for tag, _ in page.tags} <= allowed
    assert {name for _, attrs in page.tags for name, _ in attrs if name.startswith("on")} == set()
    for line in run_markdown(facts).splitlines():
        if line.startswith("| a | stored"):
            told = re.sub(r"\\.", "", line)  # without what is escaped
            assert told.count("|") == 6
            assert "<script" not in told
            assert told.count("](") == told.count("](<http://a.example/bai-") == 1
            assert "![" not in told


async def test_sums_by_day_are_those_of_the_runs(grown: Store) -> None:
    runs = grown.runs()
    day = home_day(runs[0].started_at)
    for row in grown.days(date(2020, 1, 1)):
        own = [t for run in runs if home_day(run.started_at) == row.day for t in run.tallies
               if t.source == row.source]  # fmt: skip
        assert row.runs == len(own)
        assert row.counts.as_dict() == {
            name: sum(t.counts.as_dict()[name] for t in own) for name in Counts().as_dict()
        }
        assert row.requests == sum(t.requests for t in own)
        assert row.wire_bytes == sum(t.wire_bytes for t in own)
    assert grown.days(day + timedelta(days=1)) == []
    assert {row.source for row in grown.days(date(2020, 1, 1), "dongque")} == {"dongque"}
    reasons = grown.reasons_by_day(date(2020, 1, 1))
    rejected = sum(t.counts.rejected + t.counts.failed for run in runs for t in run.tallies)
    assert sum(row.count for row in reasons) == rejected
    assert sum(row.committed for row in grown.run_days(date(2020, 1, 1))) == 2


def test_run_belongs_to_the_day_on_which_it_began_in_vietnam(store: Store) -> None:
    for minute, started in ((1, START.replace(hour=16, minute=59)), (2, START.replace(hour=17, minute=0))):
        run_id = f"r{minute}"
        store.begin_run(run_id, "ingest", "", started)
        part = SourcePart(source="a", problems=("x: gone",) if minute == 2 else ())
        store.commit_run(run_id, "ingest", "", [part], started + timedelta(minutes=1), "test")
    told = [(row.day, row.runs, row.troubled) for row in store.days(START.date())]
    assert told == [(date(2026, 3, 2), 1, 0), (date(2026, 3, 3), 1, 1)]
    assert store.last_success() == START.replace(hour=17, minute=1)


async def test_health_of_the_sample_newsroom_is_sound_and_shown_whole(grown: Store) -> None:
    sources = load_sources(SOURCES)
    health = look_at_health(grown, sources, grown.runs(1)[0].started_at + timedelta(minutes=1))
    assert health.findings == ()
    assert [row["state"] for row in source_rows(health)] == ["ok"] * 3
    stored = sum(t.counts.stored for run in grown.runs() for t in run.tallies)
    assert sum(int(row["7 days"]) for row in source_rows(health)) == stored
    assert "**all as they should be**" in health_markdown(health)
    for source in health.sources:
        assert day_rows(source.days)[0]["stored"] == source.today
        assert f"# {source.title} ({source.name})" in source_markdown(source)
    assert reason_counts(health)["outside-pattern"] >= 1
    for picture in (articles_picture(health), reasons_picture(health)):
        assert ET.fromstring(picture).tag.endswith("svg")
        assert picture in health_page(health)


def silent_rhythm(now: ManualClock) -> str:
    return to_text(
        Rhythm(START - timedelta(days=30), START, (2.0,) * 24, (20.0,) * 24, silence=20.0, newest=START)
    )


def test_each_ailment_is_found(store: Store, clock: ManualClock) -> None:
    names = ("fine", "silent", "late", "gap", "failing", "down", "never", "off")
    sources = [scripted_source(name, enabled=name != "off") for name in names]
    now = START + timedelta(days=1)
    polls = {
        "fine": SourcePoll("fine", START, now + timedelta(minutes=5), reason="rhythm"),
        "silent": SourcePoll("silent", START, now, rhythm=silent_rhythm(clock)),
        "late": SourcePoll("late", START, now - LATE - timedelta(minutes=1), reason="rhythm"),
        "gap": SourcePoll("gap", START, now),
        "failing": SourcePoll("failing", START, now),
        "down": SourcePoll("down", START, now, failures=FAILING, reason="nothing-answered", why="timeout"),
    }
    feed = "http://{}.example/feed.xml"
    endpoints = (
        EndpointState(feed.format("gap"), "gap", "feed", START, gap_since=START),
        EndpointState(feed.format("failing"), "failing", "feed", START, reason="timeout", failures=FAILING),
        # Not in the source file any more: nobody asks it, so nothing is wrong.
        EndpointState("http://fine.example/old.xml", "fine", "feed", START, failures=9),
    )
    parts = [
        SourcePart(
            source=name,
            poll=polls.get(name),
            endpoints=tuple(state for state in endpoints if state.source == name),
        )
        for name in polls
    ]
    store.begin_run("r", "ingest", "", START)
    store.commit_run("r", "ingest", "", parts, START, "test")
    health = look_at_health(store, sources, now)
    assert {(f.source, f.ailment) for f in health.findings} == {
        ("", Ailment.NO_RUN),
        ("silent", Ailment.SILENT),
        ("late", Ailment.LATE),
        ("gap", Ailment.GAP),
        ("failing", Ailment.FAILING),
        ("down", Ailment.DOWN),
        ("never", Ailment.NEVER_POLLED),
    }
    states = {row["source"]: row["state"] for row in source_rows(health)}
    assert states["fine"] == "ok"
    assert states["off"] == "disabled"
    assert states["late"] == "late"
    text = health_markdown(health)
    for finding in health.findings:
        assert f"`{finding.ailment}`" in text
    page = health_page(health)
    assert page.count("<details open") == 6
    soon = look_at_health(store, sources, START + NO_RUN)
    assert not any(f.ailment is Ailment.NO_RUN for f in soon.findings)


def test_new_store_is_not_ill(store: Store) -> None:
    health: Health = look_at_health(store, [scripted_source()], START)
    assert health.findings == ()
    assert "nothing yet" in articles_picture(health)


def test_lists_of_a_report_are_bounded_and_say_so(store: Store) -> None:
    from flows.reports.run_report import run_markdown as tell
    from storage import RunFacts, SourceTally
    from storage.run_facts import ArticleFact

    store.begin_run("r", "ingest", "", START)
    run = replace(
        store.runs(1)[0], tallies=(SourceTally("a", Counts(stored=MOST_ITEMS + 23)),), state="committed"
    )
    articles = tuple(
        ArticleFact("a", f"http://a.example/{n}", str(n), "stored", None, 100) for n in range(MOST_ITEMS)
    )
    assert "… and 23 more." in tell(RunFacts(run, None, None, articles, (), (), ()))
