"""The ledger: how every URL of a run ended, and the sum that must hold.

Per source and run: discovered = stored + revised + duplicate + rejected + unchanged + deferred + failed.
A URL that was met again and not asked for only counts (`Page.times_seen`); every other end is a row of
`outcome`, for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Ending(StrEnum):
    """How a URL ends in a run; the seven codes are stable and make up the sum."""

    STORED = "stored"
    REVISED = "revised"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    UNCHANGED = "unchanged"
    DEFERRED = "deferred"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Met:
    """One URL met in a run: where it was found and, if it was fetched, what came back.

    `hint_at` and `published_hint_at` are the times of last change and of publication as feeds and sitemaps
    told them. `seen` is False where nobody looked at the site (a reparse of the archive): the ledger gets its
    row, but what is known of the page stays as it is. `look_at`: when the page is looked at again if it holds
    an article. `article_id`: the site's own number of the article, if its address shows one.
    """

    url: str
    found_in: str
    hint_at: datetime | None = None
    published_hint_at: datetime | None = None
    status: int | None = None
    capture_id: int | None = None
    fetched_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    payload_sha256: str | None = None
    seen: bool = True
    look_at: datetime | None = None
    article_id: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """How one URL ended. `retry_at`: when it is looked at again although nobody says that it changed.

    `skipped`: it was known and nothing was asked, so that no row is written for it.
    """

    met: Met
    ending: Ending
    reason: str
    detail: str = ""
    retry_at: datetime | None = None
    record_url: str | None = None
    revision_id: int | None = None
    partner_url: str | None = None
    partner_revision_id: int | None = None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """The sum of one source in one run."""

    stored: int = 0
    revised: int = 0
    duplicate: int = 0
    rejected: int = 0
    unchanged: int = 0
    deferred: int = 0
    failed: int = 0

    @property
    def discovered(self) -> int:
        return (
            self.stored
            + self.revised
            + self.duplicate
            + self.rejected
            + self.unchanged
            + self.deferred
            + self.failed
        )

    @staticmethod
    def of(ends: Iterable[End]) -> Counts:
        tally = dict.fromkeys(Ending, 0)
        for end in ends:
            tally[end.ending] += 1
        return Counts(**{ending.value: number for ending, number in tally.items()})

    def as_dict(self) -> dict[str, int]:
        return {"discovered": self.discovered, **{e.value: getattr(self, e.value) for e in Ending}}


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What is known of one feed, sitemap or listing page after a look at it."""

    url: str
    source: str
    kind: str
    checked_at: datetime
    answered_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    payload_sha256: str | None = None
    status: int | None = None
    reason: str = ""
    failures: int = 0
    links: int = 0
    changed_at: datetime | None = None
    next_check_at: datetime | None = None
    why: str = ""
    idle: int = 0
    ttl_minutes: int | None = None
    skip_hours: tuple[str, ...] = ()
    skip_days: tuple[str, ...] = ()
    recent: tuple[str, ...] = ()
    gap_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourcePoll:
    """When a source was polled, when it is due again and why then (a code, and in words), and its rhythm."""

    name: str
    polled_at: datetime | None = None
    next_poll_at: datetime | None = None
    failures: int = 0
    reason: str = ""
    budget_day: str = ""
    requests_today: int = 0
    why: str = ""
    rhythm: str = ""


@dataclass(frozen=True, slots=True)
class PageState:
    """What is known of one URL from earlier runs."""

    url: str
    found_in: str
    ending: Ending
    reason: str
    attempts: int
    hint_at: datetime | None
    published_hint_at: datetime | None
    retry_at: datetime | None
    fetched_at: datetime | None
    etag: str | None
    last_modified: str | None
    payload_sha256: str | None
    record_url: str | None
    first_seen_at: datetime | None = None
    look_at: datetime | None = None
    article_id: str | None = None


@dataclass(frozen=True, slots=True)
class SourceTally:
    """What one source gave in one run, as the run's table shows it."""

    source: str
    counts: Counts
    requests: int = 0
    not_modified: int = 0
    wire_bytes: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
