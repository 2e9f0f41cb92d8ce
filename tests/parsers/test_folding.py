"""The table folds as `parsers.compare.fold` does, byte for byte."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from parsers.compare import fold
from parsers.folding import _COVERED, fold_parts

COVERED = st.sampled_from([chr(code) for first, end in _COVERED for code in range(first, end)])
NEWS = "Sáng 2/3, UBND TP.HCM – “hoà giải”: giá vàng 36,5 triệu đồng/lượng… ﬁ ½ 😀 Đà Nẵng ​ð"


def slow(parts: list[str]) -> list[bytes]:
    return [fold(part).encode("utf-8", "surrogatepass") for part in parts]


@given(st.lists(st.text(COVERED, max_size=12), max_size=4))
def test_characters_of_the_table_fold_as_before(parts: list[str]) -> None:
    assert fold_parts(parts) == slow(parts)


@given(st.lists(st.text(max_size=12), max_size=4))
def test_any_text_folds_as_before(parts: list[str]) -> None:
    assert fold_parts(parts) == slow(parts)


@given(st.lists(st.text(NEWS + unicodedata.normalize("NFD", NEWS) + " \n", max_size=60), max_size=4))
def test_news_folds_as_before(parts: list[str]) -> None:
    assert fold_parts(parts) == slow(parts)


def test_every_single_character_of_the_basic_plane_folds_as_before() -> None:
    characters = [chr(code) for code in range(0x10000)]
    for start in range(0, len(characters), 256):
        chunk = characters[start : start + 256]
        assert fold_parts(chunk) == slow(chunk)


def test_the_city_is_one_word_within_a_part_and_not_across_parts() -> None:
    assert fold_parts(["Ở TP. HCM và Thành phố Hồ Chí Minh"]) == [b"o tphcm va tphcm"]
    assert fold_parts(["Ở TP", "HCM"]) == [b"o tp", b"hcm"]


def test_a_part_that_holds_the_separator_does_not_split() -> None:
    assert fold_parts(["một\x1ehai", "ba"]) == [b"mot hai", b"ba"]
