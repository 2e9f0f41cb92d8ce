"""Datelines, bylines, credits and players' labels."""

from __future__ import annotations

import pytest

from parsers.bylines import is_byline, is_player_label, names, source_credit, split_dateline


@pytest.mark.parametrize(
    ("text", "agency", "rest"),
    [
        ("ANTD.VN -  Ngày 9-6, xã", "ANTD.VN", "Ngày 9-6, xã"),
        ("ANTĐ - Sáng nay", "ANTĐ", "Sáng nay"),
        ("(Congannghean.vn)-Sáng 9/6", "Congannghean.vn", "Sáng 9/6"),
        ("(Congan.nghean.gov.vn) - Sáng 7/7", "Congan.nghean.gov.vn", "Sáng 7/7"),
        ("TTO - Chiều 7-3", "TTO", "Chiều 7-3"),
        ("ST - “Chúng tôi", "ST", "“Chúng tôi"),
        ("(Dân trí) - Giá vàng", "Dân trí", "Giá vàng"),
        ("(NLĐO)- Tối 6-3", "NLĐO", "Tối 6-3"),
        ("(Chinhphu.vn) - Tháng 3", "Chinhphu.vn", "Tháng 3"),
        ("Baonghean.vn - Sáng nay", "Baonghean.vn", "Sáng nay"),
        ("(CAO) Ngày 5-3", "CAO", "Ngày 5-3"),
        ("GD&TĐ - Hôm nay", "GD&TĐ", "Hôm nay"),
        ("FPT - công ty lớn nhất ngành - lãi", None, "FPT - công ty lớn nhất ngành - lãi"),
        ("TP.HCM - Sáng nay trời mưa", None, "TP.HCM - Sáng nay trời mưa"),
        ("(1) - Mục thứ nhất", None, "(1) - Mục thứ nhất"),
        ("VN-Index tăng 5 điểm", None, "VN-Index tăng 5 điểm"),
        ("Sáng 7-3, ông Nam", None, "Sáng 7-3, ông Nam"),
    ],
)
def test_dateline_is_taken_from_the_start_only(text: str, agency: str | None, rest: str) -> None:
    assert split_dateline(text) == (agency, rest)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Đ. Thơ", ("Đ. Thơ",)),
        ("Mai Lụa (tổng hợp)", ("Mai Lụa",)),
        ("LÊ CẨN - CHU NHẠ", ("LÊ CẨN", "CHU NHẠ")),
        ("Bài và ảnh: Lê Cẩn", ("Lê Cẩn",)),
        ("By John Smith and Mary O'Neil", ("John Smith", "Mary O'Neil")),
        ("TP", ("TP",)),
        ("Lê Cẩn, Lê Cẩn", ("Lê Cẩn",)),
        ("Ông Nam cho biết sẽ làm ngay", ()),
        ("Giá 5 triệu đồng", ()),
        ("", ()),
    ],
)
def test_names_in_a_byline(text: str, expected: tuple[str, ...]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Theo TTXVN", "TTXVN"),
        ("(Theo Báo Sông)", "Báo Sông"),
        ("Nguồn: Bộ Công Thương", "Bộ Công Thương"),
        ("(TTXVN/Vietnam+)", "TTXVN/Vietnam+"),
        ("Theo ông Nam, giá sẽ giảm trong tháng tới vì nguồn cung nhiều hơn trước rất nhiều lần.", None),
        ("Theo dõi trang này", None),
    ],
)
def test_source_of_a_reprint(text: str, source: str | None) -> None:
    assert source_credit(text) == source


def test_a_question_is_no_byline() -> None:
    assert not is_byline("Ai Đúng Ai Sai?")
    assert is_byline("Vũ Sa")


@pytest.mark.parametrize(
    "label", ["0:00 / 0:00", "0:00", "• Nam miền Bắc", "Nữ miền Nam", "Nghe đọc bài", "1x", "1.25x"]
)
def test_player_labels_are_known(label: str) -> None:
    assert is_player_label(label)


@pytest.mark.parametrize("text", ["Nam miền Bắc thắng lớn", "14:33 sáng nay", "Audio của buổi họp"])
def test_sentences_are_no_player_labels(text: str) -> None:
    assert not is_player_label(text)
