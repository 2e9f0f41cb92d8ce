"""Runs a `SiteParser` on a page."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from parsers.article import Article, Rejection, RejectReason
from parsers.blocks import block_text, read_blocks
from parsers.draft import Draft, finish
from parsers.fields import split_tags, writers
from parsers.html import Page, attribute
from parsers.metadata import Metadata
from parsers.rejects import STUB_WORDS
from parsers.sites.spec import SiteParser
from parsers.text import clean


def recognises(spec: SiteParser, page: Page) -> bool:
    """Whether the page has the mark-up of the family."""
    return any(page.tree.css_first(selector) is not None for selector in spec.recognise)


def marked(spec: SiteParser, page: Page) -> Rejection | None:
    """The rejection of a page that is marked as a video or gallery."""
    for reason, marks in ((RejectReason.VIDEO, spec.video), (RejectReason.GALLERY, spec.gallery)):
        for mark in marks:
            if _has_mark(page, mark):
                return Rejection(page.url, reason, f"the mark {mark}", spec.name)
    return None


def run(spec: SiteParser, page: Page, metadata: Metadata) -> Article | Rejection:
    """Read the page with the family's selectors.

    DRIFT when body or title are not where they should be: the site has changed, or the page is not of this
    family. The caller has looked for videos, challenge and error pages before.
    """
    body = _body(spec, page)
    if body is None:
        return _drift(spec, page, metadata, "body", spec.body)
    draft = Draft(spec.name, spec.version)
    draft.provenance["body"] = f"css:{body[0]}"
    draft.title = _one(draft, page, "title", spec.title)
    draft.lead = _one(draft, page, "lead", spec.lead, spec.remove)
    draft.dates = [(_source(selector), text) for selector in spec.date for text in _texts(page, selector)[:3]]
    draft.modified = next((text for selector in spec.modified for text in _texts(page, selector)), "")
    for selector in spec.author:
        draft.authors = writers(_texts(page, selector), page, metadata)
        if draft.authors:
            draft.provenance["authors"] = _source(selector)
            break
    draft.section = _one(draft, page, "section", spec.section)
    for selector in spec.tags:
        draft.tags = split_tags(_texts(page, selector))
        if draft.tags:
            draft.provenance["tags"] = _source(selector)
            break
    removed = _ids(page, spec.remove) - _ids(page, spec.keep)
    reading = read_blocks(
        body[1], skip=lambda node: node.mem_id in removed, captions=_ids(page, spec.caption)
    )
    draft.blocks, draft.captions = reading.blocks, reading.captions
    article = finish(draft, page, metadata)
    if not article.title:
        return _drift(spec, page, metadata, "title", spec.title)
    if not article.paragraphs and not article.captions:
        return _drift(spec, page, metadata, "text of the body", spec.body)
    if article.word_count < STUB_WORDS:
        for mark in spec.paywall:
            if _has_mark(page, mark):
                return Rejection(page.url, RejectReason.PAYWALL, f"the mark {mark}", spec.name, article.title)
    return article


def _drift(
    spec: SiteParser, page: Page, metadata: Metadata, part: str, selectors: tuple[str, ...]
) -> Rejection:
    evidence = f"no {part}: nothing at {' or '.join(selectors)}"
    return Rejection(page.url, RejectReason.DRIFT, evidence, spec.name, metadata.title or None)


def _body(spec: SiteParser, page: Page) -> tuple[str, LexborNode] | None:
    for selector in spec.body:
        nodes = page.tree.css(selector)
        if nodes:
            return selector, max(nodes, key=lambda node: len(node.text()))
    return None


def _has_mark(page: Page, mark: str) -> bool:
    if mark.startswith("~"):
        return re.search(mark[1:].encode(), page.source) is not None
    return page.tree.css_first(mark) is not None


def _one(
    draft: Draft, page: Page, name: str, selectors: tuple[str, ...], remove: tuple[str, ...] = ()
) -> str:
    removed = _ids(page, remove) if remove else set()
    for selector in selectors:
        path, _, attribute_name = selector.partition("@")
        for node in page.tree.css(path):
            if attribute_name:
                text = clean(attribute(node, attribute_name))
            else:
                text = block_text(node, skip=lambda child: child.mem_id in removed)
            if text:
                draft.provenance[name] = _source(selector)
                return text
    return ""


def _texts(page: Page, selector: str) -> list[str]:
    path, _, name = selector.partition("@")
    nodes = page.tree.css(path)
    texts = [clean(attribute(node, name)) if name else block_text(node) for node in nodes]
    return [text for text in texts if text]


def _source(selector: str) -> str:
    return f"meta:{selector}" if selector.startswith("meta") else f"css:{selector}"


def _ids(page: Page, selectors: tuple[str, ...]) -> set[int]:
    if not selectors:
        return set()
    return {node.mem_id for node in page.tree.css(", ".join(selectors))}
