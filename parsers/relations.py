"""What two texts are to each other, by their full text: the same, part of each other, a series, or nothing.

The texts are aligned by the windows that stand once in each (parsers.shingles): runs of shared windows, in
the same order in both. Between the runs stands what differs, and how it differs tells apart what any
similarity score mixes up. Who reprints a text cuts it, adds lines, changes words: one side of a gap is empty,
or the gap is short. Who writes a second article about the same event rewrites: both sides of a gap are long.
A template series (gold prices, lottery, weather, exam answers) fills the same gaps with other numbers.

All thresholds stand in `Thresholds`. They were set on pairs of real and of generated news.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import groupby

import numpy as np
import numpy.typing as npt

from parsers.compare import fold_all
from parsers.shingles import WIDTH, Hashes, windows, windows_of_all


class Relation(StrEnum):
    """What a text is to its partner."""

    DUPLICATE = "duplicate"
    """All its words, or all its paragraphs, are the partner's (parsers.compare)."""
    REPRINT = "reprint"
    """The same text, cut, extended or edited."""
    NEAR = "near"
    """The same text under heavy changes, or a close relative: it stays in the corpus."""
    PART = "part"
    """One holds the other: an excerpt, or several articles in one."""
    SERIES = "series"
    """The form is the partner's, the facts are not."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where one relation ends and the next begins."""

    reprint_jaccard: float = 0.6
    """From here on the same text is a reprint and kept out; below it is `near` and stays. Of natural pairs
    .97 are true reprints at a floor of .6, and .70 at .3."""
    reprint_rewritten: float = 0.1
    """A reprint has no more than this rewritten, unless its Jaccard index is `sure_jaccard` or more."""
    near_jaccard: float = 0.25
    """Below this two texts are not called the same, whatever they share."""
    sure_jaccard: float = 0.8
    """From here on the order of the runs does not matter: a text full of repetitions aligns badly."""
    coverage: float = 0.58
    """So much of the shorter text must stand in the longer in the same order."""
    rewritten: float = 0.17
    """At most this share of the aligned text may be rewritten: other words on both sides of a long gap."""
    moved_runs: int = 1
    """So many runs may stand out of order, unless the Jaccard index is `ordered_jaccard` or more."""
    ordered_jaccard: float = 0.65
    part_containment: float = 0.8
    """So many of the shorter text's windows make it a part of the longer."""
    conflicts: int = 2
    conflict_share: float = 0.25
    """So many numbers that differ in the same place, and this share of all aligned numbers, make a series."""
    all_conflicting: float = 1.0
    """So does a single one, if it is this share of all aligned numbers."""
    title_words: float = 0.6
    """Titles that share so many words of the shorter and differ in numbers make a series."""
    title_prefix: int = 3
    """So do titles whose first words, so many at least, are the same up to a number that differs."""


THRESHOLDS = Thresholds()

_SPACE = 32
SHORT_GAP = 12
"""A gap of at most so many syllables on both sides is an edit; a longer one on both sides is a rewriting."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What led to a relation. All but the counts lie between 0 and 1."""

    jaccard: float
    """Shared windows by all windows of both."""
    containment: float
    """Shared windows by those of the text that has fewer."""
    coverage: float
    """Syllables of the shorter text that stand in the other, in the same order."""
    rewritten: float
    """Syllables that are others on both sides of a long gap, by these and the shared ones."""
    moved: int
    """Runs of shared windows that stand out of order."""
    agreeing: int
    """Numbers that are the same in the same place."""
    conflicting: int
    """Numbers that differ in the same place."""


@dataclass(frozen=True, slots=True)
class Kinship:
    """The relation of two texts, with the scores that led to it."""

    relation: Relation
    scores: Scores

    @property
    def rank(self) -> tuple[int, float]:
        """Of several kinships the greatest counts: the same text before a part, a part before a series."""
        return _RANKS[self.relation], self.scores.jaccard


_RANKS = {
    Relation.SERIES: 0,
    Relation.PART: 1,
    Relation.NEAR: 2,
    Relation.REPRINT: 2,
    Relation.DUPLICATE: 3,
}


class ComparedText:
    """A text made ready for comparison; what costs time is worked out when it is first asked for.

    `title` as written; `folded`: title, lead and paragraphs, folded (`parsers.compare.with_title`).
    """

    def __init__(self, title: str, folded: bytes) -> None:
        self.title = title
        self.folded = folded

    @cached_property
    def windows(self) -> Hashes:
        return windows(self.folded)

    @cached_property
    def _sorted(self) -> tuple[npt.NDArray[np.intp], Hashes, npt.NDArray[np.bool_]]:
        """Order, sorted hashes, and which of them differ from the one before."""
        order = np.argsort(self.windows)
        hashes = self.windows[order]
        first = np.ones(len(hashes), np.bool_)
        np.not_equal(hashes[1:], hashes[:-1], out=first[1:])
        return order, hashes, first

    @cached_property
    def distinct(self) -> Hashes:
        """The windows, sorted, each once."""
        _, hashes, first = self._sorted
        return hashes[first]

    @cached_property
    def single(self) -> tuple[Hashes, npt.NDArray[np.intp]]:
        """The windows that stand in the text once, sorted, and where."""
        order, hashes, first = self._sorted
        alone = first.copy()
        alone[:-1] &= first[1:]
        return hashes[alone], order[alone]

    @cached_property
    def syllables(self) -> list[bytes]:
        return self.folded.split(b" ")

    @property
    def length(self) -> int:
        """How many syllables."""
        return len(self.numbers_before) - 1

    @cached_property
    def numbers_before(self) -> npt.NDArray[np.int64]:
        """How many of the syllables before each place begin with a digit; one entry more than syllables."""
        characters = np.frombuffer(b" " + self.folded, np.uint8)
        begins = characters[np.flatnonzero(characters[:-1] == _SPACE) + 1] if self.folded else characters
        digits = (begins - np.uint8(ord("0"))) < np.uint8(10)
        counts = np.zeros(len(begins) + 1, np.int64)
        np.cumsum(digits, out=counts[1:])
        return counts


_AT_ONCE = 64


def make_ready(texts: Sequence[ComparedText]) -> None:
    """Work out the windows of texts that will be compared: together that is several times faster."""
    for start in range(0, len(texts), _AT_ONCE):
        chunk = texts[start : start + _AT_ONCE]
        for text, hashes in zip(chunk, windows_of_all([text.folded for text in chunk]), strict=True):
            text.windows = hashes


def kinship(one: ComparedText, other: ComparedText, by: Thresholds = THRESHOLDS) -> Kinship | None:
    """What two texts are to each other; None: nothing that counts. Symmetric."""
    mine, others = one.distinct, other.distinct
    if not len(mine) or not len(others):
        return None
    few, many = (mine, others) if len(mine) <= len(others) else (others, mine)
    shared = int((many.take(np.searchsorted(many, few), mode="clip") == few).sum())
    jaccard = shared / (len(mine) + len(others) - shared)
    containment = shared / len(few)
    if jaccard < by.near_jaccard and containment < by.part_containment:
        return None
    scores = _scores(one, other, jaccard, containment)
    relation = _relation(scores, by)
    if relation is None:
        return None
    if _conflict(scores, by) or same_series(one.title, other.title, by):
        relation = Relation.SERIES
    return Kinship(relation, scores)


def _relation(scores: Scores, by: Thresholds) -> Relation | None:
    same = scores.jaccard >= by.sure_jaccard or (
        scores.jaccard >= by.near_jaccard
        and scores.coverage >= by.coverage
        and scores.rewritten <= by.rewritten
        and (scores.moved <= by.moved_runs or scores.jaccard >= by.ordered_jaccard)
    )
    if same:
        edited = scores.rewritten <= by.reprint_rewritten or scores.jaccard >= by.sure_jaccard
        return Relation.REPRINT if edited and scores.jaccard >= by.reprint_jaccard else Relation.NEAR
    return Relation.PART if scores.containment >= by.part_containment else None


def _conflict(scores: Scores, by: Thresholds) -> bool:
    numbers = scores.agreeing + scores.conflicting
    if numbers and scores.conflicting >= by.all_conflicting * numbers:
        return True
    return scores.conflicting >= by.conflicts and scores.conflicting >= by.conflict_share * numbers


def _scores(one: ComparedText, other: ComparedText, jaccard: float, containment: float) -> Scores:
    """Align two texts by the windows that stand once in each."""
    runs, moved = _runs(one, other)
    numbers = one.numbers_before
    shared = rewritten = agreeing = conflicting = 0
    end = other_end = 0
    for start, other_start, length in [*runs, (one.length, other.length, 0)]:
        overlap = max(end - start, other_end - other_start, 0)
        start, other_start, length = start + overlap, other_start + overlap, length - overlap
        gap, other_gap = start - end, other_start - other_end
        if gap <= SHORT_GAP and other_gap <= SHORT_GAP:
            same, differing = _numbers(one, (end, start), other, (other_end, other_start))
            agreeing += same
            conflicting += differing
        elif length:
            rewritten += min(gap, other_gap)
        if length:
            shared += length
            end, other_end = start + length, other_start + length
            agreeing += int(numbers[end] - numbers[start])
    return Scores(
        jaccard=jaccard,
        containment=containment,
        coverage=shared / min(one.length, other.length),
        rewritten=rewritten / max(1, rewritten + shared),
        moved=moved,
        agreeing=max(0, agreeing),
        conflicting=conflicting,
    )


def _runs(one: ComparedText, other: ComparedText) -> tuple[list[tuple[int, int, int]], int]:
    """Runs of shared syllables in order (start here, start there, length), and how many were out of order."""
    hashes, places = one.single
    other_hashes, other_places = other.single
    if not len(hashes) or not len(other_hashes):
        return [], 0
    at = np.searchsorted(other_hashes, hashes)
    shared = other_hashes.take(at, mode="clip") == hashes
    here, there = places[shared], other_places[at[shared]]
    if not len(here):
        return [], 0
    order = np.argsort(here)
    here, there = here[order], there[order]
    breaks = np.flatnonzero((np.diff(here) != 1) | (np.diff(there) != 1))
    first = np.concatenate((np.zeros(1, np.intp), breaks + 1))
    last = np.concatenate((breaks, np.array([len(here) - 1], np.intp)))
    # A window that is shorter than its width is the whole text.
    width = min(WIDTH, one.length, other.length)
    lengths = (here[last] - here[first] + width).tolist()
    runs = list(zip(here[first].tolist(), there[first].tolist(), lengths, strict=True))
    kept = _longest_rise([run[1] for run in runs])
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


def _numbers(
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
    counted = Counter(syllable for syllable in gap if syllable[:1].isdigit())
    other_counted = Counter(syllable for syllable in other_gap if syllable[:1].isdigit())
    differing = min(counted.total(), other_counted.total()) - (counted & other_counted).total()
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


_NUMBER = re.compile(r"\d+(?:[.,:/\-]\d+)*")
_SIGNS = re.compile(r"[.,:/\-]")


def same_series(title: str, other: str, by: Thresholds = THRESHOLDS) -> bool:
    """Whether two titles are of one series: the same words, and each has a number that the other has not."""
    mine, others = ({_SIGNS.sub("", number) for number in _NUMBER.findall(told)} for told in (title, other))
    if not mine - others or not others - mine:
        return False
    folded, other_folded = (part.split(b" ") for part in fold_all([title, other])[0])
    prefix, other_prefix = _prefix(folded), _prefix(other_folded)
    if prefix == other_prefix and len(prefix) >= by.title_prefix:
        return True
    words = {word for word in folded if not word[:1].isdigit()}
    other_words = {word for word in other_folded if not word[:1].isdigit()}
    return len(words & other_words) >= by.title_words * max(1, min(len(words), len(other_words)))


def _prefix(words: list[bytes]) -> list[bytes]:
    return words[: next((place for place, word in enumerate(words) if word[:1].isdigit()), 0)]
