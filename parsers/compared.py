"""A text made ready for comparison: its windows, sorted, and where they and its numbers stand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from parsers.compare import fold_all
from parsers.series import Title
from parsers.shingles import Hashes, windows, windows_of_all

_SPACE = 32
_AT_ONCE = 64

Places = npt.NDArray[np.intp]


class Distinct(NamedTuple):
    """The different windows of a text, in rising order."""

    hashes: Hashes
    places: Places
    """Where each stands in the text, by syllables."""
    alone: npt.NDArray[np.bool_]
    """Whether it stands there only."""


class ComparedText:
    """A text made ready for comparison; what costs time is worked out when it is first asked for.

    `title` as written; `folded`: title, lead and paragraphs, folded (`parsers.compare.with_title`).
    """

    def __init__(self, title: str, folded: bytes | None = None, *, parts: Sequence[str] = ()) -> None:
        """Without `folded`, `parts` are the lead and the paragraphs as written, folded when it is needed."""
        self.title = Title(title)
        self._parts = (title, *parts)
        if folded is not None:
            self.folded = folded

    @cached_property
    def folded(self) -> bytes:
        return b" ".join(part for part in fold_all(self._parts)[0] if part)

    @cached_property
    def windows(self) -> Hashes:
        return windows(self.folded)

    @cached_property
    def distinct(self) -> Distinct:
        order = np.argsort(self.windows)
        hashes = self.windows[order]
        first = np.ones(len(hashes), np.bool_)
        np.not_equal(hashes[1:], hashes[:-1], out=first[1:])
        if first.all():  # most texts say nothing twice
            return Distinct(hashes, order, first)
        alone = first.copy()
        alone[:-1] &= first[1:]
        return Distinct(hashes[first], order[first], alone[first])

    @cached_property
    def syllables(self) -> list[bytes]:
        return self.folded.split(b" ")

    @cached_property
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


def make_ready(texts: Sequence[ComparedText]) -> None:
    """Work out the windows of texts that will be compared: together that is several times faster."""
    waiting = [text for text in texts if "windows" not in vars(text)]
    for start in range(0, len(waiting), _AT_ONCE):
        chunk = waiting[start : start + _AT_ONCE]
        for text, hashes in zip(chunk, windows_of_all([text.folded for text in chunk]), strict=True):
            text.windows = hashes
