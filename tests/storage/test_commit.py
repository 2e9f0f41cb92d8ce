"""Commits: what is appended, what is not, and that the sum is always right."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError

from parsers.article import Paragraph
from parsers.errors import NotFound, StoreDamaged, StoreError
from storage import Ending, Met, Offer, Record, RunResult, SourcePart, Store, open_store
from storage.checkpoint import FILE_NAME
from tests.conftest import START

BODY = " ".join(f"âm tiết thứ {n} của bài" for n in range(30))


def record(url: str = "http://a.example/1", **changes: object) -> Record:
    base = Record(
        url=url,
        source="a",
        record_kind="article",
        title="Cầu mới qua sông",
        lead="Cây cầu được mong đợi nhiều năm.",
        paragraphs=(Paragraph(BODY), Paragraph("Đoạn cuối.")),
        captions=("Ảnh: Trần Bình",),
        authors=("Lê Hà",),
        agency=None,
        published_at=START,
        published_precision="minute",
        modified_at=None,
        section="Thời sự",
        tags=("cầu",),
        language="vi",
        kind="article",
        parser="generic",
        parser_version="1",
        fetched_at=START + timedelta(hours=1),
        payload_sha256="00" * 32,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def commit(
    store: Store, run_id: str, *records: Record, now: datetime = START, met: dict[str, str] | None = None
) -> RunResult:
    store.begin_run(run_id, "ingest", "test", now)
    offers = tuple(
        Offer(Met((met or {}).get(r.url, r.url), "feed", fetched_at=now, hint_at=now), r) for r in records
    )
    return store.commit_run(run_id, "ingest", "test", [SourcePart("a", offers=offers)], now, "0")


def endings(result: RunResult) -> list[tuple[Ending, str]]:
    return [(end.ending, end.reason) for _, end in result.ends]


def test_new_article_becomes_version_one_and_reads_back_equal(store: Store) -> None:
    result = commit(store, "r1", record())
    assert result.version is not None
    assert (result.version.id, result.version.added, result.version.documents) == (1, 1, 1)
    document = store.document("http://a.example/1", store.version())
    assert document is not None
    assert document.record == record()


def test_same_content_again_commits_no_version(store: Store) -> None:
    commit(store, "r1", record())
    later = record(fetched_at=START + timedelta(days=1), parser_version="2")
    result = commit(store, "r2", later)
    assert result.version is None
    assert endings(result) == [(Ending.UNCHANGED, "same-content")]
    assert len(store.versions()) == 1


def test_changed_content_becomes_a_revision_linked_to_the_one_before(store: Store) -> None:
    commit(store, "r1", record())
    result = commit(store, "r2", record(title="Cầu mới đã thông xe"))
    assert endings(result) == [(Ending.REVISED, "content-changed")]
    assert result.version is not None
    assert (result.version.added, result.version.revised, result.version.documents) == (0, 1, 1)
    history = store.history("http://a.example/1")
    assert [(d.rev, d.op, d.version_id) for d in history] == [(1, "add", 1), (2, "revise", 2)]
    old = store.document("http://a.example/1", store.version(1))
    assert old is not None
    assert old.record.title == "Cầu mới qua sông"


def test_reprint_with_other_headline_and_lead_is_a_duplicate_of_the_original(store: Store) -> None:
    commit(store, "r1", record())
    credit = Paragraph("Theo Báo A")
    reprint = record(
        "http://b.example/9",
        title="Khác",
        lead="Khác hẳn.",
        paragraphs=(Paragraph(BODY), Paragraph("Đoạn cuối."), credit),
    )
    result = commit(store, "r2", reprint)
    assert endings(result) == [(Ending.DUPLICATE, "same-body")]
    assert result.ends[0][1].partner_url == "http://a.example/1"
    assert result.version is None


def test_of_two_twins_in_one_run_the_earlier_published_is_kept(store: Store) -> None:
    late = record("http://a.example/late", published_at=START + timedelta(hours=2))
    early = record("http://z.example/early")
    result = commit(store, "r1", late, early)
    assert {end.met.url: end.ending for _, end in result.ends} == {
        "http://a.example/late": Ending.DUPLICATE,
        "http://z.example/early": Ending.STORED,
    }


def test_series_with_other_numbers_is_kept_apart(store: Store) -> None:
    body = (
        "Thị trường vàng trong nước mở cửa sáng nay với sức mua yếu, người bán chờ tin từ các ngân hàng. " * 9
    )
    one = record("http://a.example/1", paragraphs=(Paragraph(body + " giá 81,2 triệu"),), lead=None)
    two = record("http://a.example/2", paragraphs=(Paragraph(body + " giá 81,9 triệu"),), lead=None)
    result = commit(store, "r1", one, two)
    assert [ending for ending, _ in endings(result)] == [Ending.STORED, Ending.STORED]


def test_second_page_with_the_same_canonical_url_is_a_duplicate_and_never_revises(store: Store) -> None:
    commit(store, "r1", record())
    alias = record(title="Bản in khác")
    result = commit(store, "r2", alias, met={alias.url: "http://a.example/amp/1"})
    assert endings(result) == [(Ending.DUPLICATE, "same-canonical-url")]


def test_page_that_owns_another_canonical_url_may_revise_it(store: Store) -> None:
    met = {"http://a.example/1": "http://a.example/old-slug"}
    commit(store, "r1", record(), met=met)
    result = commit(store, "r2", record(title="Tựa mới"), met=met)
    assert endings(result) == [(Ending.REVISED, "content-changed")]


def test_leaves_and_roots_do_not_depend_on_the_database(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str
) -> None:
    found = []
    folder = tmp_path_factory.mktemp("sqlite")
    for number, url in enumerate((f"sqlite:///{folder}/khotin.db", postgres_url)):
        with open_store(folder / str(number), url) as opened:
            commit(opened, "r1", record(), record("http://a.example/2", paragraphs=(Paragraph("Khác."),)))
            commit(opened, "r2", record(title="Mới"))
            found.append([(v.delta_root, v.chain) for v in opened.versions()])
    assert found[0] == found[1]
    assert len(set(found[0])) == 2


def test_run_that_is_committed_twice_is_refused_and_nothing_is_doubled(store: Store) -> None:
    commit(store, "r1", record())
    part = SourcePart("a", offers=(Offer(Met("http://a.example/2", "feed"), record("http://a.example/2")),))
    with pytest.raises(StoreError):
        store.commit_run("r1", "ingest", "again", [part], START, "0")
    assert len(store.versions()) == 1
    assert store.history("http://a.example/2") == []


def test_record_rows_cannot_be_updated_or_deleted(store: Store) -> None:
    commit(store, "r1", record())
    for statement in (
        "UPDATE revision SET url = 'x'",
        "DELETE FROM revision",
        "UPDATE version SET message = 'x'",
        "DELETE FROM outcome",
    ):
        with pytest.raises(DBAPIError, match="append-only"), store.writing() as connection:
            connection.execute(sql(statement))


def test_clock_that_went_back_does_not_make_versions_run_backwards(store: Store) -> None:
    commit(store, "r1", record())
    commit(
        store, "r2", record("http://a.example/2", lead="Khác.", paragraphs=()), now=START - timedelta(days=1)
    )
    first, second = store.versions()
    assert second.created_at >= first.created_at


def test_diff_tells_added_and_revised_and_reads_backwards(store: Store) -> None:
    commit(store, "r1", record())
    commit(store, "r2", record(title="Tựa mới"), record("http://a.example/2", lead="Khác.", paragraphs=()))
    forward = {(c.kind, (c.new or c.old).record.url) for c in store.changes(1, 2)}  # type: ignore[union-attr]
    assert forward == {("revised", "http://a.example/1"), ("added", "http://a.example/2")}
    backward = {(c.kind, (c.new or c.old).record.url) for c in store.changes(2, 1)}  # type: ignore[union-attr]
    assert backward == {("revised", "http://a.example/1"), ("retracted", "http://a.example/2")}
    revised = next(c for c in store.changes(1, 2) if c.kind == "revised")
    assert "-title: Cầu mới qua sông" in revised.text_diff()
    assert "+title: Tựa mới" in revised.text_diff()


def test_corpus_as_of_each_version_holds_one_state_of_each_document(store: Store) -> None:
    commit(store, "r1", record())
    commit(store, "r2", record(title="Tựa mới"), record("http://a.example/2", lead="Khác.", paragraphs=()))
    seen = {}
    for version in store.versions():
        with store.documents(version) as documents:
            seen[version.id] = sorted((d.record.url, d.record.title) for d in documents)
    assert seen[1] == [("http://a.example/1", "Cầu mới qua sông")]
    assert seen[2] == [("http://a.example/1", "Tựa mới"), ("http://a.example/2", "Cầu mới qua sông")]


def test_store_cut_behind_its_checkpoint_is_not_opened(store: Store, store_url: str) -> None:
    commit(store, "r1", record())
    head = store.home / FILE_NAME
    head.write_text(head.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(StoreDamaged) as caught:
        open_store(store.home, store_url)
    assert caught.value.reason == "behind-checkpoint"


def test_unknown_version_is_named_with_those_that_are_there(store: Store) -> None:
    commit(store, "r1", record())
    with pytest.raises(NotFound, match="versions 1 to 1 are there"):
        store.version(7)
