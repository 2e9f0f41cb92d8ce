"""HTML: from the bytes of a page to its tree.

A node is used only while its tree lives: whoever reads nodes keeps the `Page`.
"""

from __future__ import annotations

from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from parsers.charset import to_utf8
from parsers.errors import MarkupError
from parsers.guards import guard

MAX_BYTES = 10_000_000


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


def attribute(node: LexborNode, name: str) -> str:
    """The attribute's value, or the empty string."""
    return node.attributes.get(name) or ""
