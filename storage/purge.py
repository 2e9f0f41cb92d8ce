"""Purging: the texts of retracted documents go for ever, while all hashes still verify.

A body gives way to its SHA-256, which its leaf covers, and its codec is set to `purged`: the one change that
the append-only guards let through, and only below a tombstone (storage/database.py). A raw page is
overwritten in its WARC file by a `metadata` record that says so, in a gzip member of exactly the same length:
RFC 1952 lets a member carry a comment of any length, which fills the rest. So no other offset moves and every
WARC tool still reads the file.

What a purge does not reach: backups and exports made before it, feeds in the archive that quoted the
article's first lines, and fragments of text in a trained dictionary, on which other bodies depend.
"""

from __future__ import annotations

import hashlib
import os
import struct
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, and_, delete, or_, select, update

from parsers.errors import StoreDamaged, StoreError
from parsers.urls import url_key
from storage.archive import PURGED_RECORD
from storage.codec import PURGED, Unpacker
from storage.ledger_rows import CHUNK
from storage.reading import read_dictionaries
from storage.tables import Capture, Outcome, Revision, Sketch, table_of

_GZIP_HEAD = struct.pack("<BBBBIBB", 0x1F, 0x8B, 8, 0x10, 0, 2, 255)
"""RFC 1952: magic, deflate, flag FCOMMENT, no time, slowest compression, unknown system."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many bodies and raw pages a purge took; `missing`: raw files that are not there (any more)."""

    bodies: int = 0
    pages: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class RawPlace:
    """Where a raw page stands in the archive, and the address that it is filed under."""

    file: str
    offset: int
    length: int
    url: str


def purge_bodies(connection: Connection, urls: Sequence[str]) -> int:
    """Purge the bodies of all revisions of retracted documents, and delete their sketches.

    Gives how many still had a body.
    """
    if connection.dialect.name == "sqlite":
        # Zeroes what is freed, so that the file holds no rest of it.
        connection.exec_driver_sql("PRAGMA secure_delete=ON").close()
    table, sketch = table_of(Revision), table_of(Sketch)
    keys = [url_key(url) for url in urls]
    purged = 0
    unpacker = Unpacker(read_dictionaries(connection))
    for start in range(0, len(keys), CHUNK):
        query = select(table.c.id, table.c.body, table.c.zdict_id).where(
            table.c.url_key.in_(keys[start : start + CHUNK]),
            table.c.op != "retract",
            table.c.codec != PURGED,
        )
        for revision_id, body, zdict_id in connection.execute(query).all():
            digest = _digest(unpacker, body, zdict_id)
            change = update(table).where(table.c.id == revision_id).values(codec=PURGED, body=digest)
            purged += connection.execute(change).rowcount
        texts = select(table.c.id).where(table.c.url_key.in_(keys[start : start + CHUNK]))
        connection.execute(delete(sketch).where(sketch.c.revision_id.in_(texts)))
    return purged


def _digest(unpacker: Unpacker, body: bytes, zdict_id: int | None) -> bytes:
    """The hash of a body. A body that is damaged goes too: its leaf will not verify, as it did not before."""
    try:
        return hashlib.sha256(unpacker.unpack(body, zdict_id)).digest()
    except StoreDamaged:
        return bytes(hashlib.sha256().digest_size)


def captures_of(connection: Connection, urls: Sequence[str]) -> list[RawPlace]:
    """Every raw page that showed one of the documents, at its own address or at another.

    The outcomes of the ledger tell which those are. `outcome.revision_id` has no index: the few retractions
    of a year pay for that with a scan, not every ingest with an index.
    """
    capture, revision, outcome = table_of(Capture), table_of(Revision), table_of(Outcome)
    places: set[RawPlace] = set()
    for start in range(0, len(urls), CHUNK):
        keys = [url_key(url) for url in urls[start : start + CHUNK]]
        own = revision.c.url_key.in_(keys)
        ids = select(revision.c.id).where(own)
        told = outcome.c.capture_id.is_not(None)
        showed_it = or_(
            outcome.c.revision_id.in_(ids),
            # Pages that were turned away because they named the document as their canonical address.
            and_(
                outcome.c.partner_revision_id.in_(ids),
                outcome.c.reason.in_(("same-canonical-url", "retracted")),
            ),
        )
        # A page at the document's address may have shown another one, before or after.
        showed_another = and_(
            outcome.c.url_key.in_(keys),
            outcome.c.revision_id.is_not(None),
            outcome.c.revision_id.not_in(ids),
        )
        query = select(capture.c.file, capture.c.offset, capture.c.length, capture.c.url).where(
            or_(
                capture.c.id.in_(
                    select(revision.c.capture_id).where(own, revision.c.capture_id.is_not(None))
                ),
                capture.c.id.in_(select(outcome.c.capture_id).where(told, showed_it)),
                and_(
                    capture.c.url_key.in_(keys),
                    capture.c.id.not_in(select(outcome.c.capture_id).where(told, showed_another)),
                ),
            )
        )
        places.update(RawPlace(*row) for row in connection.execute(query))
    return sorted(places)


def purge_raw(folder: Path, places: Sequence[RawPlace], now: datetime) -> Purged:
    """Overwrite raw pages in place and sync each file; those that are purged already are left alone.

    Raises StoreError if a file cannot be written; what was overwritten until then stays so.
    """
    pages = 0
    missing: list[str] = []
    by_file: dict[str, list[RawPlace]] = {}
    for place in places:
        by_file.setdefault(place.file, []).append(place)
    for name, inside in sorted(by_file.items()):
        try:
            with (folder / name).open("r+b") as stream:
                pages += sum(_overwrite(stream, place, now) for place in inside)
                stream.flush()
                os.fsync(stream.fileno())
        except FileNotFoundError:
            missing.append(name)
        except OSError as error:
            raise StoreError(
                f"the raw pages in {name} are not purged yet: {error.strerror or error}",
                reason="archive-not-writable",
                hint="make the file writable, then run the same command again: it goes on from here",
            ) from error
    return Purged(pages=pages, missing=tuple(missing))


def _overwrite(stream: BinaryIO, place: RawPlace, now: datetime) -> bool:
    """Put the purged member in place; False if one stands there already, or the file ends before it."""
    if stream.seek(0, os.SEEK_END) < place.offset:
        return False
    stream.seek(place.offset)
    if _is_purged(stream.read(place.length), place.length):
        return False
    stream.seek(place.offset)
    stream.write(purged_member(place, now))
    return True


def _is_purged(member: bytes, length: int) -> bool:
    """Whether a whole purged member stands there: a process killed in the middle leaves a torn one."""
    try:
        return len(member) == length and PURGED_RECORD in zlib.decompress(member, zlib.MAX_WBITS | 16)[-40:]
    except zlib.error:
        return False


def purged_member(place: RawPlace, now: datetime) -> bytes:
    """A gzip member of the place's length that holds a WARC `metadata` record saying that it was purged.

    The address is left out where a page was too short for it.
    """
    for with_address in (True, False):
        record = _metadata(place, now, with_address=with_address)
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = squeeze.compress(record) + squeeze.flush()
        packed += struct.pack("<II", zlib.crc32(record), len(record))
        room = place.length - len(_GZIP_HEAD) - 1 - len(packed)
        if room >= 0:
            return _GZIP_HEAD + b" " * room + b"\0" + packed
    raise StoreError(
        f"the raw page at byte {place.offset} of {place.file} is shorter than any WARC record of ours",
        hint="run `khotin verify`: its row in the index is wrong",
    )


def _metadata(place: RawPlace, now: datetime, *, with_address: bool) -> bytes:
    urn = uuid.uuid5(uuid.NAMESPACE_URL, f"khotin:purged/{place.file}/{place.offset}")
    moment = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    body = PURGED_RECORD + b"\r\n"
    lines = [
        "WARC/1.1",
        "WARC-Type: metadata",
        f"WARC-Record-ID: <urn:uuid:{urn}>",
        f"WARC-Date: {moment}",
        *([f"WARC-Target-URI: {place.url}"] if with_address else []),
        "Content-Type: application/warc-fields",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body + b"\r\n\r\n"
