"""How two texts stand beside each other: the runs of windows that they share, and the numbers in the gaps."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from parsers.compared import ComparedText, Places
from parsers.shingles import WIDTH

Run = tuple[int, int, int]
"""Where a run of shared syllables starts in the one text, where in the other, and its length."""


class Shared(NamedTuple):
    """The windows that two texts share."""

    total: int
    few: ComparedText
    """The text that has fewer different windows."""
    many: ComparedText
    at: Places
    """For each of the fewer windows its place among the others, if it is shared."""
    same: npt.NDArray[np.bool_]
    """Which of them are."""

    @property
    def jaccard(self) -> float:
        """Shared windows by all windows of both."""
        return self.total / (len(self.few.distinct.hashes) + len(self.many.distinct.hashes) - self.total)

    @property
    def containment(self) -> float:
        """Shared windows by those of the text that has fewer."""
        return self.total / len(self.few.distinct.hashes)


def shared_windows(one: ComparedText, other: ComparedText) -> Shared | None:
    """What two texts share; None if either has no window."""
    few, many = one, other
    if len(few.distinct.hashes) > len(many.distinct.hashes):
        few, many = many, few
    mine, others = few.distinct.hashes, many.distinct.hashes
    if not len(mine):
        return None
    at = np.searchsorted(others, mine)
    same = others.take(at, mode="clip") == mine
    return Shared(int(np.count_nonzero(same)), few, many, at, same)


def runs_of(shared: Shared, one: ComparedText) -> tuple[list[Run], int]:
    """Runs of shared syllables in the order of both texts, and how many runs were out of order.

    Only windows that stand once in each text are aligned. `one` is the text whose places come first.
    """
    mine, others = shared.few.distinct, shared.many.distinct
    rows = np.flatnonzero(shared.same & mine.alone)
    at = shared.at[rows]
    alone = others.alone[at]
    if not alone.all():
        rows, at = rows[alone], at[alone]
    if not len(rows):
        return [], 0
    here, there = mine.places[rows], others.places[at]
    if shared.few is not one:
        here, there = there, here
    order = np.argsort(here)
    here, there = here[order], there[order]
    breaks = np.flatnonzero((here[1:] - here[:-1] != 1) | (there[1:] - there[:-1] != 1))
    first = [0, *(breaks + 1).tolist()]
    starts, other_starts = here[first].tolist(), there[first].tolist()
    # A window that is shorter than its width is the whole text.
    width = min(WIDTH, shared.few.length, shared.many.length)
    ends = [*first[1:], len(here)]
    runs = [
        (start, other_start, end - begin - 1 + width)
        for start, other_start, begin, end in zip(starts, other_starts, first, ends, strict=True)
    ]
    kept = _longest_rise(other_starts)
    return [runs[index] for index in kept], len(runs) - len(kept)


def _longest_rise(values: list[int]) -> list[int]:
    """The indices of a longest strictly rising subsequence."""
    tails: list[int] = []
    at_tail: list[int] = []
    before: list[int] = []
    for index, value in enumerate(values):
        place = bisect_left(tails, value)
        if place == len(tails):
            tails.append(value)
            at_tail.append(index)
        else:
            tails[place] = value
            at_tail[place] = index
        before.append(at_tail[place - 1] if place else -1)
    rise = []
    index = at_tail[-1]
    while index >= 0:
        rise.append(index)
        index = before[index]
    return rise[::-1]


def numbers_in_gap(
    one: ComparedText, here: tuple[int, int], other: ComparedText, there: tuple[int, int]
) -> tuple[int, int]:
    """How many numbers a short gap has on both sides, and how many it exchanges for others.

    A number with a point or a comma is several syllables: what of it stands in the shared text beside the gap
    does not agree if the rest differs, and is taken off.
    """
    mine, others = one.numbers_before, other.numbers_before
    # Most short gaps have no numbers.
    if mine[here[1]] == mine[here[0]] or others[there[1]] == others[there[0]]:
        return 0, 0
    gap = one.syllables[here[0] : here[1]]
    other_gap = other.syllables[there[0] : there[1]]
    written = [syllable for syllable in gap if syllable[:1].isdigit()]
    other_written = [syllable for syllable in other_gap if syllable[:1].isdigit()]
    if len(written) == len(other_written) == 1:  # so it is in most gaps of a series
        same = int(written == other_written)
        differing = 1 - same
    else:
        in_both = (Counter(written) & Counter(other_written)).total()
        differing = min(len(written), len(other_written)) - in_both
        same = (Counter(_whole_numbers(gap)) & Counter(_whole_numbers(other_gap))).total()
    if not differing:
        return same, 0
    before = here[0] > 0 and mine[here[0]] > mine[here[0] - 1]
    if before and gap[0][:1].isdigit() and other_gap[0][:1].isdigit():
        same -= 1
    after = here[1] < one.length and mine[here[1] + 1] > mine[here[1]]
    if after and gap[-1][:1].isdigit() and other_gap[-1][:1].isdigit():
        same -= 1
    return same, differing


def _whole_numbers(syllables: list[bytes]) -> Iterator[bytes]:
    for is_number, together in groupby(syllables, key=lambda syllable: syllable[:1].isdigit()):
        if is_number:
            yield b" ".join(together)
