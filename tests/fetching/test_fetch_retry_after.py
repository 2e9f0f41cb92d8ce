"""Retry-After in all its forms: a pure function."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.fetching.retry_after import parse_retry_after

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("2.5", 2.5),
        ("0", 0.0),
        ("-30", 0.0),
        ("1e9", 86_400.0),
        ("1e9999", 86_400.0),
        ("9" * 400, 86_400.0),
        ("Mon, 02 Mar 2026 12:01:00 GMT", 60.0),
        ("Monday, 02-Mar-26 12:01:00 GMT", 60.0),
        ("Mon Mar  2 12:01:00 2026", 60.0),
        ("Mon, 02 Mar 2026 19:01:00 +0700", 60.0),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86_400.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("Mon, 99 Mar 2026 12:01:00 GMT", None),
        ("nan", None),
        ("inf", None),
        ("12 seconds", None),
    ],
)
def test_each_form_gives_its_seconds(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=NOW) == seconds


@given(st.text(max_size=60))
def test_any_text_gives_nothing_or_seconds_of_one_day(text: str) -> None:
    seconds = parse_retry_after(text, now=NOW)
    assert seconds is None or 0 <= seconds <= 86_400
