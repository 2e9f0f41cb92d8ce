"""The values that parsing gives: `Article`, `Rejection`, and what they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class ParagraphKind(StrEnum):
    """What a block of the body was on the page."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    LIST = "list"
    TABLE = "table"
    QUOTE = "quote"


class Precision(StrEnum):
    """How much of a date is known; the parts beyond it are zero or one and mean nothing."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class RejectReason(StrEnum):
    """Why a page gave no record. The codes are stable: they stand in the ledger for ever."""

    NOT_AN_ARTICLE = "not-an-article"
    VIDEO = "video"
    GALLERY = "gallery"
    PAYWALL = "paywall"
    SOFT_404 = "soft-404"
    CHALLENGE_PAGE = "challenge-page"
    WRONG_LANGUAGE = "wrong-language"
    LEGACY_ENCODING = "legacy-encoding"
    TOO_SHORT = "too-short"
    DRIFT = "drift"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One block of the body: a paragraph, sub-heading, list, table or quotation, as clean text.

    A list has one line per item, a table one line per row with cells separated by " | ".
    """

    text: str
    kind: ParagraphKind = ParagraphKind.PARAGRAPH


@dataclass(frozen=True, slots=True)
class Article:
    """A clean record of one article.

    All text is NFC. Times are zone-aware; `published_precision` says how much of them is known.
    `provenance` names for each filled field where it came from, such as `json-ld`, `meta`, `css:h1`.
    """

    url: str
    canonical_url: str
    title: str
    lead: str | None
    paragraphs: tuple[Paragraph, ...]
    captions: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    agency: str | None = None
    published_at: datetime | None = None
    published_precision: Precision | None = None
    modified_at: datetime | None = None
    section: str | None = None
    tags: tuple[str, ...] = ()
    language: str = "vi"
    kind: str = "article"
    parser: str = "generic"
    parser_version: str = "1"
    provenance: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def text(self) -> str:
        """Lead and paragraphs, separated by blank lines; neither title nor captions are in it."""
        parts = [self.lead] if self.lead else []
        return "\n\n".join([*parts, *(p.text for p in self.paragraphs)])

    @property
    def word_count(self) -> int:
        """Number of syllables (runs of non-space) in the text."""
        return len(self.text.split())


@dataclass(frozen=True, slots=True)
class Rejection:
    """A page that gives no record, with the code of the reason and what was seen."""

    url: str
    reason: RejectReason
    evidence: str
    parser: str = "generic"
    title: str | None = None
