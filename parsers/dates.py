"""Dates as newspapers print them.

`parse_date` reads one date from a short string; `date_from_url` reads the day from an address. A time
without a zone is Vietnamese time (+07:00). No clock is read: whether a date lies in the future is for
the caller to judge. What is ambiguous or impossible gives None, never a guess.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

from parsers.article import Precision

VIETNAM = timezone(timedelta(hours=7), "+07:00")
"""The zone of times that name none."""

Dated = tuple[datetime, Precision]

_YEARS = range(1990, 2100)
_LONGEST = 300  # characters; a longer string is a paragraph, not a date

_ZONE = (
    r"(?:\s*[\(\[]?\s*(?P<zone>Z(?![a-z])|(?:GMT|UTC)(?:\s*[+-]\s*\d{1,2}(?::?\d{2})?)?|[+-]\d{2}:?\d{2}(?!\d)"
    r"|[+-]\d{2}(?!\d)|ICT|EST|EDT|CST|CDT|MST|MDT|PST|PDT)\s*[\)\]]?)?"
)
_TIME = (
    r"(?P<h>\d{1,2})\s*(?::|h|g|giờ)\s*(?P<mi>\d{2})(?!\d)(?::(?P<s>\d{2})(?:[.,]\d{1,9})?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?(?!\w))?" + _ZONE
)
_AFTER = r"(?:\s*(?:[T,|•·–—-]|lúc|at|vào lúc)?\s*" + _TIME + r")?"
_BEFORE = r"(?:" + _TIME.replace("?P<", "?P<b_") + r"\s*[,|•·–—-]?\s*(?:ngày\s+|ngay\s+)?)?"

_YMD = re.compile(
    r"(?<![\d./-])(?P<y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})(?!\d)" + _AFTER,
    re.IGNORECASE,
)
_DMY = re.compile(
    _BEFORE
    + r"(?<![\d./-])(?P<d>\d{1,2})\s*(?P<sep>[-/.])\s*(?P<m>\d{1,2})\s*(?P=sep)\s*(?P<y>\d{4})(?!\d)"
    + _AFTER,
    re.IGNORECASE,
)
_VIETNAMESE = re.compile(
    _BEFORE
    + r"(?<!\d)(?P<d>\d{1,2})\s+tháng\s+(?P<m>\d{1,2})\s*(?:,|năm|/|-)?\s*(?P<y>\d{4})(?!\d)"
    + _AFTER,
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY_NAME_YEAR = re.compile(
    _BEFORE
    + r"(?<!\d)(?P<d>\d{1,2})(?:st|nd|rd|th)?[\s-]+"
    + _MONTH_NAME
    + r"[\s,-]+(?P<y>\d{4})(?!\d)"
    + _AFTER,
    re.IGNORECASE,
)
_NAME_DAY_YEAR = re.compile(
    _BEFORE
    + r"(?<![^\W\d_])"
    + _MONTH_NAME
    + r"\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})(?!\d)"
    + _AFTER,
    re.IGNORECASE,
)
_YEAR_MONTH = re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})")
_MONTH_YEAR = re.compile(r"tháng\s+(?P<m>\d{1,2})\s*(?:năm|/|-|,)\s*(?P<y>\d{4})", re.IGNORECASE)

_WEEKDAYS = re.compile(
    r"(?P<mo>th[ứử]\s*(?:hai|2)|monday|mon\b)|(?P<tu>th[ứử]\s*(?:ba|3)|tuesday|tue\b)"
    r"|(?P<we>th[ứử]\s*(?:tư|4)|wednesday|wed\b)|(?P<th>th[ứử]\s*(?:năm|5)|thursday|thu\b)"
    r"|(?P<fr>th[ứử]\s*(?:sáu|6)|friday|fri\b)|(?P<sa>th[ứử]\s*(?:bảy|bẩy|7)|saturday|sat\b)"
    r"|(?P<su>chủ\s*nhật|sunday|sun\b)",
    re.IGNORECASE,
)
_WEEKDAY_OF = {"mo": 0, "tu": 1, "we": 2, "th": 3, "fr": 4, "sa": 5, "su": 6}

# RFC 822, section 5.1.
_NAMED_ZONES = {
    "ICT": 7,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
}

_URL_STAMP = re.compile(
    r"-(?:\d{3}|\d)?(?P<y>20\d{2}|\d{2})(?P<m>\d{2})(?P<d>\d{2})(?P<h>\d{2})\d{4}\d{3}\.\w+$"
)
_URL_STAMP_LONG = re.compile(r"-(?P<y>20\d{2})(?P<m>\d{2})(?P<d>\d{2})(?P<h>\d{2})\d{4}\d{3,}\.\w+$")
_URL_PATH = re.compile(r"/(?P<y>(?:19|20)\d{2})/(?P<m>\d{1,2})/(?P<d>\d{1,2})/")


def parse_date(text: str) -> Dated | None:
    """The first date in a short string, with how much of it is known; None when there is none for sure.

    Day comes before month, as in Vietnam, unless a weekday beside it says otherwise or the string has the
    form `10/2/2026 9:25:00 AM` (no leading zeros, seconds and AM/PM), which only en-US software writes.
    """
    text = " ".join(text.split())
    if not text or len(text) > _LONGEST:
        return None
    for pattern in (_YMD, _DMY, _VIETNAMESE, _DAY_NAME_YEAR, _NAME_DAY_YEAR):
        match = pattern.search(text)
        if match:
            return _from_match(match, text)
    whole = text.strip(" .,:;|-")
    for pattern in (_YEAR_MONTH, _MONTH_YEAR):
        match = pattern.fullmatch(whole)
        if match:
            day = _day(int(match["y"]), int(match["m"]), 1)
            return _at_midnight(day, Precision.MONTH) if day else None
    return None


def date_from_url(url: str) -> Dated | None:
    """The day in an address: `/2026/03/07/` or an article id that holds the time of its making.

    Such ids are made when the writer opens the draft, so only the day is taken.
    """
    path = url.partition("?")[0].partition("#")[0]
    for pattern in (_URL_STAMP_LONG, _URL_STAMP):
        match = pattern.search(path)
        if match and int(match["h"]) < 24:
            year = int(match["y"])
            day = _day(year + 2000 if year < 100 else year, int(match["m"]), int(match["d"]))
            if day:
                return _at_midnight(day, Precision.DAY)
    match = _URL_PATH.search(path)
    day = _day(int(match["y"]), int(match["m"]), int(match["d"])) if match else None
    return _at_midnight(day, Precision.DAY) if day else None


def _from_match(match: re.Match[str], text: str) -> Dated | None:
    groups = match.groupdict()
    day = _which_day(groups, text)
    if day is None:
        return None
    clock = _clock(groups, "") or _clock(groups, "b_")
    if clock is None:
        # A time that is there but impossible ("25:70") leaves the day, which is certain.
        return _at_midnight(day, Precision.DAY)
    hours, minutes, seconds, zone = clock
    moment = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(hours=hours, minutes=minutes)
    if seconds is None:
        return moment, Precision.MINUTE
    return moment + timedelta(seconds=seconds), Precision.SECOND


def _which_day(groups: dict[str, str | None], text: str) -> date | None:
    year, first = int(groups["y"] or 0), int(groups["d"] or 0)
    name = groups.get("name")
    if name:
        return _day(year, _MONTHS.index(name[:3].lower()) + 1, first)
    second = int(groups["m"] or 0)
    day_first, month_first = _day(year, second, first), _day(year, first, second)
    if "sep" not in groups or groups["sep"] is None or _is_year_first(groups, text):
        return day_first
    if groups["sep"] == "/" and _is_en_us(groups):
        return month_first
    if day_first and month_first and day_first != month_first:
        weekday = _weekday(text)
        if weekday is not None and weekday != day_first.weekday() and weekday == month_first.weekday():
            return month_first
    return day_first or month_first


def _is_year_first(groups: dict[str, str | None], text: str) -> bool:
    sep = groups["sep"] or ""
    return f"{groups['y']}{sep}{groups['m']}{sep}{groups['d']}" in text


def _is_en_us(groups: dict[str, str | None]) -> bool:
    day, month, hour = groups["d"] or "", groups["m"] or "", groups.get("h") or ""
    if not (groups.get("half") and groups.get("s") and hour) or int(hour) > 12:
        return False
    return not any(part.startswith("0") for part in (day, month, hour))


def _weekday(text: str) -> int | None:
    match = _WEEKDAYS.search(text)
    return _WEEKDAY_OF[match.lastgroup] if match and match.lastgroup else None


def _clock(groups: dict[str, str | None], prefix: str) -> tuple[int, int, int | None, timezone] | None:
    hour, minute = groups.get(prefix + "h"), groups.get(prefix + "mi")
    if hour is None or minute is None:
        return None
    hours, minutes = int(hour), int(minute)
    seconds_text, half = groups.get(prefix + "s"), groups.get(prefix + "half")
    seconds = int(seconds_text) if seconds_text else None
    # "00:01 AM" and "15:30 PM" are 24-hour times with a label that adds nothing.
    if half and 1 <= hours <= 12:
        hours = hours % 12 + (12 if half in "pP" else 0)
    # ISO 8601: 24:00 is the end of the day; any later minute does not exist.
    if hours > 24 or minutes > 59 or (seconds or 0) > 59 or (hours == 24 and (minutes or seconds)):
        return None
    zone = _zone(groups.get(prefix + "zone"))
    return (hours, minutes, seconds, zone) if zone else None


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return VIETNAM
    name = text.upper().replace(" ", "")
    if name in _NAMED_ZONES:
        return timezone(timedelta(hours=_NAMED_ZONES[name]))
    offset = name.removeprefix("GMT").removeprefix("UTC").removeprefix("Z").replace(":", "")
    if not offset:
        return UTC
    sign = -1 if offset[0] == "-" else 1
    digits = offset[1:]
    hours = int(digits[:2]) if len(digits) != 3 else int(digits[:1])
    minutes = int(digits[-2:]) if len(digits) > 2 else 0
    if hours > 14 or minutes > 59:
        return None
    delta = sign * timedelta(hours=hours, minutes=minutes)
    return VIETNAM if delta == timedelta(hours=7) else timezone(delta)


def _day(year: int, month: int, day: int) -> date | None:
    if year not in _YEARS:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _at_midnight(day: date, precision: Precision) -> Dated:
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM), precision
