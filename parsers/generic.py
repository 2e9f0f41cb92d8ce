"""The extractor for pages that no site parser knows.

`parsers.layout` says where the text is and what is junk inside it; beyond that, blocks that are mostly links
are left out. Where the page shows little text, the body in JSON-LD is the last rescue. Title, lead, date and
writers are looked for by names and places that many content management systems share.
"""

from __future__ import annotations

from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from parsers.article import Article, ParagraphKind
from parsers.blocks import Block, block_text, read_blocks
from parsers.containers import AUTHORS, DATES, LEAD_STRICT, LEAD_WEAK
from parsers.draft import Draft, finish
from parsers.errors import MarkupError
from parsers.fields import description_keys, same_start, writers
from parsers.guard import guard
from parsers.html import Page, attribute
from parsers.layout import ENOUGH, Layout
from parsers.metadata import Linked, Metadata
from parsers.text import clean, words_only

NAME = "generic"
VERSION = "1"

_MOST_LEADS = 200  # elements that are looked at for the lead
_FIRST = 3  # blocks that may be the lead
_MOST_CLIMBS = 12  # elements around the headline that are searched for a date


def extract(page: Page, metadata: Metadata) -> Article:
    """Read the page; the record may be empty where the page holds no article."""
    layout = Layout(page.tree)
    draft = Draft(NAME, VERSION)
    draft.title = _title(page, metadata, draft)
    container = layout.container()
    if container is not None:
        reading = read_blocks(container, skip=layout.skip)
        draft.blocks = [block for block in reading.blocks if not _is_links(block)]
        draft.captions = reading.captions
        draft.provenance["body"] = f"css:{_path(container)}"
    _rescue(draft, metadata)
    _lead(page, metadata, draft, layout)
    _dates(page, draft, layout)
    for selector in AUTHORS:
        nodes = [node for node in page.tree.css(selector)[:5] if not layout.is_teaser(node)]
        texts = [block.text for node in nodes[:3] for block in read_blocks(node).blocks]
        draft.authors = writers(texts, page, metadata)
        if draft.authors:
            draft.provenance["authors"] = f"css:{selector}"
            break
    return finish(draft, page, metadata)


def _is_links(block: Block) -> bool:
    """Whether a block is a link to something else and not a sentence with a link in it."""
    if block.kind is ParagraphKind.TABLE:
        return False
    return block.link_share > 0.7 and (len(block.text) < 200 or block.kind is ParagraphKind.LIST)


def _title(page: Page, metadata: Metadata, draft: Draft) -> str:
    """The heading that the metadata confirm; without one, the metadata's word (filled in later)."""
    linked = metadata.article or Linked()
    said = [
        words_only(text)
        for text in (linked.headline, metadata.one("og:title", "twitter:title"), metadata.title)
        if text
    ]
    headings = [block_text(node) for node in page.tree.css("h1")]
    for heading in headings:
        key = words_only(heading)
        if key and any(key == text or (len(key) >= 15 and text.startswith(key)) for text in said):
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


def _lead(page: Page, metadata: Metadata, draft: Draft, layout: Layout) -> None:
    """The lead outside or at the head of the body: by its class, or because the description says the same."""
    said = description_keys(metadata)
    for node in page.tree.css(LEAD_STRICT):
        text = block_text(node)
        if 30 <= len(text) <= 1000 and not layout.is_teaser(node):
            draft.lead, draft.provenance["lead"] = text, f"css:{_path(node)}"
            return
    if not said:
        return
    for node in page.tree.css(LEAD_WEAK)[:_MOST_LEADS]:
        if not 40 <= len(text := " ".join(node.text().split())) <= 1000 or not same_start(text, said):
            continue
        if not layout.is_teaser(node):
            text = block_text(node)
            # A paragraph deep in the text may serve as description; it is no lead.
            if _is_deep(text, draft.blocks):
                return
            draft.lead, draft.provenance["lead"] = text, f"css:{_path(node)}"
            return


def _is_deep(text: str, blocks: list[Block]) -> bool:
    """Whether the text is a block behind the first three, and none of these."""
    key = words_only(text)
    keys = (words_only(block.text) for block in blocks)
    return key not in islice(keys, _FIRST) and key in keys


def _dates(page: Page, draft: Draft, layout: Layout) -> None:
    """Dates near the headline: climb from it until an element around it shows one."""
    heading = page.tree.css_first("h1")
    around = heading.parent if heading is not None else page.tree.body
    found: list[tuple[str, str]] = []
    for _ in range(_MOST_CLIMBS):
        if around is None or found or around.tag == "html":
            break
        for selector in DATES:
            path, _, name = selector.partition("@")
            for node in around.css(path)[:6]:
                text = clean(attribute(node, name)) if name else block_text(node)
                if text and len(text) <= 80 and not layout.is_teaser(node):
                    found.append((f"css:{selector}", text))
        around = around.parent
    draft.visible_dates = found


def _path(node: LexborNode) -> str:
    """A short name for an element: tag, id, first class."""
    attributes = node.attributes
    name = node.tag or "?"
    if attributes.get("id"):
        return f"{name}#{attributes['id']}"
    classes = (attributes.get("class") or "").split()
    return f"{name}.{classes[0]}" if classes else name
