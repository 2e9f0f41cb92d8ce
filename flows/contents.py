"""What feeds, sitemaps and listings hold, and what a poll of one source has met."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from flows.fetching import Fetched
from flows.selection import Found
from flows.sources import Source
from parsers.errors import UrlError
from parsers.feeds import parse_feed
from parsers.links import Link
from parsers.listings import parse_listing
from parsers.sitemaps import SitemapChild, parse_sitemap
from parsers.urls import canonical_url
from storage import EndpointState

_CLOCKS_APART = timedelta(days=1)


@dataclass(slots=True)
class Discovery:
    """What a poll of one source met: URLs in the order met, those that fit no pattern, what to remember."""

    found: dict[str, Found] = field(default_factory=dict)
    outside: set[str] = field(default_factory=set)
    endpoints: list[EndpointState] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is no problem, but explains a number."""
    answered: int = 0
    failed: int = 0

    def add(
        self, source: Source, link: Link, found_in: str, now: datetime, *, only_articles: bool
    ) -> str | None:
        """Take one link in; gives its canonical URL if it counts. One that is none is told as a problem."""
        try:
            url = canonical_url(link.url)
        except UrlError as error:
            self.problems.append(f"{found_in}: {error.reason}: {link.url[:200]!r}")
            return None
        if not source.is_article(url):
            # Navigation fills listing pages: only what a feed or sitemap vouches for is counted.
            if only_articles:
                return None
            self.outside.add(url)
        before = self.found.get(url) or Found(url, found_in, article_id=source.article_id(url))
        # A time that has not come is a slip of the pen: kept, it would hide every change until then.
        latest = now + _CLOCKS_APART
        self.found[url] = replace(
            before,
            hint_at=_later(before.hint_at, link.modified_at, latest),
            published_hint_at=_later(before.published_hint_at, link.published_at, latest),
            title=before.title or link.title,
            lead=before.lead or link.lead,
        )
        return url


def _later(one: datetime | None, other: datetime | None, latest: datetime) -> datetime | None:
    times = [time for time in (one, other) if time is not None and time <= latest]
    return max(times, default=None)


@dataclass(frozen=True, slots=True)
class Contents:
    """What one feed, sitemap or listing holds, and what it asks of its readers."""

    links: tuple[Link, ...] = ()
    children: tuple[SitemapChild, ...] = ()
    problems: tuple[str, ...] = ()
    truncated: bool = False
    next_page: str | None = None
    ttl_minutes: int | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[str, ...] = ()


def read_contents(kind: str, fetched: Fetched) -> Contents:
    """Read links from the bytes of a feed, sitemap or listing. Raises ParseError. Pure."""
    if kind == "feed":
        feed = parse_feed(fetched.body, fetched.url, fetched.content_type)
        return Contents(
            feed.links,
            problems=feed.problems,
            truncated=feed.truncated,
            ttl_minutes=feed.ttl_minutes,
            skip_hours=feed.skip_hours,
            skip_days=feed.skip_days,
        )
    if kind == "listing":
        listing = parse_listing(fetched.body, fetched.url, fetched.content_type)
        return Contents(listing.links, next_page=listing.next_page)
    sitemap = parse_sitemap(fetched.body, fetched.url, fetched.content_type)
    return Contents(sitemap.links, sitemap.children, sitemap.problems, sitemap.truncated)


def within_window(links: Iterable[Link], since: datetime) -> list[Link]:
    """The links that are not told to be older: sitemaps reach years back, which a backfill reads. Pure."""
    return [
        link
        for link in links
        if (changed := link.modified_at or link.published_at) is None or changed >= since
    ]
