"""What two texts are to each other, on made-up news."""

from __future__ import annotations

import random

import pytest

from parsers.compare import fold_all, with_title
from parsers.compared import ComparedText
from parsers.relations import Kinship, Relation, kinship
from parsers.series import Title, same_series

_TOLD = """
người dân trong xã cho biết con đường mới giúp việc đi lại thuận tiện hơn trước rất nhiều nhưng vào mùa mưa
suối dâng cao làm hư hỏng cầu tạm chính quyền huyện đã đề nghị tỉnh cấp thêm kinh phí sửa chữa các hộ nuôi cá
lồng bè lo lắng khi độ mặn tăng nhanh giáo viên trường làng đến từng nhà vận động học sinh
"""
_ELSEWHERE = "hội chợ trái cây mở cửa sáng nay với hàng trăm gian hàng của nông dân khắp vùng đồng bằng"
WORDS = _TOLD.split()
OTHER = _ELSEWHERE.split()


def sentence(chance: random.Random, words: list[str], length: int = 14) -> str:
    return " ".join(chance.choice(words) for _ in range(length)) + "."


def paragraphs(seed: int, count: int = 10, words: list[str] = WORDS) -> list[str]:
    chance = random.Random(seed)
    return [" ".join(sentence(chance, words) for _ in range(3)) for _ in range(count)]


def text(title: str, body: list[str]) -> ComparedText:
    return ComparedText(title, with_title(title, b" ".join(part for part in fold_all(body)[0] if part)))


def related(one: ComparedText, other: ComparedText) -> Kinship:
    found = kinship(one, other)
    assert found is not None
    back = kinship(other, one)
    assert back is not None
    assert (back.relation, back.scores.jaccard) == (found.relation, found.scores.jaccard)
    return found


TITLE = "Con đường mới qua làng Trầm"
BODY = paragraphs(1)
ORIGINAL = text(TITLE, BODY)


def test_the_same_text_in_other_spelling_scores_one() -> None:
    found = related(ORIGINAL, text(TITLE.upper(), BODY))
    assert found.relation is Relation.REPRINT
    assert found.scores.jaccard == found.scores.containment == found.scores.coverage == 1


def test_a_reprint_has_its_own_headline_a_credit_and_loses_a_paragraph() -> None:
    cut = BODY[:6] + BODY[7:]
    reprint = text("Làng Trầm có đường mới", ["(Báo Mới) - " + cut[0], *cut[1:], "Theo Báo Làng Trầm"])
    found = related(ORIGINAL, reprint)
    assert found.relation is Relation.REPRINT
    assert found.scores.jaccard >= 0.6
    assert found.scores.rewritten < 0.05


def test_many_changed_words_and_added_lines_are_near() -> None:
    chance = random.Random(3)
    changed = [
        " ".join(chance.choice(OTHER) if chance.random() < 0.07 else word for word in paragraph.split())
        for paragraph in BODY
    ]
    found = related(ORIGINAL, text(TITLE, changed))
    assert found.relation is Relation.NEAR
    assert 0.25 <= found.scores.jaccard < 0.6


def test_an_excerpt_is_a_part() -> None:
    found = related(ORIGINAL, text(TITLE, BODY[:2]))
    assert found.relation is Relation.PART
    assert found.scores.containment > 0.9


def test_a_long_article_that_holds_another_has_it_as_a_part() -> None:
    second = paragraphs(2, 40)
    both = text("Chuyện trong một ngày", [*second[:20], *BODY, *second[20:]])
    assert related(ORIGINAL, both).relation is Relation.PART


def test_a_second_article_about_the_event_that_quotes_the_first_is_no_kin() -> None:
    fresh = paragraphs(9)
    follow_up = [part for pair in zip(BODY[::2], fresh[::2], strict=True) for part in pair]
    found = kinship(ORIGINAL, text("Sau chuyện con đường", follow_up))
    assert found is None


def test_texts_that_share_nothing_are_no_kin() -> None:
    assert kinship(ORIGINAL, text("Hội chợ", paragraphs(4, 10, OTHER))) is None


@pytest.mark.parametrize("empty", ["", "…"])
def test_an_empty_text_has_no_kin(empty: str) -> None:
    assert kinship(ORIGINAL, text(empty, [empty])) is None


def report(day: int, chance: random.Random) -> ComparedText:
    body = [
        f"{' '.join(WORDS[place : place + 8])} ở mức {chance.randint(30, 99)},{chance.randint(10, 99)} triệu "
        f"đồng một lượng {' '.join(WORDS[place + 20 : place + 28])}."
        for place in range(0, 60, 6)
    ]
    return text(f"Giá vàng hôm nay {day}/3: thị trường lặng sóng", body)


def test_reports_of_a_series_differ_in_their_numbers() -> None:
    chance = random.Random(5)
    found = related(report(2, chance), report(3, chance))
    assert found.relation is Relation.SERIES
    assert found.scores.conflicting > found.scores.agreeing


def test_a_reprint_of_a_member_of_a_series_is_a_reprint() -> None:
    one, same = report(2, random.Random(5)), report(2, random.Random(5))
    assert (
        related(one, text(same.title.written, [same.folded.decode(), "Theo Báo Vàng"])).relation
        is Relation.REPRINT
    )


def test_numbers_that_differ_decide_although_the_titles_are_the_same() -> None:
    body = [f"{part} Có {place} hộ." for place, part in enumerate(BODY)]
    changed = [f"{part} Có {place + 1000} hộ." for place, part in enumerate(BODY)]
    found = related(text(TITLE, body), text(TITLE, changed))
    assert found.relation is Relation.SERIES
    assert found.scores.conflicting == 10


@pytest.mark.parametrize(("price", "other"), [("81,2", "81,9"), ("81,2", "82,2"), ("7", "8")])
def test_the_only_number_decides_wherever_it_stands(price: str, other: str) -> None:
    at_the_end = [[*BODY, f"Giá {number} triệu"] for number in (price, other)]
    found = related(text(TITLE, at_the_end[0]), text(TITLE, at_the_end[1]))
    assert found.relation is Relation.SERIES
    at_the_beginning = [[f"Giá {number} triệu", *BODY] for number in (price, other)]
    found = related(text(TITLE, at_the_beginning[0]), text(TITLE, at_the_beginning[1]))
    assert found.relation is Relation.SERIES


def test_one_corrected_number_does_not_make_a_series() -> None:
    body = [f"{part} Có {place} hộ." for place, part in enumerate(BODY)]
    corrected = [*body[:4], body[4].replace("Có 4 hộ", "Có 40 hộ"), *body[5:]]
    found = related(text(TITLE, body), text(TITLE, corrected))
    assert found.relation is Relation.REPRINT
    assert found.scores.conflicting == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Đáp án đề thi môn Toán mã đề 118", "Đáp án, đề thi môn Toán mã đề 114"),
        ("Giá vàng hôm nay 2/3: Tăng mạnh", "Giá vàng hôm nay 3/3: Người mua dè dặt chờ thời"),
        ("Kết quả xổ số ngày 5-7", "Kết quả xổ số ngày 6-7"),
    ],
)
def test_titles_of_a_series(one: str, other: str) -> None:
    assert same_series(Title(one), Title(other))
    assert same_series(Title(other), Title(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Canô chở hơn 10 khách gặp nạn", "Canô gặp nạn ngoài cửa biển"),
        ("30 người cứu 132 khách", "Vụ cứu 132 khách: diễn biến mới"),
        ("Hội chợ mở cửa lúc 7 giờ", "Trường làng đón 40 học sinh"),
        ("Giá vàng tăng", "Giá vàng giảm"),
        ("Đoạn đường 1.9 km đổi đất", "Đoạn đường 1,9 km đổi đất"),
    ],
)
def test_titles_that_tell_no_series(one: str, other: str) -> None:
    assert not same_series(Title(one), Title(other))
    assert not same_series(Title(other), Title(one))


def test_texts_shorter_than_a_window_compare() -> None:
    assert related(text("", ["Tin"]), text("", ["Tin"])).relation is Relation.REPRINT
    assert kinship(text("", ["Tin"]), text("", ["Tin khác hẳn"])) is None
