"""From bytes to a tree: character sets, what is no page, and the guards before the parser."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import parsers.guard
from parsers.charset import to_utf8
from parsers.errors import MarkupError
from parsers.guard import MAX_DEPTH, MAX_TAG, guard, guard_by_steps
from parsers.html import read_page
from parsers.text import clean

SENTENCE = "Thành phố mở thêm ba tuyến xe buýt, người dân được đi thử miễn phí từ thứ hai."


def page(text: str, charset: str) -> bytes:
    return f'<html><head><meta charset="{charset}"></head><body><p>{text}</p></body></html>'.encode()


def windows_1258(text: str) -> bytes:
    """Vietnamese as windows-1258 writes it: the tone as a mark behind its letter."""
    out = bytearray()
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        tone = next((mark for mark in parts if mark in "\u0300\u0301\u0303\u0309\u0323"), "")
        base = unicodedata.normalize("NFC", "".join(mark for mark in parts if mark != tone))
        out += (base + tone).encode("cp1258")
    return bytes(out)


@pytest.mark.parametrize(
    "declared", ["utf-8", "windows-1258", "iso-8859-1", "zlib", "rot13", "idna", "utf-16", "none"]
)
def test_valid_utf8_is_utf8_whatever_is_declared(declared: str) -> None:
    assert SENTENCE in to_utf8(page(SENTENCE, declared), f"text/html; charset={declared}").decode()


def clean_body(body: bytes, content_type: str | None) -> str:
    tree_body = read_page(body, "u", content_type).tree.body
    assert tree_body is not None
    return clean(tree_body.text())


def test_windows_1258_is_read_where_the_header_declares_it() -> None:
    body = windows_1258(f"<html><body><p>{SENTENCE}</p></body></html>")
    assert clean_body(body, "text/html; charset=windows-1258") == SENTENCE


def test_meta_charset_far_behind_is_found() -> None:
    filler = "<!-- " + "x" * 5000 + " -->"
    body = windows_1258(
        f'<html><head>{filler}<meta http-equiv="Content-Type" content="text/html; charset=windows-1258">'
    )
    body += windows_1258(f"</head><body>{SENTENCE}</body></html>")
    assert clean_body(body, None) == SENTENCE


@pytest.mark.parametrize(
    ("bom", "codec"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
    ],
)
def test_byte_order_mark_beats_the_header(bom: bytes, codec: str) -> None:
    body = bom + f"<html><body>{SENTENCE}</body></html>".encode(codec)
    assert clean_body(body, "text/html; charset=windows-1258") == SENTENCE


def test_a_few_damaged_bytes_do_not_spoil_the_rest() -> None:
    body = (
        f"<html><body><p>{SENTENCE * 20}</p><p>đo".encode()
        + b"\xe1\xbb"
        + f"n cuối</p><p>{SENTENCE}</p>".encode()
    )
    assert clean_body(body, "text/html; charset=windows-1258").endswith(SENTENCE)


def test_nul_is_removed() -> None:
    assert clean_body(b"<p>m\0\xe1\xbb\x99t</p>", None) == "một"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\0\0", "empty"),
        (b"%PDF-1.7 ...", "not-html"),
        (b"\xff\xd8\xff\xe0....JFIF", "not-html"),
        (b"\x89PNG\r\n\x1a\n", "not-html"),
        (b"\x1f\x8b\x08\x00....", "not-html"),
        (b"\0\0\0\x18ftypmp42", "not-html"),
        (bytes(range(1, 32)) * 40, "not-html"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MarkupError) as caught:
        to_utf8(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "source",
    [
        b"<div>" * 100_000,
        b"<div/>" * 100_000,
        b"<!--><div>" * 1_000,
        b"<svg><title>" + b"<div>" * 1_000,
        b"<foo>" * 1_000,
        b"".join(b"<div><b class=c%d></div>" % i for i in range(1_000)),
        b"".join(b"<font size=%d><p>" % i for i in range(1_000)),
    ],
)
def test_deep_nesting_is_refused(source: bytes) -> None:
    assert verdict(guard, source) == verdict(guard_by_steps, source) == "too-deep"


@pytest.mark.parametrize(
    "source",
    [
        b"<p " + b" ".join(b"a%d=1" % i for i in range(50_000)) + b">",
        b"<p " + b" ".join(b"a%d" % i for i in range(5_000)) + b">",
        b'<p title="' + b"x" * 2_000_000 + b'">',
        b"<p title=" + b"x" * (MAX_TAG + 1),
    ],
)
def test_a_huge_tag_is_refused(source: bytes) -> None:
    assert verdict(guard, source) == verdict(guard_by_steps, source) == "huge-tag"


@pytest.mark.parametrize(
    "source",
    [
        b"<p>x" * 5_000,
        b"<ul>" + b"<li>x" * 5_000,
        b"<br><img src=a>" * 5_000,
        b"<div>x</div>" * 5_000,
        b"<svg>" + b'<path d="M0 0"/>' * 2_000 + b"</svg>",
        b"<script>" + b'"<div>" ' * 2_000 + b"</script>",
        b"<!-- " + b"<div>" * 2_000 + b" -->",
        b'<img src="data:image/png;base64,' + b"A" * 200_000 + b'">',
        b"<a title='x > y' href=\"?a=b>c\">" + b"</a>",
        b"<div>" * (MAX_DEPTH - 1),
    ],
)
def test_ordinary_mark_up_passes(source: bytes) -> None:
    assert verdict(guard, source) == verdict(guard_by_steps, source) == "passes"


NAMES = ("div", "p", "b", "svg", "g", "title", "style", "script", "SCRIPT", "a", "x-y", "Font", "math")
PIECES = (
    *("<p>", "<a href=x>", "<img/>", "</p>"),
    *(f"<{name}>" for name in NAMES),
    *(f"</{name}>" for name in NAMES),
    *("<path/>", "<path d='/>'/>", "<div/>", "<style/>", "<svg/", "<script", "<div " + "a " * 70),
    *("</", "<", ">", "/>", "<!-->", "<!--", "-->", "--!>", "<!doctype html>", "<i x=" + "y" * 1100),
    *("text", " ", "=", '"', "'", ' a="<div>"', " a='</div>'", ' a="', " b='", " c=d"),
)


@given(
    st.lists(st.sampled_from(PIECES), max_size=40),
    st.integers(1, 12),
    st.lists(st.sampled_from(PIECES), max_size=12),
)
@example(["<svg>", "<path/>", "<g>"], 12, ["</path>"])
@example(["<div>", "<svg>", "<style>"], 12, ["</style", "</svg>"])
def test_the_guard_in_one_pass_agrees_with_the_guard_by_steps(
    start: list[str], times: int, end: list[str]
) -> None:
    """Repeated, so that depth comes about; with what the repetition ends in, and without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsers.guard, "MAX_DEPTH", 20)
        for source in ("".join(start * times + end), "".join(start + end * times)):
            data = source.encode()
            assert verdict(guard, data) == verdict(guard_by_steps, data), data


def verdict(check: Callable[[bytes], None], source: bytes) -> str:
    try:
        check(source)
    except MarkupError as error:
        return error.reason
    return "passes"


def test_a_page_beyond_ten_megabytes_is_refused() -> None:
    with pytest.raises(MarkupError) as caught:
        read_page(b"<p>" + b"x" * 10_000_000, "u")
    assert caught.value.reason == "too-large"
