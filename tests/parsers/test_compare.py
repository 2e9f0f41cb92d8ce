"""The quick way of folding is held to the plain one, and to what a reader would call the same text."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from parsers.article import Paragraph
from parsers.compare import BODY_KEY_MIN_SYLLABLES, KEY_FORMAT, text_facts
from parsers.folding import fold

_VIETNAMESE = st.text(
    st.sampled_from(
        "aàảãáạăằẳẵắặâầẩẫấậbcdđeèẻẽéẹêềểễếệghiìỉĩíịklmnoòỏõóọôồổỗốộơờởỡớợpqrstuùủũúụưừửữứựvxyỳỷỹýỵ"
        "AÀẠĂẶÂẬĐEÊIOÔƠUƯYỸ0123456789 .,;:!?()\"'/-_%&+=“”‘’–—…•·°×«»ðÐöüçñ\u00a0\u00ad\u200b\n\t"
    )
)
_ANY = st.one_of(
    _VIETNAMESE, st.text(), st.text(st.sampled_from("tpTP hcmHCMthanh phoố chí minh\u0300\u0301\x1e.ßМ漢ﬁ½™"))
)
_CREDIT = re.compile(r"^theo \S+(?: \S+){0,5}$|^nguon\b.{0,60}$|^ttxvn\b.{0,20}$")


def _key(folded: str) -> int:
    digest = hashlib.sha256(f"{KEY_FORMAT}\n{folded}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _plainly(lead: str | None, texts: list[str]) -> tuple[int, int, int | None]:
    """The facts as their definition says them, without any haste."""
    folded = [part for part in map(fold, texts) if part]
    whole = [*([fold(lead)] if lead else []), *folded]
    while folded and _CREDIT.match(folded[-1]):
        folded.pop()
    body = " ".join(folded)
    enough = len(body.split(" ")) >= BODY_KEY_MIN_SYLLABLES
    words = sum(len(text.split()) for text in [lead or "", *texts])
    return words, _key(" ".join(part for part in whole if part)), _key(body) if enough else None


@given(st.one_of(st.none(), _ANY), st.lists(_ANY, max_size=5))
@example("TP.HCM", ["Theo TTXVN"])
@example(None, ["tp", "hcm", "", " ", "Nguồn: báo"])
@example("a\x1eb", ["c"])
def test_quick_facts_are_the_plain_ones(lead: str | None, texts: list[str]) -> None:
    assert text_facts(lead, [Paragraph(text) for text in texts]) == _plainly(lead, texts)


@given(_VIETNAMESE, st.text(st.characters(codec="utf-8"), min_size=1, max_size=3))
def test_long_text_with_any_character_has_the_plain_facts(text: str, odd: str) -> None:
    texts = [f"{text} {number} " * 25 for number in range(3)]
    texts[1] += odd
    assert text_facts(odd, [Paragraph(part) for part in texts]) == _plainly(odd, texts)


def test_composed_and_decomposed_letters_have_the_same_keys() -> None:
    text = "Đội Cảnh sát giao thông số 6 kiểm tra nồng độ cồn ở TP. Hồ Chí Minh"
    decomposed = unicodedata.normalize("NFD", text)
    assert text_facts(text, ()) == text_facts(decomposed, ())
