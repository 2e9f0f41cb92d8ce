"""Dates as newspapers print them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.article import Precision
from parsers.dates import date_from_url, parse_date


@pytest.mark.parametrize(
    ("text", "iso", "precision"),
    [
        ("Thứ Ba, 07/07/2020, 14:33 [GMT+7]", "2020-07-07T14:33:00+07:00", "minute"),
        ("Thứ bảy, 7/3/2026, 00:05 (GMT+7)", "2026-03-07T00:05:00+07:00", "minute"),
        ("07-03-2026 - 00:01 AM", "2026-03-07T00:01:00+07:00", "minute"),
        ("07-03-2026 - 15:30 PM", "2026-03-07T15:30:00+07:00", "minute"),
        ("2026-03-07T08:52:11.000 +07:00", "2026-03-07T08:52:11+07:00", "second"),
        ("2026-03-07T08:52:11.123Z", "2026-03-07T08:52:11+00:00", "second"),
        ("2026-03-07T08:52:11-0500", "2026-03-07T08:52:11-05:00", "second"),
        ("2026-03-07 08:07", "2026-03-07T08:07:00+07:00", "minute"),
        ("24-03-2019T07:50:00+07:00", "2019-03-24T07:50:00+07:00", "second"),
        ("Thứ Hai, ngày 20/07/2026 - 06:31", "2026-07-20T06:31:00+07:00", "minute"),
        ("06/09/2026 15:33", "2026-09-06T15:33:00+07:00", "minute"),
        ("08:07 | 06/09/2026", "2026-09-06T08:07:00+07:00", "minute"),
        ("15h05 ngày 6/9/2026", "2026-09-06T15:05:00+07:00", "minute"),
        ("Đăng lúc 6.9.2026", "2026-09-06T00:00:00+07:00", "day"),
        ("ngày 7 tháng 3 năm 2026", "2026-03-07T00:00:00+07:00", "day"),
        ("2016/6/29", "2016-06-29T00:00:00+07:00", "day"),
        ("2020-07", "2020-07-01T00:00:00+07:00", "month"),
        ("Tháng 3/2026", "2026-03-01T00:00:00+07:00", "month"),
        ("10/2/2026 9:25:00 AM", "2026-10-02T09:25:00+07:00", "second"),
        ("10/2/2026 9:25", "2026-02-10T09:25:00+07:00", "minute"),
        ("3/25/2026 21:00", "2026-03-25T21:00:00+07:00", "minute"),
        ("Thứ sáu, 6/8/2021", "2021-08-06T00:00:00+07:00", "day"),
        # 6 August 2021 was a Friday, 8 June 2021 a Tuesday: the weekday decides.
        ("Tuesday 6/8/2021", "2021-06-08T00:00:00+07:00", "day"),
        ("Sat, 07 Mar 2026 08:01:00 +0700", "2026-03-07T08:01:00+07:00", "second"),
        ("Sat, 07 Mar 2026 08:01:00 GMT", "2026-03-07T08:01:00+00:00", "second"),
        ("March 7, 2026 9:25 PM", "2026-03-07T21:25:00+07:00", "minute"),
        ("7 March 2026", "2026-03-07T00:00:00+07:00", "day"),
        ("31/12/2025 24:00", "2026-01-01T00:00:00+07:00", "minute"),
        ("05/05/2026 25:70", "2026-05-05T00:00:00+07:00", "day"),
        ("12/05/2026 12:10 AM", "2026-05-12T00:10:00+07:00", "minute"),
        ("13/3/2026 9:25:00 AM", "2026-03-13T09:25:00+07:00", "second"),
        ("Thứ sáu, 6/8/2021 9:25:00 AM", "2021-08-06T09:25:00+07:00", "second"),
        ("10/2/2026 9:25:00 AM (GMT+7)", "2026-02-10T09:25:00+07:00", "second"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59+00:00", "second"),
        ("Mon Mar  2 07:15:09 2026", "2026-03-02T07:15:09+07:00", "second"),
        ("Mon, 2 Mar 26 07:15:09 +0700", "2026-03-02T07:15:09+07:00", "second"),
        ("06/03/2026 14:33 +8", "2026-03-06T14:33:00+08:00", "minute"),
        ("06/03/2026 14:33 -5 phút đọc", "2026-03-06T14:33:00+07:00", "minute"),
        ("06/03/2026 14:33 ESTUDIO", "2026-03-06T14:33:00+07:00", "minute"),
        ("2026-03-06T14:33:00+14:30", "2026-03-06T00:00:00+07:00", "day"),
    ],
)
def test_forms_that_papers_use_are_read(text: str, iso: str, precision: str) -> None:
    dated = parse_date(text)
    assert dated is not None
    assert (dated[0].isoformat(), dated[1]) == (iso, Precision(precision))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hôm nay",
        "31/2/2026",
        "45/13/2026",
        "07/03",
        "14:33",
        "10 phút trước",
        "0001-01-01T00:00:00",
        "2026",
        "Nghị định 15/2020/NĐ-CP",
        "٢٠٢٦-٠٣-٠٢",
        "30/4/1975",
        "192.168.10.2020",
        "x" * 500 + " 07/03/2026",
    ],
)
def test_what_is_no_date_gives_none(text: str) -> None:
    assert parse_date(text) is None


@given(st.text(max_size=120))
def test_any_text_is_survived_and_dates_are_zone_aware(text: str) -> None:
    dated = parse_date(text)
    assert dated is None or dated[0].utcoffset() is not None


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2098, 1, 1)))  # noqa: DTZ001
def test_iso_form_is_read_as_it_was_written(moment: datetime) -> None:
    text = moment.strftime("%Y-%m-%dT%H:%M:%S+07:00")
    dated = parse_date(text)
    assert dated is not None
    assert dated[0].isoformat() == text


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://a.vn/gia-hoa-20260307075519174.htm", "2026-03-07"),
        ("https://a.vn/chinh-sach-102260228093004191.htm", "2026-02-28"),
        ("https://a.vn/bai-viet-185260307101112345.htm", "2026-03-07"),
        ("https://a.vn/2019/03/24/bai-viet.html", "2019-03-24"),
        ("https://a.vn/bai-viet-4954454.html", None),
        ("https://a.vn/bai-viet-20269907075519174.htm", None),
    ],
)
def test_day_in_an_address(url: str, day: str | None) -> None:
    dated = date_from_url(url)
    assert (dated and (dated[0].date().isoformat(), dated[1])) == (day and (day, Precision.DAY))
