"""Segments: immutable sorted lists of (key, revision), from which the texts that share keys are found.

A segment holds the sketches of the revisions `lo` to `hi`, sorted by key. Its file is written whole beside
its place, synced and renamed; it is never changed, and what stands in it follows from the sketches in the
database, so two processes that write the same segment write the same bytes. A key that more than `CAP`
revisions share says nothing: `CAP` + 1 of its entries are kept, by which it is known, the others left out.

File: one line of JSON, padded to `HEADER_BYTES`; the keys (uint32, sorted); the revisions (uint32), those of
one key in order; how many keys the sketch of each revision has (uint16, from `lo` on); a bitmap of the keys'
upper bits, which answers most questions for a key that is not there without touching the keys.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from parsers.shingles import ALGORITHM, Keys
from parsers.thresholds import THRESHOLDS

FORMAT = "khotin-postings-1"
CAP = THRESHOLDS.hot_key
HEADER_BYTES = 512
_BITS_PER_ENTRY = 8
MERGED_AT_ONCE = 2_000_000
"""So many entries are merged at once, whatever the size of the segments: it bounds the memory of a merge."""

Ids = npt.NDArray[np.uint32]
Sizes = npt.NDArray[np.uint16]
LARGEST_SIZE = 0xFFFF
Entries = npt.NDArray[np.uint64]
"""Key and revision in one number: sorted as numbers they are sorted by key, then by revision."""

_ID_BITS = np.uint64(32)


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """What a segment is of. `chain`: the chain hash of the version that `hi` belongs to."""

    store_id: str
    chain: str
    lo: int
    hi: int
    count: int
    bits: int
    algorithm: str = ALGORITHM
    format: str = FORMAT
    cap: int = CAP


class Segment:
    """Sorted keys with their revisions, in memory or mapped from a file."""

    def __init__(
        self,
        keys: Keys,
        ids: Ids,
        lo: int,
        sizes: npt.NDArray[np.integer[Any]],
        bitmap: npt.NDArray[np.uint8],
        bits: int,
        *,
        mapped: bool = False,
    ) -> None:
        self.keys = keys
        self.ids = ids
        self.lo = lo
        self.sizes = sizes
        self.mapped = mapped
        self._bitmap = bitmap
        self._shift = np.uint32(32 - bits)

    @classmethod
    def of(cls, lo: int, sketches: Sequence[Keys]) -> Segment:
        """A segment in memory of the sketches of the revisions from `lo` on; an empty one stands for none."""
        sizes = np.fromiter((len(keys) for keys in sketches), np.int64, len(sketches))
        ids = np.repeat(np.arange(lo, lo + len(sketches)), sizes)
        keys = np.concatenate(sketches) if len(sketches) else np.empty(0, np.uint32)
        entries = joined(keys, ids.astype(np.uint32))
        entries.sort()
        return cls._in_memory(lo, capped(entries), np.minimum(sizes, LARGEST_SIZE).astype(np.uint16))

    @classmethod
    def _in_memory(cls, lo: int, entries: Entries, sizes: Sizes) -> Segment:
        keys, ids = _split(entries)
        bits = bitmap_bits(len(keys))
        bitmap = np.zeros(1 << bits >> 3, np.uint8)
        mark(bitmap, keys, bits)
        return cls(keys, ids, lo, sizes, bitmap, bits)

    @classmethod
    def merging(cls, segments: Sequence[Segment]) -> Segment:
        """One segment in memory of several that follow each other."""
        sizes = np.concatenate([segment.sizes for segment in segments])
        return cls._in_memory(segments[0].lo, np.concatenate(list(merged(segments))), sizes)

    @property
    def hi(self) -> int:
        """The last revision whose sketch stands here."""
        return self.lo + len(self.sizes) - 1

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, wanted: Keys) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Of the sorted `wanted`: places of those that are here, the first entry of each, how many it has."""
        none = np.empty(0, np.intp)
        if not len(self.keys):
            return none, none, none
        upper = wanted >> self._shift
        maybe = np.flatnonzero(
            self._bitmap.take(upper >> 3) & np.left_shift(np.uint8(1), (upper & 7).astype(np.uint8))
        )
        candidates = wanted[maybe]
        start = np.searchsorted(self.keys, candidates)
        here = np.flatnonzero(self.keys.take(start, mode="clip") == candidates)
        maybe, start = maybe[here], start[here]
        count = np.searchsorted(self.keys, wanted[maybe], "right") - start
        return maybe, start, count

    def entries(self, first_key: int, end_key: int) -> Entries:
        """All entries of the keys from one to before another."""
        start, end = np.searchsorted(self.keys, np.array([first_key, end_key], np.uint64))
        return joined(np.asarray(self.keys[start:end]), np.asarray(self.ids[start:end]))


def joined(keys: Keys, ids: Ids) -> Entries:
    """Entries of keys and revisions."""
    return keys.astype(np.uint64) << _ID_BITS | ids


def _split(entries: Entries) -> tuple[Keys, Ids]:
    return (entries >> _ID_BITS).astype(np.uint32), entries.astype(np.uint32)


def bitmap_bits(entries: int) -> int:
    """How many upper bits of a key the bitmap of so many entries tells apart."""
    return min(32, max(10, (max(1, entries) * _BITS_PER_ENTRY - 1).bit_length() - 1))


def mark(bitmap: npt.NDArray[np.uint8], keys: Keys, bits: int) -> None:
    """Note sorted keys in a bitmap."""
    upper = keys >> np.uint32(32 - bits)
    place = upper >> 3
    bit = np.left_shift(np.uint8(1), (upper & 7).astype(np.uint8))
    if len(place):
        starts = np.flatnonzero(np.concatenate((np.ones(1, np.bool_), place[1:] != place[:-1])))
        bitmap[place[starts]] |= np.bitwise_or.reduceat(bit, starts)


def capped(entries: Entries) -> Entries:
    """Sorted entries without those of hot keys beyond the first `CAP` + 1."""
    keys = entries >> _ID_BITS
    beyond = CAP + 1
    if len(keys) <= beyond or not (keys[beyond:] == keys[:-beyond]).any():
        return entries
    keep = np.ones(len(keys), np.bool_)
    keep[beyond:] = keys[beyond:] != keys[:-beyond]
    return entries[keep]


def merged(segments: Sequence[Segment], at_once: int = MERGED_AT_ONCE) -> Iterator[Entries]:
    """The entries of several segments, in order and capped, piece by piece."""
    total = sum(len(segment) for segment in segments)
    pieces = max(1, -(-total // at_once))
    edges = [(1 << 32) * piece // pieces for piece in range(pieces + 1)]
    for first, end in pairwise(edges):
        entries = np.concatenate([segment.entries(first, end) for segment in segments])
        entries.sort()
        yield capped(entries)


def segment_name(header: SegmentHeader) -> str:
    return f"{header.lo:012d}-{header.hi:012d}.{header.chain[:16]}.postings"


def write_segment(folder: Path, segments: Sequence[Segment], store_id: str, chain: str) -> Path:
    """Write one file of several segments that follow each other, and put it in its place."""
    lo, hi = segments[0].lo, segments[-1].hi
    draft = folder / f".{lo:012d}-{hi:012d}.{os.getpid()}.part"
    ids_draft = draft.with_suffix(".ids")
    bits = bitmap_bits(sum(len(segment) for segment in segments))
    bitmap = np.zeros(1 << bits >> 3, np.uint8)
    count = 0
    try:
        with draft.open("wb") as file, ids_draft.open("w+b") as ids_file:
            file.write(b" " * HEADER_BYTES)
            for entries in merged(segments):
                keys, ids = _split(entries)
                count += len(keys)
                mark(bitmap, keys, bits)
                file.write(keys.astype("<u4", copy=False).tobytes())
                ids_file.write(ids.astype("<u4", copy=False).tobytes())
            ids_file.seek(0)
            while piece := ids_file.read(1 << 20):
                file.write(piece)
            for segment in segments:
                file.write(segment.sizes.astype("<u2", copy=False).tobytes())
            file.write(bitmap.tobytes())
            header = SegmentHeader(store_id, chain, lo, hi, count, bits)
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


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_segment(path: Path) -> tuple[SegmentHeader, Segment] | None:
    """Map a file; None: it is gone, or no whole segment of today's form."""
    try:
        with path.open("rb") as file:
            told = orjson.loads(file.read(HEADER_BYTES))
            header = SegmentHeader(**told)
            ids_at = HEADER_BYTES + 4 * header.count
            sizes_at = ids_at + 4 * header.count
            bitmap_at = sizes_at + 2 * (header.hi - header.lo + 1)
            end = bitmap_at + (1 << header.bits >> 3)
            current = (header.format, header.algorithm, header.cap) == (FORMAT, ALGORITHM, CAP)
            if not current or os.fstat(file.fileno()).st_size != end or segment_name(header) != path.name:
                return None
            whole = np.memmap(file, np.uint8, "r")
    except (OSError, ValueError, TypeError):
        return None
    # As plain arrays: every slice of a memmap costs a microsecond of bookkeeping.
    raw = np.asarray(whole)
    segment = Segment(
        raw[HEADER_BYTES:ids_at].view("<u4"),
        raw[ids_at:sizes_at].view("<u4"),
        header.lo,
        raw[sizes_at:bitmap_at].view("<u2"),
        raw[bitmap_at:],
        header.bits,
        mapped=True,
    )
    return header, segment
