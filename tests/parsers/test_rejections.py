"""Pages that are no articles, and the reason each gets."""

from __future__ import annotations

import json
import unicodedata

import pytest

from parsers import Article, Rejection, RejectReason, parse_article
from parsers.language import legacy_encoding
from tests.parsers.made_up import LEAD, PARAGRAPHS, TITLE, epi, plain, vccorp

URL = "https://dongque.example/doi-song/day-boi-12.html"
STUB = f"<p>{PARAGRAPHS[0]}</p>"


def reason(page: bytes, parser: str | None = None, language: str | None = "vi") -> RejectReason:
    result = parse_article(page, URL, parser=parser, language=language)
    assert isinstance(result, Rejection), result
    assert result.evidence
    assert result.url == URL
    return result.reason


CHALLENGE = b"""<html><head><title>Just a moment...</title></head><body>
<script src="/cdn-cgi/challenge-platform/h/b/orchestrate"></script>
<p>Checking your browser</p></body></html>"""
COOKIE_WALL = b"""<html><body><script>document.cookie="D1N=abc"+"; path=/";
window.location.reload(true);</script>
</body></html>"""


@pytest.mark.parametrize("page", [CHALLENGE, COOKIE_WALL])
@pytest.mark.parametrize("parser", [None, "epi"])
def test_challenge_page(page: bytes, parser: str | None) -> None:
    assert reason(page, parser) is RejectReason.CHALLENGE_PAGE


@pytest.mark.parametrize(
    "heading", ["Không tìm thấy trang", "404", "Trang bạn tìm không tồn tại", "Page not found"]
)
@pytest.mark.parametrize("parser", [None, "vccorp"])
def test_error_page_with_status_200(heading: str, parser: str | None) -> None:
    page = (
        f"<html><head><title>Báo</title></head><body><h1>{heading}</h1><p>Mời về trang chủ.</p></body></html>"
    )
    assert reason(page.encode(), parser) is RejectReason.SOFT_404


def test_news_about_missing_pages_is_news() -> None:
    long = "".join(f"<p>{text}</p>" for text in PARAGRAPHS * 2)
    assert isinstance(parse_article(plain(long, heading="Vì sao trang không tồn tại?"), URL), Article)


def test_video_page_of_epi() -> None:
    assert reason(epi(head="<script>dataLayer.push({'articleType':'video'})</script>")) is RejectReason.VIDEO
    assert reason(epi(head="<script>dataLayer.articleType='video'</script>"), "epi") is RejectReason.VIDEO


def test_video_page_of_no_family() -> None:
    linked = json.dumps({"@type": "VideoObject", "name": TITLE})
    head = f'<script type="application/ld+json">{linked}</script>'
    assert reason(plain(STUB + "<video src='a.mp4'></video>", head)) is RejectReason.VIDEO
    assert reason(plain("<p>Xem hình.</p><video src='a.mp4'></video>")) is RejectReason.VIDEO


def test_gallery() -> None:
    figures = "".join(f"<figure><img><figcaption>Ảnh số {n} ở hồ</figcaption></figure>" for n in range(5))
    assert reason(plain(figures + "<p>Bộ ảnh về hồ.</p>")) is RejectReason.GALLERY


@pytest.mark.parametrize(
    "wall",
    [
        '<div class="paywall-box">Mời bạn mua gói đọc báo</div>',
        "<p>Vui lòng đăng nhập để đọc tiếp bài viết này</p>",
        "<p>Nội dung này chỉ dành cho hội viên trả phí</p>",
    ],
)
def test_paywall_stub(wall: str) -> None:
    assert reason(plain(STUB + wall)) is RejectReason.PAYWALL


@pytest.mark.parametrize("parser", [None, "epi"])
def test_paywall_in_json_ld(parser: str | None) -> None:
    linked = json.dumps({"@type": "NewsArticle", "headline": TITLE, "isAccessibleForFree": "False"})
    page = plain(STUB, f'<script type="application/ld+json">{linked}</script>')
    assert reason(page, parser) is RejectReason.PAYWALL


def test_other_language_is_rejected_only_when_one_is_asked_for() -> None:
    text = (
        "The city opened three new bus lines on Monday, and people may ride them free of charge for a week. "
    )
    page = plain("".join(f"<p>{text * 2}</p>" for _ in range(4)), heading="City opens new bus lines")
    assert reason(page) is RejectReason.WRONG_LANGUAGE
    article = parse_article(page, URL, language=None)
    assert isinstance(article, Article)
    assert article.language == "en"


def test_too_short() -> None:
    assert (
        reason(plain("<p>Chợ Vại nghỉ phiên sáng mai.</p>").replace(LEAD.encode(), b""))
        is RejectReason.TOO_SHORT
    )


def test_listing_page() -> None:
    items = "".join(
        f'<div class="item"><h3><a href="/tin-{n}.html">Tin thứ {n} trong ngày ở xã Đồng Vại</a></h3>'
        f"<span class='time'>09/06/2026 08:{n:02}</span><p class='sapo'>{PARAGRAPHS[n % 4]}</p></div>"
        for n in range(20)
    )
    page = f"<head><title>Đời sống - Đồng Quê</title></head><body><h1>Đời sống</h1><div>{items}</div></body>"
    assert reason(page.encode()) is RejectReason.NOT_AN_ARTICLE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"%PDF-1.4",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 50,
        b"<div>" * 5_000,
        b"<p " + b" ".join(b"a%d=1" % number for number in range(50_000)),
    ],
)
def test_malformed(data: bytes) -> None:
    assert reason(data) is RejectReason.MALFORMED


@pytest.mark.parametrize(
    "linked",
    [
        "{",
        "[]",
        "null",
        '"x"',
        "[[[[[[[[[[[]]]]]]]]]]]",
        "[" * 100_000,
        '{"@type": 5, "author": [[1]], "headline": {"a": 1}}',
        '{"@type": "NewsArticle", "headline": ["\\ud800"], "datePublished": 5, "author": {"name": [null]}}',
        '{"@graph": {"@graph": {"@graph": {"@type": "NewsArticle", "keywords": {"a": []}}}}}',
    ],
)
def test_broken_json_ld_does_no_harm(linked: str) -> None:
    result = parse_article(plain(head=f'<script type="application/ld+json">{linked}</script>'), URL)
    assert isinstance(result, Article)
    assert result.title == TITLE


def test_single_values_are_rescued_from_broken_json_ld() -> None:
    linked = '{"@type": "NewsArticle", "datePublished": "2026-06-08T09:00:00+07:00", "author": {,}'
    result = parse_article(plain(head=f'<script type="application/ld+json">{linked}</script>'), URL)
    assert isinstance(result, Article)
    assert result.published_at is not None
    assert result.published_at.isoformat() == "2026-06-08T09:00:00+07:00"


def test_double_escaped_headline_is_readable() -> None:
    result = parse_article(vccorp(), URL, parser="generic")
    assert isinstance(result, Article)
    assert result.title == TITLE


def in_font(text: str, table: dict[str, str]) -> bytes:
    """The text as a font encoding writes it, one Latin-1 letter or two for each Vietnamese one."""
    page = plain("".join(f"<p>{paragraph}</p>" for paragraph in (text, *PARAGRAPHS) * 2)).decode()
    written = "".join(table.get(letter, letter) for letter in page)
    return written.replace("utf-8", "iso-8859-1").encode("latin-1", "replace")


TCVN3 = dict(
    zip(
        "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵĐÂĂÊÔƠƯ",
        "µ¶·¸¹¨»¼½¾Æ©ÇÈÉÊË®ÌÎÏÐÑªÒÓÔÕÖ×ØÜÝÞßáâãä«åæçèé¬êëìíîïñòóô\xadõö÷øùúûüýþ§¢¡£¤¥¦",
        strict=True,
    )
)
VNI_TONES = {"̀": "ø", "̉": "û", "̃": "õ", "́": "ù", "̣": "ï"}
VNI_HAT = {"̀": "à", "̉": "å", "̃": "ã", "́": "á", "̣": "ä", "": "â"}
VNI_BREVE = {"̀": "è", "̉": "ú", "̃": "ü", "́": "é", "̣": "ë", "": "ê"}


def vni() -> dict[str, str]:
    table = {"đ": "ñ", "Đ": "Ñ"}
    for letter in TCVN3:
        parts = unicodedata.normalize("NFD", letter)
        tone = "".join(mark for mark in parts if mark in VNI_TONES)
        base = parts[0]
        if "̂" in parts:
            table[letter] = base + VNI_HAT[tone]
        elif "̆" in parts:
            table[letter] = base + VNI_BREVE[tone]
        elif "̛" in parts:
            table[letter] = {"o": "ô", "u": "ö", "O": "Ô", "U": "Ö"}[base] + VNI_TONES.get(tone, "")
        elif tone:
            table[letter] = base + VNI_TONES[tone]
    return table


@pytest.mark.parametrize(("name", "table"), [("TCVN3", TCVN3), ("VNI", vni())])
def test_text_in_the_fonts_before_unicode_is_named(name: str, table: dict[str, str]) -> None:
    result = parse_article(in_font("Người dân và cán bộ của xã không được nghỉ.", table), URL)
    assert isinstance(result, Rejection)
    assert result.reason is RejectReason.LEGACY_ENCODING
    assert name in result.evidence


def test_unicode_text_is_in_no_legacy_encoding() -> None:
    assert legacy_encoding(" ".join(PARAGRAPHS)) is None
    assert (
        legacy_encoding("Le château de l’été, où les élèves étaient à côté de la forêt. Ñandú, cañón.")
        is None
    )
