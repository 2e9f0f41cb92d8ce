"""The raw archive: what goes in comes out, by our reader and by another's."""

from __future__ import annotations

from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from parsers.errors import StoreDamaged
from storage.archive import ArchiveWriter, Location, Payload, read_payload
from tests.conftest import START

PAGE = Payload(
    "http://a.example/1",
    START,
    b"<p>xin ch\xc3\xa0o</p>" * 50,
    status=200,
    headers=(("Content-Type", "text/html"), ("Content-Encoding", "gzip"), ("X-Odd", "a\r\nb")),
    content_type="text/html",
)
SEED = Payload("seed:00ff", START, "hạt giống".encode(), content_type="text/plain")


def write(folder: Path, *payloads: Payload, rotate: int = 10**9) -> list[Location]:
    with ArchiveWriter(folder, "20260302T010000Z-abcd1234", START, "khotin test", rotate) as archive:
        return [archive.write(payload) for payload in payloads]


def test_payloads_read_back_byte_for_byte(tmp_path: Path) -> None:
    for payload, place in zip((PAGE, SEED), write(tmp_path, PAGE, SEED), strict=True):
        body = read_payload(tmp_path, place.file, place.offset, place.length, place.payload_sha256)
        assert body == payload.body


def test_another_warc_tool_reads_the_file(tmp_path: Path) -> None:
    place = write(tmp_path, PAGE, SEED)[0]
    with (tmp_path / place.file).open("rb") as stream:
        records = [
            (r.rec_type, r.rec_headers.get_header("WARC-Target-URI"), r.content_stream().read(),
             r.http_headers.get_header("X-Crawl-Content-Encoding") if r.http_headers else None)
            for r in ArchiveIterator(stream, check_digests="raise")
        ]  # fmt: skip
    assert records[0][0] == "warcinfo"
    assert records[1] == ("response", PAGE.url, PAGE.body, "gzip")
    assert records[2] == ("resource", SEED.url, SEED.body, None)


def test_full_file_is_followed_by_the_next(tmp_path: Path) -> None:
    places = write(tmp_path, PAGE, PAGE, PAGE, rotate=1)
    assert len({place.file for place in places}) == 3
    assert all(
        read_payload(tmp_path, p.file, p.offset, p.length, p.payload_sha256) == PAGE.body for p in places
    )


def test_run_without_pages_leaves_no_file(tmp_path: Path) -> None:
    write(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_damaged_page_is_told_and_never_given_out(tmp_path: Path, damage: str) -> None:
    place = write(tmp_path, PAGE)[0]
    path = tmp_path / place.file
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[place.offset + place.length // 2] ^= 4
        path.write_bytes(data)
    elif damage == "cut":
        path.write_bytes(data[: place.offset + place.length // 2])
    else:
        path.unlink()
    with pytest.raises(StoreDamaged):
        read_payload(tmp_path, place.file, place.offset, place.length, place.payload_sha256)
