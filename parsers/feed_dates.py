"""Dates as feeds and sitemaps write them.

RFC 822 with two- and four-digit years, ISO 8601, and what Vietnamese sites really send: the US order with
AM/PM (`10/2/2026 9:25:00 AM`), `2016/6/29`, `Thứ sáu, 6/8/2021`, `GMT+7`. A date without a zone is taken
for Vietnamese time, +07:00. The general libraries are not used, because they get some of these silently
wrong (`GMT+7` as -07:00, a dropped zone).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

VIETNAM: Final = timezone(timedelta(hours=7))
"""The zone of a date that names none; Viet Nam has no summer time."""

_YEARS: Final = range(1970, 2101)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
# RFC 822 section 5, and Indochina Time.
_NAMED_ZONES: Final = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "ict": 7, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7,
    "mdt": -6, "pst": -8, "pdt": -7,
}  # fmt: skip

_TIME = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"(?:\s*(?P<half>[AaPp][Mm])\b)?"
)
_ZONE = r"\s*[\[(]?\s*(?P<zone>[A-Za-z]{1,5}|(?:GMT|UTC)?\s*[+-]\d{1,2}(?::?\d{2})?)?\s*[\])]?"
_REST = rf"(?:(?:[T\s]|,\s|\s-\s|,)\s*{_TIME}{_ZONE})?"
_YMD: Final = re.compile(
    rf"(?P<year>\d{{4}})(?P<separator>[-/])(?P<month>\d{{1,2}})(?P=separator)(?P<day>\d{{1,2}}){_REST}",
    re.ASCII,
)
_NUMBERS: Final = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<separator>[-/.])(?P<second_number>\d{{1,2}})(?P=separator)(?P<year>\d{{4}}){_REST}",
    re.ASCII,
)
_RFC_822: Final = re.compile(
    rf"(?P<day>\d{{1,2}})[\s-]+(?P<name>[A-Za-z]{{3,9}})\.?[\s,-]+(?P<year>\d{{2,4}}){_REST}", re.ASCII
)
_ASCTIME: Final = re.compile(
    rf"(?P<name>[A-Za-z]{{3}})\s+(?P<day>\d{{1,2}})\s+{_TIME}{_ZONE}\s+(?P<year>\d{{4}})", re.ASCII
)
# "Thứ sáu, ngày", "Chủ nhật", "Fri," and the like stand before the date and say nothing more.
_WEEKDAY: Final = re.compile(
    r"(?:(?:thứ\s+(?:hai|ba|tư|năm|sáu|bảy|bẩy|[2-7])|chủ\s+nhật|cn"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?)\s*[,.]?\s*)?(?:ngày\s+)?",
    re.IGNORECASE,
)


def parse_feed_date(text: str) -> datetime | None:
    """The moment that `text` states, in the zone it states (+07:00 if none), or None.

    A date without a time is midnight. `24:00` is midnight of the next day, second 60 is read as 59. None
    for anything else: impossible dates, unknown zones, years before 1970 or after 2100.
    """
    if len(text) > 200:
        return None
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    weekday = _WEEKDAY.match(plain)
    rest = plain[weekday.end() :] if weekday else plain
    for pattern in (_YMD, _RFC_822, _NUMBERS, _ASCTIME):
        if (match := pattern.fullmatch(rest)) is not None:
            return _moment(match.groupdict())
    return None


def _moment(found: dict[str, str | None]) -> datetime | None:
    zone = _zone(found["zone"])
    date = _date(found)
    if zone is None or date is None:
        return None
    hour, extra_day = _hour(found)
    if hour is None:
        return None
    try:
        moment = datetime(
            *date, hour, int(found["minute"] or 0), min(int(found["second"] or 0), 59), tzinfo=zone
        )
    except ValueError:
        return None
    if int(found["second"] or 0) > 60 or moment.year not in _YEARS:
        return None
    return moment + timedelta(days=1) if extra_day else moment


def _date(found: dict[str, str | None]) -> tuple[int, int, int] | None:
    """Year, month and day as written; whether such a day exists is for `datetime` to say."""
    year = int(found["year"] or 0)
    if len(found["year"] or "") < 4:
        # RFC 2822 section 4.3: 00 to 49 are of this century, other short years count from 1900.
        year += 2000 if year < 50 else 1900
    name = found.get("name")
    if name is not None:
        month = _MONTHS.get(name[:3].lower())
        return (year, month, int(found["day"] or 0)) if month else None
    if "first" not in found:
        return year, int(found["month"] or 0), int(found["day"] or 0)
    first, second = int(found["first"] or 0), int(found["second_number"] or 0)
    # With AM or PM and slashes it is the US order that some Vietnamese systems print by default.
    american = found["half"] is not None and found["separator"] == "/" and first <= 12
    return (year, first, second) if american else (year, second, first)


def _hour(found: dict[str, str | None]) -> tuple[int | None, bool]:
    """The hour of the 24-hour clock, and whether it belongs to the next day."""
    hour = int(found["hour"] or 0)
    half = (found["half"] or "").lower()
    if hour == 24:
        midnight = not half and int(found["minute"] or 0) == 0 and int(found["second"] or 0) == 0
        return (0 if midnight else None), midnight
    # Some sites print AM or PM behind a 24-hour clock ("00:01 AM", "15:20 PM"): then it says nothing.
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour, False


def _zone(text: str | None) -> timezone | None:
    if not text:
        return VIETNAM
    compact = text.replace(" ", "").lower()
    if compact in _NAMED_ZONES:
        hours = _NAMED_ZONES[compact]
        return UTC if hours == 0 else timezone(timedelta(hours=hours))
    match = re.fullmatch(r"(?:gmt|utc)?([+-])(\d{1,2}):?(\d{2})?", compact, re.ASCII)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    if offset > timedelta(hours=14):
        return None
    return timezone(-offset if match[1] == "-" else offset)
