"""What a commit does with texts that are like known ones, on both databases."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from parsers.article import Paragraph
from storage import Ending, Met, Offer, Record, RunResult, SourcePart, Store, open_store
from storage.kin import AT_ONCE, Verdict, write_ruling
from storage.resketch import rebuild
from storage.retraction import retract
from storage.tables import Kin, Sketch, table_of
from tests.conftest import START
from tests.parsers.test_relations import OTHER, WORDS, sentence
from tests.storage.test_commit import commit, endings, record


def body(seed: int, count: int = 10) -> tuple[Paragraph, ...]:
    chance = random.Random(seed)
    return tuple(Paragraph(" ".join(sentence(chance, WORDS) for _ in range(3))) for _ in range(count))


def article(number: int, paragraphs: tuple[Paragraph, ...], **changes: Any) -> Record:
    url = f"http://a.example/{number}"
    return record(
        url, title=f"Chuyện làng {'abcdefghij'[number % 10]}", paragraphs=paragraphs, lead=None, **changes
    )


def cut(paragraphs: tuple[Paragraph, ...]) -> tuple[Paragraph, ...]:
    return (*paragraphs[:6], *paragraphs[7:], Paragraph("Theo Báo Làng Trầm"))


def reworded(paragraphs: tuple[Paragraph, ...]) -> tuple[Paragraph, ...]:
    chance = random.Random(8)
    return tuple(
        Paragraph(" ".join(chance.choice(OTHER) if chance.random() < 0.07 else w for w in p.text.split()))
        for p in paragraphs
    )


def kin(store: Store) -> list[dict[str, Any]]:
    with store.reading() as connection:
        table = table_of(Kin)
        return [dict(row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]


def test_a_reprint_is_kept_out_and_recorded_with_partner_and_scores(store: Store) -> None:
    commit(store, "r1", article(1, body(1)), article(2, body(2)))
    result = commit(store, "r2", article(3, cut(body(2))), now=START + timedelta(hours=1))
    assert endings(result) == [(Ending.DUPLICATE, "reprint")]
    assert result.version is None
    ((_, end),) = result.ends
    assert (end.partner_url, end.partner_revision_id) == ("http://a.example/2", 2)
    (row,) = kin(store)
    assert (row["relation"], row["url"], row["revision_id"]) == ("reprint", "http://a.example/3", None)
    assert row["jaccard"] > 0.6
    assert row["at"] == START + timedelta(hours=1)
    assert row["run_id"] == "r2"


def test_a_reprint_is_found_within_its_own_run_and_the_earlier_is_the_original(store: Store) -> None:
    late = article(1, body(1), published_at=START + timedelta(hours=2))
    early = article(2, cut(body(1)), published_at=START)
    result = commit(store, "r1", late, early)
    assert sorted((end.met.url, end.ending) for _, end in result.ends) == [
        ("http://a.example/1", Ending.DUPLICATE),
        ("http://a.example/2", Ending.STORED),
    ]


def test_a_reprint_is_found_in_a_run_of_many_offers(store: Store) -> None:
    chance = random.Random(6)
    fill = [
        article(n, (Paragraph(sentence(chance, WORDS, 60)),), published_at=START + timedelta(minutes=n))
        for n in range(3, AT_ONCE + 3)
    ]
    late = START + timedelta(days=1)
    offers = [article(1, body(1)), *fill, article(2, cut(body(1)), published_at=late)]
    result = commit(store, "r1", *offers)
    assert endings(result).count((Ending.DUPLICATE, "reprint")) == 1
    assert [(row["url"], row["partner_url"]) for row in kin(store) if row["relation"] == "reprint"] == [
        ("http://a.example/2", "http://a.example/1")
    ]


def test_a_reprint_of_a_reprint_leads_to_the_text_that_is_in_the_corpus(store: Store) -> None:
    commit(
        store, "r1", article(1, body(1)), article(2, cut(body(1)), published_at=START + timedelta(hours=1))
    )
    commit(store, "r2", article(3, (*cut(body(1)), Paragraph("Nguồn tin riêng của báo."))))
    assert [(row["url"], row["partner_url"]) for row in kin(store)] == [
        ("http://a.example/2", "http://a.example/1"),
        ("http://a.example/3", "http://a.example/1"),
    ]
    assert len({row["cluster_key"] for row in kin(store)}) == 1


def test_near_part_and_series_stay_and_are_recorded(store: Store) -> None:
    prices = [
        tuple(Paragraph(f"{p.text} Giá {place * 7 + change} triệu.") for place, p in enumerate(body(5)))
        for change in (3, 400)
    ]
    commit(store, "r1", article(1, body(1)), article(2, body(2)), article(3, prices[0]))
    result = commit(
        store, "r2", article(4, reworded(body(1))), article(5, body(2)[:2]), article(6, prices[1])
    )
    assert endings(result) == [(Ending.STORED, "new-article")] * 3
    assert [(row["relation"], row["partner_revision_id"], row["revision_id"]) for row in kin(store)] == [
        ("near", 1, 4),
        ("part", 2, 5),
        ("series", 3, 6),
    ]
    near, part, series = kin(store)
    assert near["cluster_key"] == near["partner_url_key"]
    assert part["cluster_key"] == part["url_key"]
    assert series["cluster_key"] == series["url_key"]


def test_what_is_near_joins_the_cluster_of_its_partner(store: Store) -> None:
    commit(store, "r1", article(1, body(1)))
    commit(store, "r2", article(2, reworded(body(1))))
    commit(store, "r3", article(3, cut(reworded(body(1)))))
    near, reprint = kin(store)
    assert reprint["partner_url"] == "http://a.example/2"
    assert reprint["cluster_key"] == near["cluster_key"] == near["partner_url_key"]


def test_a_reprint_of_a_seed_is_found_and_a_seed_that_is_a_reprint_stays(store: Store) -> None:
    seed = article(1, body(1), record_kind="seed", source="seed")
    again = replace(
        article(2, cut(body(1)), record_kind="seed", source="seed"), published_at=START + timedelta(1)
    )
    result = commit(store, "r1", seed, again)
    assert endings(result) == [(Ending.STORED, "new-seed")] * 2
    result = commit(store, "r2", article(3, cut(body(1))[1:]))
    assert endings(result) == [(Ending.DUPLICATE, "reprint")]
    assert [row["relation"] for row in kin(store)] == ["reprint", "reprint"]
    assert [row["revision_id"] for row in kin(store)] == [2, None]


def test_the_text_that_a_document_has_left_behind_keeps_nothing_out(store: Store) -> None:
    commit(store, "r1", article(1, body(1)))
    commit(store, "r2", article(1, body(2)))
    result = commit(store, "r3", article(3, cut(body(1))), article(4, cut(body(2))))
    assert endings(result) == [(Ending.STORED, "new-article"), (Ending.DUPLICATE, "reprint")]


def test_a_ruling_goes_before_the_rules_until_it_is_lifted(store: Store) -> None:
    commit(store, "r1", article(1, body(1)), article(2, body(2)))
    kept, dropped = article(3, cut(body(1))), article(4, body(4))
    with store.writing() as connection:
        write_ruling(connection, kept.url, Verdict.KEEP, None, "their own text", START)
        write_ruling(connection, dropped.url, Verdict.DUPLICATE, "http://a.example/2", "translated", START)
    result = commit(store, "r2", kept, dropped)
    assert endings(result) == [(Ending.STORED, "new-article"), (Ending.DUPLICATE, "ruled-duplicate")]
    with store.writing() as connection:
        write_ruling(connection, dropped.url, Verdict.BY_RULE, None, "no, not the same", START)
    assert endings(commit(store, "r3", dropped)) == [(Ending.STORED, "new-article")]


def test_every_text_has_a_sketch_written_with_its_revision(store: Store) -> None:
    commit(store, "r1", article(1, body(1)), article(2, body(2)))
    commit(store, "r2", article(1, body(3)))
    with store.reading() as connection:
        assert sorted(connection.execute(select(table_of(Sketch).c.revision_id)).scalars()) == [1, 2, 3]


@pytest.mark.parametrize("lost", ["nothing", "segments", "a bit"])
def test_the_segments_may_be_lost_or_damaged_at_any_time(store: Store, lost: str) -> None:
    commit(store, "r1", *(article(n, body(n)) for n in range(1, 9)))
    with store.reading() as connection:
        store.likeness.catch_up(connection, 8, smallest=1)
        assert store.likeness.covered(connection, 8) == 8
    (segment,) = store.likeness.folder.iterdir()
    whole = segment.read_bytes()
    if lost == "segments":
        store.likeness.clear()
    elif lost == "a bit":
        segment.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with open_store(store.home, store.url.render_as_string(hide_password=False)) as again:
        with again.reading() as connection:
            assert again.likeness.covered(connection, 8) == (8 if lost == "nothing" else 0)
        assert endings(commit(again, "r2", article(20, cut(body(7))))) == [(Ending.DUPLICATE, "reprint")]
        with again.reading() as connection:
            again.likeness.catch_up(connection, 8, smallest=1)
    assert segment.read_bytes() == whole


def test_segments_of_another_history_are_passed_over(store: Store, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other' / 'khotin.db'}"
    with open_store(tmp_path / "other", url) as other:
        commit(other, "r1", *(article(n, body(n + 50)) for n in range(1, 9)))
        with other.reading() as connection:
            other.likeness.catch_up(connection, 8, smallest=1)
        names = [path.name for path in other.likeness.folder.iterdir()]
        store.likeness.folder.mkdir()
        for path in other.likeness.folder.iterdir():
            path.rename(store.likeness.folder / path.name)
    assert names
    commit(store, "r1", *(article(n, body(n)) for n in range(1, 9)))
    with store.reading() as connection:
        assert store.likeness.covered(connection, 8) == 0
        store.likeness.catch_up(connection, 8, smallest=1)
        assert store.likeness.covered(connection, 8) == 8
    assert not {path.name for path in store.likeness.folder.iterdir()} & set(names)
    assert endings(commit(store, "r2", article(20, cut(body(7))))) == [(Ending.DUPLICATE, "reprint")]


def test_two_runs_at_once_do_not_both_append_the_same_text(store: Store) -> None:
    url = store.url.render_as_string(hide_password=False)
    originals = [article(n, body(n)) for n in range(1, 9)]
    reprints = [replace(article(n + 10, cut(body(n))), source="b") for n in range(1, 9)]
    barrier = Barrier(2)

    def run(name: str, records: list[Record]) -> RunResult:
        with open_store(store.home, url) as own:
            own.begin_run(name, "ingest", name, START)
            offers = tuple(Offer(Met(r.url, "feed", fetched_at=START), r) for r in records)
            barrier.wait()
            return own.commit_run(name, "ingest", name, [SourcePart(records[0].source, offers)], START, "0")

    with ThreadPoolExecutor(2) as threads:
        first, second = (
            threads.submit(run, name, records) for name, records in (("r1", originals), ("r2", reprints))
        )
        ends = [end.ending for result in (first.result(), second.result()) for _, end in result.ends]
    assert sorted(ends) == [Ending.DUPLICATE] * 8 + [Ending.STORED] * 8
    assert store.version().documents == 8


def test_an_upgrade_of_the_algorithm_sketches_the_stored_texts_anew(store: Store) -> None:
    commit(store, "r1", *(article(n, body(n)) for n in range(1, 6)))
    table = table_of(Sketch)
    with store.reading() as connection:
        made = connection.execute(select(table).order_by(table.c.revision_id)).all()
    with store.writing() as connection:
        connection.execute(update(table).values(algorithm="khotin-shingle-0", data=b"\1\2\3\4"))
    assert endings(commit(store, "r2", article(20, cut(body(4))))) == [(Ending.DUPLICATE, "reprint")]
    with store.reading() as connection:
        assert connection.execute(select(table).order_by(table.c.revision_id)).all() == made


def test_a_rebuild_makes_good_what_was_lost(store: Store) -> None:
    commit(store, "r1", *(article(n, body(n)) for n in range(1, 6)))
    with store.writing() as connection:
        connection.execute(delete(table_of(Sketch)).where(table_of(Sketch).c.revision_id == 3))
    told: list[tuple[int, int]] = []
    assert rebuild(store) == (0, 5)
    assert rebuild(store, texts=True, advance=lambda done, total: told.append((done, total))) == (5, 5)
    assert told == [(5, 5), (5, 5)]
    assert endings(commit(store, "r2", article(20, cut(body(3))))) == [(Ending.DUPLICATE, "reprint")]


def test_a_purge_takes_the_sketch_and_the_text_is_no_partner_any_more(store: Store) -> None:
    commit(store, "r1", article(1, body(1)), article(2, body(2)))
    for number, purge in ((1, True), (2, False)):
        retract(
            store,
            [f"http://a.example/{number}"],
            "demand",
            purge=purge,
            run_id=f"x{number}",
            now=START,
            code_version="0",
        )
    with store.reading() as connection:
        assert list(connection.execute(select(table_of(Sketch).c.revision_id)).scalars()) == [2]
    result = commit(store, "r2", article(3, cut(body(1))), article(4, cut(body(2))))
    assert endings(result) == [(Ending.STORED, "new-article"), (Ending.DUPLICATE, "reprint")]


def test_a_store_opened_without_near_duplicates_keeps_reprints_and_sketches_them_later(
    store_url: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with open_store(home, store_url, near_duplicates=False) as store:
        commit(store, "r1", article(1, body(1)))
        result = commit(store, "r2", article(2, cut(body(1))), article(3, body(1)))
        assert sorted(endings(result)) == [(Ending.DUPLICATE, "same-text"), (Ending.STORED, "new-article")]
    with open_store(home, store_url) as store:
        assert endings(commit(store, "r3", article(4, body(1)[1:]))) == [(Ending.DUPLICATE, "reprint")]
