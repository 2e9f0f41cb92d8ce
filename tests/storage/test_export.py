"""Exports: what is in them at which version, how they appear, and that hostile text does no harm."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from parsers.errors import StoreError, UserError
from storage import Store
from storage.export import Form, Sharding, export_corpus, write_jsonl
from storage.verify_export import verify_export
from tests.killed import die_in
from tests.storage.exported import HOSTILE, URL, article, capture, export, grow, retract
from tests.storage.test_commit import commit

FORMS = [form.value for form in Form]


def documents(path: Path) -> dict[str, Any]:
    """The rows of an export in any form that holds rows, by id."""
    if path.is_dir():
        rows = [
            row for part in sorted(path.glob("data/*.parquet")) for row in pq.read_table(part).to_pylist()
        ]
    elif path.read_bytes().startswith(b"PAR1"):
        rows = pq.read_table(path).to_pylist()
    else:
        rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return {row["id"]: row for row in rows}


@pytest.mark.parametrize("form", ["jsonl", "parquet", "hf"])
def test_export_holds_the_corpus_as_of_the_version_asked_for(store: Store, tmp_path: Path, form: str) -> None:
    versions = grow(store)
    found = {
        version.id: documents(export(store, tmp_path / f"{version.id}.{form}", form, at=version))
        for version in versions
    }
    assert [len(found[number]) for number in (1, 2, 3)] == [5, 6, 7]
    assert found[1][URL.format(1)]["title"] == "Tựa bài số 1"
    assert found[2][URL.format(1)]["title"] == "Tựa đã sửa"
    assert found[2][URL.format(1)]["proof"]["prev_leaf"] == found[1][URL.format(1)]["leaf"]
    assert found[3][URL.format(6)]["date"] is None


@pytest.mark.parametrize("form", FORMS)
def test_export_of_every_version_and_delta_verifies(store: Store, tmp_path: Path, form: str) -> None:
    versions = grow(store)
    for version in versions:
        for since in [None, *versions[: version.id]]:
            path = tmp_path / f"{version.id}-{since.id if since else 0}.{form}"
            export(store, path, form, at=version, since=since)
            found = verify_export(path)
            assert (found.findings, found.notes) == ((), ())
            assert (found.version, found.chain) == (version.id, version.chain)


def test_root_is_the_same_in_all_forms_and_on_both_databases(store: Store, tmp_path: Path) -> None:
    grow(store)
    roots = {export_corpus(store, store.version(), tmp_path / form, Form(form)).leaves_root for form in FORMS}
    assert roots == {"09eead2d55c20d2b00ae81489938c09f6d9ffc7def87686660b0dc61d3f81e69"}


def test_delta_holds_what_was_added_or_revised_after_a_version(store: Store, tmp_path: Path) -> None:
    first, second, third = grow(store)
    assert set(documents(export(store, tmp_path / "a.jsonl", "jsonl", at=second, since=first))) == {
        URL.format(1),
        URL.format(5),
    }
    assert len(documents(export(store, tmp_path / "b.jsonl", "jsonl", at=third, since=first))) == 3


@pytest.mark.parametrize("form", FORMS)
def test_empty_delta_is_a_whole_export_of_nothing(store: Store, tmp_path: Path, form: str) -> None:
    newest = grow(store)[-1]
    report = export_corpus(store, newest, tmp_path / form, Form(form), since=newest)
    assert report.documents == 0
    found = verify_export(tmp_path / form)
    assert (found.sound, found.documents) == (True, 0)


@pytest.mark.parametrize("form", ["jsonl", "parquet", "hf"])
def test_retracted_document_is_left_out_and_named_in_a_delta(store: Store, tmp_path: Path, form: str) -> None:
    versions = grow(store)
    version = retract(store, "r4", URL.format(2))
    whole = export(store, tmp_path / f"whole.{form}", form, at=version)
    assert set(documents(whole)) == {URL.format(n) for n in (0, 1, 3, 4, 5, 6)}
    before = export(store, tmp_path / f"before.{form}", form, at=versions[-1])
    assert URL.format(2) in documents(before)
    delta = export(store, tmp_path / f"delta.{form}", form, at=version, since=versions[-1])
    place = delta / "manifest.json" if form == "hf" else delta.with_name(delta.name + ".manifest.json")
    assert json.loads(place.read_bytes())["retracted"] == [URL.format(2)]
    for path in (whole, before, delta):
        assert verify_export(path).findings == ()


def test_document_that_came_and_went_within_a_delta_is_not_named(store: Store, tmp_path: Path) -> None:
    versions = grow(store)
    version = retract(store, "r4", URL.format(6))
    report = export_corpus(store, version, tmp_path / "x", Form.JSONL, since=versions[1])
    assert (report.documents, report.retracted) == (0, 0)


def test_row_says_where_the_raw_page_stands(store: Store, tmp_path: Path) -> None:
    store.begin_run("r1", "ingest", "", article(0).fetched_at)
    number = capture(store, URL.format(0))
    store.commit_run("r1", "ingest", "", [_part(number)], article(0).fetched_at, "0")
    (row,) = documents(export(store, tmp_path / "a.jsonl", "jsonl")).values()
    told = store.story(URL.format(0)).captures[0]
    assert (row["warc_file"], row["warc_offset"]) == (told["file"], told["offset"])
    assert (store.archive_folder / row["warc_file"]).is_file()


def _part(capture_id: int) -> Any:
    from storage import Met, Offer, SourcePart

    met = Met(URL.format(0), "feed", capture_id=capture_id, fetched_at=article(0).fetched_at)
    return SourcePart("a", offers=(Offer(met, article(0)),))


def test_parquet_has_types_row_groups_and_its_origin_in_the_metadata(store: Store, tmp_path: Path) -> None:
    grow(store)
    path = export(store, tmp_path / "a.parquet", "parquet", sharding=Sharding(rows_per_group=3))
    with pq.ParquetFile(path) as file:
        types = {field.name: str(field.type) for field in file.schema_arrow}
        assert types["date"] == types["fetched"] == "timestamp[us, tz=UTC]"
        assert types["tags"] == "list<element: string>"
        assert "struct<kind: string not null, text: string not null>" in types["paragraphs"]
        assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [3, 3, 1]
        assert file.metadata.row_group(0).column(1).compression == "ZSTD"
        facts = orjson.loads(file.metadata.metadata[b"khotin"])
    version = store.version()
    assert (facts["store_id"], facts["version"], facts["chain"], facts["delta_root"], facts["formats"]) == (
        store.store_id, version.id, version.chain, version.delta_root, version.formats,
    )  # fmt: skip
    assert (facts["documents"], facts["since"]) == (7, None)


@pytest.mark.parametrize(("each", "counts"), [(3, [3, 3, 1]), (7, [7]), (1, [1] * 7), (100, [7])])
def test_shards_are_named_by_how_many_there_are(
    store: Store, tmp_path: Path, each: int, counts: list[int]
) -> None:
    grow(store)
    folder = export(store, tmp_path / "hf", "hf", sharding=Sharding(documents=each))
    names = [f"train-{n:05}-of-{len(counts):05}.parquet" for n in range(len(counts))]
    assert sorted(path.name for path in (folder / "data").iterdir()) == names
    assert [pq.read_metadata(folder / "data" / name).num_rows for name in names] == counts


def test_shard_ends_when_it_is_large_enough(store: Store, tmp_path: Path) -> None:
    grow(store)
    folder = export(store, tmp_path / "hf", "hf", sharding=Sharding(bytes=1, rows_per_group=2))
    assert len(list((folder / "data").iterdir())) == 4


def test_same_version_gives_the_same_bytes_again(store: Store, tmp_path: Path) -> None:
    grow(store)
    for form in FORMS:
        pair = [export(store, tmp_path / f"{n}" / form, form) for n in (1, 2)]
        files = [[p for p in sorted(x.rglob("*")) if p.is_file()] if x.is_dir() else [x] for x in pair]
        assert [p.read_bytes() for p in files[0]] == [p.read_bytes() for p in files[1]]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_there_is_replaced_only_when_asked(store: Store, tmp_path: Path, form: str) -> None:
    versions = grow(store)
    target = export(store, tmp_path / "x", form, at=versions[0])
    with pytest.raises(UserError) as caught:
        export(store, target, form)
    assert caught.value.reason == "export-exists"
    assert verify_export(target).version == 1
    export(store, target, form, force=True)
    found = verify_export(target)
    assert (found.version, found.findings) == (3, ())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("form", ["hf", "text"])
def test_folder_of_something_else_is_never_replaced(store: Store, tmp_path: Path, form: str) -> None:
    grow(store)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError) as caught:
        export(store, mine, form, force=True)
    assert caught.value.reason == "export-exists"
    assert (mine / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("form", FORMS)
def test_target_that_cannot_be_written_is_told(store: Store, tmp_path: Path, form: str) -> None:
    grow(store)
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError) as caught:
        export(store, tmp_path / "file" / "x", form)
    assert caught.value.reason == "export-not-written"


@pytest.mark.parametrize("form", FORMS)
def test_export_that_fails_half_way_leaves_nothing(store: Store, tmp_path: Path, form: str) -> None:
    grow(store)
    left = [3]

    def advance() -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    folder = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        export(store, folder / "x", form, advance=advance)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("point", ["document", "rename"])
def test_killed_export_leaves_nothing_under_the_name_and_runs_again(
    store: Store, store_url: str, tmp_path: Path, form: str, point: str
) -> None:
    grow(store)
    target = tmp_path / "out" / "x"
    die_in("tests.storage.exported", str(store.home), store_url, form, str(target), point, "0")
    assert not target.exists()
    assert not target.with_name("x.manifest.json").exists()
    export(store, target, form)
    assert verify_export(target).sound


def test_export_killed_before_its_manifest_appears_is_whole_and_says_so(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    grow(store)
    target = tmp_path / "out" / "x"
    die_in("tests.storage.exported", str(store.home), store_url, "jsonl", str(target), "rename", "1")
    found = verify_export(target)
    assert (found.findings, found.documents, len(found.notes)) == ((), 7, 1)


def test_stream_is_the_same_as_the_file(store: Store, tmp_path: Path) -> None:
    first, _, newest = grow(store)
    stream = io.BytesIO()
    assert write_jsonl(store, newest, stream, since=first) == 3
    assert stream.getvalue() == export(store, tmp_path / "x", "jsonl", since=first).read_bytes()


@pytest.mark.parametrize("form", ["jsonl", "parquet", "hf"])
def test_hostile_titles_and_addresses_stay_data(store: Store, tmp_path: Path, form: str) -> None:
    hostile = [
        article(n, title=title, url=f"http://a.example/{n}?../../x={title[:9]!r}", section=title[:9])
        for n, title in enumerate(HOSTILE)
    ]
    commit(store, "r1", *hostile)
    path = export(store, tmp_path / "out" / "x", form)
    assert [row["title"] for row in documents(path).values()] == list(HOSTILE)
    assert verify_export(path).findings == ()


def test_no_file_name_comes_from_a_title_or_an_address(store: Store, tmp_path: Path) -> None:
    commit(
        store,
        "r1",
        article(1, title="../../../../evil", url="http://a.example/../../evil/%2e%2e/x"),
        article(2, url="seed:../../evil", record_kind="seed"),
        article(3, url="seed:00112233445566aa", record_kind="seed"),
    )
    export(store, tmp_path / "out" / "x", "text")
    names = sorted(path.name for path in (tmp_path / "out" / "x").iterdir() if not path.name.startswith("."))
    assert len(names) == 3
    assert all(name.removesuffix(".txt").replace("_", "").isalnum() for name in names)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x"]
    assert any(name.endswith("_00112233445566aa.txt") for name in names)


def test_card_shows_names_from_outside_as_plain_text(store: Store, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>|[x](javascript:1)\n---\nlicense: mit"
    commit(store, "r1", article(1, source=name))
    card = (export(store, tmp_path / "x", "hf") / "README.md").read_text("utf-8")
    assert "<img" not in card
    assert "](javascript" not in card
    assert [line for line in card.splitlines() if line.startswith("license: ")] == ['license: "other"']
    assert card.splitlines().count("---") == 2
