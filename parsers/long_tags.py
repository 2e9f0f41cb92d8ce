"""Where a page may have long tags, told without knowing where its tags begin.

Comments, scripts and drawings decide whether a "<" begins a tag, and quotation marks whether a ">" ends
one. What holds in every case: a ">" ends whatever tag is open, unless the last quotation mark of either kind
before it stands behind a "=" and so may open a value. Between two such sure ends a tag can begin at the first
"<" with a letter at the earliest: what stands before it (nearly all of a script or of JSON) is in no tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TAG_START = re.compile(rb"</?[a-zA-Z]")
_BLANKS = b" \t\n\v\f\r"
_EQUALS = ord("=")

Piece = tuple[int, int]
"""From and to (behind the last) which byte."""


def find_long_tags(source: bytes, short: int) -> tuple[list[Piece], list[Piece]]:
    """The pieces of more than `short` bytes in which tags may be that long, and those that are in no tag.

    A tag of more than `short` bytes is inside one of the former with its end. The latter are found beside
    them: there may be more such places.
    """
    long: list[Piece] = []
    free: list[Piece] = []
    for around, behind in _between_sure_ends(source, 0, len(source), short // 2):
        if behind - around <= short:
            continue
        # The first look goes in steps and sees hardly any of the ">": many that are sure may stand inside.
        for begin, end in _between_sure_ends(source, around, behind, 0):
            if end - begin <= _BARELY:
                continue
            tag = _TAG_START.search(source, begin, end)
            start = tag.start() if tag else end
            if start - begin > _BARELY:
                free.append((begin, start))
            if end - start > short:
                long.append((start, end))
    return long, free


_BARELY = 200  # bytes; what is shorter is not worth a list entry


def _between_sure_ends(source: bytes, begin: int, size: int, step: int) -> Iterator[Piece]:
    """The pieces that end at a sure end at least `step` bytes behind their beginnings, and the rest."""
    find, rfind = source.find, source.rfind
    looked = begin  # how far the quotation marks are known
    double = single = False  # whether the last of either kind may open a value
    at = begin + step
    while (end := find(b">", at, size)) >= 0:
        if (mark := rfind(b'"', looked, end)) >= 0:
            double = _opens(source, looked, mark)
        if (mark := rfind(b"'", looked, end)) >= 0:
            single = _opens(source, looked, mark)
        looked = end
        if double or single:
            at = end + 1
            continue
        yield begin, end + 1
        begin = end + 1
        at = begin + step
    if begin < size:
        yield begin, size


def _opens(source: bytes, looked: int, mark: int) -> bool:
    """Whether a quotation mark stands behind "="; between the two there are blanks only, no ">"."""
    before = source[mark - 1] if mark else 0
    return before == _EQUALS or (before in _BLANKS and source[looked:mark].rstrip(_BLANKS).endswith(b"="))
