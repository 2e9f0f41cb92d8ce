"""Titles that mark a template series: the same words with other numbers (gold prices, lottery, weather)."""

from __future__ import annotations

import re
from functools import cached_property

from parsers.compare import fold_all
from parsers.thresholds import THRESHOLDS, Thresholds

_NUMBER = re.compile(r"\d+(?:[.,:/\-]\d+)*")
_SIGNS = re.compile(r"[.,:/\-]")


class Title:
    """A title made ready for comparison; what costs time is worked out when it is first asked for."""

    def __init__(self, written: str) -> None:
        self.written = written

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Its numbers, without the signs inside them."""
        return frozenset(_SIGNS.sub("", number) for number in _NUMBER.findall(self.written))

    @cached_property
    def syllables(self) -> list[bytes]:
        return fold_all([self.written])[0][0].split(b" ")

    @cached_property
    def words(self) -> frozenset[bytes]:
        """The syllables that are no numbers."""
        return frozenset(syllable for syllable in self.syllables if not syllable[:1].isdigit())

    @cached_property
    def before_number(self) -> list[bytes]:
        """The syllables before the first number."""
        digits = (place for place, syllable in enumerate(self.syllables) if syllable[:1].isdigit())
        return self.syllables[: next(digits, 0)]


def same_series(one: Title, other: Title, by: Thresholds = THRESHOLDS) -> bool:
    """Whether two titles are of one series: the same words, and each has a number that the other has not."""
    if not one.numbers - other.numbers or not other.numbers - one.numbers:
        return False
    if one.before_number == other.before_number and len(one.before_number) >= by.title_prefix:
        return True
    fewer = max(1, min(len(one.words), len(other.words)))
    return len(one.words & other.words) >= by.title_words * fewer
