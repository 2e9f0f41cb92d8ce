"""Refuses pages whose tags have so many attributes that the HTML parser would take minutes for them.

The parser compares each attribute of a tag with all before it. Where a tag begins cannot be told without
parsing: comments, scripts and drawings decide it, and a tag may hide its end behind ">" in quotation
marks. So nothing here asks where tags begin. A ">" ends whatever tag is open, unless a quotation mark behind
a "=" stands before it with no other of its kind between them: a veil. Wherever a tag begins, what it goes
through is a chain of pieces without ">" that veils join, and these are counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from parsers.errors import MarkupError
from parsers.long_tags import Piece

MAX_COMPARED = 400_000_000
"""The sum, over all tags, of the squares of their numbers of attributes: the parser takes two seconds for
so many. A tag alone can have 20,000."""
_ATTRIBUTE_BYTES = 3
"""What an attribute takes at least, with the blank before it: there are too few names of one letter."""
_MAX_NAMES = 100_000
"""Different names of tags and attributes in a page: the parser looks for each among all, three seconds for so
many. A page of 3 MB had 48,000 pieces that could be names."""
_NAME_BYTES = 4
_SLICE = 65_536
SHORT_TAG = 15_000
_SHORTEST = 500
_BYTES_BY_TAG = 5_000_000_000
"""Tags are looked at from 15,000 bytes on, in pages beyond 333,000 bytes from fewer: what all shorter ones of
a page can cost is two seconds too."""

_VEIL = re.compile(rb"=\s*+(?=\"[^\">]*+(>)|'[^'>]*+(>))")
_TAG_START = re.compile(rb"</?[a-zA-Z][^\s/>]*+")
# HTML standard 13.2.5: a "=" at the head of a name belongs to it.
_ATTRIBUTE = re.compile(rb"[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+(?:\"|$)|'[^']*+(?:'|$)|[^\s>]*+))?+")
_TAG = re.compile(rb"<[a-zA-Z]++((?:[\s/]++|" + _ATTRIBUTE.pattern + rb")*+)")
# One set of letters after the other, which is far quicker than two words: nothing else is called "htdl".
_ROOT = re.compile(rb"<[hHbB][tToO][mMdD][lLyY][\s/]")
_MAX_ROOTS = 50
_SEPARATORS = re.compile(rb"[\s/=]+")
_OPEN = re.compile(rb"^[^=]++=\s*+(?:\"[^\"]*+|'[^']*+)$")
_FEW = 300
_ENDS_OF_NAMES = b"\t\n\v\f\r />="
_BLANKED = bytes.maketrans(_ENDS_OF_NAMES, b" " * len(_ENDS_OF_NAMES))
# HTML standard 13.2.5.32 to 39: an attribute begins behind a blank, a slash or the end of a quoted value.
_IN_ATTRIBUTES = bytes(byte for byte in range(256) if byte not in b"\t\n\f\r /\"'")
_FEW_BOUNDS = 5_000
"""Attributes that one tag may have in any case."""
_IN_NAMES = bytes(byte for byte in range(256) if byte not in _ENDS_OF_NAMES)


def guard_attributes(source: bytes, long: list[Piece], free: list[Piece], roots: int) -> int:
    """Raises MarkupError where the attributes of all tags could cost more than some seconds; linear.

    `long` and `free` are what `find_long_tags` gives with `short_tag`. `roots` is how many `<html>` and
    `<body>` there may be at most: one of each is nothing to count. Returns how many attributes one tag may
    have.
    """
    _guard_names(source, free)
    compared = _of_roots(source) ** 2 if roots > 2 else 0
    sizes = [(end - begin) // _ATTRIBUTE_BYTES + 1 for begin, end in long]
    close = compared + sum(size * size for size in sizes) > MAX_COMPARED
    short = short_tag(len(source))
    # As many attributes as bytes allow would do no harm in the others.
    pieces = [source[begin:end] for begin, end in long if close or end - begin > SHORT_TAG]
    bounds = [len(piece.translate(None, _IN_ATTRIBUTES)) + 1 for piece in pieces]
    if (
        max(bounds, default=0) <= _FEW_BOUNDS
        and compared + sum(size * size for size in bounds) <= MAX_COMPARED
    ):
        return max(bounds, default=0)
    most = 0
    for piece in pieces:
        counts = [0, *_in_long_pieces(piece, short), *_behind_veils(piece)]
        compared += sum(count * count for count in counts)
        most = max(most, *counts)
    if compared > MAX_COMPARED:
        raise MarkupError("one tag or all of them have too many attributes", reason="huge-tag")
    return most


def short_tag(size: int) -> int:
    """Bytes that a tag must have to be looked at in a page of `size` bytes."""
    return max(_SHORTEST, min(SHORT_TAG, _BYTES_BY_TAG // max(1, size)))


def _guard_names(source: bytes, free: list[Piece]) -> None:
    """Counts what could be a name, wherever it stands; the cheap counts clear nearly every page."""
    left = len(source) - sum(end - begin for begin, end in free)
    if left <= _MAX_NAMES * _NAME_BYTES:
        return
    # In slices, so that a large page is not held twice.
    if sum(map(_most_names, _outside(source, free))) <= _MAX_NAMES:
        return
    names: set[bytes] = set()
    for piece in _outside(source, free):
        names.update(piece.translate(_BLANKED).split())
        if len(names) > _MAX_NAMES:
            message = f"more than {_MAX_NAMES} different names may be in the page"
            raise MarkupError(message, reason="huge-tag")


def _most_names(piece: bytes) -> int:
    """How many names there may be at most, by the signs that end them: the second of two blanks ends none."""
    ends = len(piece.translate(None, _IN_NAMES))
    return ends - piece.count(b"  ") - piece.count(b"\n ") if ends > len(piece) // 5 else ends


def _outside(source: bytes, free: list[Piece]) -> Iterator[bytes]:
    """The source without what is free, in slices; a name that is cut only counts as two."""
    begin = 0
    for end, behind in (*free, (len(source), 0)):
        for start in range(begin, end, _SLICE):
            yield source[start : min(start + _SLICE, end)]
        begin = behind


def _of_roots(source: bytes) -> int:
    """The attributes of all `<html>` and `<body>`: what later ones have is added to the first."""
    starts = [match.start() for match in _ROOT.finditer(source)]
    if len(starts) > _MAX_ROOTS:
        raise MarkupError(f"more than {_MAX_ROOTS} elements html and body", reason="huge-tag")
    tags = (_TAG.match(source, start) for start in starts)
    return sum(len(_ATTRIBUTE.findall(tag.group(1))) for tag in tags if tag)


def _in_long_pieces(source: bytes, short: int) -> Iterator[int]:
    """How many attributes may stand in each long piece without ">"."""
    size = len(source)
    half = short // 2
    find, seen = source.find, 0
    for begin in range(0, size - half, half):
        if begin < seen or find(b">", begin, begin + half) >= 0:
            continue
        start = source.rfind(b">", seen, begin) + 1 or seen
        end = find(b">", begin)
        seen = end if end >= 0 else size
        yield _in_tag(source[start:seen])


def _behind_veils(source: bytes) -> Iterator[int]:
    """How many attributes may stand in each tag that goes on behind a ">"."""
    arrived: dict[int, int] = {}
    veiled: set[int] = set()
    for veil in _VEIL.finditer(source):
        begin, quote = veil.start(), veil.end()
        end = max(veil.end(1), veil.end(2)) - 1
        veiled.add(end)
        count = max(
            arrived.get(end, 0), _in_tag(source[source.rfind(b">", 0, begin) + 1 : begin], before_veil=True)
        )
        if not count:
            continue
        close = source.find(source[quote : quote + 1], end)
        if close < 0:
            yield count
            continue
        ends = source.find(b">", close)
        ends = ends if ends >= 0 else len(source)
        behind = _different(_ATTRIBUTE.findall(source, close + 1, ends))
        arrived[ends] = max(arrived.get(ends, 0), count + behind)
    yield from (count for end, count in arrived.items() if end not in veiled)


def _in_tag(piece: bytes, *, before_veil: bool = False) -> int:
    """How many attributes a tag may have that begins in a piece without ">"; 0 where none begins."""
    start = _TAG_START.search(piece)
    if start is None:
        return 0
    if _TAG_START.search(piece, start.end()) is None:
        attributes = _ATTRIBUTE.findall(piece, start.end())
        if before_veil and attributes and _OPEN.search(attributes[-1]):
            return 0  # the veil's own mark closes a value
        return 1 + _different(attributes)
    # Another may begin inside a value of the first: quotation marks tell nothing then. What stands between
    # two separators can be no more names than it has quotation marks, and one for each way to begin.
    pieces = Counter(_SEPARATORS.split(piece[start.start() :].lower()))
    return sum(min(times, 2 + one.count(b'"') + one.count(b"'")) for one, times in pieces.items())


def _different(attributes: list[bytes]) -> int:
    """The number of names: the parser drops one that the tag has already."""
    if len(attributes) <= _FEW:
        return len(attributes)
    return len({attribute[:1] + attribute[1:].partition(b"=")[0].strip().lower() for attribute in attributes})
