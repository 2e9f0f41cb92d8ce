"""Comparison keys: what makes two texts the same although their bytes differ.

The stored text is never folded; only the keys are. Folding makes equal what Vietnamese sites write
differently: NFC and NFD, tone placement (hòa, hoà), case, quotes and dashes, invisible characters, spaces,
and the spellings of Ho Chi Minh City.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from parsers.article import Paragraph

KEY_FORMAT = "khotin-key-1"

# Below this many syllables two bodies can be the same by chance: "Theo TTXVN", a notice, a caption.
BODY_KEY_MIN_SYLLABLES = 60

_MARKS = re.compile("[\u0300-\u036f]+")
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")
_NO_WORD = re.compile(r"[\W_]+")
_CITY = re.compile(r"\b(?:tp|thanh pho) ?(?:hcm|ho chi minh)\b")
_CREDIT = re.compile(r"^theo \S+(?: \S+){0,5}$|^nguon\b.{0,60}$|^ttxvn\b.{0,20}$")


def fold(text: str) -> str:
    """Fold text for comparison: lower-case syllables without marks, one space between them; idempotent."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", _INVISIBLE.sub("", text)))
    plain = plain.casefold().replace("đ", "d").replace("ð", "d")
    plain = _NO_WORD.sub(" ", plain).strip()
    return _CITY.sub("tphcm", plain)


def _key(folded: str) -> int:
    """64 bits of SHA-256 as a signed number, the form that every database indexes in 8 bytes.

    Among ten million texts a new one meets a wrong partner with a probability below 1e-12.
    """
    digest = hashlib.sha256(f"{KEY_FORMAT}\n{folded}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def comparison_keys(lead: str | None, paragraphs: Sequence[Paragraph]) -> tuple[int, int | None]:
    """The keys of a whole text (lead and paragraphs) and of its body; each part is folded once.

    Equal text keys mean the same words in the same order. The body key leaves out the lead, and the credit
    that a reprint adds at the end: a reprint often has its own headline and lead before an unchanged body.
    It is None if the body is too short to tell anything (`BODY_KEY_MIN_SYLLABLES`).
    """
    folded = [part for part in (fold(paragraph.text) for paragraph in paragraphs) if part]
    whole = [fold(lead), *folded] if lead else folded
    text_key = _key(" ".join(part for part in whole if part))
    body = list(folded)
    while body and _CREDIT.match(body[-1]):
        body.pop()
    joined = " ".join(body)
    return text_key, _key(joined) if joined.count(" ") + 1 >= BODY_KEY_MIN_SYLLABLES else None
