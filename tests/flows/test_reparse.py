"""Reparse: what a changed parser sees differently is committed, all else stays as it is."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from deployments.sample import SEEDS, SOURCES
from flows.clock import SystemClock
from flows.reparse import Readers, ReparseReport, reparse
from flows.seed import import_seeds
from flows.sources import load_sources
from parsers import Article, Rejection, RejectReason, SeedDocument, SeedProblem, parse_article, parse_seed
from parsers.errors import NotFound
from storage import Ending, Met, Offer, SourcePart, Store, open_store
from storage.checkpoint import FILE_NAME
from storage.retraction import retract
from storage.tables import metadata
from tests.conftest import START
from tests.flows.running import run_edition
from tests.killed import die_in

SAMPLE = {source.name: source for source in load_sources(SOURCES)}
MARK = " (đọc lại)"


def _changed_article(html: bytes, url: str, **rest: Any) -> Article | Rejection:
    """A parser of tomorrow: it reads one paper's titles in another way."""
    read = parse_article(html, url, **rest)
    return replace(read, title=read.title + MARK) if isinstance(read, Article) and "dongque" in url else read


def _changed_seed(name: str, data: bytes) -> SeedDocument | SeedProblem:
    read = parse_seed(name, data)
    return replace(read, agency="TTXVN mới") if isinstance(read, SeedDocument) else read


CHANGED = Readers(_changed_article)


def run(store: Store, readers: Readers | None = None, **options: Any) -> ReparseReport:
    return reparse(store, SAMPLE, clock=SystemClock(), rng=random.Random(3), readers=readers, **options)


@pytest.fixture
def grown(store: Store) -> Store:
    """The sample seeds and the first edition of the sample newsroom."""
    import_seeds(store, SEEDS, clock=SystemClock(), rng=random.Random(1))
    asyncio.run(run_edition(store, 1))
    return store


def contents(store: Store) -> dict[str, tuple[str, int, datetime, str | None]]:
    with store.documents(store.version()) as documents:
        return {
            d.record.url: (d.record.title, d.rev, d.record.fetched_at, d.record.payload_sha256)
            for d in documents
        }


def tables(store: Store) -> dict[str, list[Any]]:
    """Every row of every table."""
    with store.reading() as connection:
        return {
            table.name: list(connection.execute(select(table).order_by(*table.primary_key)))
            for table in metadata.sorted_tables
        }


def test_todays_parsers_read_the_archive_as_it_was_read_and_nothing_is_written(grown: Store) -> None:
    before = tables(grown)
    report = run(grown)
    assert (report.looked_at, report.unchanged) == (30, 30)
    assert (report.changes, report.not_reparsed, report.result) == ((), (), None)
    assert tables(grown) == before


def test_changed_parser_gives_one_version_with_what_it_sees_differently(grown: Store) -> None:
    before, pages = contents(grown), tables(grown)["page"]
    report = run(grown, CHANGED)
    assert report.result is not None
    version = report.result.version
    assert version is not None
    changed = {url for url in before if "dongque" in url}
    assert (version.kind, version.added, version.revised) == ("reparse", 0, len(changed))
    assert len(changed) > 3
    assert report.fields() == {"title": len(changed)}
    after = contents(grown)
    for url, (title, rev, fetched_at, payload) in before.items():
        again = (title + MARK, rev + 1, fetched_at, payload)
        assert after[url] == (again if url in changed else before[url])
    diff = grown.changes(version.id - 1, version.id)
    assert {c.new.record.url for c in diff if c.new} == changed
    assert [c.new.leaf for c in diff if c.new] == [c.new.leaf for c in _in_order(report, diff) if c.new]
    ends = [end for _, end in report.result.ends]
    assert {(end.ending, end.reason) for end in ends} == {(Ending.REVISED, "reparsed")}
    assert tables(grown)["page"] == pages, "nobody looked at the sites"
    second = run(grown, CHANGED)
    assert (second.changes, second.result) == ((), None)


def _in_order(report: ReparseReport, diff: list[Any]) -> list[Any]:
    by_url = {change.new.record.url: change for change in report.changes if change.new}
    return [by_url[change.new.record.url] for change in diff]


def test_next_ingest_after_a_reparse_fetches_nothing_twice(grown: Store) -> None:
    run(grown, CHANGED)
    report, newsroom = asyncio.run(run_edition(grown, 1))
    assert report.result is None or report.result.version is None
    assert [r.path for r in newsroom.requests if "post" in r.path or r.path.endswith(".htm")] == []


def test_dry_run_tells_the_changes_and_writes_nothing(grown: Store) -> None:
    before = (tables(grown), (grown.home / FILE_NAME).read_bytes())
    report = run(grown, CHANGED, dry_run=True)
    assert report.result is None
    assert report.fields()["title"] == len(report.changes) > 3
    assert all(f"{MARK}" in change.text_diff() for change in report.changes)
    assert (tables(grown), (grown.home / FILE_NAME).read_bytes()) == before


def test_page_that_is_rejected_today_is_told_and_stays(grown: Store) -> None:
    def picky(html: bytes, url: str, **rest: Any) -> Article | Rejection:
        if "binhminh" in url:
            return Rejection(url, RejectReason.DRIFT, "không thấy gì", "test")
        if "songthuong" in url:
            raise ValueError("broken")
        return parse_article(html, url, **rest)

    before = contents(grown)
    report = run(grown, Readers(picky))
    told = {(item.source, item.reason, item.detail) for item in report.not_reparsed}
    assert told == {
        ("binhminh", "drift", "không thấy gì"),
        ("songthuong", "parser-error", "ValueError: broken"),
    }
    assert report.result is None
    assert contents(grown) == before


def test_seeds_are_read_again_from_their_bytes(grown: Store) -> None:
    report = run(grown, Readers(seed=_changed_seed), only_source="seed")
    assert report.looked_at == len(report.changes) == len(list(SEEDS.glob("*.txt")))
    assert report.fields() == {"agency": report.looked_at}
    assert report.result is not None
    assert [t.source for t in report.result.tallies] == ["seed"]


def test_source_and_date_choose_the_documents(grown: Store) -> None:
    counts = {name: run(grown, only_source=name, dry_run=True).looked_at for name in (*SAMPLE, "seed")}
    assert sum(counts.values()) == 30
    assert run(grown, since=SystemClock().now() + timedelta(days=1)).looked_at == 0
    assert run(grown, since=START - timedelta(days=3650)).looked_at == 30
    with pytest.raises(NotFound, match="nope") as caught:
        run(grown, only_source="nope")
    assert "songthuong" in (caught.value.hint or "")


def test_document_that_was_revised_or_retracted_meanwhile_is_left_alone(grown: Store) -> None:
    """Another run commits while the pages are read: what it wrote is newer than the archive."""
    wanted = [url for url in sorted(contents(grown)) if "dongque" in url][:2]
    revised = grown.history(wanted[0])[-1]

    def meanwhile(html: bytes, url: str, **rest: Any) -> Article | Rejection:
        if len(grown.versions()) == 2:
            now = SystemClock().now()
            grown.begin_run("other", "ingest", "", now)
            newer = Offer(Met(wanted[0], "feed"), replace(revised.record, title="Mới hơn"))
            grown.commit_run("other", "ingest", "", [SourcePart("dongque", (newer,))], now, "0")
            retract(grown, wanted[1:], "x", purge=False, run_id="out", now=now, code_version="0")
        return _changed_article(html, url, **rest)

    report = run(grown, Readers(meanwhile))
    assert report.result is not None
    ends = {end.met.url: (end.ending, end.reason) for _, end in report.result.ends}
    assert ends[wanted[0]] == (Ending.UNCHANGED, "newer-revision")
    assert ends[wanted[1]] == (Ending.REJECTED, "retracted")
    assert contents(grown)[wanted[0]][0] == "Mới hơn"
    assert grown.history(wanted[1])[-1].op == "retract"


def test_raw_page_that_is_damaged_is_told_and_stops_nothing(grown: Store) -> None:
    captures = {url: grown.history(url)[-1].capture_id or 0 for url in contents(grown) if "dongque" in url}
    victim = sorted(captures)[0]
    (row,) = (c for c in grown.story(victim).captures if c["id"] == captures[victim])
    path = grown.archive_folder / row["file"]
    with path.open("r+b") as stream:
        stream.seek(row["offset"] + row["length"] // 2)
        stream.write(b"\0" * 20)
    report = run(grown, CHANGED)
    assert [(item.url, item.reason) for item in report.not_reparsed] == [(victim, "store-damaged")]
    assert len(report.changes) == len(captures) - 1


@pytest.mark.parametrize("point", ["INSERT INTO ingest_run", "INSERT INTO version", "UPDATE ingest_run"])
def test_killed_reparse_starts_again_without_harm(store_url: str, tmp_path: Path, point: str) -> None:
    home = tmp_path / "home"
    with open_store(home, store_url) as store:
        asyncio.run(run_edition(store, 1))
        before = (contents(store), store.versions())
    die_in("tests.flows.killed_reparse", str(home), store_url, point)
    with open_store(home, store_url) as store:
        assert (contents(store), store.versions()) == before
        report = run(store, CHANGED)
        assert report.result is not None
        assert report.result.version is not None
        assert report.result.version.id == 2
        assert report.result.version.revised == len(report.changes) > 3
