"""Cleaning of text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.text import clean, ends_sentence, once, one_line, unescape, words_only

PIECES = st.sampled_from(
    [
        *["&amp;", "&#38;", "&#x26;", "#7871;", "lt;", "&lt;", "&nbsp;", "&", ";", "😀", "ð", "a"],
        *"\u00ad\u200b\ufeff\u200d\ud800\x00 \u00a0\n\u037e\u0301ạ\u2028",
        "e\u0302\u0301",
    ]
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  một \n\t hai\u00a0 ba ", "một hai ba"),
        ("Tuye\u0302\u0301n đường", "Tuyến đường"),
        ("th\u00adanh\u200bphố\ufeff", "thanhphố"),
        ("\u202emột\u202c \u200ehai\u2069", "một hai"),
        ("ðường Ðồng", "đường Đồng"),
        ("a\x00b\ud800c", "abc"),
        ("hòa và hoà", "hòa và hoà"),
        ("dòng\u2028sau", "dòng sau"),
        ("Chi&amp;#7871;n s&amp;amp;#7921;", "Chiến sự"),
        ("A &lt;b&gt; &amp; C", "A <b> & C"),
        ("/tin?a=1&copy=2", "/tin?a=1&copy=2"),
        ("lãi 5 < 6 & 7", "lãi 5 < 6 & 7"),
        ("gia đình 👨\u200d👩\u200d👧", "gia đình 👨\u200d👩\u200d👧"),
    ],
)
def test_clean_gives_what_a_reader_sees(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@given(st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join)))
def test_clean_is_idempotent_and_nfc(text: str) -> None:
    once_clean = clean(text)
    assert clean(once_clean) == once_clean
    assert unicodedata.is_normalized("NFC", once_clean)
    once_clean.encode("utf-8")


@given(st.text())
def test_clean_leaves_no_invisible_edges(text: str) -> None:
    cleaned = clean(text)
    assert cleaned == cleaned.strip()
    assert "\n" not in cleaned
    assert "  " not in cleaned


def test_unescape_ends_on_deep_nesting() -> None:
    assert unescape("&" + "amp;" * 10_000 + "lt;") == "<"


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("Nước <b>sông</b> lên<br>rút", "Nước sông lên rút"),
        ("&amp;lt;p&amp;gt;Chi&amp;amp;#7871;n sự&amp;lt;/p&amp;gt;", "Chiến sự"),
        ("giá < 5 &copy=1 <!-- x -->", "giá < 5 &copy=1"),
        ("ðường B\ufffdi\u200b", "đường B\ufffdi"),
        ("<img src=a.jpg>", None),
        (None, None),
    ],
)
def test_one_line_is_the_clean_text_of_markup(markup: str | None, expected: str | None) -> None:
    assert one_line(markup) == expected


@given(st.lists(PIECES, max_size=30).map("".join))
def test_titles_without_tags_are_cleaned_as_articles_are(text: str) -> None:
    assert one_line(text) == (clean(text) or None)


def test_words_only_leaves_punctuation_and_case_out() -> None:
    assert words_only("“Vì An ninh – Tổ quốc”!") == words_only("vì an ninh tổ quốc") == "vì an ninh tổ quốc"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Toàn cảnh hội nghị Toàn cảnh hội nghị", "Toàn cảnh hội nghị"),
        ("ha ha", "ha ha"),
        ("một hai ba một hai", "một hai ba một hai"),
    ],
)
def test_once_removes_a_repeated_half(text: str, expected: str) -> None:
    assert once(text) == expected


@pytest.mark.parametrize(
    ("text", "ends"),
    [("Xong.", True), ("“Xong!”", True), ("gồm:", True), ("Một tiêu đề", False), ("", False)],
)
def test_end_of_a_sentence_is_seen(text: str, ends: bool) -> None:
    assert ends_sentence(text) is ends
