"""Retraction and purge: what is hidden, what is erased, and what still stands and verifies."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastwarc.warc import ArchiveIterator as FastIterator
from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError
from warcio.archiveiterator import ArchiveIterator

from parsers.article import Paragraph
from parsers.errors import NotFound, StoreDamaged, UserError
from storage import Captured, Ending, Met, Offer, Record, RunResult, SourcePart, Store, open_store
from storage.archive import Payload
from storage.hashing import leaf_hash, merkle_root
from storage.purge import RawPlace, purged_member
from storage.records import Retraction, leaf_fields
from storage.retraction import RetractionResult, retract
from storage.tables import Revision, table_of
from tests.conftest import START
from tests.killed import die_in
from tests.storage.test_commit import commit, endings, record

ONE, TWO = "http://a.example/1", "http://a.example/2"


def other(title: str = "Bài khác") -> Record:
    return record(TWO, title=title, lead="Chuyện khác hẳn.", paragraphs=(Paragraph("Một đoạn khác."),))


def page_of(item: Record) -> bytes:
    return f"<html><h1>{item.title}</h1>{item.text}</html>".encode()


def fetch(store: Store, run_id: str, *items: Record, urls: dict[str, str] | None = None) -> RunResult:
    """Commit records together with their raw pages, as an ingest does; `urls`: pages at other addresses."""
    store.begin_run(run_id, "ingest", "test", START)
    met_at = [(urls or {}).get(item.url, item.url) for item in items]
    with store.archive_writer(run_id, START, "test") as archive:
        ids = store.capture(
            run_id,
            archive,
            [
                Captured("a", "page", url, Payload(url, START, page_of(item), 200, content_type="text/html"))
                for url, item in zip(met_at, items, strict=True)
            ],
        )
    offers = tuple(
        Offer(Met(url, "feed", status=200, capture_id=number, fetched_at=START), item)
        for url, item, number in zip(met_at, items, ids, strict=True)
    )
    return store.commit_run(run_id, "ingest", "test", [SourcePart("a", offers=offers)], START, "0")


def take_out(store: Store, *urls: str, purge: bool = False, run_id: str = "out") -> RetractionResult:
    later = START + timedelta(days=1)
    return retract(store, urls, "court order", purge=purge, run_id=run_id, now=later, code_version="0")


def titles(store: Store, version: int) -> dict[str, str]:
    with store.documents(store.version(version)) as documents:
        return {d.record.url: d.record.title for d in documents}


def rows(store: Store) -> list[dict[str, Any]]:
    with store.reading() as connection:
        table = table_of(Revision)
        return [dict(row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]


def verified_leaf(store: Store, row: dict[str, Any]) -> bool:
    """Whether a row's leaf is that of its fields, its body or what is left of it, and the leaf before it."""
    history = store.history(row["url"])
    record = history[row["rev"] - 1].record
    before = history[row["rev"] - 2].leaf if row["rev"] > 1 else None
    body_sha256 = row["body"].hex() if row["codec"] == "purged" else record.body_sha256
    fields = leaf_fields(record, row["rev"], row["op"], before, body_sha256)
    return leaf_hash(fields).hex() == str(row["leaf"])


def test_retracted_document_is_gone_from_later_versions_and_stays_in_older_ones(store: Store) -> None:
    fetch(store, "r1", record(), other())
    fetch(store, "r2", record(title="Tựa mới"))
    result = take_out(store, ONE)
    version = result.version
    assert version is not None
    assert (version.kind, version.retracted, version.documents) == ("retract", 1, 1)
    assert version.message == "1 document retracted: court order"
    assert store.document(ONE, store.version()) is None
    assert [titles(store, n).get(ONE) for n in (1, 2, 3)] == ["Cầu mới qua sông", "Tựa mới", None]
    assert TWO in titles(store, 3)
    (change,) = store.changes(2, 3)
    assert (change.kind, change.new) == ("retracted", None)
    (back,) = store.changes(3, 2)
    assert back.kind == "added"
    tombstone = store.history(ONE)[-1]
    assert (tombstone.rev, tombstone.op, tombstone.record.source) == (3, "retract", "a")
    assert tombstone.record.retraction == Retraction("court order", purge=False)
    assert all(verified_leaf(store, row) for row in rows(store))


def test_tombstone_tells_nothing_of_what_the_document_said(store: Store) -> None:
    fetch(store, "r1", record())
    take_out(store, ONE)
    tombstone = store.history(ONE)[-1].record
    kept = {"url": ONE, "source": "a", "record_kind": "article", "language": "vi", "kind": "article"}
    assert {name: getattr(tombstone, name) for name in kept} == kept
    gone = (
        "title",
        "text",
        "captions",
        "authors",
        "agency",
        "section",
        "tags",
        "published_at",
        "payload_sha256",
    )
    assert not any(getattr(tombstone, name) for name in gone)
    assert verified_leaf(store, rows(store)[-1])
    assert tombstone.body.endswith(b'"retraction":{"reason":"court order","purge":false}}')


def test_retracting_again_commits_nothing(store: Store) -> None:
    fetch(store, "r1", record())
    take_out(store, ONE)
    before = (store.versions(), store.runs())
    assert take_out(store, ONE, run_id="again").version is None
    assert (store.versions(), store.runs()) == before


def test_retracting_an_unknown_address_does_nothing_at_all(store: Store) -> None:
    fetch(store, "r1", record())
    with pytest.raises(NotFound, match=r"http://a\.example/9.*nothing was retracted"):
        take_out(store, ONE, "http://a.example/9")
    assert len(store.versions()) == 1
    with pytest.raises(UserError, match="needs a reason"):
        retract(store, [ONE], "  ", purge=False, run_id="x", now=START, code_version="0")


def test_address_of_a_page_stands_for_the_document_it_led_to(store: Store) -> None:
    fetch(store, "r1", record(), urls={ONE: "http://a.example/old-slug"})
    result = take_out(store, "http://a.example/old-slug", ONE)
    assert result.documents == (ONE,)
    assert result.version is not None
    assert result.version.retracted == 1


def test_retracted_document_that_is_met_again_is_rejected(store: Store) -> None:
    fetch(store, "r1", record())
    take_out(store, ONE)
    result = commit(store, "r2", record(title="Lại đây"))
    assert endings(result) == [(Ending.REJECTED, "retracted")]
    alias = commit(store, "r3", record(), met={ONE: "http://a.example/amp/1"})
    assert endings(alias) == [(Ending.REJECTED, "retracted")]
    assert [outcome["reason"] for outcome in store.story(ONE).outcomes] == [
        "new-article", "retracted", "retracted"
    ]  # fmt: skip


def test_reprint_of_a_purged_text_is_still_recognised(store: Store) -> None:
    fetch(store, "r1", record())
    take_out(store, ONE, purge=True)
    result = commit(store, "r2", record("http://b.example/9", title="Tựa khác"))
    assert endings(result) == [(Ending.DUPLICATE, "same-text")]


def test_run_of_a_retraction_adds_up_and_stands_among_the_runs(store: Store) -> None:
    fetch(store, "r1", record(), other())
    take_out(store, ONE, TWO)
    run = next(run for run in store.runs() if run.run_id == "out")
    assert (run.kind, run.state, run.version_id) == ("retract", "committed", 2)
    assert [(t.source, t.counts.rejected) for t in run.tallies] == [("a", 2)]
    page = store.pages("a", [ONE])[ONE]
    assert (page.ending, page.reason, page.fetched_at) == (Ending.REJECTED, "retracted", START)


def test_purge_erases_the_text_of_every_revision_and_the_hashes_still_verify(store: Store) -> None:
    fetch(store, "r1", record(), other())
    fetch(store, "r2", record(title="Tựa mới"))
    before, versions = rows(store), store.versions()
    result = take_out(store, ONE, purge=True)
    assert result.version is not None
    assert result.version.message == "1 document retracted and purged: court order"
    assert (result.purged.bodies, result.purged.pages, result.purged.missing) == (2, 2, ())
    after = rows(store)
    for old, new in zip(before, after, strict=False):
        changed = {name for name in old if old[name] != new[name]}
        assert changed == ({"codec", "body"} if old["url"] == ONE else set())
    assert [row["codec"] for row in after if row["url"] == ONE] == ["purged", "purged", "zstd"]
    assert all(verified_leaf(store, row) for row in after)
    for version in store.versions():
        leaves = [bytes.fromhex(row["leaf"]) for row in after if version.lo <= row["id"] <= version.hi]
        assert merkle_root(leaves).hex() == version.delta_root
    assert store.versions()[:2] == versions
    shown = store.document(ONE, store.version(1))
    assert shown is not None
    assert (shown.record.purged, shown.record.title, shown.record.text) == (True, "", "")
    assert titles(store, 1)[TWO] == "Bài khác"
    (change,) = store.changes(2, 3)
    assert "-(the text was purged)" in change.text_diff()


def test_purge_of_a_document_that_was_retracted_before_says_so_in_a_version_of_its_own(store: Store) -> None:
    fetch(store, "r1", record(), other())
    take_out(store, ONE)
    result = take_out(store, ONE, purge=True, run_id="later")
    assert result.version is not None
    assert (result.version.retracted, result.version.documents) == (1, 1)
    assert [d.record.retraction for d in store.history(ONE)] == [
        None, Retraction("court order", purge=False), Retraction("court order", purge=True)
    ]  # fmt: skip
    assert store.changes(2, 3) == []
    assert result.purged.bodies == 1
    again = take_out(store, ONE, purge=True, run_id="third")
    assert (again.version, again.purged.bodies, again.purged.pages) == (None, 0, 0)


def raw_files(store: Store) -> list[Path]:
    return sorted(store.archive_folder.rglob("*.warc.gz"))


def test_purged_raw_page_is_gone_and_every_warc_tool_still_reads_the_file(store: Store) -> None:
    fetch(store, "r1", record(), other(), record("http://a.example/3", lead="Ba.", paragraphs=()))
    captures = {d.record.url: d.capture_id or 0 for url in (ONE, TWO) for d in store.history(url)}
    (path,) = raw_files(store)
    size = path.stat().st_size
    take_out(store, ONE, purge=True)
    assert path.stat().st_size == size
    with pytest.raises(NotFound) as caught:
        store.raw(captures[ONE])
    assert caught.value.reason == "purged"
    assert store.raw(captures[TWO]) == page_of(other())
    with path.open("rb") as stream:
        read = [
            (item.rec_type, item.rec_headers.get_header("WARC-Target-URI"), item.content_stream().read())
            for item in ArchiveIterator(stream, check_digests="raise")
        ]
    assert [kind for kind, *_ in read] == ["warcinfo", "metadata", "response", "response"]
    assert read[1] == ("metadata", ONE, b"purged: yes\r\n")
    assert read[2] == ("response", TWO, page_of(other()))
    with path.open("rb") as stream:
        fast = [item.headers["WARC-Type"] for item in FastIterator(stream, parse_http=True)]
    assert fast == [kind for kind, *_ in read]


def test_purge_reaches_every_page_of_the_document_and_no_page_of_another(store: Store) -> None:
    amp = "http://a.example/amp/1"
    fetch(store, "r1", record(), other())
    fetch(store, "r2", record(), urls={ONE: amp})  # same canonical address: turned away, but kept
    fetch(store, "r3", record(), other())  # fetched again, unchanged
    third = record("http://a.example/3", lead="Ba.", paragraphs=(Paragraph("Đoạn của bài ba."),))
    fetch(store, "r4", third, urls={third.url: ONE})  # for once another document stood at its address
    assert take_out(store, ONE, purge=True).purged.pages == 3
    kept = [c["id"] for url in (TWO, ONE, amp) for c in store.story(url).captures]
    readable = []
    for number in kept:
        try:
            readable.append(store.raw(number))
        except NotFound:
            continue
    assert sorted(readable) == sorted([page_of(other()), page_of(other()), page_of(third)])


def test_purged_bytes_are_no_longer_in_the_files_of_an_sqlite_store(tmp_path: Path) -> None:
    with open_store(tmp_path, f"sqlite:///{tmp_path}/khotin.db") as store:
        fetch(store, "r1", record(), other())
        packed = {row["url"]: bytes(row["body"]) for row in rows(store)}
        take_out(store, ONE, purge=True)
        files = b"".join(path.read_bytes() for path in tmp_path.glob("khotin.db*"))
        assert packed[TWO] in files
        assert packed[ONE] not in files
        assert packed[ONE][40:80] not in files


@pytest.mark.parametrize("length", [400, 450, 1000, 70_000, 1_000_000])
def test_purged_member_has_the_length_of_what_stood_there(length: int) -> None:
    member = purged_member(RawPlace("2026/03/x.warc.gz", 7, length, ONE), START)
    assert len(member) == length


@pytest.mark.parametrize("body", [b"", b"x", b"<p>" * 10])
@pytest.mark.parametrize("url", ["seed:" + "0" * 16, ONE, "http://a.example/" + "dài-" * 400])
def test_smallest_pages_leave_room_for_the_record_of_their_purge(store: Store, body: bytes, url: str) -> None:
    store.begin_run("r", "ingest", "", START)
    with store.archive_writer("r", START, "t") as archive:
        for payload in (Payload(url, START, body), Payload(url, START, body, status=200)):
            place = archive.write(payload)
            raw = RawPlace(place.file, place.offset, place.length, url)
            assert len(purged_member(raw, START)) == place.length


GUARDED = (
    "UPDATE revision SET codec = 'purged', body = {digest}",  # also those that are not retracted
    "UPDATE revision SET codec = 'purged', body = {digest} WHERE op = 'retract'",
    "UPDATE revision SET codec = 'purged', body = {empty} WHERE rev = 1 AND url = '{one}'",
    "UPDATE revision SET codec = 'purged' WHERE rev = 1 AND url = '{one}'",
    "UPDATE revision SET body = {digest} WHERE rev = 1 AND url = '{one}'",
    "UPDATE revision SET codec = 'purged', body = body WHERE rev = 1 AND url = '{one}'",
    "UPDATE revision SET codec = 'zstd', body = {digest} WHERE rev = 1 AND url = '{one}'",
    "DELETE FROM revision WHERE url = '{one}'",
)


@pytest.mark.parametrize("statement", GUARDED)
def test_guard_lets_nothing_through_but_the_purge_of_a_retracted_body(store: Store, statement: str) -> None:
    fetch(store, "r1", record(), other())
    take_out(store, ONE)
    sqlite = store.location.startswith("sqlite")
    empty = "x''" if sqlite else "''::bytea"
    digest = f"x'{'0f' * 32}'" if sqlite else f"'\\x{'0f' * 32}'::bytea"
    text = sql(statement.format(empty=empty, digest=digest, one=ONE).replace("::", "\\:\\:"))
    before = rows(store)
    with pytest.raises(DBAPIError, match="append-only"), store.writing() as connection:
        connection.execute(text)
    assert rows(store) == before


def changed(name: str, old: Any) -> Any:
    """Another value of the type that a column of `revision` has."""
    if isinstance(old, list):
        return [*old, "x"]
    if isinstance(old, datetime) or name == "modified_at":
        return START + timedelta(days=9)
    if isinstance(old, str):
        return "ff" * (len(old) // 2) if name.endswith(("key", "leaf", "sha256")) else old + "x"
    return "x" if name == "agency" else (old or 0) + 1000


def test_guard_lets_no_other_column_change_with_a_purge(store: Store) -> None:
    fetch(store, "r1", record())
    take_out(store, ONE)
    table = table_of(Revision)
    row = rows(store)[0]
    others = [column.name for column in table.columns if column.name not in ("codec", "body")]
    for name in others:
        values = {name: changed(name, row[name]), "codec": "purged", "body": bytes(32)}
        statement = table.update().where(table.c.id == row["id"]).values(values)
        with pytest.raises(DBAPIError, match="append-only"), store.writing() as connection:
            connection.execute(statement)
    assert len(others) == len(row) - 2
    purge = table.update().where(table.c.id == row["id"]).values(codec="purged", body=bytes(32))
    with store.writing() as connection:
        assert connection.execute(purge).rowcount == 1
    for codec, body in (("zstd", b"x"), ("purged", bytes(32))):
        again = table.update().where(table.c.id == row["id"]).values(codec=codec, body=body)
        with pytest.raises(DBAPIError, match="append-only"), store.writing() as connection:
            connection.execute(again)


POINTS = (
    "INSERT INTO version",
    "INSERT INTO ingest_run",
    "INSERT INTO run_source",
    "checkpoint",
    "UPDATE revision",
    "SELECT capture.file",
    "raw:1",
    "raw:2",
)


def state(store: Store) -> tuple[Any, ...]:
    raw = []
    for capture in store.story(ONE).captures:
        try:
            raw.append(store.raw(capture["id"]))
        except NotFound as error:
            raw.append(error.reason.encode())
    codecs = [(row["url"], row["rev"], row["op"], row["codec"]) for row in rows(store)]
    return codecs, raw, [(v.id, v.kind, v.retracted, v.documents) for v in store.versions()]


@pytest.mark.parametrize("point", POINTS)
def test_purge_that_is_killed_is_completed_by_running_it_again(
    store_url: str, tmp_path: Path, point: str
) -> None:
    home = tmp_path / "home"
    with open_store(home, store_url) as store:
        fetch(store, "r1", record(), other())
        fetch(store, "r2", record(title="Tựa mới"))
    die_in("tests.storage.killed_purge", str(home), store_url, ONE, point)
    with open_store(home, store_url) as store:
        committed = not point.startswith("INSERT")
        assert len(store.versions()) == (3 if committed else 2)
        assert (store.document(ONE, store.version()) is None) == committed
        take_out(store, ONE, purge=True, run_id="again")
        codecs, raw, versions = state(store)
        assert [codec for url, _, _, codec in codecs if url == ONE] == ["purged", "purged", "zstd"]
        assert raw == [b"purged", b"purged"]
        assert versions == [(1, "ingest", 0, 2), (2, "ingest", 0, 2), (3, "retract", 1, 1)]
        assert (home / "HEAD.json").read_text().count('"version": 3') == 1
        done = take_out(store, ONE, purge=True, run_id="third")
        assert (done.version, done.purged.bodies, done.purged.pages) == (None, 0, 0)


def test_raw_page_that_was_half_overwritten_is_completed(store: Store) -> None:
    fetch(store, "r1", record(), other())
    (capture,) = store.story(ONE).captures
    (path,) = raw_files(store)
    place = RawPlace(capture["file"], capture["offset"], capture["length"], ONE)
    with path.open("r+b") as stream:
        stream.seek(place.offset)
        stream.write(purged_member(place, START)[: place.length // 2])
    with pytest.raises(StoreDamaged):
        store.raw(capture["id"])
    assert take_out(store, ONE, purge=True).purged.pages == 1
    with pytest.raises(NotFound, match="was purged"):
        store.raw(capture["id"])


def test_raw_file_that_is_not_there_is_told_and_stops_nothing(store: Store) -> None:
    fetch(store, "r1", record())
    fetch(store, "r2", record(title="Tựa mới"))
    first, second = raw_files(store)
    first.unlink()
    result = take_out(store, ONE, purge=True)
    assert (result.purged.bodies, result.purged.pages) == (2, 1)
    assert [Path(name).name for name in result.purged.missing] == [first.name]
    assert second.exists()


def test_leaves_and_chain_of_a_retraction_do_not_depend_on_the_database(
    tmp_path: Path, postgres_url: str
) -> None:
    found = []
    for number, url in enumerate((f"sqlite:///{tmp_path}/khotin.db", postgres_url)):
        with open_store(tmp_path / str(number), url) as store:
            fetch(store, "r1", record(), other())
            take_out(store, ONE, purge=True)
            found.append([(v.delta_root, v.chain) for v in store.versions()])
    assert found[0] == found[1]
    # The root of a version with one tombstone is its leaf: a golden value, like those in test_hashing.py.
    assert found[0][1][0] == "db2ecd520bff61ba99ec85d3a91e6a6153ef60f828d938c303d2e663b5f6478a"
