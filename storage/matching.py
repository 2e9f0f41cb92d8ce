"""Finding the known text that a new one is akin to: candidates by shared keys, then a look at both texts.

A batch is opened with its texts; then each is asked for in the order in which it is decided, and what became
of it is told, so that the next may be its reprint. What is not appended is no partner: its own partner stands
for it. So every edge leads to a text that is in the corpus, and there are no chains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from parsers.compared import ComparedText, make_ready
from parsers.relations import Kinship, kinship
from parsers.series import same_series
from parsers.shingles import Keys
from parsers.thresholds import THRESHOLDS
from storage.likeness import Candidate, View

Fetch = Callable[[Sequence[int]], Mapping[int, ComparedText]]
"""Gives the texts of revisions that may be partners; one that is missing may not."""


@dataclass(frozen=True, slots=True)
class Match:
    """The partner of a text: its revision, and what they are to each other."""

    revision_id: int
    kinship: Kinship


class Matcher:
    """Finds partners for batch after batch; what was appended of one is known to the next.

    `fetch` is asked only for what was known before the first batch; without `keep`, for all of it.
    """

    def __init__(self, view: View, fetch: Fetch, *, keep: bool = True) -> None:
        self._view = view
        self._fetch = fetch
        self._keep = keep
        self._sketches: Sequence[Keys] = ()
        self._texts: Sequence[ComparedText] = ()
        self._candidates: list[list[Candidate]] = []
        self._known: dict[int, ComparedText] = {}
        self._became: dict[int, int] = {}
        self._appended: list[tuple[int, Keys]] = []
        self._own: dict[int, ComparedText] = {}
        self.compared = 0
        """So many pairs of texts were looked at."""

    def open(self, sketches: Sequence[Keys], texts: Sequence[ComparedText]) -> None:
        """Begin a batch."""
        self._sketches, self._texts = sketches, texts
        self._candidates = self._view.candidates(sketches)
        wanted = {found.id for each in self._candidates for found in each if found.id >= 0}
        self._known = {revision_id: self._own[revision_id] for revision_id in wanted & self._own.keys()}
        elsewhere = sorted(wanted - self._own.keys())
        if elsewhere:
            self._known.update(self._fetch(elsewhere))
        make_ready([*self._needed(), *self._asking()])
        self._became = {}
        self._appended = []

    def _asking(self) -> Iterator[ComparedText]:
        return (text for text, found in zip(self._texts, self._candidates, strict=True) if found)

    def _needed(self) -> list[ComparedText]:
        """The known texts that will surely be compared."""
        needed: dict[int, ComparedText] = {}
        for text, candidates in zip(self._texts, self._candidates, strict=True):
            first = True
            for found in candidates:
                partner = self._known.get(found.id)
                if partner is not None and (first or not same_series(partner.title, text.title)):
                    needed[found.id] = partner
                first = False
        return list(needed.values())

    def match(self, place: int, *, but: frozenset[int] = frozenset()) -> Match | None:
        """The best partner of a text of the batch, never one of the revisions in `but`."""
        text = self._texts[place]
        best: Match | None = None
        series: list[int] = []
        seen = set(but)
        for candidate in self._candidates[place]:
            revision_id = candidate.id if candidate.id >= 0 else self._became.get(-1 - candidate.id)
            if revision_id is None or revision_id in seen:
                continue
            seen.add(revision_id)
            partner = self._known.get(revision_id)
            if partner is None:
                continue
            if same_series(partner.title, text.title):
                series.append(revision_id)
                continue
            self.compared += 1
            found = kinship(partner, text)
            if found is not None and (best is None or found.rank > best.kinship.rank):
                best = Match(revision_id, found)
                if found.scores.jaccard >= THRESHOLDS.certain_jaccard and found.rank[0] >= 2:
                    break
        # Whatever shares a title of a series can be no more than of that series: one of them says it.
        for revision_id in series if best is None else ():
            self.compared += 1
            found = kinship(self._known[revision_id], text)
            if found is not None:
                return Match(revision_id, found)
        return best

    def became(self, place: int, revision_id: int, *, appended: bool) -> None:
        """Tell what a text of the batch became: a revision of its own, or a sighting of a known one."""
        self._became[place] = revision_id
        if appended:
            self._known[revision_id] = self._texts[place]
            self._appended.append((revision_id, self._sketches[place]))

    def close(self) -> list[tuple[int, Keys]]:
        """End a batch; gives the sketches of what was appended, by revision in rising order."""
        appended, self._appended = self._appended, []
        if appended:
            self._view.add([keys for _, keys in appended])
        for revision_id, _ in appended if self._keep else ():
            # Anew, without what the comparisons have worked out: a run may bring very many.
            text = self._known[revision_id]
            self._own[revision_id] = ComparedText(text.title.written, text.folded)
        self._sketches, self._texts, self._candidates, self._known = (), (), [], {}
        return appended
