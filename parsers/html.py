"""HTML: the guards that stand before the parser, and the tree.

The parser is quadratic in the depth of the tree, in formatting elements that stay open, and in the number
of attributes of a tag, so a linear scan refuses such pages first. A node is used only while its tree lives:
whoever reads nodes keeps the `Page`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from parsers.charset import to_utf8
from parsers.errors import MarkupError

MAX_BYTES = 10_000_000
MAX_DEPTH = 500
"""Open elements at once. Real news pages have 19 in the median and 34 at most."""
MAX_TAG = 65_536
"""Bytes of one tag with its attributes, images given in place (`data:`) not counted: real pages have tags of
100 KB with one of those."""
MAX_ATTRIBUTES = 2_000

# A quotation mark opens a value only after "=", as in the standard; possessive, so that it cannot backtrack.
# Without the last part the tag never ends.
_TAG = re.compile(rb"<(?:(!--)|(/)?([a-zA-Z][^\s/>]*)(?:(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+>)?)")
_DATA = re.compile(rb"=\s*(?:\"data:[^\"]*\"|'data:[^']*')")
_QUOTED = re.compile(rb"\"[^\"]*\"|'[^']*'")
_RAW = {
    name: re.compile(rb"</" + name + rb"[\s/>]", re.IGNORECASE)
    for name in (b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes")
}
# Elements that never stay open (void), or that the next one of their kind closes.
_NO_DEPTH = frozenset(
    (
        b"area base basefont bgsound br col embed frame hr img input keygen link meta param source track "
        b"wbr "
        b"html head body p li dt dd option optgroup tr td th thead tbody tfoot colgroup caption rt "
        b"rp a nobr"
    ).split()
)
# The parser opens these again in every following block until they are closed (HTML standard, 13.2.4.3).
_FORMATTING = frozenset(b"b big code em font i s small strike strong tt u".split())
_TAG_END = ord(">")
_COMMENT_END = re.compile(rb"--!?>")
_FOREIGN_LEAVES = 5_000
"""Tags such as `<path/>` inside drawings that may close themselves; elsewhere "/>" closes nothing."""


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed page: its address, its bytes in UTF-8, and the tree, which owns every node read from it."""

    url: str
    source: bytes
    tree: LexborHTMLParser


def read_page(data: bytes, url: str, content_type: str | None = None) -> Page:
    """Decode, guard and parse. Raises MarkupError for what is empty, not text, or beyond the guards."""
    if len(data) > MAX_BYTES:
        raise MarkupError(f"the page has {len(data)} bytes, more than {MAX_BYTES}", reason="too-large")
    source = to_utf8(data, content_type)
    guard(source)
    return Page(url, source, LexborHTMLParser(source))


def guard(source: bytes) -> None:
    """Refuse, in linear time, mark-up that the parser would take minutes for. Raises MarkupError."""
    stack: list[bytes] = []
    waiting: dict[bytes, int] = {}
    formatting: dict[bytes, int] = {}
    reopened = 0
    position = leaves = 0
    while match := _TAG.search(source, position):
        comment, closing, raw_name = match.groups()
        start, position = match.span()
        if comment:
            comment_end = _COMMENT_END.search(source, position - 2)
            if comment_end is None:
                return
            position = comment_end.end()
            continue
        if source[position - 1] != _TAG_END:
            position = len(source)
        if position - start > MAX_ATTRIBUTES * 2:
            _guard_tag(source, start, position)
        name = raw_name.lower()
        if closing:
            if formatting.get(name):
                formatting[name] -= 1
                reopened -= 1
            elif waiting.get(name):
                _close(name, stack, waiting)
            continue
        foreign = waiting.get(b"svg") or waiting.get(b"math")
        if name in _RAW and not foreign:
            close = _RAW[name].search(source, position)
            if close is None:
                return
            position = close.start()
        elif foreign and leaves < _FOREIGN_LEAVES and source[position - 2 : position] == b"/>":
            leaves += 1
        elif name not in _NO_DEPTH:
            if name in _FORMATTING:
                formatting[name] = formatting.get(name, 0) + 1
                reopened += 1
            else:
                stack.append(name)
                waiting[name] = waiting.get(name, 0) + 1
            if len(stack) + reopened > MAX_DEPTH:
                raise MarkupError(f"more than {MAX_DEPTH} elements are open at once", reason="too-deep")


def _close(name: bytes, stack: list[bytes], waiting: dict[bytes, int]) -> None:
    """Close the innermost open element of that name and all inside it."""
    while stack:
        top = stack.pop()
        waiting[top] -= 1
        if top == name:
            break


def _guard_tag(source: bytes, start: int, end: int) -> None:
    if end - start > MAX_TAG:
        size = len(_DATA.sub(b"", source[start:end]))
        if size > MAX_TAG:
            raise MarkupError(f"one tag has {size} bytes, more than {MAX_TAG}", reason="huge-tag")
    names = _QUOTED.sub(b" ", source[start:end])
    if len(names.split()) > MAX_ATTRIBUTES:
        raise MarkupError(f"one tag has more than {MAX_ATTRIBUTES} attributes", reason="huge-tag")


def attribute(node: LexborNode, name: str) -> str:
    """The attribute's value, or the empty string."""
    return node.attributes.get(name) or ""
