"""Counts of shapes: how many pages of a source a parser read in one run, and what they were like. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson

from parsers.shape import BODY, FIELDS, PARAGRAPH_BOUNDS, WORD_BOUNDS, Shape
from storage import ShapeRow


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over pages: all of them, those that gave an article, and of these those with each field.

    `filled` is in the order of `FIELDS`; `words` and `paragraphs` are histograms over the articles.
    """

    pages: int = 0
    articles: int = 0
    filled: tuple[int, ...] = (0,) * len(FIELDS)
    words: tuple[int, ...] = (0,) * (len(WORD_BOUNDS) + 1)
    paragraphs: tuple[int, ...] = (0,) * (len(PARAGRAPH_BOUNDS) + 1)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.pages + other.pages,
            self.articles + other.articles,
            _sum(self.filled, other.filled),
            _sum(self.words, other.words),
            _sum(self.paragraphs, other.paragraphs),
        )


def _sum(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True))


Reader = tuple[str, str]
"""A parser's name and version."""


def tallies(shapes: Iterable[Shape]) -> dict[Reader, Tally]:
    """The counts of each parser and version that read any of the pages."""
    by_reader: dict[Reader, list[Shape]] = {}
    for shape in shapes:
        by_reader.setdefault((shape.parser, shape.version), []).append(shape)
    return {reader: _tally(found) for reader, found in by_reader.items()}


def _tally(shapes: list[Shape]) -> Tally:
    articles = [shape for shape in shapes if BODY in shape.filled]
    words = [0] * (len(WORD_BOUNDS) + 1)
    paragraphs = [0] * (len(PARAGRAPH_BOUNDS) + 1)
    for shape in articles:
        words[shape.words] += 1
        paragraphs[shape.paragraphs] += 1
    filled = tuple(sum(name in shape.filled for shape in articles) for name in FIELDS)
    return Tally(len(shapes), len(articles), filled, tuple(words), tuple(paragraphs))


def total(tallied: Iterable[Tally]) -> Tally:
    """The sum of counts."""
    whole = Tally()
    for tally in tallied:
        whole += tally
    return whole


def to_row(source: str, reader: Reader, run_id: str, at: datetime, tally: Tally, drift: str) -> ShapeRow:
    """The counts of a run as they are stored; `drift` tells what is wrong with them, empty: nothing."""
    counts = {
        "articles": tally.articles,
        "filled": dict(zip(FIELDS, tally.filled, strict=True)),
        "words": tally.words,
        "paragraphs": tally.paragraphs,
    }
    return ShapeRow(source, *reader, run_id, at, tally.pages, orjson.dumps(counts).decode(), drift)


def from_row(row: ShapeRow) -> Tally:
    """The counts in a row; a field that was not counted then is unfilled, and no classes no pages."""
    counts = orjson.loads(row.counts)
    whole = Tally()
    return Tally(
        row.pages,
        counts["articles"],
        tuple(counts["filled"].get(name, 0) for name in FIELDS),
        tuple(counts["words"]) if len(counts["words"]) == len(whole.words) else whole.words,
        tuple(counts["paragraphs"])
        if len(counts["paragraphs"]) == len(whole.paragraphs)
        else whole.paragraphs,
    )
