"""Checking exports without a database: every kind of damage is found and named."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parsers.errors import NotFound, UserError
from storage import Store, open_store
from storage.export import Sharding
from storage.verify_export import ExportVerification, verify_export
from tests.storage.exported import URL, export, grow

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Any:
    with open_store(tmp_path / "home", f"sqlite:///{tmp_path / 'home' / 'khotin.db'}") as opened:
        grow(opened)
        yield opened


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def places(found: ExportVerification) -> list[str]:
    return [finding.where for finding in found.findings]


def test_any_flipped_byte_of_a_json_line_is_found_in_its_line(sqlite_store: Store, tmp_path: Path) -> None:
    path = export(sqlite_store, tmp_path / "x.jsonl", "jsonl")
    data, rng = path.read_bytes(), random.Random(7)
    lines = data.splitlines(keepends=True)
    unnamed = 0
    for _ in range(60):
        position = rng.randrange(len(data))
        number = data.count(b"\n", 0, position) + 1
        flip(path, position)
        found = verify_export(path)
        assert found.findings, f"byte {position} in {lines[number - 1][:40]!r}"
        # What no leaf covers (version, place of the raw page) is found in the file's SHA-256 alone.
        unnamed += f"x.jsonl, line {number}" not in places(found)
        path.write_bytes(data)
    assert unnamed <= 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Tựa khác"), ("text", "khác"), ("lead", None), ("date", "2020-01-01T00:00:00+00:00"),
        ("date_precision", "day"), ("authors", []), ("captions", ["x"]), ("tags", []), ("section", None),
        ("agency", "x"), ("source", "x"), ("record_kind", "seed"), ("kind", "x"), ("modified", "x"),
        ("fetched", "2020-01-01T00:00:00+00:00"), ("parser", "x"), ("language", "eng"), ("id", "x"),
        ("language_script", "x"), ("url", "http://b.example/"), ("rev", 2), ("leaf", "00" * 32),
        ("text_sha256", "00" * 32), ("paragraphs", []), ("proof", {}), ("proof", None), ("rev", "1"),
        ("paragraphs", [{"kind": "song", "text": "x"}]), ("tags", "x"), ("title", 7),
    ],
)  # fmt: skip
def test_edited_field_is_found_even_when_the_file_hash_is_not_there(
    sqlite_store: Store, tmp_path: Path, field: str, value: object
) -> None:
    path = export(sqlite_store, tmp_path / "x.jsonl", "jsonl")
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    lines[2][field] = value
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    (tmp_path / "x.jsonl.manifest.json").unlink()
    found = verify_export(path)
    assert places(found) == ["x.jsonl, line 3"]


@pytest.mark.parametrize(
    "name", ["op", "prev_leaf", "language", "parser", "parser_version", "payload_sha256"]
)
def test_edited_proof_is_found(sqlite_store: Store, tmp_path: Path, name: str) -> None:
    path = export(sqlite_store, tmp_path / "x.jsonl", "jsonl")
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    lines[0]["proof"][name] = "x"
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    (tmp_path / "x.jsonl.manifest.json").unlink()
    assert places(verify_export(path)) == ["x.jsonl, line 1"]


@pytest.mark.parametrize("edit", ["drop", "double", "cut"])
def test_lost_doubled_or_cut_line_is_found(sqlite_store: Store, tmp_path: Path, edit: str) -> None:
    path = export(sqlite_store, tmp_path / "x.jsonl", "jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    changed = {"drop": lines[1:], "double": [*lines, lines[0]], "cut": [*lines[:-1], lines[-1][:50]]}[edit]
    path.write_bytes(b"".join(changed))
    found = verify_export(path)
    told = {"drop": "whole", "double": "x.jsonl, line 8", "cut": "x.jsonl, line 7"}[edit]
    assert told in places(found)
    assert "x.jsonl" in places(found)


@pytest.mark.parametrize("form", ["parquet", "hf"])
def test_any_flipped_byte_of_a_parquet_file_is_found(sqlite_store: Store, tmp_path: Path, form: str) -> None:
    path = export(sqlite_store, tmp_path / f"x.{form}", form, sharding=Sharding(rows_per_group=2))
    shard = path / "data/train-00000-of-00001.parquet" if form == "hf" else path
    name = "data/train-00000-of-00001.parquet" if form == "hf" else "x.parquet"
    data, rng = shard.read_bytes(), random.Random(7)
    for _ in range(40):
        flip(shard, rng.randrange(len(data)))
        found = verify_export(path)
        assert name in places(found)
        shard.write_bytes(data)
    assert verify_export(path).sound


def test_flipped_byte_in_a_column_is_named_with_rows_and_column(sqlite_store: Store, tmp_path: Path) -> None:
    path = export(sqlite_store, tmp_path / "x.parquet", "parquet", sharding=Sharding(rows_per_group=2))
    with pq.ParquetFile(path) as file:
        column = file.metadata.row_group(1).column(1)
        assert column.path_in_schema == "text"
        position = column.data_page_offset + column.total_compressed_size - 5
    flip(path, position)
    found = verify_export(path)
    (finding,) = [f for f in found.findings if "rows" in f.where]
    assert finding.where == "x.parquet, rows 2 to 3"
    assert finding.what == "cannot be read; damaged columns: text"


def test_edited_row_of_a_rewritten_parquet_file_is_named(sqlite_store: Store, tmp_path: Path) -> None:
    path = export(sqlite_store, tmp_path / "x.parquet", "parquet")
    table = pq.read_table(path)
    titles = table["title"].to_pylist()
    titles[3] = "Tựa khác"
    index = table.schema.get_field_index("title")
    edited = table.set_column(index, table.schema.field("title"), pa.array(titles))
    pq.write_table(edited, path)
    (tmp_path / "x.parquet.manifest.json").unlink()
    found = verify_export(path)
    assert [(f.where, f.document) for f in found.findings] == [("x.parquet, row 3", table["id"][3].as_py())]


def test_parquet_file_without_its_manifest_is_checked_by_its_own_metadata(
    sqlite_store: Store, tmp_path: Path
) -> None:
    path = export(sqlite_store, tmp_path / "x.parquet", "parquet")
    (tmp_path / "x.parquet.manifest.json").unlink()
    found = verify_export(path)
    assert (found.findings, found.version, found.chain) == ((), 3, sqlite_store.version().chain)
    assert len(found.notes) == 1


def _set(*keys: str, value: object) -> Edit:
    def edit(manifest: dict[str, Any]) -> None:
        inner: Any = manifest
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        _set("documents", value=6),
        _set("version", value=2),
        _set("chain", value="00" * 32),
        _set("delta_root", value="00" * 32),
        _set("leaves_root", value="00" * 32),
        _set("purged", value=1),
        _set("since", value={"version": 2, "chain": ""}),
        _set("header", "documents", value=8),
        _set("header", "parent_chain", value="00" * 32),
        _set("header", "message", value="x"),
        _set("header", value=None),
        _set("files", value=[{"name": "../x", "bytes": 1, "sha256": ""}]),
        _set("khotin_export", value="khotin-export-9"),
        dict.clear,
    ],
)
def test_edited_manifest_is_found(sqlite_store: Store, tmp_path: Path, edit: Edit) -> None:
    path = export(sqlite_store, tmp_path / "x.jsonl", "jsonl")
    place = tmp_path / "x.jsonl.manifest.json"
    manifest = orjson.loads(place.read_bytes())
    edit(manifest)
    place.write_bytes(orjson.dumps(manifest))
    assert not verify_export(path).sound


def test_edited_lost_or_foreign_file_of_a_text_export_is_named(sqlite_store: Store, tmp_path: Path) -> None:
    folder = export(sqlite_store, tmp_path / "x", "text")
    one, two, *_ = sorted(folder.glob("*.txt"))
    one.write_text(one.read_text("utf-8") + "thêm", "utf-8")
    two.unlink()
    (folder / "999_0000000000000000.txt").write_text("lạ")
    found = verify_export(folder)
    assert sorted(places(found)) == sorted([one.name, two.name, "999_0000000000000000.txt"])


def test_lost_shard_or_foreign_shard_or_edited_card_is_named(sqlite_store: Store, tmp_path: Path) -> None:
    folder = export(sqlite_store, tmp_path / "x", "hf", sharding=Sharding(documents=4))
    first = folder / "data/train-00000-of-00002.parquet"
    first.rename(folder / "data/train-00009-of-00002.parquet")
    (folder / "README.md").write_text("x")
    told = places(verify_export(folder))
    assert {"data/train-00000-of-00002.parquet", "data/train-00009-of-00002.parquet", "README.md"} <= set(
        told
    )
    assert "whole" in told


def test_file_may_be_renamed_together_with_its_manifest(sqlite_store: Store, tmp_path: Path) -> None:
    path = export(sqlite_store, tmp_path / "x.jsonl", "jsonl")
    path.rename(tmp_path / "y.jsonl")
    (tmp_path / "x.jsonl.manifest.json").rename(tmp_path / "y.jsonl.manifest.json")
    assert verify_export(tmp_path / "y.jsonl").findings == ()


def test_what_is_no_export_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        verify_export(tmp_path / "nothing")
    with pytest.raises(UserError) as caught:
        verify_export(tmp_path)
    assert caught.value.reason == "not-an-export"


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 100, b"{}\n", b"[]\n", b"null\n", b'{"id": 1}\n', b"PAR1" * 9]
)
def test_no_bytes_make_it_raise(tmp_path: Path, data: bytes) -> None:
    for name in ("x.jsonl", "x.parquet"):
        path = tmp_path / name
        path.write_bytes(data)
        assert verify_export(path).sound == (data == b"" and name == "x.jsonl")


def test_delta_of_one_version_is_tied_to_that_versions_root(sqlite_store: Store, tmp_path: Path) -> None:
    first, second, _ = sqlite_store.versions()
    path = export(sqlite_store, tmp_path / "x.jsonl", "jsonl", at=second, since=first)
    place = tmp_path / "x.jsonl.manifest.json"
    manifest = orjson.loads(place.read_bytes())
    assert manifest["leaves_root"] == second.delta_root
    assert {orjson.loads(line)["id"] for line in path.read_bytes().splitlines()} == {
        URL.format(1),
        URL.format(5),
    }
