"""HTML: from the bytes of a page to its tree.

A node is used only while its tree lives: whoever reads nodes keeps the `Page`.
"""

from __future__ import annotations

from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from parsers.charset import to_utf8
from parsers.errors import MarkupError
from parsers.guards import guard
from parsers.unseen import without_unseen

MAX_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed page: its address, its bytes, and the tree, which owns every node read from it.

    The bytes hold all that was there, and ASCII can be looked for in them; the tree is without scripts, style
    sheets, drawings and comments.
    """

    url: str
    source: bytes
    tree: LexborHTMLParser


def read_page(data: bytes, url: str, content_type: str | None = None) -> Page:
    """Decode, guard and parse. Raises MarkupError for what is empty, not text, or beyond the guards."""
    if len(data) > MAX_BYTES:
        raise MarkupError(f"the page has {len(data)} bytes, more than {MAX_BYTES}", reason="too-large")
    seen, roots = without_unseen(data)
    source = to_utf8(seen, content_type)
    guard(source, roots if source is seen else None)
    return Page(url, source if seen is data else data, LexborHTMLParser(source))


def attribute(node: LexborNode, name: str) -> str:
    """The attribute's value, or the empty string."""
    return node.attributes.get(name) or ""
