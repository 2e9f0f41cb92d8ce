"""All thresholds of likeness: how candidates are chosen, and where one relation ends and the next begins.

They were set on pairs of real and of generated news. By them `storage/likeness.py` and
`storage/matching.py` choose the candidates of a text, `parsers/relations.py` and `parsers/series.py` judge
the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Numbers without a unit are shares between 0 and 1, or counts."""

    # Candidates, by the keys of their sketches.
    hot_key: int = 100
    """A key that more texts share says nothing: it makes no candidates. Part of the segments' form."""
    shared_keys: int = 2
    """A candidate shares so many keys at least, and"""
    shared_sketch: float = 0.2
    """this share of the smaller sketch."""
    candidates: int = 8
    """So many candidates of a text are compared at most, those that share most keys."""
    certain_jaccard: float = 0.95
    """A partner with the same text and this Jaccard index needs no rival."""

    # Relations, by the full text.
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
    short_gap: int = 12
    """A gap of at most so many syllables on both sides is an edit; a longer one on both sides a rewriting."""
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
