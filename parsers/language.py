"""Which language a text is in, as far as this corpus needs to know: Vietnamese, English, or neither."""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"[\d_!-/:-@\[-`{-~“”‘’…–—]+")
_TYPOGRAPHIC = "’“”‘–—…"
_WORDS = re.compile(r"[^\W\d_]+")
_ASCII_WORDS = str.maketrans(
    {sign: sign.casefold() if sign.isalpha() else " " for sign in map(chr, range(128))}
)
# Letters that no other widely used language writes; é, à, ô and the like also stand in French or Portuguese.
_VIETNAMESE_LETTERS = re.compile("[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹĩũ]")
_WORDS_VIETNAMESE_WORDS = """
    và của là các được không có cho trong với đã người này một những để khi đến từ theo
"""
_VIETNAMESE_WORDS = frozenset(_WORDS_VIETNAMESE_WORDS.split())
_WORDS_ENGLISH_WORDS = """
    the of and to in is that for with was on as are by from this it be has at
"""
_ENGLISH_WORDS = frozenset(_WORDS_ENGLISH_WORDS.split())

# The commonest Vietnamese words as the fonts before Unicode wrote them, read as Latin-1: và, là, của, không,
# các, được, những, với, người, một, đã, để, từ, đến. In TCVN3 the letter ư is a soft hyphen,
# which cleaning removes.
_WORDS_TCVN3 = "vµ lµ cña kh«ng c¸c ®îc nh÷ng víi ngêi mét ®· ®Ó tõ ®Õn"
_WORDS_VNI = "vaø laø cuûa khoâng caùc ñöôïc nhöõng vôùi ngöôøi moät ñaõ ñeå töø ñeán"
_LEGACY_WORDS = {
    "TCVN3 (ABC fonts)": frozenset(_WORDS_TCVN3.split()),
    "VNI": frozenset(_WORDS_VNI.split()),
}
_LEGACY_SHARE = 0.04
"""Least share of these among all words; in Unicode text none of them exists."""

VIETNAMESE_SHARE = 0.06
"""Least share of such letters among all letters. Vietnamese press has 0.12 to 0.20, even with many
foreign names; a Vietnamese name in an English text leaves it below 0.02."""


_SAMPLE = 1_200
"""Characters that are looked at: some paragraphs tell as much as all."""


def legacy_encoding(text: str) -> str | None:
    """The name of the font encoding in which a text was written that is Vietnamese to its readers only.

    Such text is not decoded: the capitals of TCVN3 stand in fonts of their own under the codes of the small
    letters, so that the page alone does not tell what was printed.
    """
    if text.isascii():
        return None
    words = _PUNCTUATION.sub(" ", text[: 2 * _SAMPLE]).casefold().split()
    for name, known in _LEGACY_WORDS.items():
        if sum(map(known.__contains__, words)) >= max(3, _LEGACY_SHARE * len(words)):
            return name
    return None


def has_vietnamese_letters(text: str) -> bool:
    """Whether any letter is in the text that no other widely used language writes."""
    return not text.isascii() and _VIETNAMESE_LETTERS.search(text.casefold()) is not None


def is_vietnamese(text: str) -> bool:
    """Whether a text is in Vietnamese, which is told at once of most that are not."""
    return not text.isascii() and detect_language(text) == "vi"


def detect_language(text: str) -> str:
    """ "vi", "en", or "und" when neither is plain. `text` is NFC."""
    text = text[:_SAMPLE]
    if not text.isascii():
        # An English text has no other signs beyond ASCII, and is quicker without them.
        for sign in _TYPOGRAPHIC:
            text = text.replace(sign, " ")
    if text.isascii():
        words = text.translate(_ASCII_WORDS).split()
    else:
        text = text.casefold()
        words = _WORDS.findall(text)
    letters = sum(map(len, words))
    if not letters:
        return "und"
    share = 0.0 if text.isascii() else len(_VIETNAMESE_LETTERS.findall(text)) / letters
    if share >= VIETNAMESE_SHARE:
        return "vi"
    if share >= VIETNAMESE_SHARE / 2 and sum(map(_VIETNAMESE_WORDS.__contains__, words)) >= 0.05 * len(words):
        return "vi"
    return "en" if sum(map(_ENGLISH_WORDS.__contains__, words)) >= 0.12 * len(words) else "und"
