"""Sources: one TOML file says where the links of a newspaper come from and how it may be asked."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from flows.listing_pages import DAY_FIELDS, PAGE_FIELDS, fields_of
from flows.toml_files import load_folder
from parsers.errors import SourceFileError, UrlError
from parsers.sites import SITE_PARSERS
from parsers.urls import canonical_url, host_of

PARSER_NAMES: Final = frozenset({"auto", "generic", *(parser.name for parser in SITE_PARSERS)})
"""What `parser` may be: `auto` recognises the family of each page, `generic` uses no site parser."""

_Count = Annotated[int, Field(strict=True, ge=1)]
_Minutes = Annotated[int, Field(strict=True, ge=0)]
_Seconds = Annotated[float, Field(strict=True, ge=0.0, le=3600.0)]
_Flag = Annotated[bool, Field(strict=True)]


class Limits(BaseModel):
    """How much a source may be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    articles_per_run: _Count = 200
    """Article pages fetched in one run; the others wait for the next."""
    requests_per_day: _Count = 5000
    """Requests of every kind in 24 hours."""
    min_delay_seconds: _Seconds = 1.0
    """Seconds between the starts of two requests to one host; robots.txt may ask for more."""
    concurrency: Annotated[int, Field(strict=True, ge=1, le=8)] = 1
    """Requests to one host at once."""


class Source(BaseModel):
    """One newspaper: where its links are, which of them are articles, and how to read those."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")]
    """Lower-case letters, digits and hyphens, at most 40; the stem of the file."""
    title: Annotated[str, Field(min_length=1, max_length=200)]
    home: str
    feeds: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()
    listings: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    """Other hosts of the paper, beside that of `home`: old domains, sub-domains."""
    article_pattern: str
    """Regular expression for the canonical URLs of articles; it begins with `^`."""
    parser: str = "auto"
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = "vi"
    keep: Literal["all", "topic"] = "all"
    """`topic`: only what matches a topic is appended, and most of the rest is never fetched."""
    topics: tuple[str, ...] = ()
    """With `keep = "topic"`: names of topics; empty: all that there are."""
    enabled: _Flag = True
    poll_minutes: _Minutes = 30
    """Minutes between two reads of a feed: at least so many, and so many until the source's rhythm is known.
    0: in every run."""
    sitemap_minutes: _Minutes = 360
    """The same for sitemaps, and the next for listings."""
    listing_minutes: _Minutes = 60
    max_poll_minutes: Annotated[int, Field(strict=True, ge=1, le=7 * 24 * 60)] = 720
    """However quiet the source is, nothing that works is left unread for longer."""
    listing_pattern: str = ""
    """Address of a listing's further pages: `{stem}/trang-{page}.htm`; empty: as they link to one another."""
    listing_pages: Annotated[int, Field(strict=True, ge=1, le=50)] = 5
    """Pages of one listing that a run reads at most; it stops at the first that brings nothing new."""
    window_days: _Count = 3
    """How many days back a sitemap is read for articles."""
    trust_lastmod: _Flag = True
    """False where `lastmod` is the time at which the sitemap was built."""
    allow_loopback: _Flag = False
    """Only for the sample newsroom: its hosts are on this machine."""
    notes: str = ""
    limits: Limits = Limits()

    @field_validator("home", "feeds", "sitemaps", "listings")
    @classmethod
    def _addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for url in (value,) if isinstance(value, str) else value:
            try:
                canonical_url(url)
            except UrlError as error:
                raise ValueError(f"{url!r}: {error.message}") from error
        if isinstance(value, tuple) and len(set(value)) < len(value):
            raise ValueError("an address stands there twice")
        return value

    @field_validator("listings")
    @classmethod
    def _known_day_fields(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for listing in value:
            unknown = fields_of(listing) - DAY_FIELDS
            if unknown:
                raise ValueError(
                    f"{listing!r}: {{{min(unknown)}}} is none of {', '.join(sorted(DAY_FIELDS))}"
                )
        return value

    @field_validator("listing_pattern")
    @classmethod
    def _known_page_fields(cls, value: str) -> str:
        unknown = fields_of(value) - PAGE_FIELDS
        if unknown:
            raise ValueError(f"{{{min(unknown)}}} is none of {', '.join(sorted(PAGE_FIELDS))}")
        if value and "page" not in fields_of(value):
            raise ValueError("{page} must stand in it")
        return value

    @field_validator("extra_hosts")
    @classmethod
    def _host_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            try:
                known = host_of(f"https://{host}/")
            except UrlError as error:
                raise ValueError(f"{host!r}: {error.message}") from error
            if known != host:
                raise ValueError(f"{host!r}: write the bare host name {known!r}")
        return value

    @field_validator("article_pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        if not value.startswith("^"):
            raise ValueError("the pattern must begin with ^")
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return value

    @field_validator("parser")
    @classmethod
    def _known_parser(cls, value: str) -> str:
        if value not in PARSER_NAMES:
            raise ValueError(f"{value!r} is none of {', '.join(sorted(PARSER_NAMES))}")
        return value

    @model_validator(mode="after")
    def _keeps_to_topics(self) -> Self:
        if self.topics and self.keep != "topic":
            raise ValueError('topics are named, but keep is not "topic"')
        return self

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        addresses = (*self.feeds, *self.sitemaps, *self.listings)
        for name in ("poll_minutes", "sitemap_minutes", "listing_minutes"):
            if getattr(self, name) > self.max_poll_minutes:
                raise ValueError(f"{name} is more than max_poll_minutes ({self.max_poll_minutes})")
        if not addresses:
            raise ValueError("one of feeds, sitemaps and listings must name an address")
        for url in addresses:
            if not self.owns(url):
                raise ValueError(f"{url!r} is not on {', '.join(sorted(self.hosts))}: add it to extra_hosts")
        return self

    def floor(self, kind: str) -> timedelta:
        """The shortest time between two looks at a `feed`, `listing`, `sitemap` or `sitemap-index`."""
        minutes = {"feed": self.poll_minutes, "listing": self.listing_minutes}
        return timedelta(minutes=minutes.get(kind, self.sitemap_minutes))

    @property
    def ceiling(self) -> timedelta:
        """The longest time between two looks at anything that works."""
        return timedelta(minutes=self.max_poll_minutes)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The hosts of the source, without `www.`."""
        return frozenset(
            host.removeprefix("www.") for host in (host_of(canonical_url(self.home)), *self.extra_hosts)
        )

    @cached_property
    def _article(self) -> re.Pattern[str]:
        return re.compile(self.article_pattern)

    def owns(self, url: str) -> bool:
        """Whether the URL is on a host of the source, with or without `www.`."""
        try:
            return host_of(url).removeprefix("www.") in self.hosts
        except UrlError:
            return False

    def is_article(self, canonical: str) -> bool:
        """Whether a canonical URL is that of an article of this source."""
        return self._article.search(canonical) is not None

    def article_id(self, canonical: str) -> str | None:
        """The site's own number of the article, `group:number`, which stays when its address changes.

        It is what a group of `article_pattern` took whose name begins with `id`; None without one.
        """
        if not self._id_groups:
            return None
        match = self._article.search(canonical)
        if match is None:
            return None
        return next((f"{name}:{match[name]}" for name in self._id_groups if match[name]), None)

    @cached_property
    def _id_groups(self) -> tuple[str, ...]:
        return tuple(name for name in self._article.groupindex if name.startswith("id"))


def load_sources(folder: Path) -> tuple[Source, ...]:
    """The sources of all `*.toml` files in the folder, sorted by name. Raises SourceFileError."""
    return tuple(load_folder(folder, Source, "source", SourceFileError))
