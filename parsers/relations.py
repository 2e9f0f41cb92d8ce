"""What two texts are to each other, by their full text: the same, part of each other, a series, or nothing.

The texts are aligned by the windows that stand once in each (parsers.shingles): runs of shared windows, in
the same order in both. Between the runs stands what differs, and how it differs tells apart what any
similarity score mixes up. Who reprints a text cuts it, adds lines, changes words: one side of a gap is empty,
or the gap is short. Who writes a second article about the same event rewrites: both sides of a gap are long.
A template series (gold prices, lottery, weather, exam answers) fills the same gaps with other numbers.

All thresholds stand in `parsers/thresholds.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from parsers.alignment import Shared, numbers_in_gap, runs_of, shared_windows
from parsers.compared import ComparedText
from parsers.series import same_series
from parsers.thresholds import THRESHOLDS, Thresholds


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


def kinship(one: ComparedText, other: ComparedText, by: Thresholds = THRESHOLDS) -> Kinship | None:
    """What two texts are to each other; None: nothing that counts. Symmetric."""
    shared = shared_windows(one, other)
    if shared is None:
        return None
    if shared.jaccard < by.near_jaccard and shared.containment < by.part_containment:
        return None
    scores = _scores(one, other, shared, by)
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


def _scores(one: ComparedText, other: ComparedText, windows: Shared, by: Thresholds) -> Scores:
    """Align two texts by the windows that stand once in each."""
    runs, moved = runs_of(windows, one)
    numbers = one.numbers_before
    shared = rewritten = agreeing = conflicting = 0
    end = other_end = 0
    for start, other_start, length in [*runs, (one.length, other.length, 0)]:
        overlap = max(end - start, other_end - other_start, 0)
        start, other_start, length = start + overlap, other_start + overlap, length - overlap
        gap, other_gap = start - end, other_start - other_end
        if gap <= by.short_gap and other_gap <= by.short_gap:
            same, differing = numbers_in_gap(one, (end, start), other, (other_end, other_start))
            agreeing += same
            conflicting += differing
        elif length:
            rewritten += min(gap, other_gap)
        if length:
            shared += length
            end, other_end = start + length, other_start + length
            agreeing += int(numbers[end] - numbers[start])
    return Scores(
        jaccard=windows.jaccard,
        containment=windows.containment,
        coverage=shared / min(one.length, other.length),
        rewritten=rewritten / max(1, rewritten + shared),
        moved=moved,
        agreeing=max(0, agreeing),
        conflicting=conflicting,
    )
