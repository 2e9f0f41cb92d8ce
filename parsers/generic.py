"""The extractor for pages that no site parser knows.

Where the text is: an ordered ladder of containers that content management systems use, then the smallest
element that holds most of the paragraphs. What is not text inside it: blocks whose class, id or tag names
menus, related links, share bars, comments or advertisements, and blocks that are mostly links; a block that
holds most of the page's text is never dropped for its name. The last rescue is the body in JSON-LD.
"""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, LexborNode

from parsers.article import Article, ParagraphKind
from parsers.blocks import Block, block_text, read_blocks
from parsers.containers import AUTHORS, DATES, JUNK, JUNK_TAGS, LADDER, LEAD_STRICT, LEAD_WEAK, OUTER
from parsers.draft import Draft, finish
from parsers.errors import MarkupError
from parsers.fields import descriptions, same_start, writers
from parsers.html import Page, attribute, guard
from parsers.metadata import Linked, Metadata
from parsers.text import clean, fold

NAME = "generic"
VERSION = "1"

_ENOUGH = 250  # characters of good text that make a container worth taking
_SHARE = 0.35  # of the page's good text that a container of the ladder must hold
_MOST = 0.8  # of its parent's good text that a child must hold to be gone into
_FEW = 600  # characters in <p> below which text straight in other elements is looked at too
_HEADLINE = 25  # characters that a linked headline has at least
_MOST_TEXTS = 5_000  # paragraphs that are measured; each costs as many steps as it is deep
_MOST_LEADS = 200  # elements that are looked at for the lead
_MOST_CLIMBS = 12  # elements around the headline that are searched for a date
_TEASER = 600  # characters that a teaser has at most beside its linked heading


def extract(page: Page, metadata: Metadata) -> Article:
    """Read the page; the record may be empty where the page holds no article."""
    reader = _Reader(page)
    draft = Draft(NAME, VERSION)
    draft.title = _title(page, metadata, draft)
    container = reader.container()
    if container is not None:
        reading = read_blocks(container, skip=reader.skip)
        draft.blocks = [block for block in reading.blocks if not _is_links(block)]
        draft.captions = reading.captions
        draft.provenance["body"] = f"css:{_path(container)}"
    _rescue(draft, metadata)
    _lead(page, metadata, draft, reader)
    _dates(page, draft, reader)
    for selector in AUTHORS:
        nodes = [node for node in page.tree.css(selector)[:5] if not reader.is_teaser(node)]
        texts = [block.text for node in nodes[:3] for block in read_blocks(node).blocks]
        draft.authors = writers(texts, page, metadata)
        if draft.authors:
            draft.provenance["authors"] = f"css:{selector}"
            break
    return finish(draft, page, metadata)


class _Reader:
    """What was measured on one page: where its good text stands, which elements are junk."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.good: dict[int, float] = {}
        self.junk: dict[int, bool] = {}
        self.beside: dict[int, bool] = {}
        self.headlines: dict[int, bool] = {}
        self.teasers = _teasers(page.tree)
        self.total = 0.0
        self._measure([(node, _length(node)) for node in page.tree.css("p")])
        if self.total < _FEW:
            self._measure(list(_own_texts(page.tree)))

    def _measure(self, texts: list[tuple[LexborNode, int]]) -> None:
        """Add the text of some elements to all that stand above them, unless it is a teaser or links."""
        everything: dict[int, int] = {}
        chains: list[tuple[list[LexborNode], float]] = []
        seen: set[str] = set()
        for node, length in texts[:_MOST_TEXTS]:
            if length < 25 or self.is_teaser(node) or self._beside_link(node):
                continue
            # Some pages hold the article twice, for large and for small screens: the first one counts.
            key = (node.text() or "").strip()
            if length >= 80 and key in seen:
                continue
            seen.add(key)
            linked = sum(map(_length, node.css("a")))
            chain = _chain(node)
            for above in chain:
                everything[above.mem_id] = everything.get(above.mem_id, 0) + length
            chains.append((chain, max(0.0, length - 1.5 * linked)))
        whole = max(everything.values(), default=0)
        for chain, value in chains:
            if any(self._is_junk(above, everything.get(above.mem_id, 0), whole) for above in chain):
                continue
            self.total += value
            for above in chain:
                self.good[above.mem_id] = self.good.get(above.mem_id, 0.0) + value

    def _is_junk(self, node: LexborNode, length: int, whole: int) -> bool:
        known = self.junk.get(node.mem_id)
        if known is None:
            known = self.junk[node.mem_id] = is_junk(node) and length < 0.5 * whole
        return known

    def is_teaser(self, node: LexborNode) -> bool:
        """Whether the element stands in a teaser, a short block with another article's linked heading."""
        above: LexborNode | None = node if self.teasers else None
        while above is not None:
            if above.mem_id in self.teasers:
                return True
            above = above.parent
        return False

    def _beside_link(self, node: LexborNode) -> bool:
        """Whether a paragraph stands with hardly anything but a linked headline in whatever element."""
        parent = node.parent
        if parent is None or parent.tag in OUTER:
            return False
        known = self.beside.get(parent.mem_id)
        if known is None:
            around: LexborNode | None = parent
            if len(parent.css("p")) <= 1 and _length(parent) < _length(node) + 25:
                around = parent.parent
            known = around is not None and around.tag not in OUTER and self._is_headline(around)
            self.beside[parent.mem_id] = known
        return known

    def _is_headline(self, node: LexborNode) -> bool:
        known = self.headlines.get(node.mem_id)
        if known is None:
            known = self.headlines[node.mem_id] = _is_linked_headline(node)
        return known

    def container(self) -> LexborNode | None:
        """The element that holds the article."""
        tree = self.page.tree
        for selector in LADDER:
            nodes = [node for node in tree.css(selector) if not self.junk.get(node.mem_id)]
            best = max(nodes, key=lambda node: self.good.get(node.mem_id, 0.0), default=None)
            if best is not None and self.good.get(best.mem_id, 0.0) >= max(_ENOUGH, _SHARE * self.total):
                return self._narrow(best)
        body = tree.body
        return self._narrow(body) if body is not None and self.total > 0 else None

    def _narrow(self, node: LexborNode) -> LexborNode:
        """Go down while one child holds most of the good text."""
        while True:
            children = [child for child in node.iter() if child.mem_id in self.good]
            best = max(children, key=lambda child: self.good[child.mem_id], default=None)
            if best is None or self.good[best.mem_id] < _MOST * self.good.get(node.mem_id, 0.0):
                return node
            node = best

    def skip(self, node: LexborNode) -> bool:
        """Whether an element inside the container is no part of the text."""
        known = self.junk.get(node.mem_id)
        if known is not None:
            return known
        if node.mem_id in self.teasers or self.beside.get(node.mem_id):
            return True
        good = self.good.get(node.mem_id, 0.0)
        if is_junk(node) and good < 0.3 * self.total:
            return True
        return node.tag in ("div", "section", "ul", "ol") and good == 0 and _link_share(node) > 0.6


def is_junk(node: LexborNode) -> bool:
    """Whether tag, class, id or role name a part of the page that is not the article."""
    tag = node.tag or ""
    if tag in JUNK_TAGS:
        return True
    if tag in ("body", "html", "main", "p", "-text", "a", "b", "strong", "em", "i"):
        return False
    attributes = node.attributes
    if not attributes:
        return False
    if "articlebody" in (attributes.get("itemprop") or "").lower():
        return False
    names = (
        f"{attributes.get('class') or ''} {attributes.get('id') or ''} {attributes.get('role') or ''}".lower()
    )
    return JUNK.search(names) is not None


def _chain(node: LexborNode) -> list[LexborNode]:
    chain = []
    above = node.parent
    while above is not None and above.tag not in ("html", "-document"):
        chain.append(above)
        above = above.parent
    return chain


def _teasers(tree: LexborHTMLParser) -> set[int]:
    """Short blocks with a linked heading, two levels above it at most."""
    found: set[int] = set()
    seen: set[int] = set()
    for heading in tree.css("h2:has(a), h3:has(a), h4:has(a), a h2, a h3, a h4"):
        above = heading.parent
        for _ in range(2):
            if above is None or above.tag in OUTER or above.mem_id in seen:
                break
            seen.add(above.mem_id)
            if above.tag != "a" and _length(above) < _TEASER and len(above.css("h1,h2,h3,h4")) <= 1:
                found.add(above.mem_id)
            above = above.parent
    return found


def _is_linked_headline(node: LexborNode) -> bool:
    """Whether a short block holds the link of a headline outside its paragraphs."""
    paragraphs = node.css("p")
    if len(paragraphs) > 3 or _length(node) >= _TEASER:
        return False
    inside = {link.mem_id for paragraph in paragraphs for link in paragraph.css("a")}
    return any(link.mem_id not in inside and _length(link) >= _HEADLINE for link in node.css("a"))


def _length(node: LexborNode) -> int:
    """Characters of text, blanks of the mark-up not counted."""
    return len(" ".join(node.text().split()))


def _own_texts(tree: LexborHTMLParser) -> list[tuple[LexborNode, int]]:
    """Elements with text straight in them, for pages that use no <p>."""
    found = []
    for node in tree.css("div, td, section, article, span, font, li, blockquote, pre"):
        inner = node.first_child
        if inner is None:
            continue
        length = len((node.text(deep=False) or "").strip())
        if length >= 60:
            # The text counts for the element itself: a child of it stands for the line.
            found.append((inner, length))
    return found


def _link_share(node: LexborNode) -> float:
    links = node.css("a")
    length = _length(node) if links else 0
    return sum(map(_length, links)) / length if length else 0.0


def _is_links(block: Block) -> bool:
    """Whether a block is a link to something else and not a sentence with a link in it."""
    if block.kind is ParagraphKind.TABLE:
        return False
    return block.link_share > 0.7 and (len(block.text) < 200 or block.kind is ParagraphKind.LIST)


def _title(page: Page, metadata: Metadata, draft: Draft) -> str:
    """The heading that the metadata confirm; without one, the metadata's word (filled in later)."""
    linked = metadata.article or Linked()
    said = [
        fold(text)
        for text in (linked.headline, metadata.one("og:title", "twitter:title"), metadata.title)
        if text
    ]
    headings = [block_text(node) for node in page.tree.css("h1")]
    for heading in headings:
        key = fold(heading)
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
    if len(body) < _ENOUGH or shown > 0.5 * len(body):
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


def _lead(page: Page, metadata: Metadata, draft: Draft, reader: _Reader) -> None:
    """The lead outside or at the head of the body: by its class, or because the description says the same."""
    said = descriptions(metadata)
    for node in page.tree.css(LEAD_STRICT):
        text = block_text(node)
        if 30 <= len(text) <= 1000 and not reader.is_teaser(node):
            draft.lead, draft.provenance["lead"] = text, f"css:{_path(node)}"
            return
    if not said:
        return
    inside = {fold(block.text) for block in draft.blocks}
    for node in page.tree.css(LEAD_WEAK)[:_MOST_LEADS]:
        if not 40 <= len(text := " ".join(node.text().split())) <= 1000 or not same_start(text, said):
            continue
        text = block_text(node)
        if not reader.is_teaser(node):
            # A paragraph deep in the text may serve as description; it is no lead.
            if fold(text) in inside and fold(text) not in {fold(block.text) for block in draft.blocks[:3]}:
                return
            draft.lead, draft.provenance["lead"] = text, f"css:{_path(node)}"
            return


def _dates(page: Page, draft: Draft, reader: _Reader) -> None:
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
                if text and len(text) <= 80 and not reader.is_teaser(node):
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
