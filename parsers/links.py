"""The value that discovery gives: a link to what may be an article, with what its feed says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Link:
    """One address met in a feed, sitemap or listing page.

    `url` is absolute, as met (not yet canonical). Times are zone-aware. `published_at` is what a feed
    or news sitemap calls the date of publication, `modified_at` a sitemap's `lastmod` or a feed's `updated`.
    """

    url: str
    title: str | None = None
    lead: str | None = None
    published_at: datetime | None = None
    modified_at: datetime | None = None
