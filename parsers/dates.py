"""Dates as newspapers print them, as feeds write them, and as addresses hold them.

One grammar behind three doors: `parse_date` finds a date in a short string of a page, `parse_feed_date`
reads a value that must be a date as a whole, `date_from_url` reads the day from an address. A time without
a zone is Vietnamese time (+07:00). No clock is read: whether a date lies in the future is for the caller to
judge. What is ambiguous or impossible gives None, never a guess.

The general libraries are not used, because they get some of these silently wrong (`GMT+7` as -07:00, a
dropped zone).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from parsers.article import Precision

VIETNAM: Final = timezone(timedelta(hours=7))
"""The zone of a date that names none; Viet Nam has no summer time."""

Dated = tuple[datetime, Precision]

_LONGEST: Final = 300  # characters; a longer string is a paragraph, not a date
# A page may speak of 1975, but no paper was on the Web before 1990; a feed may count from the zero of Unix.
_SINCE: Final = 1990
_SINCE_IN_FEEDS: Final = 1970
_LAST_YEAR: Final = 2100

# RFC 822 section 5.1 and ISO 8601, and Indochina Time; hours east of Greenwich.
_NAMED_ZONES: Final = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "ICT": 7, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7,
    "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
_FARTHEST: Final = timedelta(hours=14)  # east of Greenwich, in Kiribati; nobody is farther west
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS: Final = (
    r"th[ứử]\s*(?:hai|2)|mon(?:day)?",
    r"th[ứử]\s*(?:ba|3)|tue(?:s(?:day)?)?",
    r"th[ứử]\s*(?:tư|4)|wed(?:nes(?:day)?)?",
    r"th[ứử]\s*(?:năm|5)|thu(?:rs(?:day)?)?",
    r"th[ứử]\s*(?:sáu|6)|fri(?:day)?",
    r"th[ứử]\s*(?:bảy|bẩy|7)|sat(?:ur(?:day)?)?",
    r"chủ\s*nhật|cn|sun(?:day)?",
)


def _pattern(form: str) -> re.Pattern[str]:
    """Small letters stand for capitals too, Vietnamese ones included, but only ASCII digits are digits."""
    return re.compile(form.replace(r"\d", "[0-9]"), re.IGNORECASE)


# One digit alone is a zone only at the very end: "14:33 -5 ..." goes on about something else.
_ZONE = (
    r"(?:\s*[\[(]?\s*(?P<zone>(?:GMT|UTC)\s*[+-]\s*\d{1,2}(?::?\d{2})?(?!\d)|[+-]\d{2}(?::?\d{2})?(?!\d)"
    rf"|[+-]\d(?::?\d{{2}})?(?=\s*[\])]?$)|(?:{'|'.join(_NAMED_ZONES)})(?!\w))\s*[\])]?)?"
)
_TIME = (
    r"(?P<h>\d{1,2})\s*(?::|h|g|giờ)\s*(?P<mi>\d{2})(?!\d)(?::(?P<s>\d{2})(?:[.,]\d{1,9})?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?(?!\w))?" + _ZONE
)
_AFTER = r"(?:\s*(?:[T,|•·–—-]|lúc|at|vào lúc)?\s*" + _TIME + r")?"
_BEFORE = r"(?:" + _TIME.replace("?P<", "?P<b_") + r"\s*[,|•·–—-]?\s*(?:ngày\s+|ngay\s+)?)?"
_YEAR = r"(?P<y>\d{4})(?!\d)"
# RFC 822 has two digits (and a time); three came of software that counted from 1900.
_RFC_YEAR = r"(?P<y>\d{4}(?!\d)|\d{2,3}(?=[T\s,-]{1,3}\d{1,2}:|$))"
_MONTH_NAME = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_ORDINAL = r"(?:st|nd|rd|th)?"
_FORMS: Final = tuple(
    map(
        _pattern,
        (
            r"(?<![0-9./-])(?P<y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})(?!\d)" + _AFTER,
            _BEFORE
            + r"(?<![0-9./-])(?P<d>\d{1,2})\s*(?P<either>[-/.])\s*(?P<m>\d{1,2})\s*(?P=either)\s*"
            + _YEAR
            + _AFTER,
            _BEFORE + r"(?<!\d)(?P<d>\d{1,2})\s+tháng\s+(?P<m>\d{1,2})\s*(?:,|năm|/|-)?\s*" + _YEAR + _AFTER,
            _BEFORE + rf"(?<!\d)(?P<d>\d{{1,2}}){_ORDINAL}[\s-]+{_MONTH_NAME}[\s,-]+{_RFC_YEAR}" + _AFTER,
            _BEFORE + rf"(?<!\w){_MONTH_NAME}\s+(?P<d>\d{{1,2}}){_ORDINAL},?\s+{_YEAR}" + _AFTER,
            # As the C function asctime prints it: the year comes last.
            rf"(?<!\w){_MONTH_NAME}\s+(?P<d>\d{{1,2}})\s+{_TIME}\s+{_YEAR}(?!\w)",
        ),
    )
)
_YEAR_MONTH: Final = tuple(
    map(_pattern, (r"(?P<y>\d{4})-(?P<m>\d{2})", r"tháng\s+(?P<m>\d{1,2})\s*(?:năm|/|-|,)\s*(?P<y>\d{4})"))
)
_WEEKDAY: Final = _pattern(
    rf"(?<!\w)(?:{'|'.join(f'(?P<on_{number}>{names})' for number, names in enumerate(_WEEKDAYS))})(?!\w)"
)
_LEADING: Final = _pattern(rf"(?:(?:{'|'.join(_WEEKDAYS)})(?!\w)\s*[,.]?\s*)?(?:ngày\s+)?")

_URL_STAMPS: Final = (
    re.compile(r"-(?P<y>20\d{2})(?P<m>\d{2})(?P<d>\d{2})(?P<h>\d{2})\d{4}\d{3,}\.\w+$", re.ASCII),
    re.compile(
        r"-(?:\d{3}|\d)?(?P<y>20\d{2}|\d{2})(?P<m>\d{2})(?P<d>\d{2})(?P<h>\d{2})\d{4}\d{3}\.\w+$", re.ASCII
    ),
)
_URL_PATH: Final = re.compile(r"/(?P<y>(?:19|20)\d{2})/(?P<m>\d{1,2})/(?P<d>\d{1,2})/", re.ASCII)


@lru_cache(maxsize=64)  # a page says the same date in several places, and each is asked for twice
def parse_date(text: str) -> Dated | None:
    """The first date in a short string, with how much of it is known; None when there is none for sure.

    Day comes before month, as in Vietnam, unless a weekday beside it says otherwise or the string has the
    form `10/2/2026 9:25:00 AM` (no leading zeros, seconds, AM/PM and no zone), which only en-US software
    writes. An impossible time leaves the day. A date without a time is midnight.
    """
    plain = _plain(text)
    for form in _FORMS:
        if match := form.search(plain):
            return _read(match.groupdict(), plain, in_feed=False)
    for form in _YEAR_MONTH:
        if match := form.fullmatch(plain.strip(" .,:;|-")):
            day = _day(int(match["y"]), int(match["m"]), 1, _SINCE)
            return _at_midnight(day, Precision.MONTH) if day else None
    return None


def parse_feed_date(text: str) -> datetime | None:
    """The moment that the value of a feed or sitemap states, in the zone it states (+07:00 if none).

    The whole value must be a date: an unknown zone, an impossible time, more text behind it, or a month
    without a day give None. A date without a time is midnight. Day comes before month, except with slashes,
    AM or PM, a 12-hour clock and no zone, which some systems print by default, or by the weekday.
    """
    plain = _plain(text)
    leading = _LEADING.match(plain)
    rest = plain[leading.end() :] if leading else plain
    for form in _FORMS:
        if match := form.fullmatch(rest):
            dated = _read(match.groupdict(), plain, in_feed=True)
            return dated[0] if dated else None
    return None


def date_from_url(url: str) -> Dated | None:
    """The day in an address: `/2026/03/07/` or an article id that holds the time of its making.

    Such ids are made when the writer opens the draft, so only the day is taken.
    """
    path = url.partition("?")[0].partition("#")[0]
    for pattern in _URL_STAMPS:
        match = pattern.search(path)
        if match and int(match["h"]) < 24:
            year = int(match["y"])
            day = _day(year + 2000 if year < 100 else year, int(match["m"]), int(match["d"]), _SINCE)
            if day:
                return _at_midnight(day, Precision.DAY)
    match = _URL_PATH.search(path)
    day = _day(int(match["y"]), int(match["m"]), int(match["d"]), _SINCE) if match else None
    return _at_midnight(day, Precision.DAY) if day else None


def _plain(text: str) -> str:
    """NFC with single spaces; nothing where it is too long for a date."""
    return " ".join(unicodedata.normalize("NFC", text).split()) if len(text) <= _LONGEST else ""


def _read(found: dict[str, str | None], text: str, *, in_feed: bool) -> Dated | None:
    day = _which_day(found, text, in_feed=in_feed)
    if day is None:
        return None
    prefix = "" if found.get("h") else "b_"
    clock = _clock(found, prefix)
    if clock is None:
        if in_feed and found.get(prefix + "h"):
            return None
        return _at_midnight(day, Precision.DAY)
    hours, minutes, seconds, zone = clock
    moment = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(hours=hours, minutes=minutes)
    if seconds is None:
        return moment, Precision.MINUTE
    return moment + timedelta(seconds=seconds), Precision.SECOND


def _which_day(found: dict[str, str | None], text: str, *, in_feed: bool) -> date | None:
    since = _SINCE_IN_FEEDS if in_feed else _SINCE
    year, first = int(found["y"] or 0), int(found["d"] or 0)
    if len(found["y"] or "") < 4:
        # RFC 2822 section 4.3: 00 to 49 are of this century, other short years count from 1900.
        year += 2000 if year < 50 else 1900
    name = found.get("name")
    if name:
        return _day(year, _MONTHS.index(name[:3].lower()) + 1, first, since)
    second = int(found["m"] or 0)
    day_first, month_first = _day(year, second, first, since), _day(year, first, second, since)
    if "either" not in found:
        return day_first
    if day_first is None or month_first is None:
        return day_first or month_first
    weekday = _weekday(text)
    fitting = [day for day in (day_first, month_first) if day.weekday() == weekday]
    if len(fitting) == 1:
        return fitting[0]
    return month_first if _is_en_us(found, in_feed=in_feed) else day_first


def _is_en_us(found: dict[str, str | None], *, in_feed: bool) -> bool:
    """Whether a date is in the US order, which some systems print by default."""
    hour = found.get("h") or ""
    if found["either"] != "/" or not found.get("half") or found.get("zone") or not 1 <= int(hour) <= 12:
        return False
    # What a page shows was made for Vietnamese readers, so only the form to the letter counts there.
    padded = any((part or "").startswith("0") for part in (found["d"], found["m"], hour))
    return in_feed or (found.get("s") is not None and not padded)


def _weekday(text: str) -> int | None:
    match = _WEEKDAY.search(text)
    return int(match.lastgroup.removeprefix("on_")) if match and match.lastgroup else None


def _clock(found: dict[str, str | None], prefix: str) -> tuple[int, int, int | None, timezone] | None:
    """Hours, minutes, seconds if given, and zone; None where there is no time or an impossible one."""
    hour, minute = found.get(prefix + "h"), found.get(prefix + "mi")
    if hour is None or minute is None:
        return None
    hours, minutes = int(hour), int(minute)
    seconds_text, half = found.get(prefix + "s"), found.get(prefix + "half")
    seconds = int(seconds_text) if seconds_text else None
    # "00:01 AM" and "15:30 PM" are 24-hour times with a label that adds nothing.
    if half and 1 <= hours <= 12:
        hours = hours % 12 + (12 if half in "pP" else 0)
    # ISO 8601: 24:00 is the end of the day, any later minute does not exist; second 60 is a leap second.
    if hours > 24 or minutes > 59 or (seconds or 0) > 60 or (hours == 24 and (minutes or seconds)):
        return None
    zone = _zone(found.get(prefix + "zone"))
    return (hours, minutes, min(seconds, 59) if seconds else seconds, zone) if zone else None


def _zone(text: str | None) -> timezone | None:
    """The zone as written, VIETNAM for none; None for what lies beyond all zones."""
    if text is None:
        return VIETNAM
    name = text.upper().replace(" ", "")
    if name in _NAMED_ZONES:
        return timezone(timedelta(hours=_NAMED_ZONES[name]))
    offset = name.removeprefix("GMT").removeprefix("UTC").replace(":", "")
    sign, digits = offset[0], offset[1:]
    # "7", "07", "700" and "0700" are all seven hours.
    hours, minutes = (int(digits), 0) if len(digits) < 3 else (int(digits[:-2]), int(digits[-2:]))
    delta = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or delta > _FARTHEST:
        return None
    return timezone(-delta if sign == "-" else delta)


def _day(year: int, month: int, day: int, since: int) -> date | None:
    if not since <= year <= _LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _at_midnight(day: date, precision: Precision) -> Dated:
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM), precision
