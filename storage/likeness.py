"""The index of likeness: which known texts share keys with a new one.

The truth is the table `sketch`. Beside the database stand segments (storage/postings.py) that cover the first
revisions; what lies beyond them is read from the table. So the index needs no commit of its own: a process
that is killed leaves segments that are whole and cover less, and whatever is missing, stale or of another
store is passed over and made anew. Any process may write segments at any time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from parsers.shingles import Keys
from parsers.thresholds import THRESHOLDS
from storage.postings import CAP, Segment, no_fences
from storage.segment_files import SegmentHeader, open_segment, write_segment
from storage.sketches import read_sketches
from storage.tables import Revision, Version, table_of

FOLDER = "likeness"
FAN = 4
"""So many segments of one size are merged into the next."""
SMALLEST = 1_000
"""So many revisions beyond the segments make a new one."""
LARGEST_WRITTEN = 64_000
"""A rebuild writes segments of at most so many revisions before it merges them."""

_NAME = re.compile(r"(\d{12})-(\d{12})\.[0-9a-f]{16}\.postings\Z")
_PATIENCE = 5
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may be akin. `id`: its revision, or, if negative, -1 - its place in the same batch."""

    id: int
    hits: int


class View:
    """The index as one transaction sees it: all revisions up to `hi`."""

    def __init__(self, segments: Sequence[Segment], hi: int) -> None:
        self._segments = list(segments)
        self.hi = hi

    @property
    def segments(self) -> list[Segment]:
        return self._segments

    def add(self, sketches: Sequence[Keys]) -> None:
        """Take in the revisions that follow."""
        if not sketches:
            return
        self._segments.append(Segment.of(self.hi + 1, sketches))
        self.hi += len(sketches)
        while (run := mergeable([0 if s.mapped else len(s.sizes) for s in self._segments])) is not None:
            self._segments[run] = [Segment.merging(self._segments[run])]

    def candidates(self, sketches: Sequence[Keys]) -> list[list[Candidate]]:
        """For each text of a batch: known texts, and earlier ones of the batch, that share enough keys."""
        sizes = np.fromiter((len(keys) for keys in sketches), np.int64, len(sketches))
        found: list[list[Candidate]] = [[] for _ in sketches]
        if not sizes.sum():
            return found
        keys = np.concatenate(sketches)
        owners = np.repeat(np.arange(len(sketches)), sizes)
        order = np.argsort(keys, kind="stable")
        keys, owners = keys[order], owners[order]
        first = np.concatenate((np.ones(1, np.bool_), keys[1:] != keys[:-1]))
        wanted = keys[first]
        starts = np.flatnonzero(first)
        asking = _Asking(owners, starts, np.diff(np.append(starts, len(keys))))
        looked = [segment.find(wanted) for segment in self._segments]
        total = asking.counts.copy()
        for places, _, counts in looked:
            total[places] += counts
        cold = total <= CAP
        pairs = [
            _pairs(segment, asking, places[keep], begin[keep], counts[keep])
            for segment, (places, begin, counts) in zip(self._segments, looked, strict=True)
            for keep in (cold[places],)
        ]
        own = Segment(keys, owners.astype(np.uint32), 0, sizes, np.empty(0, np.uint8), 1, no_fences(0))
        there = np.flatnonzero((asking.counts > 1) & cold)
        owner, other, hits = _pairs(own, asking, there, starts[there], asking.counts[there])
        earlier = other < owner
        pairs.append((owner[earlier], -1 - other[earlier], hits[earlier]))
        known = [
            _enough(owner, other, hits, sizes, segment)
            for segment, (owner, other, hits) in zip([*self._segments, own], pairs, strict=True)
        ]
        owner, other, hits = (np.concatenate(parts) for parts in zip(*known, strict=True))
        for place in np.lexsort((other, -hits, owner)).tolist():
            chosen = found[int(owner[place])]
            if len(chosen) < THRESHOLDS.candidates:
                chosen.append(Candidate(int(other[place]), int(hits[place])))
        return found


class _Asking(NamedTuple):
    """The keys of a batch, sorted: who asks for each, as runs of `owners`."""

    owners: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]
    counts: npt.NDArray[np.intp]


def _pairs(
    segment: Segment,
    asking: _Asking,
    places: npt.NDArray[np.intp],
    begin: npt.NDArray[np.intp],
    counts: npt.NDArray[np.intp],
) -> tuple[Ints, Ints, Ints]:
    """Who shares how many keys with whom in one segment: owner, other, hits (not fewer than count).

    `places` are those of the keys that it holds; `begin` and `counts` their entries there.
    """
    if not len(places):
        none = np.empty(0, np.int64)
        return none, none, none
    askers = asking.counts[places]
    owners = asking.owners[_runs(asking.starts[places], askers)]
    repeats = np.repeat(counts, askers)
    entries = _runs(np.repeat(begin, askers), repeats)
    pairs = np.repeat(owners, repeats).astype(np.uint64) << np.uint64(32) | segment.ids[entries]
    pairs.sort()
    first = np.flatnonzero(np.concatenate((np.ones(1, np.bool_), pairs[1:] != pairs[:-1])))
    hits = np.diff(np.append(first, len(pairs)))
    enough = hits >= THRESHOLDS.shared_keys
    kept = pairs[first[enough]]
    return (
        (kept >> np.uint64(32)).astype(np.int64),
        (kept & np.uint64(0xFFFFFFFF)).astype(np.int64),
        hits[enough],
    )


def _runs(starts: npt.NDArray[np.intp], counts: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The numbers from each start on, so many of each."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1]) - np.repeat(ends - counts - starts, counts)


def _enough(owner: Ints, other: Ints, hits: Ints, sizes: Ints, segment: Segment) -> tuple[Ints, Ints, Ints]:
    theirs = segment.sizes[np.where(other < 0, -1 - other, other) - segment.lo].astype(np.int64)
    keep = hits >= THRESHOLDS.shared_sketch * np.minimum(sizes[owner], theirs)
    return owner[keep], other[keep], hits[keep]


class LikenessIndex:
    """The folder of segments of one store.

    `chain_at` gives what a segment that ends with a revision is bound to: the chain of its version.
    """

    def __init__(
        self, folder: Path, store_id: str, chain_at: Callable[[Connection, int], str] | None = None
    ) -> None:
        self.folder = folder
        self._store_id = store_id
        self._chain_at = chain_at or version_chain
        self._open: dict[str, tuple[SegmentHeader, Segment]] = {}

    def view(self, connection: Connection, hi: int) -> View:
        """What is known of all revisions up to `hi`, the last one that the transaction sees."""
        covering = self._covering(connection, hi)
        after = covering[-1][0].hi if covering else 0
        view = View([segment for _, segment in covering], after)
        for _, sketches in read_sketches(connection, after, hi):
            view.add(sketches)
        return view

    def covered(self, connection: Connection, hi: int) -> int:
        """Up to which revision the segments reach."""
        covering = self._covering(connection, hi)
        return covering[-1][0].hi if covering else 0

    def _covering(self, connection: Connection, hi: int) -> list[tuple[SegmentHeader, Segment]]:
        """The fewest segments that follow each other from the first revision on."""
        for _ in range(_PATIENCE):
            names = self._names()
            # What others have merged away is let go of, with its place on the disk.
            there = {name for *_, name in names}
            self._open = {name: opened for name, opened in self._open.items() if name in there}
            chosen: list[tuple[SegmentHeader, Segment]] = []
            after = 0
            while True:
                here = sorted((end, name) for start, end, name in names if start == after + 1 and end <= hi)
                if not here:
                    return chosen
                end, name = here[-1]
                opened = self._opened(name, connection)
                if opened is None:
                    if not (self.folder / name).exists():
                        break  # merged away meanwhile: look again
                    names = [entry for entry in names if entry[2] != name]
                    continue
                chosen.append(opened)
                after = end
        return []

    def _names(self) -> list[tuple[int, int, str]]:
        if not self.folder.is_dir():
            return []
        found = (_NAME.match(path.name) for path in self.folder.iterdir())
        return [(int(match[1]), int(match[2]), match[0]) for match in found if match]

    def _opened(self, name: str, connection: Connection) -> tuple[SegmentHeader, Segment] | None:
        opened = self._open.get(name) or open_segment(self.folder / name)
        if opened is None or opened[0].store_id != self._store_id:
            return None
        if opened[0].chain != self._chain_at(connection, opened[0].hi):
            return None
        self._open[name] = opened
        return opened

    # -- writing ----------------------------------------------------------------------------------------

    def catch_up(
        self,
        connection: Connection,
        hi: int,
        *,
        smallest: int = SMALLEST,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Write segments of the revisions up to `hi` that have none, if they are many enough, and merge.

        `connection` only reads. `advance` is told how many revisions were taken in.
        """
        after = self.covered(connection, hi)
        if hi - after < smallest:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        waiting: list[Segment] = []
        for first, sketches in read_sketches(connection, after, hi):
            waiting.append(Segment.of(first, sketches))
            if waiting[-1].hi - waiting[0].lo + 1 >= LARGEST_WRITTEN or waiting[-1].hi == hi:
                write_segment(
                    self.folder, waiting, self._store_id, self._chain_at(connection, waiting[-1].hi)
                )
                waiting = []
            advance(len(sketches))
        self._merge(connection, hi)
        self._sweep(connection, hi)

    def _merge(self, connection: Connection, hi: int) -> None:
        """Merge neighbours of about one size until they are few."""
        while True:
            covering = self._covering(connection, hi)
            sizes = [header.hi - header.lo + 1 for header, _ in covering]
            run = mergeable(sizes)
            if run is None:
                return
            segments = [segment for _, segment in covering[run]]
            write_segment(self.folder, segments, self._store_id, covering[run][-1][0].chain)

    def _sweep(self, connection: Connection, hi: int) -> None:
        """Delete the segments that a greater one has replaced, and those of other stores."""
        kept = {id(segment) for _, segment in self._covering(connection, hi)}
        for _, end, name in self._names():
            opened = self._open.get(name)
            # What reaches further than this transaction sees is of another process.
            if end <= hi and (opened is None or id(opened[1]) not in kept):
                (self.folder / name).unlink(missing_ok=True)
                self._open.pop(name, None)

    def clear(self) -> None:
        """Delete all segments: they are made anew from the sketches."""
        self._open.clear()
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if _NAME.match(path.name) or path.suffix in {".part", ".ids"}:
                    path.unlink(missing_ok=True)


def mergeable(sizes: Sequence[int]) -> slice | None:
    """The last neighbours of about one size, if they are `FAN` or more; one of size 0 is never among them."""
    end = len(sizes)
    while end:
        level = _level(sizes[end - 1])
        start = end
        while start and sizes[start - 1] and _level(sizes[start - 1]) <= level:
            start -= 1
        if end - start >= FAN:
            return slice(start, end)
        end = min(start, end - 1)
    return None


def _level(size: int) -> int:
    # Each level is four times (`FAN`) as large as the one below.
    return (size.bit_length() - 1) // 2


def version_chain(connection: Connection, revision_id: int) -> str:
    """The chain hash of the version that a revision belongs to; empty if there is none."""
    version, revision = table_of(Version), table_of(Revision)
    query = select(version.c.chain).select_from(version).join(revision, revision.c.version_id == version.c.id)
    return connection.execute(query.where(revision.c.id == revision_id)).scalar() or ""
