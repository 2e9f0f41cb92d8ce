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


def test_where_every_piece_is_named_as_junk_the_short_ones_are_text_too() -> None:
    pieces = "".join(
        f'<div class="promo"><h2>Chặng {number} của lớp học</h2></div>'
        f'<div class="promo"><p>{paragraph} {paragraph} {paragraph}</p></div>'
        for number, paragraph in enumerate(PARAGRAPHS)
    )
    found = texts(f"<div>{pieces}</div>")
    assert [text for text in found if text.startswith("Chặng")] == [
        f"Chặng {number} của lớp học" for number in range(len(PARAGRAPHS))
    ]


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
        "Be the first to know",
        "Ảnh 3/12",
        "Tagged in: bơi lội",
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


def test_a_motion_picture_in_brackets_is_no_photo_credit() -> None:
    text = "The film about the pool was named twice (Best Motion Picture, Musical or Comedy; Best Song)."
    assert text in texts(f"<article><p>{PARAGRAPHS[0]}</p><p>{text}</p>{BODY}</article>")


def test_of_several_whole_articles_on_a_page_the_first_is_read() -> None:
    others = "".join(
        f"<article><h1>{RELATED} {number}</h1><div class='post-body'>"
        + "".join(f"<p>{number}. {text}</p>" for text in PARAGRAPHS)
        + "</div></article>"
        for number in range(3)
    )
    page = f"<main><article><h1>{TITLE}</h1><div class='post-body'>{BODY}</div></article>{others}</main>"
    assert texts(page) == list(PARAGRAPHS)


def test_paragraphs_that_a_wall_hides_are_text_and_other_hidden_parts_are_not() -> None:
    hidden = "".join(
        f'<div class="subscriber-only" style="display:none"><p>{text}</p></div>' for text in PARAGRAPHS[1:]
    )
    window = f'<div class="modal" style="display:none"><p>{RELATED} {RELATED} {RELATED}</p></div>'
    page = f'<div class="article-body"><p>{PARAGRAPHS[0]}</p>{hidden}{window}</div>'
    assert texts(page + f'<div style="display:none"><p>{RELATED} {RELATED}</p></div>') == list(PARAGRAPHS)


def test_a_named_container_keeps_the_paragraphs_beside_its_largest_child() -> None:
    rest = "".join(f"<p>{text}</p>" for text in PARAGRAPHS[1:])
    page = f'<div class="post-body"><p>{PARAGRAPHS[0]}</p><div class="rest">{rest}</div></div>'
    assert texts(page) == list(PARAGRAPHS)


def test_a_gallery_behind_a_long_text_is_not_read_however_long_it_is() -> None:
    items = "".join(f"<p>{number}. {text}</p>" for number in range(20) for text in PARAGRAPHS)
    body = [f"{text} ({number})" for number in "abcd" for text in PARAGRAPHS]
    text = "".join(map("<p>{}</p>".format, body))
    gallery = f'<div class="list-gallery">{items}</div>'
    assert texts(f'<div class="post"><div class="post-content">{text}</div>{gallery}</div>') == body


def test_lines_at_the_end_that_tell_who_made_the_article_are_no_text() -> None:
    end = (
        "<p>Dong Que sports reporter Lan Mai has covered pools since 2010.</p>"
        "<p>This story was originally published June 9, 2026, 8:15 AM.</p>"
    )
    writer = '<meta name="author" content="Lan Mai">'
    assert texts(f"{writer}<article>{BODY}{end}</article>") == list(PARAGRAPHS)


def test_a_comment_between_letters_parts_no_word() -> None:
    last = "<p>Hồ sâu <!-- a -->1<!-- b -->,<!-- -->2 mét ở giữa, nông dần về hai phía bờ.</p>"
    assert texts(f"<article>{BODY}{last}</article>")[-1] == "Hồ sâu 1,2 mét ở giữa, nông dần về hai phía bờ."
