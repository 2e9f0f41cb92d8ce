"""The extractor for pages that no site parser knows.

`parsers.layout` says where the text is and what is junk inside it; beyond that, blocks that are mostly links
are left out. Where the page shows little text, the body in JSON-LD is the last rescue. Title, lead, date and
writers are looked for by names and places that many content management systems share.
"""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, LexborNode

from parsers.article import Article
from parsers.blocks import Block, read_blocks
from parsers.draft import Draft, authors_from_metadata, finish, wants_dates
from parsers.errors import MarkupError
from parsers.fields import description_keys, is_paper, paper_names, same_start, writers
from parsers.guards import guard
from parsers.html import Page
from parsers.metadata import Linked, Metadata
from parsers.naming import LEAD
from parsers.outline import BREAK, Outline
from parsers.selected import blocks_of
from parsers.selection import ENOUGH, Selection, select
from parsers.signature import shown_authors, shown_dates
from parsers.text import clean, once, words_only

NAME = "generic"
VERSION = "4"

_DATED = ("article:published_time", "og:article:published_time", "datepublished", "pubdate", "date")
_PAPER_NAME = 40  # characters
_MOST_NAMED = 3  # elements named as leads on the page of one article
_MOST_LEADS = 40  # elements that are looked at for the lead
_FIRST = 3  # blocks that may be the lead
_LEAD_UNCLEAN = 4_000  # characters before cleaning, which takes away blanks and character references


def extract(page: Page, metadata: Metadata) -> Article:
    """Read the page; the record may be empty where the page holds no article."""
    draft = Draft(NAME, VERSION)
    body = page.tree.body
    # og:type says nothing: some systems call every page an article.
    is_article = metadata.article is not None or bool(metadata.one(*_DATED))
    selection = select(body, is_article=is_article) if body is not None else None
    if selection is not None:
        draft.blocks = blocks_of(selection)
        draft.captions = [once(text) for part in selection.captions if (text := clean(part.text))]
        draft.provenance["body"] = f"css:{_path(selection.outline.nodes[selection.container])}"
        draft.title = _title(page, selection.outline, metadata, draft)
        _rescue(draft, metadata)
        _lead(selection, metadata, draft)
    else:
        _rescue(draft, metadata)
    if wants_dates(metadata):
        draft.visible_dates = shown_dates(page.tree)
    _authors(page, metadata, draft)
    return finish(draft, page, metadata)


def _authors(page: Page, metadata: Metadata, draft: Draft) -> None:
    """The writers by name of element, where the metadata do not tell them."""
    authors_from_metadata(draft, page, metadata)
    if draft.authors:
        return
    for where, texts in shown_authors(page.tree):
        draft.authors = writers(texts, page, metadata)
        if draft.authors:
            draft.provenance["authors"] = where
            break


def _title(page: Page, outline: Outline, metadata: Metadata, draft: Draft) -> str:
    """The heading that the metadata confirm; without one, the metadata's word (filled in later)."""
    linked = metadata.article or Linked()
    said = [
        words_only(text)
        for text in (linked.headline, metadata.one("og:title", "twitter:title"), metadata.title)
        if text
    ]
    headings = [clean(part.text.replace(BREAK, " ")) for part in outline.parts if part.tag == "h1"]
    own = paper_names(page, metadata)
    for heading in headings:
        key = words_only(heading)
        if (
            key
            and (len(key) > _PAPER_NAME or not is_paper(heading, own))
            and any(key == text or (len(key) >= 15 and text.startswith(key)) for text in said)
        ):
            draft.provenance["title"] = "css:h1"
            return heading
    if not said and headings and headings[0]:
        draft.provenance["title"] = "css:h1"
        return headings[0]
    return ""


def _rescue(draft: Draft, metadata: Metadata) -> None:
    """The body in JSON-LD, where the page itself shows little of it."""
    body = (metadata.article or Linked()).body
    shown = sum(len(block.text) for block in draft.blocks)
    if len(body) < ENOUGH or shown > 0.5 * len(body):
        return
    if "<p" in body or "<br" in body or "&lt;p" in body:
        source = (body if "<" in body else clean(body)).encode("utf-8", "replace")
        try:
            guard(source)
        except MarkupError:
            return
        fragment = LexborHTMLParser(source)
        blocks = read_blocks(fragment.body).blocks if fragment.body is not None else []
    else:
        blocks = [Block(text) for text in map(clean, body.splitlines()) if text]
    if blocks:
        draft.blocks = blocks
        draft.provenance["body"] = "json-ld"


def _lead(selection: Selection, metadata: Metadata, draft: Draft) -> None:
    """The lead outside or at the head of the body: by its name, or because the description says the same."""
    outline = selection.outline
    named: dict[str, str] = {}
    for index, mark in enumerate(outline.marks):
        if mark & LEAD:
            parts = outline.parts[outline.first[index] : outline.last[index]]
            if sum(len(part.text) for part in parts) > _LEAD_UNCLEAN:
                continue
            text = clean(" ".join(part.text.replace(BREAK, " ") for part in parts))
            if 30 <= len(text) <= 1000:
                named.setdefault(text, f"css:{_path(outline.nodes[index])}")
    # A list of articles shows the lead of each.
    if 1 <= len(named) <= _MOST_NAMED:
        draft.lead, draft.provenance["lead"] = next(iter(named.items()))
        return
    said = description_keys(metadata)
    if not said:
        return
    before = outline.parts[: outline.first[selection.container]]
    near = [part for part in before if part.tag != "figcaption" and part.linked < 0.5 * len(part.text)]
    for part in near[-_MOST_LEADS:]:
        if 40 <= len(part.text) <= 1000 and same_start(part.text, said):
            text = clean(part.text.replace(BREAK, " "))
            if _is_deep(text, draft.blocks):
                return
            draft.lead, draft.provenance["lead"] = text, f"css:{_path(outline.nodes[part.place])}"
            return


def _is_deep(text: str, blocks: list[Block]) -> bool:
    """Whether the text is a block behind the first three, and none of these."""
    key, first = words_only(text), text[:1].casefold()
    for number, block in enumerate(blocks):
        # Most blocks begin with another letter, and need not be folded.
        other = block.text[:1].casefold()
        if (other == first or not other.isalnum() or not first.isalnum()) and words_only(block.text) == key:
            return number >= _FIRST
    return False


def _path(node: LexborNode) -> str:
    """A short name for an element: tag, id, first class."""
    attributes = node.attributes
    name = node.tag or "?"
    if attributes.get("id"):
        return f"{name}#{attributes['id']}"
    classes = (attributes.get("class") or "").split()
    return f"{name}.{classes[0]}" if classes else name
