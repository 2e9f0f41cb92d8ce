"""`khotin verify` itself: sound stores, random bit flips of the file, values of any type, the command."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from parsers.errors import NotFound
from storage import Met, Offer, Store, open_store
from storage.checkpoint import Head, write_head
from storage.codec import Dictionary, Packer, Unpacker
from storage.commit import PreparedOffer, write_offers
from storage.records import prepare
from storage.retraction import retract
from storage.verify import store_to_verify, verify_store
from storage.versions import NewVersion
from tests.command.test_command import khotin
from tests.conftest import START
from tests.storage.test_commit import record
from tests.storage.vandal import Vandal, changed, commit_captured, grow, some_records

FLIPS = 40
# Nothing vouches for these but the database: the ledger and the working memory of the flows.
DERIVED = {"sketch", "kin"}
UNHASHED = {
    "outcome", "page", "run_source", "ingest_run", "endpoint", "source_state", "page_shape", "meta", *DERIVED
}  # fmt: skip


def test_store_without_a_version_is_sound(store: Store) -> None:
    result = verify_store(store)
    assert (result.sound, result.versions, result.notes) == (True, 0, ())


def test_progress_ends_at_the_number_of_rows(store: Store) -> None:
    grow(store)
    told: list[tuple[int, int]] = []
    result = verify_store(store, advance=lambda done, total: told.append((done, total)))
    assert told[-1] == (result.revisions + result.captures,) * 2
    assert told == sorted(told)


def test_verification_changes_nothing_in_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'khotin.db'}"
    with open_store(tmp_path, url) as store:
        commit_captured(store, "r1", some_records(5))
    before = (tmp_path / "khotin.db").read_bytes()
    with store_to_verify(tmp_path, url) as store:
        assert verify_store(store, deep=True).sound
    assert (tmp_path / "khotin.db").read_bytes() == before


def test_store_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        store_to_verify(tmp_path, f"sqlite:///{tmp_path / 'khotin.db'}")
    assert caught.value.reason == "no-store"
    write_head(tmp_path, Head("x", 1, "00"))
    with pytest.raises(NotFound, match="backup"):
        store_to_verify(tmp_path, f"sqlite:///{tmp_path / 'khotin.db'}")
    assert [path.name for path in tmp_path.iterdir()] == ["HEAD.json"]


def test_purged_document_is_sound_and_counted_and_an_unfinished_purge_is_a_note(store: Store) -> None:
    records = some_records(4)
    commit_captured(store, "r1", records)
    commit_captured(store, "r2", changed(records[:2], "2"), minutes=1)
    urls = [records[0].url, records[3].url]

    def take_down(run_id: str, *, purge: bool) -> None:
        retract(store, urls, "demand", purge=purge, run_id=run_id, now=START, code_version="0")

    take_down("r3", purge=False)
    assert verify_store(store, deep=True).findings == ()
    take_down("r4", purge=True)
    result = verify_store(store, deep=True)
    assert (result.findings, result.notes, result.purged) == ((), (), 2)
    retract(store, [records[1].url], "demand", purge=False, run_id="r5", now=START, code_version="0")
    assert verify_store(store, deep=True).sound


@pytest.mark.parametrize("purged", ["body", "page"])
def test_purge_that_was_stopped_half_way_is_a_note(store: Store, store_url: str, purged: str) -> None:
    records = some_records(2)
    commit_captured(store, "r1", records)
    files = {path: path.read_bytes() for path in store.archive_folder.rglob("*.gz")}
    packed = Vandal(store_url).read("revision", 1, "body")
    retract(store, [records[0].url], "demand", purge=True, run_id="r2", now=START, code_version="0")
    for path, data in files.items():
        path.write_bytes(data)
    if purged == "page":
        vandal = Vandal(store_url)
        vandal.edit("revision", 1, "codec", "zstd")
        vandal.edit("revision", 1, "body", packed)
    result = verify_store(store)
    assert result.sound
    assert len(result.notes) == 1


@pytest.mark.parametrize("value", ["'text'", "x'ff00'", "NULL", "9223372036854775807"])
def test_value_of_any_type_anywhere_is_a_finding_and_never_an_error(tmp_path: Path, value: str) -> None:
    """SQLite lets any value stand in any column; the schema's own checks are switched off too."""
    home = tmp_path / "home"
    url = f"sqlite:///{home / 'khotin.db'}"
    with open_store(home, url) as store:
        commit_captured(store, "r1", some_records(3))
        commit_captured(store, "r2", [record("http://a.example/neu")], minutes=1)
    whole = (home / "khotin.db").read_bytes()
    connection = sqlite3.connect(home / "khotin.db")
    columns = [
        (table, row[1])
        for table in ("version", "revision", "capture")
        for row in connection.execute(f"PRAGMA table_info({table})")
        if row[1] != "id"
    ]
    connection.close()
    refused = 0
    for table, column in columns:
        (home / "khotin.db").write_bytes(whole)
        vandal = Vandal(url)
        before = vandal.read(table, 2, column)
        try:
            vandal.do(
                "PRAGMA ignore_check_constraints=ON",
                f'UPDATE {table} SET "{column}" = {value} WHERE id = 2',
            )
        except sqlite3.IntegrityError:
            refused += 1
            continue
        if vandal.read(table, 2, column) == before:
            continue
        with store_to_verify(home, url) as store:
            found = verify_store(store, deep=True).findings
        assert found, (table, column)
    assert refused < len(columns) / 2 or value == "NULL"


def record_only(home: Path, url: str) -> None:
    """Some hundred documents without the ledger: only rows that hashes vouch for."""
    with open_store(home, url) as store:
        for number in range(3):
            documents = some_records(150, seed=number, words=150)
            documents = [replace(d, url=f"http://a.example/{number}/{n}") for n, d in enumerate(documents)]
            ready = prepare(documents, Packer(None))
            offers = [
                PreparedOffer("a", Offer(Met(d.url, "feed"), d), p)
                for d, p in zip(documents, ready, strict=True)
            ]
            with store.writing() as connection:
                version, _ = write_offers(
                    connection, NewVersion(f"r{number}", "ingest", "", START, "0"), offers, store.likeness
                )
            assert version is not None
            write_head(home, Head(store.store_id, version.id, version.chain))


def with_ledger(home: Path, url: str) -> None:
    with open_store(home, url) as store:
        grow(store)


def dump(path: Path) -> dict[str, object]:
    """Every value of every table, and the schema: what a flip must not have changed if nobody found it.

    Bodies are told unpacked: a few bits of a packed one mean nothing.
    """
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    try:
        tables = [
            row[0].decode()
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        told: dict[str, object] = {
            table: connection.execute(f'SELECT * FROM "{table}" NOT INDEXED').fetchall() for table in tables
        }
        told["revision"] = unpacked(connection)
        told["sqlite_master"] = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master"
        ).fetchall()
        return told
    finally:
        connection.close()


def unpacked(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    """The rows of `revision`, each with its body as it is read."""
    names = [row[1].decode() for row in connection.execute("PRAGMA table_info(revision)")]
    body, codec, zdict = (names.index(name) for name in ("body", "codec", "zdict_id"))
    dictionaries = {
        row[0]: Dictionary(row[0], row[1].hex(), row[2])
        for row in connection.execute("SELECT id, sha256, data FROM zdict")
    }
    unpacker = Unpacker(dictionaries)
    rows = []
    for row in connection.execute("SELECT * FROM revision NOT INDEXED"):
        values = list(row)
        if values[codec] == b"zstd":
            values[body] = unpacker.unpack(values[body], values[zdict])
        rows.append(tuple(values))
    return rows


@pytest.mark.parametrize("made", [record_only, with_ledger])
def test_random_bit_flips_are_found_or_change_nothing(
    tmp_path: Path, made: Callable[[Path, str], None], told: Callable[[str], None]
) -> None:
    home = tmp_path / "home"
    url = f"sqlite:///{home / 'khotin.db'}"
    made(home, url)
    whole = (home / "khotin.db").read_bytes()
    assert not (home / "khotin.db-wal").exists(), "the last connection wrote the WAL back"
    truth = dump(home / "khotin.db")
    rng = random.Random(20260302)
    found = unused = unhashed = 0
    for number in range(FLIPS):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(home, copy)
        damaged = bytearray(whole)
        bit = rng.randrange(len(whole) * 8)
        while not whole[bit // 8]:  # most of a small store's pages is empty space
            bit = rng.randrange(len(whole) * 8)
        damaged[bit // 8] ^= 1 << bit % 8
        (copy / "khotin.db").write_bytes(damaged)
        with store_to_verify(copy, f"sqlite:///{copy / 'khotin.db'}") as store:
            sound = verify_store(store).sound and verify_store(store, deep=True).sound
        if not sound:
            found += 1
        else:
            after = dump(copy / "khotin.db")
            differs = {table for table in truth if after.get(table) != truth[table]}
            assert differs <= (DERIVED if made is record_only else UNHASHED), f"bit {bit}"
            unused, unhashed = unused + (not differs), unhashed + bool(differs)
        shutil.rmtree(copy)
    told(f"{FLIPS} flips: {found} found, {unused} in unused bytes, {unhashed} in rows without a hash")
    assert found + unused + unhashed == FLIPS
    assert found > FLIPS / 2


def test_broken_pages_are_findings_and_the_other_rows_are_still_looked_at(tmp_path: Path) -> None:
    home = tmp_path / "home"
    url = f"sqlite:///{home / 'khotin.db'}"
    with_ledger(home, url)
    path = home / "khotin.db"
    whole = path.read_bytes()
    size = 32768
    rng = random.Random(5)
    for _ in range(8):
        page = rng.randrange(1, len(whole) // size)
        damaged = bytearray(whole)
        damaged[page * size : (page + 1) * size] = rng.randbytes(size)
        path.write_bytes(damaged)
        with store_to_verify(home, url) as store:
            assert not verify_store(store).sound, f"page {page}"
    for cut in (0, 50, 100, size, len(whole) // 2, len(whole) - size):
        path.write_bytes(whole[:cut])
        with store_to_verify(home, url) as store:
            assert not verify_store(store).sound, f"cut at {cut}"


def test_command_tells_sound_and_damaged_stores_by_exit_code(tmp_path: Path) -> None:
    home = tmp_path / "data"
    assert khotin(home, "verify").returncode == 2
    assert khotin(home, "ingest", "--sample").returncode == 0
    sound = khotin(home, "verify", "--deep")
    assert sound.returncode == 0, sound.stdout
    assert "sound" in sound.stdout
    told = json.loads(khotin(home, "verify", "--json").stdout)
    assert told["sound"]
    assert (told["findings"], told["versions"]) == ([], 2)
    Vandal(f"sqlite:///{home / 'khotin.db'}").edit("revision", 3, "section", "khác")
    damaged = khotin(home, "verify", "--no-archive")
    assert damaged.returncode == 1
    assert "damaged revision 3: leaf" in damaged.stdout
    told = json.loads(khotin(home, "verify", "--json").stdout)
    assert not told["sound"]
    assert told["findings"][0]["id"] == "3"
