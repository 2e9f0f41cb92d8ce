"""Cleaning of text: from what a page holds to what the corpus stores.

`clean` is the one door: every string of a record passes it. It is idempotent, keeps the words as printed
(tone placement, capitals, quotation marks) and changes only what no reader sees or meant.
"""

from __future__ import annotations

import html
import re
import unicodedata

# Decoding shortens the text each time, so it always ends; eight rounds are more than any page needs.
_ROUNDS = 8

# "&amp;amp;#7871;" is one character escaped twice too often: the chain of ampersands is folded first.
_AMPERSANDS = re.compile(r"&(?:(?:amp|AMP|#0*38|#[xX]0*26);)+(?=[#A-Za-z])")
# Only references that end in a semicolon: "&copy=1" in an address is no copyright sign.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

# Invisible: controls, soft hyphen, zero-width characters, bidirectional controls, byte-order mark,
# replacement and object characters, lone surrogates, private use.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffd\ud800-\udfff\ue000-\uf8ff]"
)
# A zero-width joiner is kept inside an emoji and removed between letters.
_JOINER = re.compile("\u200d(?![\u2600-\u27bf\U0001f000-\U0001faff])")
# Letters that Icelandic keyboards and old fonts leave in place of Vietnamese đ and Đ.
_LETTERS = str.maketrans({"\u00f0": "đ", "\u00d0": "Đ", "\u0189": "Đ", "\u0256": "đ"})

# What `clean` has anything to do for, besides runs of blanks.
_WORK = re.compile(
    "[&\x00-\x08\x0e-\x1f\x7f-\x9f\xad\xd0\xf0\u0189\u0256\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffd\ud800-\udfff\ue000-\uf8ff]"
)
_NOT_WORD = re.compile(r"[\W_]+")
_ONLY_PUNCTUATION = re.compile(r"[\W_]*")
_SENTENCE_END = re.compile(r"[.!?…:;]['\"”’»)\]]*$")


def unescape(text: str) -> str:
    """Decode character references until nothing changes; an unknown reference stays as it is."""
    for _ in range(_ROUNDS):
        if "&" not in text:
            break
        decoded = _REFERENCE.sub(lambda m: html.unescape(m.group()), _AMPERSANDS.sub("&", text))
        if decoded == text:
            break
        text = decoded
    return text


def clean(text: str) -> str:
    """One line of clean text: NFC, references decoded, invisible characters gone, spaces single."""
    text = " ".join(text.split())
    if unicodedata.is_normalized("NFC", text) and _WORK.search(text) is None:
        return text
    for _ in range(_ROUNDS):
        before = text
        text = unescape(text).translate(_LETTERS)
        text = _JOINER.sub("", _INVISIBLE.sub("", text))
        text = " ".join(unicodedata.normalize("NFC", text).split())
        if text == before:
            break
    return text


def fold(text: str) -> str:
    """A key for comparison: lower case, letters and digits only, single spaces between words."""
    return _NOT_WORD.sub(" ", clean(text).casefold()).strip()


def is_punctuation(text: str) -> bool:
    """Whether no letter and no digit is in the text (a line of "." or "***")."""
    return _ONLY_PUNCTUATION.fullmatch(text) is not None


def ends_sentence(text: str) -> bool:
    """Whether the text ends as a sentence does, with or without a closing quotation mark."""
    return _SENTENCE_END.search(text.rstrip()) is not None


def once(text: str) -> str:
    """The text, or its first half where the second half repeats it ("Photo Photo" gives "Photo")."""
    words = text.split()
    half = len(words) // 2
    if half >= 2 and len(words) % 2 == 0 and words[:half] == words[half:]:
        return " ".join(words[:half])
    return text
