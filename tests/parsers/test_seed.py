"""Seed files: what an older extractor left of a news page."""

from __future__ import annotations

import pytest

from parsers import ParagraphKind, Precision, SeedDocument, SeedProblem, parse_seed

NAME = "007_0123456789abcdef.txt"
FIRST = "Sáng 9-6, ba thôn của xã Đồng Vại họp bàn việc giữ nước cho vụ mùa, với hơn một trăm người dự."
SECOND = "Theo kế hoạch, mỗi thôn góp hai mươi công để nạo vét mương trước ngày 15-6."


def read(text: str) -> SeedDocument:
    seed = parse_seed(NAME, text.encode())
    assert isinstance(seed, SeedDocument), seed
    return seed


def texts(seed: SeedDocument) -> list[str]:
    return [paragraph.text for paragraph in seed.paragraphs]


def test_name_gives_number_and_upstream_id() -> None:
    seed = read(f"{FIRST}\n\n{SECOND}")
    assert (seed.number, seed.upstream_id, seed.url) == (7, "0123456789abcdef", "seed:0123456789abcdef")
    assert seed.title is None
    assert texts(seed) == [FIRST, SECOND]
    assert seed.text == f"{FIRST}\n\n{SECOND}"
    assert seed.language == "vi"


@pytest.mark.parametrize(
    ("prefix", "iso", "precision"),
    [
        (" date 2020-07 ", "2020-07-01T00:00:00+07:00", Precision.MONTH),
        (" date 2025-11-11 ", "2025-11-11T00:00:00+07:00", Precision.DAY),
    ],
)
def test_date_prefix_is_read_and_never_kept(prefix: str, iso: str, precision: Precision) -> None:
    seed = read(f"{prefix}DQ.VN - {FIRST}\n\n{SECOND}")
    assert seed.published_at is not None
    assert (seed.published_at.isoformat(), seed.published_precision) == (iso, precision)
    assert seed.agency == "DQ.VN"
    assert texts(seed) == [FIRST, SECOND]


def test_a_sentence_that_begins_with_date_is_text() -> None:
    assert texts(read(f" date palm trồng ở xã. {FIRST}"))[0].startswith("date palm")


def test_date_line_title_captions_and_byline() -> None:
    seed = read(
        "Thứ Ba, 09/06/2026, 14:33 [GMT+7]\n\nBa thôn họp bàn giữ nước\n\n(Dongque.example)-" + FIRST + "\n\n"
        "Toàn cảnh cuộc họp\nToàn cảnh cuộc họp\n\n" + SECOND + "\n\n"
        "Bà con nạo vét mương Bà con nạo vét mương\nBà con nạo vét mương\n\n \n\n.\n\nĐ. Thơ"
    )
    assert seed.title == "Ba thôn họp bàn giữ nước"
    assert seed.published_at is not None
    assert seed.published_at.isoformat() == "2026-06-09T14:33:00+07:00"
    assert seed.published_precision is Precision.MINUTE
    assert seed.captions == ("Toàn cảnh cuộc họp", "Bà con nạo vét mương")
    assert seed.authors == ("Đ. Thơ",)
    assert seed.agency == "Dongque.example"
    assert texts(seed) == [FIRST, SECOND]


def test_player_labels_are_left_out() -> None:
    seed = read(
        f"Ba thôn họp\n\n0:00 / 0:00\n0:00\n  • Nam miền Bắc\n  • Nữ miền Nam\nDQ.VN -  {FIRST}\n\n{SECOND}"
    )
    assert seed.title == "Ba thôn họp"
    assert texts(seed) == [FIRST, SECOND]


def test_lines_that_read_like_captions_are_captions_and_short_lines_headings() -> None:
    photo = "Chủ tịch xã Đồng Vại Mai Lụa phát biểu tại hội nghị."
    seed = read(f"{FIRST}\n\nGiữ nước từ đầu vụ\n\n{photo}\n\n{SECOND}")
    assert seed.captions == (photo,)
    assert [paragraph.kind for paragraph in seed.paragraphs] == [
        ParagraphKind.PARAGRAPH,
        ParagraphKind.HEADING,
        ParagraphKind.PARAGRAPH,
    ]


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_and_byte_order_mark_make_no_difference(line_end: str) -> None:
    assert read("\ufeff" + f"{FIRST}\n\n{SECOND}".replace("\n", line_end)) == read(f"{FIRST}\n\n{SECOND}")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("seed.txt", FIRST.encode(), "bad-name"),
        ("007_0123456789ABCDEF.txt", FIRST.encode(), "bad-name"),
        ("../007_0123456789abcdef.txt", FIRST.encode(), "bad-name"),
        (NAME, b"", "empty"),
        (NAME, b" date 2020-07 \n\n.\n", "empty"),
        (NAME, FIRST.encode("utf-16"), "not-utf8"),
        (NAME, b"\xff\xfe\x80", "not-utf8"),
        (NAME, b"%PDF\x00\x01", "malformed"),
        (NAME, "Chỉ có tiêu đề".encode(), "no-text"),
    ],
)
def test_a_file_that_cannot_be_imported_names_its_problem(name: str, data: bytes, reason: str) -> None:
    problem = parse_seed(name, data)
    assert isinstance(problem, SeedProblem)
    assert (problem.name, problem.reason) == (name, reason)
    assert problem.message
