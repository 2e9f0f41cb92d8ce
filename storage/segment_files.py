"""The files of segments (storage/postings.py): written whole beside their place, synced and renamed.

A file is never changed, and what stands in it follows from the sketches in the database, so two processes
that write the same segment write the same bytes.

One line of JSON, padded to `HEADER_BYTES`; the keys (uint32, sorted); the revisions (uint32), those of one
key in order; the fences (uint32): for each value of a key's uppermost bits the first entry that has it or
more, and the end, so that a key is looked for among some fifty others and not among millions; how many keys
the sketch of each revision has (uint16, from `lo` on); a bitmap of the keys' upper bits, which answers most
questions for a key that is not there without touching the keys. The header holds the CRC-32 of all that
follows it, which is read once when a file is opened: a flipped bit could hide a duplicate without a word.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import numpy as np
import orjson

from parsers.shingles import ALGORITHM
from storage.postings import (
    CAP,
    Segment,
    bitmap_bits,
    count_fenced,
    mark,
    merged,
    no_fences,
    split,
    told_apart,
)

FORMAT = "khotin-postings-3"
HEADER_BYTES = 512
_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """What a segment is of. `chain`: the chain hash of the version that `hi` belongs to."""

    store_id: str
    chain: str
    lo: int
    hi: int
    count: int
    bits: int
    fence_bits: int
    crc32: int
    algorithm: str = ALGORITHM
    format: str = FORMAT
    cap: int = CAP


def segment_name(header: SegmentHeader) -> str:
    return f"{header.lo:012d}-{header.hi:012d}.{header.chain[:16]}.postings"


def write_segment(folder: Path, segments: Sequence[Segment], store_id: str, chain: str) -> Path:
    """Write one file of several segments that follow each other, and put it in its place."""
    lo, hi = segments[0].lo, segments[-1].hi
    draft = folder / f".{lo:012d}-{hi:012d}.{os.getpid()}.part"
    ids_draft = draft.with_suffix(".ids")
    bits = bitmap_bits(sum(len(segment) for segment in segments))
    bitmap = np.zeros(1 << bits >> 3, np.uint8)
    fences = no_fences(sum(len(segment) for segment in segments))
    count = 0
    try:
        with draft.open("wb") as file, ids_draft.open("w+b") as ids_file:
            file.write(b" " * HEADER_BYTES)
            body = _Summed(file)
            for entries in merged(segments):
                keys, ids = split(entries)
                count += len(keys)
                mark(bitmap, keys, bits)
                count_fenced(fences, keys)
                body.write(keys.astype("<u4", copy=False).tobytes())
                ids_file.write(ids.astype("<u4", copy=False).tobytes())
            ids_file.seek(0)
            while piece := ids_file.read(_READ_AT_ONCE):
                body.write(piece)
            body.write(np.cumsum(fences, dtype=np.uint32).astype("<u4", copy=False).tobytes())
            for segment in segments:
                body.write(segment.sizes.astype("<u2", copy=False).tobytes())
            body.write(bitmap.tobytes())
            header = SegmentHeader(store_id, chain, lo, hi, count, bits, told_apart(fences), body.crc32)
            file.seek(0)
            file.write(orjson.dumps(asdict(header)))
            file.flush()
            os.fsync(file.fileno())
        place = folder / segment_name(header)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
        ids_draft.unlink(missing_ok=True)
    _sync_folder(folder)
    return place


class _Summed:
    """Writes to a file and sums up what it wrote."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.crc32 = 0

    def write(self, data: bytes) -> None:
        self.crc32 = crc32(data, self.crc32)
        self._file.write(data)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sum_of_rest(file: BinaryIO) -> int:
    # Read, not mapped: so the pages do not count as memory of this process.
    total = 0
    while piece := file.read(_READ_AT_ONCE):
        total = crc32(piece, total)
    return total


def open_segment(path: Path) -> tuple[SegmentHeader, Segment] | None:
    """Map a file; None: it is gone, or no whole segment of today's form."""
    try:
        with path.open("rb") as file:
            told = orjson.loads(file.read(HEADER_BYTES))
            header = SegmentHeader(**told)
            ids_at = HEADER_BYTES + 4 * header.count
            fences_at = ids_at + 4 * header.count
            sizes_at = fences_at + 4 * ((1 << header.fence_bits) + 1)
            bitmap_at = sizes_at + 2 * (header.hi - header.lo + 1)
            end = bitmap_at + (1 << header.bits >> 3)
            current = (header.format, header.algorithm, header.cap) == (FORMAT, ALGORITHM, CAP)
            if not current or os.fstat(file.fileno()).st_size != end or segment_name(header) != path.name:
                return None
            if _sum_of_rest(file) != header.crc32:
                return None
            whole = np.memmap(file, np.uint8, "r")
    except (OSError, ValueError, TypeError):
        return None
    # As plain arrays: every slice of a memmap costs a microsecond of bookkeeping.
    raw = np.asarray(whole)
    segment = Segment(
        raw[HEADER_BYTES:ids_at].view("<u4"),
        raw[ids_at:fences_at].view("<u4"),
        header.lo,
        raw[sizes_at:bitmap_at].view("<u2"),
        raw[bitmap_at:],
        header.bits,
        raw[fences_at:sizes_at].view("<u4"),
        mapped=True,
    )
    return header, segment
