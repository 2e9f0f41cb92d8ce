"""Phrases found in folded text, all of them in one pass: whole syllables only, abbreviations written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from parsers.syllables import ABBREVIATIONS, Syllables, folded_syllables, syllables_of

_END: Final = b""
"""No syllable is empty: under this key stands the phrase that ends at a node."""


class PhraseFinder:
    """Finds phrases by a tree of their syllables.

    Two phrases that fold to the same syllables ("hoà", "hòa"; "ANTQ", "an ninh Tổ quốc") are one.
    """

    def __init__(
        self, phrases: Sequence[str], abbreviations: Mapping[bytes, Syllables] = ABBREVIATIONS
    ) -> None:
        self._abbreviations = abbreviations
        self._tree: dict[bytes, Any] = {}
        self._numbers: dict[Syllables, int] = {}
        for phrase in phrases:
            self._add(self.key(phrase))

    def key(self, phrase: str) -> Syllables:
        """What a phrase is to the finder: its folded syllables, abbreviations written out."""
        return tuple(syllables_of(b" ".join(folded_syllables(phrase)), self._abbreviations))

    def _add(self, key: Syllables) -> None:
        if key in self._numbers:
            return
        node = self._tree
        for syllable in key:
            node = node.setdefault(syllable, {})
        node[_END] = key
        self._numbers[key] = len(self._numbers)

    def find(self, folded: bytes) -> dict[Syllables, int]:
        """How often each phrase stands in a folded text (parsers.compare.fold_all); only those that do.

        Phrases may overlap: "an ninh" counts within "an ninh Tổ quốc" too.
        """
        found: dict[Syllables, int] = {}
        tree = self._tree
        syllables = syllables_of(folded, self._abbreviations)
        end = len(syllables)
        for start in [place for place, syllable in enumerate(syllables) if syllable in tree]:
            node = tree[syllables[start]]
            place = start + 1
            while node is not None:
                key = node.get(_END)
                if key is not None:
                    found[key] = found.get(key, 0) + 1
                node = node.get(syllables[place]) if place < end else None
                place += 1
        return found
