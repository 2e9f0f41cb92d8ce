"""Which part of an unknown page is the article: names, pieces, comments, lists."""

from __future__ import annotations

import pytest

from parsers import Article, Rejection, RejectReason, parse_article
from parsers.naming import CAPTION, JUNK, LEAD, RANK, STRONG, flags
from tests.parsers.made_up import LEAD as LEAD_TEXT
from tests.parsers.made_up import PARAGRAPHS, RELATED, TITLE

URL = "https://dongque.example/doi-song/day-boi-12.html"
HEAD = f"""<html lang="vi"><head><title>{TITLE}</title><meta name="description" content="{LEAD_TEXT}">
<meta property="article:published_time" content="2026-06-09T08:15:00+07:00"></head><body><h1>{TITLE}</h1>"""
BODY = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
COMMENT = "<p>Bạn đọc Ngọc: bài viết rất hay, mong các xã khác cũng mở lớp như vậy cho các cháu, số {}.</p>"


def texts(page: str) -> list[str]:
    article = parse_article((HEAD + page).encode(), URL)
    assert isinstance(article, Article), article
    return [paragraph.text for paragraph in article.paragraphs]


@pytest.mark.parametrize(
    ("attributes", "mark"),
    [
        ({"class": "article-body"}, 2 * RANK),
        ({"class": "c-ArticleBody_k3x9 wide"}, 2 * RANK),
        ({"class": "x", "itemprop": "articleBody"}, RANK),
        ({"id": "entry-content"}, 3 * RANK),
        ({"role": "main"}, 6 * RANK),
        ({"class": "box-related"}, JUNK | STRONG),
        ({"class": "quang-cao"}, JUNK),
        ({"class": "hidden"}, JUNK),
        ({"hidden": None}, JUNK),
        ({"style": "color:red; display: none"}, JUNK),
        ({"class": "news-sapo"}, LEAD),
        ({"class": "image-caption"}, CAPTION),
        ({"class": "overflow-hidden"}, 0),
        ({"class": "has-sidebar"}, 0),
        ({"class": "content-sidebar-wrap"}, 0),
        ({"class": "category-comments tag-social"}, 0),
        ({"class": "elementor-widget"}, 0),
        ({}, 0),
    ],
)
def test_names_say_what_an_element_is(attributes: dict[str, str | None], mark: int) -> None:
    assert flags(attributes) == mark


@pytest.mark.parametrize("wrapper", ["sidebar-layout", "widget-area", "social", "promo", "footer-wrap menu"])
def test_a_name_that_would_take_the_whole_text_means_nothing(wrapper: str) -> None:
    assert texts(f'<div class="{wrapper}"><div>{BODY}</div></div>') == list(PARAGRAPHS)


def test_comments_are_no_article_however_long_they_are() -> None:
    comments = "".join(COMMENT.format(number) for number in range(60))
    assert texts(f'<div><div>{BODY}</div></div><ol class="comment-list">{comments}</ol>') == list(PARAGRAPHS)


def test_an_article_in_pieces_is_put_together() -> None:
    pieces = "".join(
        f'<div class="text"><div class="rich-text"><p>{text}</p><p>{text[::-1]}</p></div></div>'
        for text in PARAGRAPHS
    )
    assert [text for text in texts(f"<div>{pieces}</div>") if text in PARAGRAPHS] == list(PARAGRAPHS)


def test_a_teaser_among_the_paragraphs_is_left_out() -> None:
    teaser = (
        f'<div><h3><a href="/x">{RELATED}</a></h3><p>Mỗi chòi có hai người trực, kèm phao cứu sinh.</p></div>'
    )
    page = f"<article><p>{PARAGRAPHS[0]}</p>{teaser}{BODY[len(PARAGRAPHS[0]) + 7 :]}</article>"
    assert texts(page) == list(PARAGRAPHS)


def test_an_article_that_is_a_list_keeps_its_items() -> None:
    items = "".join(
        f'<div><h3><a href="/{number}">Hồ bơi thứ {number}</a></h3><p>{text}</p></div>'
        for number, text in enumerate(PARAGRAPHS)
    )
    found = texts(f"<article>{items}</article>")
    assert [text for text in found if text in PARAGRAPHS] == list(PARAGRAPHS)
    assert "Hồ bơi thứ 2" in found


def test_a_list_of_articles_is_no_article() -> None:
    items = "".join(
        f'<div><h3><a href="/{number}">{RELATED} {number}</a></h3><p class="sapo">{text}</p></div>'
        for number, text in enumerate(PARAGRAPHS)
    )
    page = f"<html><head><title>Đời sống</title></head><body><div class='list'>{items}</div></body></html>"
    result = parse_article(page.encode(), "https://dongque.example/doi-song")
    assert isinstance(result, Rejection)
    assert result.reason is RejectReason.NOT_AN_ARTICLE


@pytest.mark.parametrize(
    "line",
    [
        "Quảng cáo",
        "Từ khóa: học bơi, xã Đồng Vại",
        "Bản quyền thuộc về báo Đồng Quê",
        "Sign up for our newsletter",
        "Follow Đồng Quê on Facebook",
    ],
)
def test_notices_between_paragraphs_are_no_text(line: str) -> None:
    page = f"<article><p>{PARAGRAPHS[0]}</p><p>{line}</p>{BODY[len(PARAGRAPHS[0]) + 7 :]}</article>"
    assert texts(page) == list(PARAGRAPHS)


def test_a_paragraph_that_ends_with_a_photo_credit_is_a_caption() -> None:
    caption = "Buổi học đầu tiên ở hồ Đồng Vại. Ảnh: Lê Cẩn"
    article = parse_article(f"{HEAD}<article>{BODY}<p>{caption}</p></article>".encode(), URL)
    assert isinstance(article, Article)
    assert article.captions == (caption,)
    assert caption not in article.text
