"""Exports of what belongs: by topic, by closeness to the seeds, and what the manifest says of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from flows.topic_scan import fit_closeness
from parsers.errors import NotFound
from storage import Store, open_store
from storage.export import Form, export_corpus, write_jsonl
from storage.export_filter import ExportFilter
from storage.verify_export import verify_export
from tests.conftest import ManualClock
from tests.flows.topic_site import TOPIC, article, grow
from tests.storage.test_commit import commit


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Seeds, off-topic articles, and one article of the topic, in three versions; without a model."""
    home = tmp_path_factory.mktemp("filtered")
    with open_store(home, f"sqlite:///{home / 'khotin.db'}") as opened:
        grow(opened)
        commit(opened, "one", article("giao-luu-cum"))
        yield opened


@pytest.fixture(scope="module")
def measured(store: Store) -> Store:
    fit_closeness(store, {}, (TOPIC,), clock=ManualClock())
    return store


def test_score_cannot_be_asked_for_without_a_model(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        export_corpus(store, store.version(), tmp_path / "x.jsonl", Form.JSONL, wanted=ExportFilter((), 0.5))
    assert caught.value.reason == "no-closeness-model"
    assert list(tmp_path.iterdir()) == []


def test_without_a_model_documents_have_no_closeness(store: Store) -> None:
    stream = io.BytesIO()
    assert write_jsonl(store, store.version(), stream) == 28
    assert {orjson.loads(line)["closeness"] for line in stream.getvalue().splitlines()} == {None}


def test_topic_takes_what_matches_it(measured: Store, tmp_path: Path) -> None:
    target = tmp_path / "topic.jsonl"
    report = export_corpus(
        measured, measured.version(), target, Form.JSONL, wanted=ExportFilter((TOPIC,), None)
    )
    assert (report.documents, report.filtered) == (6, 22)
    rows = [orjson.loads(line) for line in target.read_bytes().splitlines()]
    assert sum(row["id"].startswith("seed:") for row in rows) == 5
    assert rows[-1]["id"] == "http://other.example/giao-luu-cum"
    assert all(0.2 < row["closeness"] <= 1 for row in rows)


def test_score_takes_what_is_so_close(measured: Store) -> None:
    whole, some = io.BytesIO(), io.BytesIO()
    write_jsonl(measured, measured.version(), whole)
    scores = sorted(orjson.loads(line)["closeness"] for line in whole.getvalue().splitlines())
    middle = scores[14]
    count = write_jsonl(measured, measured.version(), some, wanted=ExportFilter((), middle))
    taken = [orjson.loads(line)["closeness"] for line in some.getvalue().splitlines()]
    assert sorted(taken) == [score for score in scores if score >= middle]
    assert count == len(taken) < 28


@pytest.mark.parametrize("form", list(Form))
def test_filtered_export_says_so_and_verifies(measured: Store, tmp_path: Path, form: Form) -> None:
    target = tmp_path / f"x.{form.value}"
    wanted = ExportFilter((TOPIC,), 0.2)
    since = measured.version(2)
    for base, count in ((None, 6), (since, 1)):
        export_corpus(measured, measured.version(), target, form, since=base, wanted=wanted, force=True)
        found = verify_export(target)
        assert found.findings == ()
        assert found.documents == count
    if form is Form.HF:
        card = (target / "README.md").read_text("utf-8")
        assert f"only of topic thi-dua-an-ninh ({TOPIC.version}) with a closeness of 0.2 or more" in card
        rows = pq.read_table(next(iter(sorted(target.glob("data/*.parquet"))))).to_pylist()
        assert [0.2 <= row["closeness"] <= 1 for row in rows] == [True]
    if form is Form.JSONL:
        facts = orjson.loads(target.with_name(target.name + ".manifest.json").read_bytes())
        stored = measured.closeness_model()
        assert stored is not None
        assert facts["filter"] == {
            "topics": [{"name": TOPIC.name, "version": TOPIC.version}],
            "min_score": 0.2,
        }
        assert facts["closeness_model"] == {"id": 1, "sha256": stored.sha256}
        assert facts["filtered"] == 0


def test_document_that_was_dropped_from_a_filtered_export_is_missed(measured: Store, tmp_path: Path) -> None:
    target = tmp_path / "x.jsonl"
    export_corpus(measured, measured.version(), target, Form.JSONL, wanted=ExportFilter((TOPIC,), None))
    target.write_bytes(b"".join(target.read_bytes().splitlines(keepends=True)[1:]))
    assert verify_export(target).findings
