"""The last steps that every extractor shares: from what was read to an `Article` or a `Rejection`.

An extractor fills a `Draft`; `finish` supplies what is missing from the page's metadata, takes datelines,
bylines and repeated lines out of the text, and judges whether an article is left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from parsers import bylines
from parsers.article import Article, Paragraph, ParagraphKind, Precision
from parsers.blocks import Block
from parsers.dates import Dated, date_from_url, parse_date
from parsers.fields import (
    best_date,
    description_keys,
    is_paper,
    paper_names,
    record_address,
    same_start,
    site_free_title,
    split_tags,
    unique,
    writers,
)
from parsers.html import Page
from parsers.language import detect_language, is_vietnamese
from parsers.metadata import Linked, Metadata
from parsers.notices import is_closing, is_colophon, is_prompt
from parsers.repeated import without_repeated
from parsers.text import clean

_FOR_LANGUAGE = 40  # paragraphs that tell the language
_RESIDUE = 80  # characters of a player's label or a line of stars at most
_AT_END = 8  # closing lines that are looked at


@dataclass(slots=True)
class Draft:
    """What an extractor read from a page. `provenance` names the source of each field that it filled."""

    parser: str
    version: str
    title: str = ""
    lead: str = ""
    blocks: list[Block] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    authors: tuple[str, ...] = ()
    dates: list[tuple[str, str]] = field(default_factory=list)
    """(provenance, text) of what the site parser takes for the date of publication, best first."""
    visible_dates: list[tuple[str, str]] = field(default_factory=list)
    """The same for what a reader may see near the headline; the metadata come before it."""
    modified: str = ""
    section: str = ""
    tags: tuple[str, ...] = ()
    provenance: dict[str, str] = field(default_factory=dict)
    asked_metadata: bool = False
    """Whether the writers have been looked for there."""


def finish(draft: Draft, page: Page, metadata: Metadata) -> Article:
    """Make the record. It may be empty of text: judging it is for `parsers.rejects`."""
    draft.title = site_free_title(draft.title or _title(draft, page, metadata), page, metadata)
    published = _published(draft, page, metadata)
    modified = _modified(draft, metadata, published)
    if not draft.asked_metadata:
        authors_from_metadata(draft, page, metadata)
    _section_and_tags(draft, page, metadata)
    agency = _tidy(draft, metadata)
    paragraphs = tuple(block.paragraph for block in draft.blocks)
    return Article(
        url=page.url,
        canonical_url=record_address(page, metadata),
        title=draft.title,
        lead=draft.lead or None,
        paragraphs=paragraphs,
        captions=tuple(unique(draft.captions)),
        authors=draft.authors,
        agency=agency,
        published_at=published[0] if published else None,
        published_precision=published[1] if published else None,
        modified_at=modified,
        section=draft.section or None,
        tags=draft.tags,
        language=detect_language(_first_text(draft.lead, paragraphs)),
        kind="live-blog" if "liveblogposting" in metadata.types else "article",
        parser=draft.parser,
        parser_version=draft.version,
        provenance=MappingProxyType(dict(sorted(draft.provenance.items()))),
    )


def _first_text(lead: str, paragraphs: tuple[Paragraph, ...]) -> str:
    return "\n".join([lead, *(paragraph.text for paragraph in paragraphs[:_FOR_LANGUAGE])])


def _title(draft: Draft, page: Page, metadata: Metadata) -> str:
    headline = (metadata.article or Linked()).headline
    if headline and is_paper(headline, paper_names(page, metadata)):
        headline = ""
    for source, title in (
        ("json-ld", headline),
        ("meta", metadata.one("og:title", "twitter:title", "title")),
        ("title", metadata.title),
    ):
        if title:
            draft.provenance["title"] = source
            return title
    return ""


def _given_dates(metadata: Metadata) -> list[tuple[str, str]]:
    """What the metadata say of the date of publication, best first."""
    linked = metadata.article or Linked()
    return [
        ("json-ld", linked.published),
        ("meta", metadata.one("article:published_time", "og:article:published_time", "datepublished")),
        (
            "meta",
            metadata.one("pubdate", "publishdate", "publish-date", "publication_date", "date", "dc.date"),
        ),
        ("meta", metadata.one("dc.date.issued", "sailthru.date", "parsely-pub-date", "article.published")),
    ]


def wants_dates(metadata: Metadata) -> bool:
    """Whether a date on the page itself could tell more than the metadata do.

    It could where they have none, and on a Vietnamese page where theirs is not to the minute or states a
    foreign zone.
    """
    found = best_date(_given_dates(metadata))
    if found is None:
        return True
    fine = found[1][1] in (Precision.MINUTE, Precision.SECOND)
    if fine and found[1][0].utcoffset() in (timedelta(hours=7), timedelta(0)):
        return False
    return metadata.language.startswith("vi") or is_vietnamese(metadata.title)


def _published(draft: Draft, page: Page, metadata: Metadata) -> Dated | None:
    found = best_date([*draft.dates, *_given_dates(metadata), *draft.visible_dates])
    if found is None:
        dated = date_from_url(page.url)
        found = ("url", dated) if dated else None
    if found is None:
        return None
    draft.provenance["published_at"] = found[0]
    return found[1]


def _modified(draft: Draft, metadata: Metadata, published: Dated | None) -> datetime | None:
    linked = metadata.article or Linked()
    keys = ("article:modified_time", "og:updated_time", "datemodified", "lastmod", "last-modified")
    for text in (draft.modified, linked.modified, metadata.one(*keys)):
        dated = parse_date(text) if text else None
        if dated and dated[1] in (Precision.MINUTE, Precision.SECOND):
            return dated[0] if published is None or dated[0] >= published[0] else None
    return None


def authors_from_metadata(draft: Draft, page: Page, metadata: Metadata) -> None:
    """Fill in the writers that JSON-LD or meta elements name, unless they are known."""
    if draft.authors:
        return
    draft.asked_metadata = True
    linked = metadata.article or Linked()
    for source, texts in (
        ("json-ld", linked.authors),
        ("meta", metadata.every("dable:author")),
        ("meta", metadata.every("article:author")),
        ("meta", metadata.every("author")),
        ("meta", metadata.every("parsely-author", "byl")),
    ):
        draft.authors = writers(texts, page, metadata)
        if draft.authors:
            draft.provenance["authors"] = source
            return


def _section_and_tags(draft: Draft, page: Page, metadata: Metadata) -> None:
    linked = metadata.article or Linked()
    own = paper_names(page, metadata)
    crumbs = [name for name in metadata.breadcrumbs if not is_paper(name, own)]
    if not draft.section:
        section = metadata.one("article:section", "articlesection")
        for source, text in (
            ("json-ld:breadcrumb", crumbs[0] if crumbs else ""),
            ("meta", section),
            ("json-ld", linked.section),
        ):
            if text:
                draft.section = clean(re.split(r"[,;>]", text)[0])
                draft.provenance["section"] = source
                break
    if not draft.tags:
        for source, tags in (
            ("meta", metadata.every("article:tag")),
            ("json-ld", linked.keywords),
            ("meta", metadata.every("news_keywords", "keywords")),
        ):
            draft.tags = split_tags(tags)
            if draft.tags:
                draft.provenance["tags"] = source
                break


def _tidy(draft: Draft, metadata: Metadata) -> str | None:
    """Take out what is no text of the article; returns the agency of dateline or source credit."""
    agency, draft.lead = bylines.split_dateline(clean(draft.lead))
    draft.blocks = [
        block for block in draft.blocks if len(block.text) > _RESIDUE or not bylines.is_residue(block.text)
    ]
    draft.blocks, found = without_repeated(
        draft.blocks, draft.title, draft.lead, draft.captions, draft.authors
    )
    draft.captions += found
    if not draft.lead:
        _lead_from_blocks(draft, metadata)
        first, draft.lead = bylines.split_dateline(draft.lead)
        agency = agency or first
    if draft.blocks:
        first, text = bylines.split_dateline(draft.blocks[0].text)
        if first and text:
            agency = agency or first
            draft.blocks[0] = Block(text, draft.blocks[0].kind)
    credit = _trim_end(draft)
    agency = agency or credit
    if agency:
        draft.provenance["agency"] = "text"
    return agency


def _lead_from_blocks(draft: Draft, metadata: Metadata) -> None:
    """The first paragraph is the lead where the page's description says the same."""
    if not draft.blocks or draft.blocks[0].kind is not ParagraphKind.PARAGRAPH:
        return
    block = draft.blocks[0]
    if same_start(block.text, description_keys(metadata)) and len(draft.blocks) > 1:
        draft.lead = block.text
        draft.blocks = draft.blocks[1:]
        draft.provenance["lead"] = "text:description"


def _trim_end(draft: Draft) -> str | None:
    """Take credits, bylines, headings and prompts off the end; returns the credited source."""
    credit: str | None = None
    for _ in range(_AT_END):
        if len(draft.blocks) < 2:
            break
        block = draft.blocks[-1]
        named = bylines.source_credit(block.text)
        if named:
            credit = named
        elif (
            block.kind is ParagraphKind.HEADING
            or is_prompt(block.text)
            or is_closing(block.text, draft.authors)
        ):
            pass
        elif block.kind is ParagraphKind.PARAGRAPH and bylines.is_byline(block.text):
            if not draft.authors:
                draft.authors = bylines.names(block.text)
                draft.provenance["authors"] = "text:byline"
        else:
            break
        draft.blocks.pop()
    # A line or two of another kind may stand among those that tell who made the article.
    near = max(2, len(draft.blocks) - _AT_END // 2)
    draft.blocks[near:] = [
        block for block in draft.blocks[near:] if not is_colophon(block.text, draft.authors)
    ]
    return credit
