"""Verifying the raw archive: the index rows by their own hash, and every member that they name.

What lies in a file and no row names is a note, not damage: a run that was killed leaves it.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecordType

from parsers.urls import url_key
from storage.archive import PURGED_RECORD, warc_date
from storage.captures import HASHED_COLUMNS
from storage.findings import Findings
from storage.hashing import capture_hash
from storage.scanning import Row, Rows
from storage.tables import from_micros
from storage.verify_revision import Purged

_COLUMNS = ("id", *HASHED_COLUMNS, "url_key", "row_sha256")
_SELECT = f"SELECT {', '.join(f'c.{chr(34)}{name}{chr(34)}' for name in _COLUMNS)} FROM capture c"  # noqa: S608
_PAYLOAD = _COLUMNS.index("payload_sha256")
_OPEN_FILES = 16
_HEADERS_BYTES = 1 << 20
"""Room for the headers of a record beyond its payload, when a member is unpacked."""


class _Mismatch(Exception):
    """What is wrong with a member: its code and what was found."""

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(detail)
        self.what, self.detail = what, detail


class CaptureCheck:
    """Takes all index rows by in the order of their ids; with `folder` also reads what they point at."""

    def __init__(self, rows: Rows, findings: Findings, folder: Path | None, purged: Purged) -> None:
        self._rows = rows
        self._findings = findings
        self._folder = folder
        self._purged = purged
        self._showed_purged: set[int] = set()
        self._open: OrderedDict[str, tuple[BinaryIO, int]] = OrderedDict()
        self._spans: dict[str, tuple[int, int]] = {}
        self._intact = 0
        self.count = 0

    def run(self, progress: Callable[[int], None]) -> None:
        """Check every row, then what the files hold beyond them."""
        before = 0
        self._showed_purged = self._pages_of_purged()
        try:
            for batch in self._rows.scan("capture", _SELECT, "c.id", progress):
                for row in batch:
                    if row[0] != before + 1:
                        self._tell_gap(before + 1, row[0] - 1)
                    before = row[0]
                    self._check(row)
                self.count += len(batch)
            self._check_files()
            if self._intact:
                told = f"{self._intact} raw pages of purged documents are still there"
                self._findings.note(f"{told}: run the same retraction again")
        finally:
            for stream, _size in self._open.values():
                stream.close()

    def _tell_gap(self, first: int, last: int) -> None:
        lost = self._rows.unreadable.get("capture", set())
        if last - first > len(lost) or any(n not in lost for n in range(first, last + 1)):
            self._findings.add("capture", first if first == last else f"{first}-{last}", "missing")

    def _check(self, row: Row) -> None:
        try:
            if _row_hash(row) != row[-1]:
                self._findings.add("capture", row[0], "row-hash", "the row was changed")
            if bytes.fromhex(url_key(row[4])) != row[-2]:
                self._findings.add("capture", row[0], "url-key", "it is not the key of the URL")
            if self._folder is not None:
                self._check_member(self._folder, dict(zip(_COLUMNS, row, strict=True)))
        except _Mismatch as error:
            self._findings.add("capture", row[0], error.what, error.detail)
        except OSError as error:
            self._findings.add("capture", row[0], "unreadable", f"{row[12]}: {error.strerror or error}")
        except Exception as error:
            # Whatever a damaged value or member makes of this: it is told, and the next row is looked at.
            self._findings.add("capture", row[0], "wrong-type", f"{type(error).__name__}: {error}")

    def _check_member(self, folder: Path, row: dict[str, object]) -> None:
        file, offset, length = row["file"], row["offset"], row["length"]
        if not (isinstance(file, str) and isinstance(offset, int) and isinstance(length, int)):
            raise _Mismatch("wrong-type", "file, offset and length are text and whole numbers")
        stream, size = self._stream(folder, file)
        end = offset + length
        if offset < 0 or length <= 0 or end > size:
            raise _Mismatch("past-end", f"bytes {offset}-{end} of {file}, which has {size}")
        first, last = self._spans.get(file, (offset, end))
        self._spans[file] = (min(first, offset), max(last, end))
        stream.seek(offset)
        limit = int(str(row["payload_length"])) + _HEADERS_BYTES
        self._compare(_unpacked(stream.read(length), limit), row, f"{file} at byte {offset}")

    def _stream(self, folder: Path, file: str) -> tuple[BinaryIO, int]:
        if file in self._open:
            self._open.move_to_end(file)
            return self._open[file]
        path = folder / file
        if not path.resolve().is_relative_to(folder.resolve()):
            raise _Mismatch("bad-path", f"{file!r} is outside the archive")
        try:
            stream = path.open("rb")
        except FileNotFoundError as error:
            raise _Mismatch("file-missing", file) from error
        if len(self._open) >= _OPEN_FILES:
            self._open.popitem(last=False)[1][0].close()
        self._open[file] = (stream, path.stat().st_size)
        return self._open[file]

    def _compare(self, data: bytes, row: dict[str, object], where: str) -> None:
        record = next(iter(ArchiveIterator(io.BytesIO(data), parse_http=True)), None)
        if record is None:
            raise _Mismatch("member", f"{where}: no WARC record")
        body = record.reader.read()
        purged = record.record_type == WarcRecordType.metadata and body.startswith(PURGED_RECORD)
        if purged and self._may_be_purged(row):
            return
        if not purged and row["id"] in self._purged.capture_ids:
            self._intact += 1
        if hashlib.sha256(body).digest() != row["payload_sha256"] or len(body) != row["payload_length"]:
            raise _Mismatch("payload", f"{where}: the bytes are not those that were stored")
        status = record.http_headers.status_code if record.http_headers is not None else 0
        told = {
            "WARC-Target-URI": (record.headers.get("WARC-Target-URI"), row["final_url"]),
            "WARC-Date": (
                record.headers.get("WARC-Date"),
                warc_date(from_micros(int(str(row["fetched_at"])))),
            ),
            "status": (status, row["status"]),
        }
        for name, (there, expected) in told.items():
            if there != expected:
                raise _Mismatch("member", f"{where}: {name} is {there!r}, the row says {expected!r}")

    def _pages_of_purged(self) -> set[int]:
        """Captures that showed a purged document at whatever address: the ledger knows them."""
        if not self._purged.url_keys:
            return set()
        query = (
            "SELECT o.capture_id FROM outcome o JOIN revision r ON r.id = o.{} "
            "WHERE o.capture_id IS NOT NULL "
            "AND r.url_key IN (SELECT url_key FROM revision WHERE codec = 'purged')"
        )
        found: set[int] = set()
        for column in ("revision_id", "partner_revision_id"):
            found.update(row[0] for row in self._rows.attempt("outcome", query.format(column)))
        return found

    def _may_be_purged(self, row: dict[str, object]) -> bool:
        """A page that was purged is overwritten by a `metadata` record; only a retracted one may be."""
        return (
            row["id"] in self._purged.capture_ids
            or row["id"] in self._showed_purged
            or row["url_key"] in self._purged.url_keys
        )

    def _check_files(self) -> None:
        folder = self._folder
        if folder is None:
            return
        for path in sorted(folder.rglob("*.warc.gz")):
            name = path.relative_to(folder).as_posix()
            size = path.stat().st_size
            if name not in self._spans:
                self._findings.note(f"{name}: no capture row names it ({size} bytes)")
                continue
            first, last = self._spans[name]
            try:
                with path.open("rb") as stream:
                    _unpacked(stream.read(first), first * 1024 + _HEADERS_BYTES)
            except (_Mismatch, OSError) as error:
                self._findings.add("file", name, "member", f"its first bytes, before any page: {error}")
            if last < size:
                self._findings.note(f"{name}: {size - last} bytes after its last page, which no row names")


def _row_hash(row: Sequence[object]) -> bytes:
    fields = list(row[1 : 1 + len(HASHED_COLUMNS)])
    payload = fields[_PAYLOAD - 1]
    fields[_PAYLOAD - 1] = payload.hex() if isinstance(payload, bytes) else payload
    return capture_hash(fields)


def _unpacked(data: bytes, limit: int) -> bytes:
    """All gzip members in `data`, checked to their ends (CRC and length); at most `limit` bytes."""
    parts = []
    while data:
        gzip = zlib.decompressobj(wbits=31)
        try:
            parts.append(gzip.decompress(data, max(limit, 1)))
        except zlib.error as error:
            raise _Mismatch("member", f"gzip: {error}") from error
        if not gzip.eof:
            raise _Mismatch("member", "gzip: it is cut off, or far longer than it should be")
        data = gzip.unused_data
    return b"".join(parts)
