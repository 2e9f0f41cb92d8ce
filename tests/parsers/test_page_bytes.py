"""From bytes to a tree: character sets, what is no page, and the guards before the parser."""

from __future__ import annotations

import codecs
import unicodedata

import pytest

from parsers.article import Rejection
from parsers.charset import to_utf8
from parsers.errors import MarkupError
from parsers.guards import MAX_DEPTH, MAX_TAG, guard
from parsers.html import read_page
from parsers.reading import parse_article
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
    "piece",
    [
        b"<div>",
        b"<div/>",
        b"<!--><div>",
        b"<svg><title><div>",
        b"<foo>",
        b"<span><div></span></div>",
        b"<div><object></div>",
        b"<form><div></form>",
        b"<h1><div><h2></h1>",
        b"<b><object></b></object>",
        b'<p ="><div>',
        b'<p a=b="><div>',
    ],
)
def test_deep_nesting_is_refused_before_it_is_parsed(piece: bytes) -> None:
    with pytest.raises(MarkupError) as caught:
        guard(piece * 20_000)
    assert caught.value.reason == "too-deep"


@pytest.mark.parametrize("comment", [b"<!x ", b"<? ", b"</ ", b"<svg><![CDATA[ > ", b"<p>1</2 "])
def test_a_comment_of_another_kind_does_not_hide_nesting_in_a_value(comment: bytes) -> None:
    end = b"]]></svg>" if b"CDATA" in comment else b""
    with pytest.raises(MarkupError) as caught:
        guard(comment + b'<a b="> ' + end + b"<div>" * 20_000 + b'">')
    assert caught.value.reason == "too-deep"


@pytest.mark.parametrize(
    "source",
    [
        b"".join(b"<div><b class=c%d></div>" % i for i in range(5_000)),
        b"".join(b"<font size=%d><p>" % i for i in range(5_000)),
    ],
)
def test_formatting_that_stays_open_is_refused_before_it_is_parsed(source: bytes) -> None:
    with pytest.raises(MarkupError) as caught:
        guard(source)
    assert caught.value.reason == "too-deep"


@pytest.mark.parametrize("piece", [b"<div>", b"<foo>", b"<p><b>x<div>", b"<span><div></span></div>"])
@pytest.mark.parametrize("parser", ["generic", "epi"])
def test_a_page_too_deep_for_us_is_refused_when_it_is_read(piece: bytes, parser: str) -> None:
    page = (
        b"<h1 class=cms-title>T</h1><div class='article__body cms-body'>" + piece * (2 * MAX_DEPTH) + b"text"
    )
    result = parse_article(page, "https://bao.example/a", parser=parser)
    assert isinstance(result, Rejection)
    assert result.evidence.startswith("too-deep")


@pytest.mark.parametrize(
    "source",
    [
        b"<p " + b" ".join(b"a%d=1" % i for i in range(50_000)) + b">",
        b"<p " + b" ".join(b"a%d" % i for i in range(6_000)) + b">",
        b'<p title="' + b"x" * 2_000_000 + b'">',
        b"<p title=" + b"x" * (MAX_TAG + 1),
        b"<p " + b"/".join(b"a%d" % i for i in range(6_000)) + b">",
        b"<p " + b"".join(b'a%d=""' % i for i in range(6_000)) + b">",
        b"<p " + b" ".join(b'a%d=">"' % i for i in range(200_000)) + b">",
    ],
)
def test_a_huge_tag_is_refused(source: bytes) -> None:
    with pytest.raises(MarkupError) as caught:
        guard(source)
    assert caught.value.reason == "huge-tag"


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
    guard(source)


def test_a_page_beyond_ten_megabytes_is_refused() -> None:
    with pytest.raises(MarkupError) as caught:
        read_page(b"<p>" + b"x" * 10_000_000, "u")
    assert caught.value.reason == "too-large"
