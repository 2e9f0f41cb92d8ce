"""An edit of any column, a row taken away, a version cut off: `khotin verify` finds it and names the row."""

from __future__ import annotations

import gzip
import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import BigInteger, Integer, LargeBinary
from sqlmodel import SQLModel

from parsers.closeness import fit
from parsers.errors import StoreDamaged
from storage import Store, open_store
from storage.checkpoint import FILE_NAME, Head, write_head
from storage.columns import Digest, UtcTime
from storage.hashing import chain_hash
from storage.scoring import add_model
from storage.tables import APPEND_ONLY, Capture, Revision, Version, Zdict, table_of
from storage.verify import Finding, verify_store
from tests.conftest import START
from tests.storage.vandal import Vandal, commit_captured, grow, some_records

TABLES: dict[str, type[SQLModel]] = {
    "version": Version,
    "revision": Revision,
    "zdict": Zdict,
    "capture": Capture,
}
# What each table's edits are tried on: a version in the middle, a revised revision with a raw page, ...
ROWS = {"version": 3, "revision": 526, "zdict": 1, "capture": 4}
# Only recomputing them from the text tells whether they are right: folding is slow, so it is left to --deep.
# No leaf covers them, because they are indexes of the text and follow from it.
DEEP_ONLY = {"word_count", "text_key", "body_key"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def grown(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, Vandal]]:
    """One store for all edits of this module: each test undoes its own."""
    home = tmp_path_factory.mktemp("grown")
    if request.param == "sqlite":
        url = f"sqlite:///{home / 'khotin.db'}"
        with open_store(home, url) as store:
            grow(store)
            yield store, Vandal(url)
        return
    server = request.getfixturevalue("postgres_server")
    schema = f"khotin_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    url = f"{server}?options=-csearch_path%3D{schema}"
    with open_store(home, url) as store:
        grow(store)
        yield store, Vandal(url)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


@pytest.fixture
def own(store: Store, store_url: str) -> tuple[Store, Vandal]:
    """A store for damage that cannot be undone."""
    grow(store)
    return store, Vandal(store_url)


def find(store: Store, *, deep: bool = False, archive: bool = False) -> tuple[Finding, ...]:
    return verify_store(store, archive=archive, deep=deep).findings


def other(table: str, column: str, value: Any) -> Any:
    kind = table_of(TABLES[table]).c[column].type
    if isinstance(kind, Digest | LargeBinary):
        return bytes([value[0] ^ 1]) + value[1:] if value else bytes(32)
    if isinstance(kind, BigInteger | Integer | UtcTime):
        return 1 if value is None else value + (1000 if column.endswith("id") else 1)
    if column == "tags":
        return '["khác"]'
    return "x" if value is None else value + "x"


def edits() -> list[tuple[str, str]]:
    return [(table, column.name) for table, model in TABLES.items() for column in table_of(model).columns]


def test_grown_store_is_sound_in_every_way(grown: tuple[Store, Vandal]) -> None:
    result = verify_store(grown[0], deep=True, archive=True)
    assert (result.findings, result.notes) == ((), ())
    assert (result.versions, result.revisions, result.captures) == (5, 532, 12)
    assert {row[0] for row in grown[1].rows("SELECT DISTINCT zdict_id FROM revision")} == {None, 1}


@pytest.mark.parametrize(("table", "column"), edits())
def test_edit_of_a_column_is_found_and_the_row_is_named(
    grown: tuple[Store, Vandal], table: str, column: str
) -> None:
    store, vandal = grown
    row_id = ROWS[table]
    value = vandal.read(table, row_id, column)
    changed = other(table, column, value)
    vandal.edit(table, row_id, column, changed)
    try:
        if table == "revision" and column in DEEP_ONLY:
            assert find(store) == ()
            found = find(store, deep=True)
        else:
            found = find(store)
    finally:
        vandal.edit(table, changed if column == "id" else row_id, column, value)
    named = {(finding.table, finding.id) for finding in found}
    if (table, column) == ("zdict", "id"):
        assert ("revision", "521") in named, "a revision that was packed with it"
    else:
        assert (table, str(row_id)) in named
    assert find(store) == (), "the edit was undone"


@pytest.mark.parametrize("column", [c.name for c in table_of(Revision).columns if c.nullable])
def test_value_taken_out_of_a_revision_is_found(grown: tuple[Store, Vandal], column: str) -> None:
    store, vandal = grown
    row_id = ROWS["revision"]
    value = vandal.read("revision", row_id, column)
    assert value is not None
    vandal.edit("revision", row_id, column, None)
    found = find(store, deep=True)
    vandal.edit("revision", row_id, column, value)
    assert ("revision", str(row_id)) in {(f.table, f.id) for f in found}


@pytest.mark.parametrize("row_id", [1, 300, 532])
def test_deleted_revision_is_found(own: tuple[Store, Vandal], row_id: int) -> None:
    store, vandal = own
    vandal.do("DELETE FROM revision WHERE id = ?", values=(row_id,))
    assert ("revision", str(row_id), "missing") in {(f.table, f.id, f.what) for f in find(store)}


@pytest.mark.parametrize("row_id", [1, 2, 3, 4, 5])
def test_deleted_version_is_found(own: tuple[Store, Vandal], row_id: int) -> None:
    store, vandal = own
    vandal.do("DELETE FROM version WHERE id = ?", values=(row_id,))
    found = find(store)
    if row_id < 5:
        assert ("version", str(row_id), "missing") in {(f.table, f.id, f.what) for f in found}
    assert ("revision", "no-version") in {(f.table, f.what) for f in found}


def cut_last_version(vandal: Vandal) -> None:
    """As one would who knows the store: the version, its revisions, its run and its ledger."""
    lo = vandal.rows("SELECT lo FROM version WHERE id = 5")[0][0]
    vandal.do(f"DELETE FROM revision WHERE id >= {lo}", "DELETE FROM version WHERE id = 5")


def test_cut_off_last_version_is_found_by_the_checkpoint(own: tuple[Store, Vandal]) -> None:
    store, vandal = own
    cut_last_version(vandal)
    vandal.do("DELETE FROM outcome WHERE run_id = 'r5'", "DELETE FROM run_source WHERE run_id = 'r5'",
              "DELETE FROM ingest_run WHERE run_id = 'r5'")  # fmt: skip
    assert [(f.table, f.what) for f in find(store)] == [("checkpoint", "behind-checkpoint")]


def test_cut_off_last_version_without_a_checkpoint_is_found_by_the_ledger(own: tuple[Store, Vandal]) -> None:
    store, vandal = own
    cut_last_version(vandal)
    (store.home / FILE_NAME).unlink()
    found = {(f.table, f.what) for f in find(store)}
    assert {("checkpoint", "missing"), ("ingest_run", "version"), ("outcome", "revision")} <= found


def test_forked_version_is_found_although_its_own_chain_is_right(own: tuple[Store, Vandal]) -> None:
    store, vandal = own
    last, before = store.versions()[-1], store.versions()[-2]
    header = last.header()
    header[3] = "another message"
    chain = chain_hash(bytes.fromhex(before.chain), header)
    vandal.do("UPDATE version SET message = 'another message', chain = ? WHERE id = 5", values=(chain,))
    assert [(f.table, f.what) for f in find(store)] == [("checkpoint", "forked")]


def test_checkpoint_of_another_store_or_none_is_found(own: tuple[Store, Vandal]) -> None:
    store, _ = own
    last = store.versions()[-1]
    write_head(store.home, Head("another", last.id, last.chain))
    assert [f.what for f in find(store)] == ["other-store"]
    (store.home / FILE_NAME).write_text(json.dumps({"store_id": 1}))
    assert "bad-checkpoint" in [f.what for f in find(store)]
    (store.home / FILE_NAME).unlink()
    assert [(f.table, f.what) for f in find(store)] == [("checkpoint", "missing")]


def test_checkpoint_one_version_behind_is_a_note_only(own: tuple[Store, Vandal]) -> None:
    store, _ = own
    before = store.versions()[-2]
    write_head(store.home, Head(store.store_id, before.id, before.chain))
    result = verify_store(store)
    assert result.sound
    assert len(result.notes) == 1


def test_swapped_predecessors_are_found(own: tuple[Store, Vandal]) -> None:
    store, vandal = own
    one, two = (vandal.read("revision", n, "prev_id") for n in (526, 527))
    vandal.edit("revision", 526, "prev_id", None)
    vandal.edit("revision", 527, "prev_id", one)
    vandal.edit("revision", 526, "prev_id", two)
    found = {(f.id, f.what) for f in find(store)}
    assert {("526", "predecessor"), ("527", "predecessor")} <= found


@pytest.mark.parametrize("place", [0, 20, -1])
def test_changed_byte_of_a_dictionary_is_found(own: tuple[Store, Vandal], place: int) -> None:
    store, vandal = own
    data = bytearray(vandal.read("zdict", 1, "data"))
    data[place] ^= 1
    vandal.edit("zdict", 1, "data", bytes(data))
    assert ("zdict", "1", "dictionary-hash") in {(f.table, f.id, f.what) for f in find(store)}


def test_changed_byte_of_a_closeness_model_is_found_and_no_score_is_made_by_it(
    own: tuple[Store, Vandal],
) -> None:
    store, vandal = own
    add_model(store, fit([b"cum thi dua"], [b"tin khac han"]), 1, START, "0")
    assert find(store) == ()
    data = bytearray(vandal.read("closeness_model", 1, "data"))
    data[-2] ^= 1
    vandal.edit("closeness_model", 1, "data", bytes(data))
    assert {(f.table, f.id, f.what) for f in find(store)} == {("closeness_model", "1", "model-hash")}
    with pytest.raises(StoreDamaged):
        store.closeness_model()


def test_all_damage_is_told_not_only_the_first(own: tuple[Store, Vandal]) -> None:
    store, vandal = own
    for row_id in (1, 100, 300, 531):
        vandal.edit("revision", row_id, "source", "elsewhere")
    assert [f.id for f in find(store) if f.what == "leaf"][:4] == ["1", "100", "300", "531"]


def test_emptied_body_is_damage_unless_a_purge_of_a_retracted_document_is_recorded(
    own: tuple[Store, Vandal],
) -> None:
    store, vandal = own
    with store.documents(store.version()) as documents:
        (body,) = [document.body for document in documents if document.revision_id == 20]
    vandal.edit("revision", 20, "body", b"")
    assert [(f.id, f.what) for f in find(store)] == [("20", "body")]
    vandal.edit("revision", 20, "codec", "purged")
    assert {(f.id, f.what) for f in find(store)} == {("20", "purged"), ("20", "leaf")}
    vandal.edit("revision", 20, "body", hashlib.sha256(body).digest())
    assert [(f.id, f.what) for f in find(store)] == [("20", "purged")]


def drop_sqlite(vandal: Vandal) -> None:
    vandal.do(guards=False)


def drop_postgres(vandal: Vandal) -> None:
    vandal.do("DROP TRIGGER guard_revision ON revision", "ALTER TABLE capture DISABLE TRIGGER guard_capture",
              "CREATE OR REPLACE FUNCTION khotin_append_only() RETURNS trigger LANGUAGE plpgsql AS "
              "$$ BEGIN RETURN NULL; END $$")  # fmt: skip


def test_dropped_switched_off_and_emptied_guards_are_named(own: tuple[Store, Vandal]) -> None:
    store, vandal = own
    damage: Callable[[Vandal], None] = drop_sqlite if vandal.sqlite else drop_postgres
    damage(vandal)
    found = {(f.id, f.what) for f in find(store)}
    if vandal.sqlite:
        assert ("guard_revision_update", "guard-missing") in found
        assert len(found) == 2 * len(APPEND_ONLY)
    else:
        assert found == {
            ("guard_revision", "guard-missing"),
            ("guard_capture", "guard-off"),
            ("khotin_append_only", "guard-changed"),
        }


def test_dropped_index_and_table_are_named(own: tuple[Store, Vandal]) -> None:
    store, vandal = own
    vandal.do("DROP INDEX uq_revision_prev_id")
    assert [(f.id, f.what) for f in find(store)] == [("uq_revision_prev_id", "index-missing")]
    vandal.do("DROP TABLE zdict" if vandal.sqlite else "DROP TABLE zdict CASCADE", guards=False)
    assert ("zdict", "table-missing") in {(f.id, f.what) for f in find(store)}


def warc(store: Store, row_id: int) -> tuple[Path, int, int]:
    with store.reading() as connection:
        row = connection.execute(table_of(Capture).select().where(table_of(Capture).c.id == row_id)).one()
    return store.archive_folder / row.file, row.offset, row.length


def test_changed_byte_of_a_raw_page_is_found_or_changes_nothing_in_it(tmp_path: Path) -> None:
    with open_store(tmp_path, f"sqlite:///{tmp_path / 'khotin.db'}") as store:
        commit_captured(store, "r1", some_records(3))
        path, offset, length = warc(store, 2)
        whole = path.read_bytes()
        missed = 0
        for place in {*range(12), *range(12, length, 5), *range(length - 10, length)}:
            damaged = bytearray(whole)
            damaged[offset + place] ^= 0x10
            path.write_bytes(damaged)
            found = {(f.table, f.id) for f in find(store, archive=True)}
            if not found:
                # The time and the system in gzip's header (RFC 1952, 2.3.1), or the last bits before its sum.
                member = slice(offset, offset + length)
                assert gzip.decompress(damaged[member]) == gzip.decompress(whole[member])
                missed += 1
            else:
                assert found == {("capture", "2")}
        assert missed < 10


def test_cut_tail_missing_file_and_place_past_the_end_name_the_captures(own: tuple[Store, Vandal]) -> None:
    store, vandal = own
    path, offset, length = warc(store, 12)
    whole = path.read_bytes()
    path.write_bytes(whole[: offset + length // 2])
    assert [(f.id, f.what) for f in find(store, archive=True)] == [("12", "past-end")]
    path.unlink()
    assert [(f.id, f.what) for f in find(store, archive=True)] == [
        ("11", "file-missing"),
        ("12", "file-missing"),
    ]
    path.write_bytes(whole)
    vandal.edit("capture", 12, "offset", len(whole) + 5)
    assert {(f.id, f.what) for f in find(store, archive=True)} == {("12", "row-hash"), ("12", "past-end")}


def test_changed_file_header_is_found_and_what_no_row_names_is_a_note(own: tuple[Store, Vandal]) -> None:
    store, _ = own
    path, _, _ = warc(store, 12)
    whole = path.read_bytes()
    path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    assert [(f.table, f.what) for f in find(store, archive=True)] == [("file", "member")]
    path.write_bytes(whole + b"a torn member")
    (path.parent / "khotin-of-a-killed-run.warc.gz").write_bytes(b"")
    result = verify_store(store)
    assert result.sound
    assert len(result.notes) == 2


def test_row_that_names_a_file_outside_the_archive_is_refused(own: tuple[Store, Vandal]) -> None:
    store, vandal = own
    vandal.edit("capture", 2, "file", "../khotin.db")
    assert ("2", "bad-path") in {(f.id, f.what) for f in find(store, archive=True)}
