"""The extractor for pages of no known family."""

from __future__ import annotations

import json
import unicodedata

import pytest

from parsers import Article, ParagraphKind, parse_article
from tests.parsers.made_up import HEADING, LEAD, PARAGRAPHS, RELATED, TITLE, plain

URL = "https://dongque.example/doi-song/day-boi-12.html"


def read(page: bytes, url: str = URL) -> Article:
    result = parse_article(page, url)
    assert isinstance(result, Article), result
    assert result.parser == "generic"
    return result


def texts(article: Article) -> list[str]:
    return [paragraph.text for paragraph in article.paragraphs]


def test_text_is_read_without_what_stands_around_it() -> None:
    article = read(plain())
    assert article.title == TITLE
    assert article.lead == LEAD
    assert texts(article) == list(PARAGRAPHS)
    assert RELATED not in article.text
    assert article.published_at is not None
    assert article.published_at.isoformat() == "2026-06-09T08:15:00+07:00"


def test_lead_outside_the_body_is_kept_and_not_repeated() -> None:
    body = "".join(f"<p>{text}</p>" for text in (LEAD, *PARAGRAPHS))
    page = plain(body).replace(b"<article>", f'<h2 class="news-sapo">{LEAD}</h2><article>'.encode())
    article = read(page)
    assert article.lead == LEAD
    assert article.text.count(LEAD) == 1


def test_a_page_without_paragraph_elements_is_read() -> None:
    body = "<div class='text'>" + "<br><br>".join(PARAGRAPHS) + "</div>"
    assert texts(read(plain(body))) == list(PARAGRAPHS)


def test_a_page_in_layout_tables_is_read() -> None:
    page = f"""<html><head><title>{TITLE}</title></head><body><table><tr><td><a href="/">Trang chủ</a></td>
</tr><tr><td><h1>{TITLE}</h1><span class="Date">Thứ Ba, 9/6/2026, 08:15</span><div><span>
{"".join(f"<p>{text}</p>" for text in PARAGRAPHS)}</span></div></td><td><p>Quảng cáo</p></td></tr>
</table></body></html>"""
    assert texts(read(page.encode())) == list(PARAGRAPHS)


def test_lists_tables_and_quotations_keep_their_form() -> None:
    body = (
        f"<p>{PARAGRAPHS[0]}</p><ul><li>phao và lưới quây</li><li>bốn người trông</li></ul>"
        f"<p>{PARAGRAPHS[1]}</p>"
        "<table><tr><th>Tháng</th><th>Số em</th></tr><tr><td>6</td><td>96</td></tr></table>"
        f"<blockquote><p>{PARAGRAPHS[2]}</p></blockquote><h2>{HEADING}</h2><p>{PARAGRAPHS[3]}</p>"
    )
    blocks = [(block.kind, block.text) for block in read(plain(body)).paragraphs]
    assert (ParagraphKind.LIST, "phao và lưới quây\nbốn người trông") in blocks
    assert (ParagraphKind.TABLE, "Tháng | Số em\n6 | 96") in blocks
    assert (ParagraphKind.QUOTE, PARAGRAPHS[2]) in blocks
    assert (ParagraphKind.HEADING, HEADING) in blocks


def test_captions_stand_apart_and_once() -> None:
    figure = "<figure><img src='a.jpg'><figcaption>Hồ Đồng Vại</figcaption></figure>"
    body = figure + "".join(f"<p>{text}</p>" for text in PARAGRAPHS) + figure
    article = read(plain(body))
    assert article.captions == ("Hồ Đồng Vại",)
    assert "Hồ Đồng Vại" not in article.text


@pytest.mark.parametrize(
    ("last", "authors", "agency"),
    [
        ("<p>Vũ Hoài Sa</p>", ("Vũ Hoài Sa",), None),
        ("<p><b>Vũ Hoài Sa (tổng hợp)</b></p>", ("Vũ Hoài Sa",), None),
        ("<p>Vũ Hoài Sa</p><p>Theo TTXVN</p>", ("Vũ Hoài Sa",), "TTXVN"),
    ],
)
def test_closing_lines_become_writer_and_agency(
    last: str, authors: tuple[str, ...], agency: str | None
) -> None:
    article = read(plain("".join(f"<p>{text}</p>" for text in PARAGRAPHS) + last))
    assert article.authors == authors
    assert article.agency == agency
    assert texts(article) == list(PARAGRAPHS)


def test_title_byline_and_date_repeated_in_the_body_are_dropped() -> None:
    head = '<meta name="author" content="Vũ Hoài Sa">'
    top = f"<p>{TITLE}</p><p>Vũ Hoài Sa</p><p>Thứ Ba, 9/6/2026, 08:15</p><p>0:00 / 0:00</p><p>*</p>"
    article = read(plain(top + "".join(f"<p>{text}</p>" for text in PARAGRAPHS), head))
    assert texts(article) == list(PARAGRAPHS)


def test_the_copy_for_small_screens_is_not_read_again() -> None:
    body = "".join(f"<p>{text}</p>" for text in PARAGRAPHS)
    page = f"<body><div class='m'>{body}</div><div class='d'><h1>{TITLE}</h1><div>{body}</div></div></body>"
    page = page.replace("<h1>", "<time datetime='2026-06-09T08:15:00+07:00'></time><h1>")
    assert texts(read(page.encode())) == list(PARAGRAPHS)


def test_body_in_json_ld_is_the_last_rescue() -> None:
    linked = json.dumps(
        {
            "@graph": [
                {"@type": ["NewsArticle"], "headline": TITLE, "articleBody": "\n".join(PARAGRAPHS)},
            ]
        }
    )
    page = (
        f'<head><script type="application/ld+json">{linked}</script></head><body><div id="root"></div></body>'
    )
    article = read(page.encode())
    assert texts(article) == list(PARAGRAPHS)
    assert article.provenance["body"] == "json-ld"


@pytest.mark.parametrize("element", ["template", "noscript", "script"])
def test_text_that_no_reader_sees_is_no_article(element: str) -> None:
    hidden = "".join(f"<p>{text}</p>" for text in PARAGRAPHS)
    result = parse_article(f"<html><body><{element}>{hidden}</{element}></body></html>".encode(), URL)
    assert not isinstance(result, Article)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (
            "https://dongque.example/doi-song/day-boi-12.html",
            "https://dongque.example/doi-song/day-boi-12.html",
        ),
        ("/doi-song/khac-13.html", "https://dongque.example/doi-song/khac-13.html"),
        ("https://dongque.example/", "https://dongque.example/doi-song/day-boi-12.html"),
        ("https://other.example/a.html", "https://dongque.example/doi-song/day-boi-12.html"),
        ("javascript:void(0)", "https://dongque.example/doi-song/day-boi-12.html"),
    ],
)
def test_canonical_url_stays_on_the_site_and_names_a_page(link: str, expected: str) -> None:
    article = read(plain(head=f'<link rel="canonical" href="{link}">'), f"{URL}?utm_source=x#top")
    assert article.canonical_url == expected


def test_text_in_nfd_is_stored_as_nfc() -> None:
    article = read(unicodedata.normalize("NFD", plain().decode()).encode())
    assert texts(article) == list(PARAGRAPHS)


def test_the_visible_zone_corrects_a_wrong_offset() -> None:
    head = '<meta property="article:published_time" content="2026-06-09T08:15:20+08:00">'
    page = plain(head=head).replace(b"08:15 <span", b"08:15 (GMT+7) <span")
    page = page.replace(b'class="info"', b'class="time"')
    published = read(page).published_at
    assert published is not None
    assert published.isoformat()[:16] == "2026-06-09T08:15"
    assert published.isoformat().endswith("+07:00")


def test_a_lead_in_decomposed_letters_is_told_by_the_description() -> None:
    lead = unicodedata.normalize("NFD", LEAD)
    body = "".join(f"<p>{text}</p>" for text in PARAGRAPHS)
    page = plain(body).replace(b"<article>", f'<p class="intro">{lead}</p><article>'.encode())
    assert read(page).lead == LEAD
