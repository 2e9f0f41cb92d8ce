"""Segments: immutable sorted lists of (key, revision), from which the texts that share keys are found.

A segment holds the sketches of the revisions `lo` to `hi`, sorted by key. A key that more than `CAP`
revisions share says nothing: `CAP` + 1 of its entries are kept, by which it is known, the others left out.
Their files: storage/segment_files.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from parsers.shingles import Keys
from parsers.thresholds import THRESHOLDS

CAP = THRESHOLDS.hot_key
_BITS_PER_ENTRY = 8
_ENTRIES_PER_FENCE = 64
MERGED_AT_ONCE = 2_000_000
"""So many entries are merged at once, whatever the size of the segments: it bounds the memory of a merge."""

Ids = npt.NDArray[np.uint32]
Sizes = npt.NDArray[np.uint16]
LARGEST_SIZE = 0xFFFF
Fences = npt.NDArray[np.uint32]
Places = npt.NDArray[np.intp]
Entries = npt.NDArray[np.uint64]
"""Key and revision in one number: sorted as numbers they are sorted by key, then by revision."""

_ID_BITS = np.uint64(32)


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
        fences: Fences,
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
        self._fences = fences
        self._fence_shift = np.uint32(32 - told_apart(fences))

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
        keys, ids = split(entries)
        bits = bitmap_bits(len(keys))
        bitmap = np.zeros(1 << bits >> 3, np.uint8)
        mark(bitmap, keys, bits)
        fences = no_fences(len(keys))
        count_fenced(fences, keys)
        return cls(keys, ids, lo, sizes, bitmap, bits, np.cumsum(fences, dtype=np.uint32))

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

    def find(self, wanted: Keys) -> tuple[Places, Places, Places]:
        """Of the sorted `wanted`: places of those that are here, the first entry of each, how many it has."""
        if not len(self.keys):
            none = np.empty(0, np.intp)
            return none, none, none
        upper = wanted >> self._shift
        maybe = np.flatnonzero(
            self._bitmap.take(upper >> 3) & np.left_shift(np.uint8(1), (upper & 7).astype(np.uint8))
        )
        candidates = wanted[maybe]
        fence = candidates >> self._fence_shift
        low, high = self._fences.take(fence).astype(np.intp), self._fences.take(fence + 1).astype(np.intp)
        start = self._search(candidates, low, high, np.less)
        here = np.flatnonzero((self.keys.take(start, mode="clip") == candidates) & (start < high))
        maybe, start = maybe[here], start[here]
        return maybe, start, self._search(candidates[here], start, high[here], np.less_equal) - start

    def _search(self, wanted: Keys, low: Places, high: Places, is_before: np.ufunc) -> Places:
        """For each key the first entry from `low` to before `high` that is not before it, else `high`."""
        widest = int((high - low).max(initial=0))
        for _ in range(widest.bit_length()):
            middle = (low + high) >> 1
            # Where nothing is left to search, the entry behind the end is read, and changes nothing.
            before = is_before(self.keys.take(middle, mode="clip"), wanted) & (middle < high)
            low = np.where(before, middle + 1, low)
            high = np.where(before, high, middle)
        return low

    def entries(self, first_key: int, end_key: int) -> Entries:
        """All entries of the keys from one to before another."""
        start, end = np.searchsorted(self.keys, np.array([first_key, end_key], np.uint64))
        return joined(np.asarray(self.keys[start:end]), np.asarray(self.ids[start:end]))


def joined(keys: Keys, ids: Ids) -> Entries:
    """Entries of keys and revisions."""
    return keys.astype(np.uint64) << _ID_BITS | ids


def split(entries: Entries) -> tuple[Keys, Ids]:
    """Entries taken apart: keys and revisions."""
    return (entries >> _ID_BITS).astype(np.uint32), entries.astype(np.uint32)


def bitmap_bits(entries: int) -> int:
    """How many upper bits of a key the bitmap of so many entries tells apart."""
    return min(32, max(10, (max(1, entries) * _BITS_PER_ENTRY - 1).bit_length() - 1))


def no_fences(entries: int) -> Fences:
    """Empty counts, as many as so many entries need."""
    return np.zeros((1 << max(1, (entries // _ENTRIES_PER_FENCE).bit_length())) + 1, np.uint32)


def told_apart(fences: Fences) -> int:
    """How many uppermost bits of a key these fences, or counts, tell apart."""
    return (len(fences) - 1).bit_length() - 1


def count_fenced(counts: Fences, keys: Keys) -> None:
    """Count sorted keys by their uppermost bits: the sums of all before it are the fences."""
    upper = keys >> np.uint32(32 - told_apart(counts))
    starts = np.flatnonzero(np.concatenate((np.ones(min(1, len(keys)), np.bool_), upper[1:] != upper[:-1])))
    counts[upper[starts] + 1] += np.diff(starts, append=len(keys)).astype(np.uint32)


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
