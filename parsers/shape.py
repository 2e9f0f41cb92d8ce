"""The shape of what was read from a page: which fields are filled, how long the text is. Pure.

Shapes of many pages show what no single page can: that a site was redesigned (flows/drift.py).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from parsers import generic
from parsers.article import Article, Rejection, RejectReason
from parsers.sites import SITE_PARSERS

BODY = "body"
"""Not a field of an article but the article itself: that a page gave one at all."""

FIELDS = ("title", "lead", "authors", "agency", "date", "section", "tags", "captions")
"""The fields of an article that are counted."""

WORD_BOUNDS = (60, 85, 120, 170, 240, 340, 480, 680, 960, 1360, 1920, 2700, 3800, 5400)
"""Bounds of the classes of text length, in syllables: half octaves. A text of 60 to 84 is in class 1."""

PARAGRAPH_BOUNDS = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91)
"""Bounds of the classes of the number of paragraphs."""

_NO_BODY = frozenset(
    {RejectReason.DRIFT, RejectReason.MALFORMED, RejectReason.TOO_SHORT, RejectReason.NOT_AN_ARTICLE}
)
_VERSIONS = {generic.NAME: generic.VERSION, **{spec.name: spec.version for spec in SITE_PARSERS}}


@dataclass(frozen=True, slots=True)
class Shape:
    """What one page gave to one parser. `filled` holds names of `FIELDS`, and `BODY` if it is an article.

    `words` and `paragraphs` are numbers of classes (`WORD_BOUNDS`, `PARAGRAPH_BOUNDS`); they mean nothing
    without a body.
    """

    parser: str
    version: str
    filled: frozenset[str]
    words: int = 0
    paragraphs: int = 0


def shape_of(read: Article | Rejection) -> Shape | None:
    """The shape of a page; None for those that say nothing of the mark-up: videos, walls, other languages."""
    if isinstance(read, Rejection):
        if read.reason not in _NO_BODY:
            return None
        return Shape(read.parser, _VERSIONS.get(read.parser, ""), frozenset())
    values = {
        BODY: True,
        "title": read.title,
        "lead": read.lead,
        "authors": read.authors,
        "agency": read.agency,
        "date": read.published_at,
        "section": read.section,
        "tags": read.tags,
        "captions": read.captions,
    }
    return Shape(
        read.parser,
        read.parser_version,
        frozenset(name for name, value in values.items() if value),
        bisect_right(WORD_BOUNDS, read.word_count),
        bisect_right(PARAGRAPH_BOUNDS, len(read.paragraphs)),
    )
