"""Folding: what makes two texts the same although Vietnamese sites write them differently.

NFC and NFD, tone placement (hòa, hoà), case, quotes and dashes, invisible characters, spaces, and the
spellings of Ho Chi Minh City. Apart from `parsers.compare`, as who only reads articles needs no arrays: they
take 12 MB.
"""

from __future__ import annotations

import re
import unicodedata

_MARKS = re.compile("[\u0300-\u036f]+")
INVISIBLE = re.compile("[\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")
_NO_WORD = re.compile(r"[\W_]+")
_CITY = re.compile(r"\b(?:tp|thanh pho) ?(?:hcm|ho chi minh)\b")


def fold(text: str) -> str:
    """Fold text for comparison: lower-case syllables without marks, one space between them; idempotent."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", INVISIBLE.sub("", text)))
    plain = plain.casefold().replace("đ", "d").replace("ð", "d")
    plain = _NO_WORD.sub(" ", plain).strip()
    return _CITY.sub("tphcm", plain)
