"""Dates as feeds write them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.feed_dates import parse_feed_date


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Mon, 02 Mar 2026 07:15:09 +0700", "2026-03-02T07:15:09+07:00"),
        ("Mon, 2 Mar 26 07:15:09 +0700", "2026-03-02T07:15:09+07:00"),
        ("2 Mar 98 07:15 GMT", "1998-03-02T07:15:00+00:00"),
        ("Monday, 2 March 2026 07:15:09 EST", "2026-03-02T07:15:09-05:00"),
        ("Mon, 02 Mar 2026 07:15:09", "2026-03-02T07:15:09+07:00"),
        ("Mon, 02 Mar 2026 07:15:09 GMT+7", "2026-03-02T07:15:09+07:00"),
        ("Mon, 02 Mar 2026 07:15:09 GMT+0700", "2026-03-02T07:15:09+07:00"),
        ("Mon, 02 Mar 2026 07:15:09 UTC", "2026-03-02T07:15:09+00:00"),
        ("Mon Mar  2 07:15:09 2026", "2026-03-02T07:15:09+07:00"),
        ("2026-03-02T07:15:09Z", "2026-03-02T07:15:09+00:00"),
        ("2026-03-02T07:15:09.250+07:00", "2026-03-02T07:15:09+07:00"),
        ("2026-03-02T07:15:09.000 +07:00", "2026-03-02T07:15:09+07:00"),
        ("2026-03-02T07:15+0700", "2026-03-02T07:15:00+07:00"),
        ("2026-03-02 07:15:09", "2026-03-02T07:15:09+07:00"),
        ("2026-03-02", "2026-03-02T00:00:00+07:00"),
        ("02-03-2026T07:15:00+07:00", "2026-03-02T07:15:00+07:00"),
        ("3/2/2026 9:25:00 AM", "2026-03-02T09:25:00+07:00"),
        ("3/2/2026 9:25:00 PM", "2026-03-02T21:25:00+07:00"),
        ("3/2/2026 12:05:00 AM", "2026-03-02T00:05:00+07:00"),
        ("3/2/2026 12:05:00 PM", "2026-03-02T12:05:00+07:00"),
        ("25/3/2026 9:25:00 AM", "2026-03-25T09:25:00+07:00"),
        ("02-03-2026 - 00:01 AM", "2026-03-02T00:01:00+07:00"),
        ("02-03-2026 - 15:20 PM", "2026-03-02T15:20:00+07:00"),
        ("2016/6/29", "2016-06-29T00:00:00+07:00"),
        ("2016/6/29 8:05", "2016-06-29T08:05:00+07:00"),
        ("Thứ sáu, 6/8/2021", "2021-08-06T00:00:00+07:00"),
        ("Thứ Hai, 02/03/2026, 14:33 [GMT+7]", "2026-03-02T14:33:00+07:00"),
        ("Chủ nhật, 1/3/2026, 00:05 (GMT+7)", "2026-03-01T00:05:00+07:00"),
        ("Thứ Hai, ngày 02/03/2026 - 06:31", "2026-03-02T06:31:00+07:00"),
        ("02/03/2026 15:33", "2026-03-02T15:33:00+07:00"),
        ("\n 2026-03-02\u00a007:15 ", "2026-03-02T07:15:00+07:00"),
        ("2026-02-28T24:00:00+07:00", "2026-03-01T00:00:00+07:00"),
        ("Sat, 31 Dec 2016 23:59:60 +0000", "2016-12-31T23:59:59+00:00"),
        ("2041-05-06T07:08:09Z", "2041-05-06T07:08:09+00:00"),
    ],
)
def test_a_date_is_read_in_its_zone_or_in_vietnamese_time(text: str, moment: str) -> None:
    found = parse_feed_date(text)
    assert found is not None
    assert found.isoformat() == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hôm qua",
        "5 phút trước",
        "2026",
        "30/2/2026",
        "2026-13-01",
        "2025-02-29",
        "Mon, 32 Mar 2026 07:15:09 +0700",
        "Mon, 02 Xyz 2026 07:15:09 +0700",
        "Mon, 02 Mar 2026 25:15:09 +0700",
        "2026-03-02T24:01:00+07:00",
        "2026-03-02T07:60:00+07:00",
        "Mon, 02 Mar 2026 07:15:09 XYZ",
        "2026-03-02T07:15:09+25:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T24:00:00Z",
        "٢٠٢٦-٠٣-٠٢",
        "2026-03-02 và 2026-03-03",
        "1" * 10_000,
    ],
)
def test_what_is_no_date_gives_none(text: str) -> None:
    assert parse_feed_date(text) is None


@given(
    st.text() | st.from_regex(r"\d{1,4}[-/ ]\d{1,2}[-/ ]\d{1,4}[T ]\d{1,2}:\d\d(:\d\d)?( ?[+-]\d{2}:?\d\d)?")
)
def test_any_text_gives_none_or_an_aware_moment(text: str) -> None:
    moment = parse_feed_date(text)
    assert moment is None or moment.utcoffset() is not None


@given(
    st.integers(0, 4_133_894_400),  # the seconds from 1970 to the end of 2100
    st.integers(-12 * 60, 14 * 60),
)
def test_every_iso_date_of_our_time_is_read_back(seconds: int, offset: int) -> None:
    whole = datetime(1970, 1, 1, 12, tzinfo=timezone(timedelta(minutes=offset))) + timedelta(seconds=seconds)
    assert parse_feed_date(whole.isoformat()) == whole
