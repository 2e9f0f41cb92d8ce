"""Which of the URLs that were met are fetched: a pure decision over what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from storage import End, Ending, Met, PageState

MAX_ATTEMPTS = 6
"""After so many failures in a row a URL is given up until its feed or sitemap says that it changed.

A page that is given up has no `retry_at`.
"""

_FIRST_RETRY = timedelta(minutes=15)
_LONGEST_RETRY = timedelta(days=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Found:
    """One canonical URL that a poll met, where first, and when its site says that it changed last.

    `attempts` is the number of looks at it that failed in a row before this one.
    """

    url: str
    found_in: str
    hint_at: datetime | None = None
    attempts: int = 0
    etag: str | None = None
    last_modified: str | None = None

    @property
    def met(self) -> Met:
        return Met(self.url, self.found_in, self.hint_at)


@dataclass(frozen=True, slots=True)
class Selection:
    """What to fetch, newest first, and how the other URLs of the poll end."""

    fetch: tuple[Found, ...]
    ends: tuple[End, ...]


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after the nth failure in a row: 15 minutes, then four times longer, at most a day."""
    factor: int = 4 ** min(max(attempts, 1) - 1, 10)
    return min(_FIRST_RETRY * factor, _LONGEST_RETRY)


def select(
    found: Mapping[str, Found],
    pages: Mapping[str, PageState],
    *,
    outside: frozenset[str],
    now: datetime,
    room: int,
    room_reason: str,
) -> Selection:
    """Decide for each URL: fetch it, leave it as it is, put it off, or say that it is no article.

    `outside` are the URLs that do not fit the source's pattern, `room` how many may be fetched in this run,
    and `room_reason` the reason code for those beyond it.
    """
    fetch: list[Found] = []
    ends: list[End] = []
    for item in found.values():
        page = pages.get(item.url)
        if page is None and item.url in outside:
            ends.append(End(item.met, Ending.REJECTED, "outside-pattern"))
        elif page is None:
            fetch.append(item)
        else:
            end = _known(item, page, now)
            if end is not None:
                ends.append(end)
            else:
                attempts = page.attempts if page.ending is Ending.FAILED else 0
                fetch.append(
                    Found(item.url, item.found_in, item.hint_at, attempts, page.etag, page.last_modified)
                )
    fetch.sort(key=lambda item: (item.hint_at or _LONG_AGO, item.url), reverse=True)
    ends.extend(End(item.met, Ending.DEFERRED, room_reason) for item in fetch[max(room, 0) :])
    return Selection(tuple(fetch[: max(room, 0)]), tuple(ends))


def _known(item: Found, page: PageState, now: datetime) -> End | None:
    """How a URL that was met before ends without a request; None if it is to be fetched."""
    if page.reason == "outside-pattern":
        return End(item.met, Ending.UNCHANGED, "outside-pattern", skipped=True)
    if page.retry_at is not None and page.retry_at > now:
        return End(item.met, Ending.DEFERRED, "retry-later", retry_at=page.retry_at, skipped=True)
    if page.ending is Ending.DEFERRED or page.retry_at is not None:
        return None
    # A time that is first told after the page was read says nothing new unless it lies after the reading.
    seen = page.hint_at or page.fetched_at
    if item.hint_at is not None and (seen is None or item.hint_at > seen):
        return None
    reason = "given-up" if page.ending is Ending.FAILED else "known"
    return End(item.met, Ending.UNCHANGED, reason, skipped=True)
