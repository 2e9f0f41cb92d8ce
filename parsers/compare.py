"""Comparison keys: what makes two texts the same although their bytes differ.

The stored text is never folded; only the keys are. `parsers.folding` says what folding is; here it is done to
whole texts at once.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from parsers.article import Paragraph
from parsers.folding import INVISIBLE, fold

KEY_FORMAT = "khotin-key-1"
_KEY_PREFIX = f"{KEY_FORMAT}\n".encode()

# Below this many syllables two bodies can be the same by chance: "Theo TTXVN", a notice, a caption.
BODY_KEY_MIN_SYLLABLES = 60

_CREDIT = re.compile(r"^theo \S+(?: \S+){0,5}$|^nguon\b.{0,60}$|^ttxvn\b.{0,20}$")

# A byte for each letter and sign of Vietnamese news: one pass then folds a whole text, ten times faster than
# `fold`. What holds any other character is left to `fold`; tests hold the two together.
_PART = "\x1e"
_LETTERS = "".join(
    letter
    for base in "aăâeêioôơuưyđAĂÂEÊIOÔƠUƯYĐ"
    for mark in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    if len(letter := unicodedata.normalize("NFC", base + mark)) == 1 and not letter.isascii()
)
_SIGNS = "“”‘’–—…•·°×«»ðÐöüçñ\u00a0\u00ad\u200b"
_ALPHABET = "\0\t\n" + _PART + "".join(map(chr, range(0x20, 0x7F))) + _LETTERS + _SIGNS
_BYTES = codecs.charmap_build(_ALPHABET.ljust(256, "\ufffe"))
_FOLDED = bytes(0x1E if sign == _PART else (fold(sign) or " ").encode()[0] for sign in _ALPHABET.ljust(256))
_SPACED = bytes(0x20 if sign.isspace() else 0x78 for sign in _ALPHABET.ljust(256))
_DROPPED = bytes(number for number, sign in enumerate(_ALPHABET) if INVISIBLE.match(sign))
_SPACE = 0x20
_PART_BYTE = bytes([_ALPHABET.index(_PART)])
_CITY_BYTES = re.compile(rb"\b(?:tp|thanh pho) ?(?:hcm|ho chi minh)\b")


def fold_all(parts: Sequence[str]) -> tuple[list[bytes], int]:
    """Each part as `fold` gives it, in UTF-8, and the number of words in all, as str.split tells them."""
    try:
        data = codecs.charmap_encode(_PART.join(parts), "strict", _BYTES)[0]
    except UnicodeEncodeError:
        if len(parts) == 1:
            return _fold_slowly(parts)
        each = [fold_all([part]) for part in parts]
        return [folded for told, _ in each for folded in told], sum(words for _, words in each)
    if data.count(_PART_BYTE) != len(parts) - 1:  # a text holds the sign that parts them
        return _fold_slowly(parts)
    words = _count_words(data)
    data = _squeezed(data.translate(_FOLDED, _DROPPED))
    if b"hcm" in data or b"ho chi minh" in data:
        data = _CITY_BYTES.sub(b"tphcm", data)
    return [part.strip(b" ") for part in data.split(b"\x1e")], words


def _count_words(data: bytes) -> int:
    """How many words begin, as str.split tells them, in text with a byte for each sign."""
    signs = np.frombuffer(b" " + data.translate(_SPACED), np.uint8)
    return int(np.count_nonzero(signs[1:] > signs[:-1]))


def _squeezed(data: bytes) -> bytes:
    """Text without the spaces that follow spaces."""
    if b"  " not in data:
        return data
    signs = np.frombuffer(data, np.uint8)
    kept = signs != _SPACE
    kept[1:] |= kept[:-1].copy()
    kept[0] = True
    squeezed: bytes = signs[kept].tobytes()
    return squeezed


def _fold_slowly(parts: Sequence[str]) -> tuple[list[bytes], int]:
    return [fold(part).encode() for part in parts], sum(len(part.split()) for part in parts)


def _key(folded: bytes) -> int:
    """64 bits of SHA-256 as a signed number, the form that every database indexes in 8 bytes.

    Among ten million texts a new one meets a wrong partner with a probability below 1e-12.
    """
    import hashlib  # takes 4 MB, and who only reads articles needs no keys

    digest = hashlib.sha256(_KEY_PREFIX + folded).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


class TextFacts(NamedTuple):
    """What is known of a text (lead and paragraphs) without the text."""

    word_count: int
    text_key: int
    body_key: int | None


def text_facts(lead: str | None, paragraphs: Sequence[Paragraph]) -> TextFacts:
    """The words between spaces, and the keys of a whole text and of its body.

    Equal text keys mean the same words in the same order. The body key leaves out the lead, and the credit
    that a reprint adds at the end: a reprint often has its own headline and lead before an unchanged body.
    It is None if the body is too short to tell anything (`BODY_KEY_MIN_SYLLABLES`).
    """
    return read_text(lead, paragraphs)[0]


def read_text(lead: str | None, paragraphs: Sequence[Paragraph]) -> tuple[TextFacts, bytes]:
    """The facts of a text, and the text itself, folded: UTF-8, its syllables one space apart."""
    (head, *rest), words = fold_all([lead or "", *[paragraph.text for paragraph in paragraphs]])
    body = [part for part in rest if part]
    whole = b" ".join([head, *body] if head else body)
    credit = 0
    while credit < len(body) and _CREDIT.match(body[-1 - credit].decode()):
        credit += 1
    if credit or not body:
        joined = b" ".join(body[: len(body) - credit])
    else:
        joined = whole[len(head) + 1 :] if head else whole
    enough = joined.count(b" ") + 1 >= BODY_KEY_MIN_SYLLABLES
    return TextFacts(words, _key(whole), _key(joined) if enough else None), whole


def with_title(title: str, folded: bytes) -> bytes:
    """A folded text (`read_text`) behind its title: what is compared with other texts."""
    ((folded_title,), _) = fold_all([title])
    return b" ".join(part for part in (folded_title, folded) if part)
