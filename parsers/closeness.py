"""How close a text is to the seeds: BM25 with relevance weights, as a frozen model of plain numbers.

The seeds are what is known to be relevant among all that was read. A term is a syllable of the folded text or
two that follow each other. With R seeds among N texts, of which r and n have the term, its weight is that of
Robertson and Spärck Jones (1976),

    w = ln((r + .5) (N - n - R + r + .5) / ((n - r + .5) (R - r + .5)))

Terms with the highest r w are kept, as many as `TERMS`, and only those of positive weight. A text that has a
term tf times and is l syllables long, where the mean of all that was read is L, has the raw score

    sum of w tf / (tf + K1 (1 - B + B l / L))        (Robertson and Zaragoza 2009: BM25)

The score lies on the line from the median raw score of the background (0) to the median of the seeds, each
measured by a model that was fitted without it (1), and is cut off at both ends.

Why no library: scikit-learn's TfidfVectorizer would cost a second of processor time and 90 MB of memory at
import and 200 MB on disk, bm25s gives scores of the texts of its own index only, so that a new text changes
those of all; what is left to do for us are the two formulas above. `make bench-topics` compares both
with this.

Weights are whole numbers of millionths, and a score needs only +, *, / and one rounding of the exact sum: the
same model gives the same score on every machine. Rules, constants and abbreviations are frozen by `FORMAT`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from statistics import median
from typing import Any, Final

import orjson

from parsers.syllables import syllables_of

FORMAT: Final = "khotin-closeness-1"
TERMS: Final = 1000
K1: Final = 1.2
B: Final = 0.75
STEPS: Final = 10_000
"""A score is kept as a whole number of so many parts."""

_MICRO: Final = 1_000_000
_FEW: Final = 3
"""From so many seeds on a term must stand in two of them: one alone tells of its place and its people."""

Term = bytes | tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Share:
    """What one term adds to a score: the sum of all shares, less where 0 lies, before it is cut off."""

    term: str
    times: int
    score: float


@dataclass(frozen=True)
class ClosenessModel:
    """A model: terms with their weights in millionths, heaviest first; raw scores of 0 and 1 in millionths.

    `seeds` and `background` say how many texts it was fitted on, `mean_length` how many syllables they have.
    """

    terms: tuple[tuple[str, int], ...]
    mean_length: int
    zero: int
    one: int
    seeds: int
    background: int

    @cached_property
    def weights(self) -> Mapping[Term, int]:
        """The weights by term."""
        return {_term(text): weight for text, weight in self.terms}

    def steps(self, folded: bytes) -> int:
        """The score of a folded text (title, lead and paragraphs), a whole number of `STEPS`."""
        place = (self.raw(folded) - self.zero) * STEPS / (self.one - self.zero)
        return min(max(math.floor(place + 0.5), 0), STEPS)

    def score(self, folded: bytes) -> float:
        """The score of a folded text, 0 to 1."""
        return self.steps(folded) / STEPS

    def shares(self, folded: bytes, most: int = 10) -> list[Share]:
        """The terms that add most to the score of a text, the greatest first."""
        span = self.one - self.zero
        told = [Share(_text(term), times, share / span) for term, times, share in self._shares(folded)]
        return sorted(told, key=lambda share: (-share.score, share.term))[:most]

    def raw(self, folded: bytes) -> float:
        """The raw score of a folded text, in millionths."""
        return math.fsum(share for _, _, share in self._shares(folded))

    def _shares(self, folded: bytes) -> list[tuple[Term, int, float]]:
        syllables = syllables_of(folded)
        weights = self.weights
        saturation = K1 * (1 - B + B * len(syllables) / self.mean_length)
        times = Counter(filter(weights.__contains__, _terms(syllables)))
        return [(term, count, weights[term] * count / (count + saturation)) for term, count in times.items()]

    def to_bytes(self) -> bytes:
        """The model as canonical JSON: what is hashed and stored."""
        return orjson.dumps(
            {
                "format": FORMAT,
                "k1": K1,
                "b": B,
                "seeds": self.seeds,
                "background": self.background,
                "mean_length": self.mean_length,
                "zero": self.zero,
                "one": self.one,
                "terms": self.terms,
            },
            option=orjson.OPT_SORT_KEYS,
        )


def from_bytes(data: bytes) -> ClosenessModel:
    """A stored model. Raises ValueError if it is none of this format."""
    told: Any = orjson.loads(data)
    if not isinstance(told, dict) or (told.get("format"), told.get("k1"), told.get("b")) != (FORMAT, K1, B):
        raise ValueError(f"not a model of the format {FORMAT}")
    names = ("mean_length", "zero", "one", "seeds", "background")
    terms = tuple((str(term), int(weight)) for term, weight in told["terms"])
    return ClosenessModel(terms, **{name: int(told[name]) for name in names})


def fit(seeds: Sequence[bytes], background: Iterable[bytes]) -> ClosenessModel:
    """Fit a model on the folded texts of the seeds, against a sample of folded texts that are none.

    Raises ValueError without seeds or background, and if nothing tells the one from the other.
    """
    counts = _Counts(seeds)
    for text in background:
        counts.add(text)
    if not counts.seeds or not counts.background:
        raise ValueError("a model needs seeds and a background")
    whole = counts.model(())
    raws = []
    for number, seed in enumerate(counts.seeds):
        # A single seed is measured by the model that it made.
        without = counts.model((number,)) if len(counts.seeds) > 1 else whole
        raws.append(without.raw(seed))
    zero = median(whole.raw(text) for text in counts.sample)
    one = median(raws)
    if one <= zero:
        raise ValueError("the seeds are no closer to one another than to the background")
    return ClosenessModel(
        whole.terms, whole.mean_length, round(zero), round(one), len(counts.seeds), counts.background
    )


_MEASURED: Final = 500
"""So many texts of the background are kept to measure its median."""


class _Counts:
    """In how many seeds and texts of the background each term stands that may be one of the model's."""

    def __init__(self, seeds: Sequence[bytes]) -> None:
        self.seeds = list(seeds)
        self.own = [frozenset(_terms(syllables_of(seed))) for seed in self.seeds]
        self.in_seeds = Counter(chain.from_iterable(self.own))
        least = 2 if len(self.seeds) >= _FEW else 1
        self.candidates = {term for term, count in self.in_seeds.items() if count >= least and _is_term(term)}
        self.in_background: Counter[Term] = Counter()
        self.background = 0
        self.syllables = sum(len(syllables_of(seed)) for seed in self.seeds)
        self.sample: list[bytes] = []

    def add(self, text: bytes) -> None:
        syllables = syllables_of(text)
        self.in_background.update(set(filter(self.candidates.__contains__, _terms(syllables))))
        self.background += 1
        self.syllables += len(syllables)
        if len(self.sample) < _MEASURED:
            self.sample.append(text)

    def model(self, left_out: Sequence[int]) -> ClosenessModel:
        """The model without some seeds; what its scores of 0 and 1 are is not known yet."""
        seeds = len(self.seeds) - len(left_out)
        least = 2 if seeds >= _FEW else 1
        weighed: list[tuple[float, float, str]] = []
        for term in self.candidates:
            r = self.in_seeds[term] - sum(term in self.own[number] for number in left_out)
            if r < least:
                continue
            n = r + self.in_background[term]
            weight = _weight(r, n, seeds, seeds + self.background)
            if weight > 0:
                weighed.append((-r * weight, weight, _text(term)))
        # Equal values are told apart by the term, so that the choice is no chance.
        chosen = sorted(weighed, key=lambda told: (told[0], told[2]))[:TERMS]
        terms = tuple((text, round(weight * _MICRO)) for _, weight, text in chosen)
        mean = max(round(self.syllables / (len(self.seeds) + self.background)), 1)
        return ClosenessModel(terms, mean, 0, 1, seeds, self.background)


def _weight(r: int, n: int, seeds: int, texts: int) -> float:
    return math.log((r + 0.5) * (texts - n - seeds + r + 0.5) / ((n - r + 0.5) * (seeds - r + 0.5)))


def _terms(syllables: Sequence[bytes]) -> Iterable[Term]:
    return chain(syllables, pairwise(syllables))


def _is_term(term: Term) -> bool:
    """Numbers tell of a day or an amount, not of a topic."""
    return not any(char.isdigit() for char in _text(term))


def _term(text: str) -> Term:
    first, _, second = text.encode().partition(b" ")
    return (first, second) if second else first


def _text(term: Term) -> str:
    return (term if isinstance(term, bytes) else b" ".join(term)).decode()
