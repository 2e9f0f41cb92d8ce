"""One-line text from feeds, sitemaps and anchors: titles and summaries.

These lines only describe a link until its article is read, so they are made plain, not perfect: entities
are unescaped until nothing changes (feeds escape once, twice or three times), tags are dropped, blanks are
folded, the result is NFC.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

# No feed was seen that escapes more often; the bound keeps "&amp;amp;amp;..." from costing a pass each.
_MAX_UNESCAPES: Final = 5

# A "<" before a letter, so that "giá < 5" stays. Matching stops at the next "<", which keeps it linear.
_TAG: Final = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)[^<>]*>|<!--[^<>]*-->", re.ASCII)
_INLINE: Final = frozenset(
    {"a", "b", "em", "font", "i", "mark", "small", "span", "strong", "sub", "sup", "u"}
)
_INVISIBLE: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u202a-\u202e"
                               "\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")  # fmt: skip


def one_line(markup: str | None) -> str | None:
    """The text of a piece of HTML or escaped HTML on one line, or None if nothing is left."""
    if not markup:
        return None
    text = markup
    for _ in range(_MAX_UNESCAPES):
        unescaped = html.unescape(text)
        if unescaped == text:
            break
        text = unescaped
    text = _INVISIBLE.sub("", _TAG.sub(_gap, text))
    return " ".join(unicodedata.normalize("NFC", text).split()) or None


def _gap(match: re.Match[str]) -> str:
    name = match.group(1)
    return "" if name is not None and name.lower() in _INLINE else " "
