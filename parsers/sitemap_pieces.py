"""A large sitemap as many small ones, so that the memory it takes does not grow with its size.

Each piece is a document of its own: the root's start tag, some of the entries, the root's end tag. The last
one ends as the whole did, so that a sitemap that was cut off is still found to be. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

PIECE: Final = 1024 * 1024
"""About so many bytes of entries go into one piece; a smaller sitemap is one piece, as it is."""

_LONGEST_HEAD: Final = 64 * 1024
_ROOT: Final = re.compile(
    rb"<((?:[A-Za-z][\w.-]{0,40}:)?(?:urlset|sitemapindex))(?:\s[^<>]*)?>", re.IGNORECASE
)
_UNIT_END: Final = re.compile(rb"</(?:[A-Za-z][\w.-]{0,40}:)?(?:url|sitemap)\s{0,100}>", re.IGNORECASE)
_PAIRS: Final = ((b"<!--", b"-->"), (b"<![CDATA[", b"]]>"))
# UTF-16, with or without a mark: nothing that is sought below would be found.
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")


def pieces(data: bytes | bytearray, size: int = PIECE) -> Iterator[bytes]:
    """The sitemap in pieces of about `size` bytes; as one piece if it is small or cannot be cut safely."""
    head = _head(data) if len(data) > size and not data.startswith(_WIDE) else None
    if head is None:
        yield bytes(data)
        return
    text, root = head
    position = len(text)
    while (end := _cut(data, position, size)) is not None:
        yield text + data[position:end] + b"</" + root + b">"
        position = end
    yield text + data[position:]


def _head(data: bytes | bytearray) -> tuple[bytes, bytes] | None:
    """All before the first entry, and the root's name; None where that is not sure."""
    start = bytes(data[:_LONGEST_HEAD])
    match = _ROOT.search(start)
    if match is None or match.group().endswith(b"/>"):
        return None
    head = start[: match.end()]
    # A document type is for the guards to refuse, whole; in an open comment the root is not the root.
    if b"<!d" in head.lower() or not _closed(head):
        return None
    return head, match.group(1)


def _cut(data: bytes | bytearray, position: int, size: int) -> int | None:
    """The end of an entry some way behind `position` that stands in no comment and no CDATA section."""
    wanted = position + size
    while (match := _UNIT_END.search(data, wanted)) is not None:
        if _closed(data[position : match.end()]):
            return match.end()
        # Further and further, so that a comment of megabytes does not cost the square of them.
        wanted = match.end() + (match.end() - position)
    return None


def _closed(piece: bytes | bytearray) -> bool:
    return all(piece.count(opening) == piece.count(closing) for opening, closing in _PAIRS)
