"""The dictionaries that bodies are packed with: one early, a larger one later; every body stays readable."""

from __future__ import annotations

import random
from pathlib import Path

from parsers.article import Paragraph
from storage import Met, Offer, SourcePart, Store, open_store
from storage.codec import TRAININGS
from storage.reading import read_dictionaries
from storage.records import Record
from storage.verify import verify_store
from tests.conftest import START
from tests.storage.test_commit import record

WORDS = [
    f"{onset}{rime}" for onset in ("b", "c", "đ", "l", "ng", "th", "tr") for rime in ("ác", "ương", "ội", "ĩ")
]


def texts(count: int, first: int) -> list[Record]:
    rng = random.Random(first)
    return [
        record(f"https://a.example/tin-{n}", paragraphs=(Paragraph(" ".join(rng.choices(WORDS, k=30))),))
        for n in range(first, first + count)
    ]


def commit(store: Store, run_id: str, records: list[Record]) -> None:
    store.begin_run(run_id, "ingest", "test", START)
    offers = tuple(Offer(Met(r.url, "feed", fetched_at=START), r) for r in records)
    store.commit_run(run_id, "ingest", "test", [SourcePart("a", offers=offers)], START, "0")


def dictionaries(store: Store) -> list[int]:
    with store.reading() as connection:
        return sorted(read_dictionaries(connection))


def test_dictionaries_follow_one_another_and_all_bodies_stay_readable(tmp_path: Path) -> None:
    early, late = TRAININGS
    url = f"sqlite:///{tmp_path}/khotin.db"
    with open_store(tmp_path, url, near_duplicates=False) as store:
        commit(store, "r1", texts(early.documents, 0))
        assert dictionaries(store) == []
        commit(store, "r2", texts(late.documents - early.documents, early.documents))
        assert dictionaries(store) == [1]
        commit(store, "r3", texts(3, late.documents))
        assert dictionaries(store) == [1, 2]
        hashes = [version.zdict_sha256 for version in store.versions()]
        assert len(set(hashes)) == 3
    with open_store(tmp_path, url, near_duplicates=False) as store:
        commit(store, "r4", texts(3, late.documents + 3))
        assert dictionaries(store) == [1, 2], "there is no third"
        for n in (0, early.documents, late.documents, late.documents + 5):
            found = store.document(f"https://a.example/tin-{n}", store.version())
            assert found is not None
            assert len(found.record.paragraphs[0].text.split()) == 30
        assert verify_store(store).sound
