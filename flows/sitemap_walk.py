"""Walking a source's sitemaps and dated listings backwards in time, for a backfill.

Nothing of it is remembered: validators belong to what an ingest has committed, and a walk that is begun again
finds by the ledger what is there already.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from flows.fetching import Fetched, Fetcher, HostPolicy
from flows.fetching.values import Kind
from flows.listing_pages import day_address, is_dated
from flows.selection import Found
from flows.sources import Source
from parsers.dates import VIETNAM
from parsers.errors import FetchError, ParseError, UrlError
from parsers.links import Link
from parsers.listings import parse_listing
from parsers.sitemaps import SitemapChild, children_to_read, named_period, parse_sitemap
from parsers.urls import canonical_url

MAX_DEPTH = 3
MAX_CHILDREN = 50_000
"""As many as a sitemap may name; the budget of the day is the limit that is met."""

Days = Mapping[date, Mapping[str, Found]]
"""What was found, by day of publication in Vietnam."""


class OutOfBudget(Exception):
    """No request is left to ask for what comes next."""


@dataclass(frozen=True, slots=True)
class Span:
    """The days of publication that are wanted, in Vietnam; both are among them."""

    since: date
    until: date

    @property
    def start(self) -> datetime:
        """The first moment of it."""
        return datetime.combine(self.since, time(), VIETNAM)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.until, time(), VIETNAM) + timedelta(days=1)

    def holds(self, day: date) -> bool:
        """Whether the day is wanted."""
        return self.since <= day <= self.until


@dataclass(slots=True)
class Walk:
    """One walk over one source. What could not be read is told in `problems`, what is left out in `notes`."""

    source: Source
    fetcher: Fetcher
    policy: HostPolicy
    span: Span
    now: datetime
    room: Callable[[], int]
    """How many requests are left."""
    kept: Callable[[str, str, Fetched], None]
    """Takes each sitemap or listing that was read, as kind, address and answer, for the archive."""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    answered: int = 0
    errors: list[FetchError] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    async def days(self) -> AsyncIterator[Days]:
        """What each sitemap or listing page holds of the span, the newest first. Raises OutOfBudget."""
        for url in self.source.sitemaps:
            async for found in self._sitemap(url, 1):
                yield found
        for listing in filter(is_dated, self.source.listings):
            async for found in self._listing(listing):
                yield found

    async def _sitemap(self, url: str, depth: int) -> AsyncIterator[Days]:
        if url in self._seen:
            return
        self._seen.add(url)
        fetched = await self._ask(url, "sitemap")
        if fetched is None:
            return
        try:
            sitemap = await asyncio.to_thread(parse_sitemap, fetched.body, fetched.url, fetched.content_type)
        except ParseError as error:
            self.problems.append(f"{url}: {error.reason}: {error.message}")
            return
        self.problems.extend(f"{url}: {problem}" for problem in sitemap.problems)
        yield self._by_day(url, sitemap.links)
        if sitemap.children and depth >= MAX_DEPTH:
            self.problems.append(f"{url}: sitemaps nested deeper than {MAX_DEPTH} are not read")
            return
        for child in self._wanted(sitemap.children):
            async for found in self._sitemap(child.url, depth + 1):
                yield found

    def _wanted(self, children: tuple[SitemapChild, ...]) -> list[SitemapChild]:
        """The children that may hold entries of the span, the newest first."""
        chosen = children_to_read(
            children,
            since=self.span.start,
            now=self.now,
            limit=MAX_CHILDREN,
            trust_lastmod=self.source.trust_lastmod,
        )
        return [
            child
            for child in chosen
            if (period := named_period(child.url, self.now)) is None
            or (period[0] < self.span.end and period[1] > self.span.start)
        ]

    async def _listing(self, listing: str) -> AsyncIterator[Days]:
        for back in range((self.span.until - self.span.since).days + 1):
            day = self.span.until - timedelta(days=back)
            url = day_address(listing, day)
            fetched = await self._ask(url, "listing")
            if fetched is None:
                continue
            try:
                links = parse_listing(fetched.body, fetched.url, fetched.content_type).links
            except ParseError as error:
                self.problems.append(f"{url}: {error.reason}: {error.message}")
                continue
            yield {day: found} if (found := self._articles(url, links)) else {}

    async def _ask(self, url: str, kind: str) -> Fetched | None:
        if self.room() <= 0:
            raise OutOfBudget
        try:
            fetched = await self.fetcher.get(url, policy=self.policy, kind=_FETCH_KIND[kind])
        except FetchError as error:
            self.problems.append(f"{url}: {error.reason}: {error.message}")
            self.errors.append(error)
            return None
        self.answered += 1
        self.kept(kind, url, fetched)
        return fetched

    def _articles(self, found_in: str, links: tuple[Link, ...]) -> dict[str, Found]:
        found: dict[str, Found] = {}
        for link in links:
            try:
                url = canonical_url(link.url)
            except UrlError:
                continue
            if self.source.is_article(url):
                changed = link.modified_at if self.source.trust_lastmod else None
                number = self.source.article_id(url)
                told = Found(url, found_in, changed, link.published_at, article_id=number)
                found.setdefault(url, replace(told, title=link.title, lead=link.lead))
        return found

    def _by_day(self, sitemap: str, links: tuple[Link, ...]) -> Days:
        """The articles of the span by day: that of publication, of the last change, or the sitemap's own."""
        period = named_period(sitemap, self.now)
        days: dict[date, dict[str, Found]] = {}
        undated = 0
        for url, item in self._articles(sitemap, links).items():
            told = item.published_hint_at or item.hint_at
            if period is not None and (told is None or not period[0] <= told < period[1]):
                # No date, or that of a later change: it is of that month, so of its last day that is wanted.
                last = (period[1] - timedelta(seconds=1)).astimezone(VIETNAM).date()
                days.setdefault(min(last, self.span.until), {})[url] = item
            elif told is None:
                undated += 1
            elif self.span.holds(day := told.astimezone(VIETNAM).date()):
                days.setdefault(day, {})[url] = item
        if undated:
            self.notes.append(f"{sitemap}: {undated} entries without any date are left out")
        return days


_FETCH_KIND: dict[str, Kind] = {"sitemap": "sitemap", "listing": "page"}
