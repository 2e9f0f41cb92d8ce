"""The raw archive: every page as it came, in WARC 1.1 files (ISO 28500:2017) that any WARC tool reads.

One run writes its own files, so that runs never share one and a torn tail harms one run only. A file is
`raw/YYYY/MM/khotin-<start>-<run>-<serial>.warc.gz`, one gzip member a record; `capture` rows are its index.
HTTP bodies are stored decoded, as Common Crawl does: the coding on the wire stands in
`X-Crawl-Content-Encoding`, and Content-Length is that of the stored body.
"""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType

from fastwarc.stream_io import GzipWriter
from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from parsers.errors import NotFound, StoreDamaged, StoreError

ROTATE_BYTES = 1_000_000_000
PURGED_RECORD = b"purged: yes"
"""The first line of the record that stands in the place of a page that was purged (storage/purge.py)."""
_DROPPED_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True)
class Payload:
    """Raw bytes on their way into the archive; `status` 0 means that they came from no HTTP answer."""

    url: str
    fetched_at: datetime
    body: bytes
    status: int = 0
    headers: Sequence[tuple[str, str]] = ()
    content_type: str = "application/octet-stream"
    content_encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """Where a record stands: file relative to the archive's folder, offset and length in bytes."""

    file: str
    offset: int
    length: int
    payload_sha256: str
    payload_length: int


class ArchiveWriter:
    """Appends records to the files of one run. `sync` before the rows that point at them are committed."""

    def __init__(
        self, folder: Path, run_id: str, started_at: datetime, software: str, rotate_bytes: int = ROTATE_BYTES
    ) -> None:
        self._folder = folder
        self._run_id = run_id
        self._started_at = started_at.astimezone(UTC)
        self._software = software
        self._rotate_bytes = rotate_bytes
        self._serial = -1
        self._records = 0
        self._file: io.FileIO | None = None
        self._name = ""
        self._offset = 0

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._abandon()

    def write(self, payload: Payload) -> Location:
        """Append one record. Raises StoreError when the disk refuses it."""
        try:
            if self._file is None or self._offset >= self._rotate_bytes:
                self._open_next()
            record = _response(payload) if payload.status else _resource(payload)
            return self._append(record, payload)
        except OSError as error:
            self._abandon()
            raise self._not_writable(error) from error

    def sync(self) -> None:
        """Force what was written to the disk. Raises StoreError when the disk refuses it."""
        if self._file is not None:
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                self._abandon()
                raise self._not_writable(error) from error

    def close(self) -> None:
        """Sync and close; closing twice does nothing. Raises StoreError when the disk refuses it."""
        self.sync()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _abandon(self) -> None:
        # After a failed write or sync nobody knows what stands at the end of the file, so the next record
        # goes into a new one: a torn tail harms no row, a wrong offset would.
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _not_writable(self, error: OSError) -> StoreError:
        return StoreError(
            f"cannot write the raw archive {self._folder}: {error.strerror or error}",
            reason="archive-not-writable",
            hint="free some disk space or set KHOTIN_HOME to a folder that you may write to",
        )

    def _open_next(self) -> None:
        self.close()
        self._serial += 1
        start = self._started_at.strftime("%Y%m%dT%H%M%SZ")
        folder = self._folder / self._started_at.strftime("%Y/%m")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"khotin-{start}-{self._run_id[-8:]}-{self._serial:05d}.warc.gz"
        # Unbuffered: a buffer would keep what the disk refused and write it later, at another place.
        self._file = path.open("xb", buffering=0)
        self._name = path.relative_to(self._folder).as_posix()
        self._offset = 0
        _sync_folder(folder)
        info = WarcRecord()
        info.init_headers(record_type=WarcRecordType.warcinfo, record_urn=self._next_urn())
        info.headers["WARC-Date"] = warc_date(self._started_at)
        info.headers["WARC-Filename"] = path.name
        info.headers["Content-Type"] = "application/warc-fields"
        fields = (
            f"software: {self._software}",
            "format: WARC File Format 1.1",
            f"isPartOf: {self._run_id}",
            "",
        )
        info.set_bytes_content("\r\n".join(fields).encode())
        self._write_member(info)

    def _append(self, record: WarcRecord, payload: Payload) -> Location:
        urn = self._next_urn()
        record.headers["WARC-Record-ID"] = f"<urn:{urn.decode()}>"
        offset, length = self._write_member(record)
        return Location(
            self._name, offset, length, hashlib.sha256(payload.body).hexdigest(), len(payload.body)
        )

    def _write_member(self, record: WarcRecord) -> tuple[int, int]:
        # Each record is compressed in memory first: so its offset and length are exact, and a failing
        # write leaves at most one torn member at the end of the file.
        buffer = io.BytesIO()
        gzip = GzipWriter(buffer)
        record.write(gzip, checksum_data=True)
        gzip.finish()
        gzip.flush()
        data = buffer.getvalue()
        if self._file is None:  # pragma: no cover - write() opens it
            raise StoreError("the archive is closed")
        offset = self._offset
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._offset += len(data)
        return offset, len(data)

    def _next_urn(self) -> bytes:
        self._records += 1
        return f"uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'khotin:{self._run_id}/{self._records}')}".encode()


def _response(payload: Payload) -> WarcRecord:
    try:
        phrase = HTTPStatus(payload.status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {payload.status} {phrase}".rstrip()]
    for name, value in payload.headers:
        clean = value.replace("\r", " ").replace("\n", " ").replace("\0", " ")
        if name.lower() in _DROPPED_HEADERS:
            lines.append(f"X-Crawl-{name}: {clean}")
        else:
            lines.append(f"{name}: {clean}")
    lines.append(f"Content-Length: {len(payload.body)}")
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    record = _record(WarcRecordType.response, payload, "application/http; msgtype=response")
    record.set_bytes_content(head + payload.body)
    return record


def _resource(payload: Payload) -> WarcRecord:
    record = _record(WarcRecordType.resource, payload, payload.content_type)
    record.set_bytes_content(payload.body)
    return record


def _record(kind: WarcRecordType, payload: Payload, content_type: str) -> WarcRecord:
    record = WarcRecord()
    record.init_headers(record_type=kind)
    record.headers["WARC-Target-URI"] = payload.url
    record.headers["WARC-Date"] = warc_date(payload.fetched_at)
    record.headers["Content-Type"] = content_type
    return record


def warc_date(time: datetime) -> str:
    """A zone-aware time as WARC-Date has it: UTC, to the microsecond."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _sync_folder(folder: Path) -> None:
    """A new file survives a power cut only when its folder is synced too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_payload(folder: Path, file: str, offset: int, length: int, payload_sha256: str) -> bytes:
    """Read back one payload and check it.

    Raises StoreDamaged when it is not what was written, NotFound (`purged`) when it was purged.
    """
    where = f"{file} at byte {offset}"
    hint = "restore the file from a backup of the raw archive"
    try:
        with (folder / file).open("rb") as stream:
            stream.seek(offset)
            member = stream.read(length)
        record = next(iter(ArchiveIterator(io.BytesIO(member), parse_http=True)), None)
        body = None if record is None else bytes(record.reader.read())
        purged = record is not None and record.record_type == WarcRecordType.metadata
    except OSError as error:
        raise StoreDamaged(f"the raw page {where} cannot be read: {error}", hint=hint) from error
    if purged and body is not None and body.startswith(PURGED_RECORD):
        raise NotFound(
            f"the raw page {where} was purged",
            reason="purged",
            hint="`khotin history URL` tells when its document was retracted, and why",
        )
    if body is None or hashlib.sha256(body).hexdigest() != payload_sha256:
        raise StoreDamaged(f"the raw page {where} is not what was stored", hint=hint)
    return body
