"""Cleaning of text: from what a page or feed holds to what the corpus stores.

`clean` is the door for text: every string of a record passes it. It is idempotent, keeps the words as
printed (tone placement, capitals, quotation marks) and changes only what no reader sees or meant. `one_line`
is the door for markup that stands where text is expected: titles and summaries in feeds and anchors.
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

# Invisible: controls, soft hyphen, zero-width characters, bidirectional controls, byte-order mark, object
# characters, noncharacters, lone surrogates, private use.
_UNSEEN = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffc\ufffe\uffff\ud800-\udfff"
    "\ue000-\uf8ff"
)
_INVISIBLE = re.compile(f"[{_UNSEEN}]")
_INVISIBLE_OR_LOST = re.compile(f"[{_UNSEEN}\ufffd]")
# A zero-width joiner is kept inside an emoji and removed between letters.
_JOINER = re.compile("\u200d(?![\u2600-\u27bf\U0001f000-\U0001faff])")
# Letters that Icelandic keyboards and old fonts leave in place of Vietnamese đ and Đ.
_FOREIGN_LETTER = re.compile("[\u00f0\u00d0\u0189\u0256]")
_LETTERS = str.maketrans({"\u00f0": "đ", "\u00d0": "Đ", "\u0189": "Đ", "\u0256": "đ"})

# What `clean` has anything to do for, besides runs of blanks.
_WORK = re.compile(
    "[&\x00-\x08\x0e-\x1f\x7f-\x9f\xad\xd0\xf0\u0189\u0256\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff\ue000-\uf8ff]"
)
# The same among what `str.isprintable` takes for printable: no blank but the space is, nor what is unseen.
_PRINTABLE_WORK = re.compile("[\xd0\xf0\u0189\u0256\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufff9-\ufffd]")
# A "<" before a letter, so that "giá < 5" stays. Matching stops at the next "<", which keeps it linear.
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)[^<>]*>|<!--[^<>]*-->", re.ASCII)
_INLINE = frozenset(("a", "b", "em", "font", "i", "mark", "small", "span", "strong", "sub", "sup", "u"))
_NOT_WORD = re.compile(r"[\W_]+")
_ASCII_WORDS = str.maketrans({sign: sign.lower() if sign.isalnum() else " " for sign in map(chr, range(128))})
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
    if text.isascii() and text.isprintable() and "&" not in text:
        # The space is the only blank that is printable: most texts need not be taken apart.
        return " ".join(text.split()) if "  " in text else text.strip()
    if (
        text.isprintable()
        and "  " not in text
        and "&" not in text
        and _PRINTABLE_WORK.search(text) is None
        and unicodedata.is_normalized("NFC", text)
    ):
        return text.strip()
    return _settled(text, _INVISIBLE_OR_LOST)


def one_line(markup: str | None) -> str | None:
    """The text of a piece of HTML or escaped HTML, clean and on one line, or None if nothing is left.

    Feeds escape once, twice or three times. What their bytes did not tell stays U+FFFD: such a title only
    describes a link until its article is read, and should not look whole.
    """
    return _settled(_TAG.sub(_gap, unescape(markup)), _INVISIBLE) or None if markup else None


def _settled(text: str, invisible: re.Pattern[str]) -> str:
    text = " ".join(text.split())
    if unicodedata.is_normalized("NFC", text) and _WORK.search(text) is None:
        return text
    for _ in range(_ROUNDS):
        before = text
        text = unescape(text)
        if _FOREIGN_LETTER.search(text):
            text = text.translate(_LETTERS)
        text = _JOINER.sub("", invisible.sub("", text))
        text = " ".join(unicodedata.normalize("NFC", text).split())
        if text == before:
            break
    return text


def _gap(tag: re.Match[str]) -> str:
    name = tag.group(1)
    return "" if name is not None and name.lower() in _INLINE else " "


def words_only(text: str) -> str:
    """The words for comparison within a page: small letters and digits, marks kept, single spaces between.

    Copies of one article are told by `parsers.compare.fold`, which takes the marks off too.
    """
    text = clean(text)
    if text.isascii():
        return " ".join(text.translate(_ASCII_WORDS).split())
    return _NOT_WORD.sub(" ", text.casefold()).strip()


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
