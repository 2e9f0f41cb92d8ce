"""Addresses of listing pages: those of a day, and the further pages of one. Pure.

A source file may name a listing with a day in it (`https://bao.example/luu-tru/{yyyy}/{mm}/{dd}`) and say
how the further pages of a listing are addressed (`{stem}/trang-{page}.htm`).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from parsers.dates import VIETNAM

DAY_FIELDS: Final = frozenset({"yyyy", "mm", "dd", "m", "d", "from_epoch", "to_epoch"})
"""Year, padded and plain month and day, first and last second of the day (Unix time), all in Vietnam."""

PAGE_FIELDS: Final = frozenset({"listing", "stem", "page"})
"""The listing's address, the same without query, file extension and last slash, and the page's number."""

MOST_DAYS: Final = 31
"""So many days back at most are read after a downtime; older ones are for a backfill."""

_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_EXTENSION: Final = re.compile(r"(?<=[^/:])(?:\.[a-z]{2,5})?/?$", re.ASCII)


def fields_of(template: str) -> frozenset[str]:
    """The names that stand in braces."""
    return frozenset(_FIELD.findall(template))


def is_dated(listing: str) -> bool:
    """Whether a listing has a page for each day."""
    return not DAY_FIELDS.isdisjoint(fields_of(listing))


def day_address(listing: str, day: date) -> str:
    """The address of a dated listing's page for a day."""
    start = datetime.combine(day, time(), VIETNAM)
    values = {
        "yyyy": f"{day.year:04}", "mm": f"{day.month:02}", "dd": f"{day.day:02}",
        "m": str(day.month), "d": str(day.day),
        "from_epoch": str(int(start.timestamp())), "to_epoch": str(int(start.timestamp()) + 86_399),
    }  # fmt: skip
    return _filled(listing, values)


def days_to_read(answered_at: datetime | None, now: datetime) -> list[date]:
    """The days of a dated listing to read, newest first: since the last answer, yesterday at least."""
    today = now.astimezone(VIETNAM).date()
    first = today - timedelta(days=1)
    if answered_at is not None:
        first = min(first, answered_at.astimezone(VIETNAM).date())
    first = max(first, today - timedelta(days=MOST_DAYS))
    return [today - timedelta(days=back) for back in range((today - first).days + 1)]


def page_address(pattern: str, listing: str, page: int) -> str:
    """The address of a further page (2 and up) of a listing."""
    stem = _EXTENSION.sub("", listing.partition("?")[0])
    return _filled(pattern, {"listing": listing, "stem": stem, "page": str(page)})


def _filled(template: str, values: dict[str, str]) -> str:
    return _FIELD.sub(lambda match: values.get(match.group(1), match.group()), template)
