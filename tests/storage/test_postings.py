"""Segments hold what was put in, merged or not; the view finds exactly the texts that share enough keys."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from parsers.shingles import Keys
from parsers.thresholds import THRESHOLDS
from storage.likeness import FAN, View, mergeable
from storage.postings import CAP, Segment, merged
from storage.segment_files import HEADER_BYTES, open_segment, write_segment


def keys(values: set[int] | list[int]) -> Keys:
    return np.array(sorted(set(values)), np.uint32)


def sketches(seed: int, count: int, *, space: int = 5_000) -> list[Keys]:
    chance = random.Random(seed)
    return [
        keys({chance.randrange(space) * 800_003 % 2**32 for _ in range(chance.randint(0, 40))})
        for _ in range(count)
    ]


def entries(segment: Segment) -> list[tuple[int, int]]:
    return list(zip(segment.keys.tolist(), segment.ids.tolist(), strict=True))


def plainly(first: int, told: list[Keys]) -> list[tuple[int, int]]:
    """Every key with its revisions, the first CAP + 1 of them."""
    by_key: dict[int, list[int]] = {}
    for place, found in enumerate(told):
        for key in found.tolist():
            by_key.setdefault(key, []).append(first + place)
    return [(key, i) for key in sorted(by_key) for i in by_key[key][: CAP + 1]]


def test_a_segment_holds_each_key_with_its_revisions() -> None:
    told = sketches(1, 50)
    segment = Segment.of(7, told)
    assert entries(segment) == plainly(7, told)
    assert (segment.lo, segment.hi) == (7, 56)
    assert segment.sizes.tolist() == [len(found) for found in told]


def test_find_finds_what_is_there_and_nothing_else() -> None:
    told = sketches(2, 60)
    segment = Segment.of(1, told)
    count = Counter(key for found in told for key in found.tolist())
    wanted = keys([*list(count)[::3], *range(0, 2**32, 9_999_991), 0, 2**32 - 1])
    places, start, counts = segment.find(wanted)
    assert {wanted[p]: c for p, c in zip(places.tolist(), counts.tolist(), strict=True)} == {
        key: count[key] for key in wanted.tolist() if count[key]
    }
    assert all(segment.keys[s] == wanted[p] for p, s in zip(places.tolist(), start.tolist(), strict=True))
    assert [len(part) for part in Segment.of(1, []).find(wanted)] == [0, 0, 0]


def test_merged_segments_are_the_segment_of_all(tmp_path: Path) -> None:
    told = sketches(3, 90)
    whole = Segment.of(1, told)
    parts = [Segment.of(1, told[:20]), Segment.of(21, told[20:21]), Segment.of(22, told[21:])]
    assert entries(Segment.merging(parts)) == entries(whole)
    piecewise = np.concatenate(list(merged(parts, at_once=17)))
    assert piecewise.tolist() == np.concatenate(list(merged([whole]))).tolist()
    one = write_segment(tmp_path, parts, "store", "ab" * 32)
    bytes_of_parts = one.read_bytes()
    two = write_segment(tmp_path, [whole], "store", "ab" * 32)
    assert one == two
    assert two.read_bytes() == bytes_of_parts
    assert [path.name for path in tmp_path.iterdir()] == [one.name]
    opened = open_segment(one)
    assert opened is not None
    assert entries(opened[1]) == entries(whole)
    assert opened[1].sizes.tolist() == whole.sizes.tolist()
    assert (opened[0].lo, opened[0].hi, opened[0].store_id, opened[1].mapped) == (1, 90, "store", True)


def test_a_hot_key_keeps_so_many_entries_that_it_is_known_as_hot() -> None:
    told = [keys([5, 1_000 + place]) for place in range(CAP * 3)]
    whole = Segment.of(1, told)
    assert entries(whole)[: CAP + 1] == [(5, place + 1) for place in range(CAP + 1)]
    assert len(whole) == CAP + 1 + CAP * 3
    halves = [Segment.of(1, told[: CAP + 50]), Segment.of(CAP + 51, told[CAP + 50 :])]
    assert np.concatenate(list(merged(halves))).tolist() == np.concatenate(list(merged([whole]))).tolist()


def test_a_file_that_is_not_whole_or_not_ours_is_not_opened(tmp_path: Path) -> None:
    path = write_segment(tmp_path, [Segment.of(1, sketches(4, 30))], "store", "cd" * 32)
    whole = path.read_bytes()
    other = path.with_name(path.name.replace("000000000030", "000000000031"))
    other.write_bytes(whole)
    assert open_segment(other) is None
    for damaged in (
        whole[:-1],
        whole + b"x",
        b"",
        b"{}" + whole[2:],
        whole.replace(b"khotin-shingle-1", b"khotin-shingle-0"),
    ):
        path.write_bytes(damaged)
        assert open_segment(path) is None
    chance = random.Random(4)
    for _ in range(200):
        flipped = bytearray(whole)
        flipped[chance.randrange(HEADER_BYTES, len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        assert open_segment(path) is None
    path.write_bytes(whole)
    assert open_segment(path) is not None
    path.unlink()
    assert open_segment(path) is None


def expected(known: list[Keys], batch: list[Keys]) -> list[dict[int, int]]:
    """By plain counting: which known texts and earlier ones of the batch share enough keys."""
    everything = [*known, *batch]
    count = Counter(key for found in everything for key in found.tolist())
    cold = {key for key in count if count[key] <= CAP}
    told = []
    for place, mine in enumerate(batch):
        found = {}
        for other, theirs in enumerate([*known, *batch[:place]]):
            hits = len(set(mine.tolist()) & set(theirs.tolist()) & cold)
            if hits >= 2 and hits >= THRESHOLDS.shared_sketch * min(len(mine), len(theirs)):
                found[other + 1 if other < len(known) else len(known) - other - 1] = hits
        told.append(found)
    return told


@pytest.mark.parametrize("seed", range(4))
def test_candidates_are_those_that_plain_counting_finds(seed: int) -> None:
    known, batch = sketches(seed, 120, space=600), sketches(seed + 50, 30, space=600)
    view = View([Segment.of(1, known[:40])], 40)
    for start in range(40, 120, 5):
        view.add(known[start : start + 5])
    assert view.hi == 120
    assert len(view.segments) <= FAN + 1
    for found, wanted in zip(view.candidates(batch), expected(known, batch), strict=True):
        assert len(found) == min(THRESHOLDS.candidates, len(wanted))
        assert all(wanted[candidate.id] == candidate.hits for candidate in found)
        best = sorted(wanted.values(), reverse=True)[: THRESHOLDS.candidates]
        assert [candidate.hits for candidate in found] == best


def test_an_empty_batch_and_empty_sketches_have_no_candidates() -> None:
    view = View([], 0)
    assert view.candidates([]) == []
    assert view.candidates([keys([]), keys([])]) == [[], []]
    view.add([])
    assert view.hi == 0


def test_neighbours_of_one_size_are_merged_when_they_are_enough() -> None:
    assert mergeable([]) is None
    assert mergeable([1_000] * (FAN - 1)) is None
    assert mergeable([9_000] + [1_000] * FAN) == slice(1, FAN + 1)
    assert mergeable([9_000] * FAN + [1_000] * (FAN - 1)) == slice(0, FAN)
    assert mergeable([0] * FAN) is None
    assert mergeable([0, 0] + [5] * FAN) == slice(2, FAN + 2)
