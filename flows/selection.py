"""Which of the URLs that were met are fetched: a pure decision over what is known of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from parsers.topics import OFF_TOPIC
from storage import End, Ending, Met, PageState

MAX_ATTEMPTS = 6
"""After so many looks without success a URL is left until its feed or sitemap says that it changed.

A page that is left for good has no `retry_at`.
"""

LOOK_AGAIN = (timedelta(days=1), timedelta(days=7))
"""So long after its first reading an article is looked at again, where its site does not tell of changes."""

LONGEST_LOOK = timedelta(days=8)
"""No look is further away: a later one was set by a clock that ran ahead."""

LOOKS_AT_ONCE = 100
"""So many looks at most in one run: new articles come first."""

SAME_ARTICLE = "same-article"
"""The reason of an address under which an article is met that is known under another, by its number."""

LONGEST_WAIT = timedelta(days=2)
"""No look is put off for longer: a later `retry_at` was set by a clock that ran ahead."""

_FIRST_RETRY = timedelta(minutes=15)
_LONGEST_RETRY = timedelta(days=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
# A change that is told of the minutes before the page was read may not have been on it yet: caches lag.
_CACHE_LAG = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Found:
    """One canonical URL that a poll met: where first, and what its site told of its times.

    `attempts` is the number of looks at it that failed in a row before this one; `waiting` says that an
    earlier run put it off, `look` that its time for another look has come. `article_id` is the site's number
    of the article, `record_url` the document that it is known to be, `look_at` when it is to be looked at
    again after this. `title` and `lead` are what a feed, news sitemap or listing tells of it.
    """

    url: str
    found_in: str
    hint_at: datetime | None = None
    published_hint_at: datetime | None = None
    attempts: int = 0
    etag: str | None = None
    last_modified: str | None = None
    waiting: bool = False
    look: bool = False
    article_id: str | None = None
    record_url: str | None = None
    look_at: datetime | None = None
    title: str | None = None
    lead: str | None = None

    @property
    def met(self) -> Met:
        return Met(
            self.url,
            self.found_in,
            self.hint_at,
            self.published_hint_at,
            look_at=self.look_at,
            article_id=self.article_id,
        )

    @property
    def age_key(self) -> tuple[datetime, str]:
        """Orders pages by age; equal ages by URL, so that the order is no chance."""
        return self.hint_at or self.published_hint_at or _LONG_AGO, self.url


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
    others: Mapping[str, Sequence[PageState]] | None = None,
    off_topic: Mapping[str, End] | None = None,
) -> Selection:
    """Decide for each URL: fetch it, leave it as it is, put it off, or say that it is no article.

    `outside` are the URLs that do not fit the source's pattern, `room` how many may be fetched in this run,
    and `room_reason` the reason code for those beyond it. `others` are pages that gave a document, by the
    site's number of the article: the same articles, perhaps under other addresses. `off_topic` are the ends
    of those that title and lead tell to be off-topic (flows/gate.py): they are not fetched.
    """
    fetch: list[Found] = []
    ends: list[End] = []
    taken: dict[str, str] = {}
    for item in found.values():
        page = pages.get(item.url)
        known = [other for other in (others or {}).get(item.article_id or "", ()) if other.url != item.url]
        turned = (off_topic or {}).get(item.url)
        end = _without_request(item, page, now, outside=item.url in outside, off_topic=turned)
        end = end or _under_other_address(item, page, known, taken) or turned
        if end is not None:
            ends.append(end)
            continue
        if item.article_id is not None:
            taken.setdefault(item.article_id, item.url)
        fetch.append(_ready(item, page, known, now))
    chosen, put_off = _within_room(fetch, max(room, 0))
    for item in put_off:
        page = pages.get(item.url)
        if item.look:
            # It stays due. To call it put off would hide that the article is there.
            ends.append(End(item.met, Ending.UNCHANGED, "known", skipped=True))
            continue
        # One row says that it was put off; a row more in each run that passes would say nothing new.
        told = page is not None and page.ending is Ending.DEFERRED and page.reason == room_reason
        ends.append(End(item.met, Ending.DEFERRED, room_reason, skipped=told))
    return Selection(tuple(chosen), tuple(ends))


def _ready(item: Found, page: PageState | None, known: Sequence[PageState], now: datetime) -> Found:
    """A URL to fetch, with what is known of its page and of the article under other addresses."""
    record_url = page.record_url if page is not None else None
    item = replace(item, record_url=record_url or next((other.record_url for other in known), None))
    item = replace(item, look_at=next_look(item, page, now))
    if page is None:
        return item
    # What was turned away is judged by its text now, which a server need not send again to a validator.
    fresh = page.reason == OFF_TOPIC
    return replace(
        item,
        attempts=page.attempts,
        etag=None if fresh else page.etag,
        last_modified=None if fresh else page.last_modified,
        waiting=page.ending is Ending.DEFERRED,
        look=item.look and not is_news(item, page),
    )


def next_look(item: Found, page: PageState | None, now: datetime) -> datetime | None:
    """When an article that is fetched now is looked at again: a day and a week after its publication. Pure.

    Where no time of publication was told, after it was first met. None later than that, and where its site
    tells when it changed: then the site is believed.
    """
    if item.hint_at is not None or (page is not None and page.hint_at is not None):
        return None
    told = item.published_hint_at or (page.published_hint_at if page is not None else None)
    first = told or (page.first_seen_at if page is not None else None) or now
    # A look that comes early by some minutes counts for the one that was due.
    due = (first + after for after in LOOK_AGAIN)
    return next((at for at in due if at > now + timedelta(hours=1)), None)


def _under_other_address(
    item: Found, page: PageState | None, known: Sequence[PageState], taken: Mapping[str, str]
) -> End | None:
    """How a URL ends whose article is met under another address; None if it is to be fetched.

    Of two addresses met at once the first is fetched and the other waits, in case that it fails. A new
    address of a known article is fetched once: its headline changed, and so perhaps its text.
    """
    if item.article_id is None:
        return None
    if any(other.reason == "retracted" for other in known):
        return End(item.met, Ending.REJECTED, "retracted")
    waited = page is not None and page.ending is Ending.DEFERRED and page.reason == SAME_ARTICLE
    if waited and known:
        return End(item.met, Ending.DUPLICATE, SAME_ARTICLE, partner_url=known[0].record_url)
    if item.article_id in taken and (page is None or waited):
        told = f"under {taken[item.article_id]}"
        return End(item.met, Ending.DEFERRED, SAME_ARTICLE, told, skipped=waited)
    return None


def _within_room(fetch: list[Found], room: int) -> tuple[list[Found], list[Found]]:
    """The newest first, but a quarter of the room for the oldest that wait: a backlog must end at last.

    Looks at articles that are known come after all others.
    """
    newest = sorted(fetch, key=lambda item: (not item.look, item.age_key), reverse=True)
    if len(newest) <= room:
        return newest, []
    oldest = [item for item in reversed(newest) if item.waiting][: room // 4]
    kept = {item.url for item in oldest}
    others = [item for item in newest if item.url not in kept]
    chosen = others[: room - len(oldest)] + oldest[::-1]
    return chosen, others[room - len(oldest) :]


def _without_request(
    item: Found, page: PageState | None, now: datetime, *, outside: bool, off_topic: End | None
) -> End | None:
    """How a URL ends without a request; None if it is to be fetched."""
    if page is not None and page.reason == "retracted":
        # Not even asked for: its page would be kept in the raw archive, from which it was perhaps purged.
        return End(item.met, Ending.REJECTED, "retracted", skipped=True)
    if outside:
        known = page is not None and page.reason == "outside-pattern"
        ending = Ending.UNCHANGED if known else Ending.REJECTED
        return End(item.met, ending, "outside-pattern", skipped=known)
    if page is None or page.reason == "outside-pattern":
        return None
    if page.reason == OFF_TOPIC and page.retry_at is None:
        # Without an end it belongs to a topic that was changed, or its source keeps everything now.
        return off_topic
    if page.retry_at is not None:
        if now < page.retry_at <= now + LONGEST_WAIT:
            return End(item.met, Ending.DEFERRED, "retry-later", retry_at=page.retry_at, skipped=True)
        return None
    if page.ending is Ending.DEFERRED or item.look or is_news(item, page):
        return None
    reason = "given-up" if page.ending is Ending.FAILED else "known"
    return End(item.met, Ending.UNCHANGED, reason, skipped=True)


def is_news(item: Found, page: PageState) -> bool:
    """Whether what the site tells now says that the page changed since it was read. Pure.

    A time is compared with the same time told before. One that is told for the first time (the feed was
    read first, the sitemap hours later) is news only if it lies after the reading of the page.
    """
    read = page.fetched_at - _CACHE_LAG if page.fetched_at is not None else None
    for told, before in ((item.hint_at, page.hint_at), (item.published_hint_at, page.published_hint_at)):
        seen = before or read
        if told is not None and (seen is None or told > seen):
            return True
    return False
