"""From a part of the tree to blocks: paragraphs, sub-headings, lists, tables, quotations, and captions.

One walk over the nodes in document order, without changing the tree: a caller may try another container
afterwards. The walk is a loop, not a recursion, as pages nest up to the guard's depth.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from parsers.article import Paragraph, ParagraphKind
from parsers.errors import MarkupError
from parsers.guards import MAX_DEPTH
from parsers.text import clean, ends_sentence

_WORDS_UNREAD = """
    script style noscript template iframe object embed svg canvas video audio picture img button
    select textarea input form nav head title meta link map datalist dialog -comment
"""
_UNREAD = frozenset(_WORDS_UNREAD.split())
_WORDS_BLOCK = """
    address article aside blockquote body center dd details dir div dl dt fieldset figcaption figure
    footer h1 h2 h3 h4 h5 h6 header hr li main ol p pre section summary table tbody td tfoot th
    thead tr ul
"""
_BLOCK = frozenset(_WORDS_BLOCK.split())
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_CAPTIONS = frozenset(("figcaption",))
MAX_BLOCKS = 200_000
"""Elements that part blocks of text, or such blocks. Pages of 1.5 MB have some thousands."""
_CELL_LONGEST = 400  # characters; a longer cell is a column of the layout, not of a table


@dataclass(slots=True)
class Block:
    """One block as read: its text, what it was, and the share of its characters inside links."""

    text: str
    kind: ParagraphKind = ParagraphKind.PARAGRAPH
    link_share: float = 0.0

    @property
    def paragraph(self) -> Paragraph:
        """The block as it stands in a record."""
        return Paragraph(self.text, self.kind)


@dataclass(slots=True)
class Reading:
    """What a walk found, in document order."""

    blocks: list[Block] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)


Skip = Callable[[LexborNode], bool]


def read_blocks(root: LexborNode, *, skip: Skip | None = None, captions: Set[int] = frozenset()) -> Reading:
    """Read everything below `root`.

    `skip` says of an element that it is no part of the text; `captions` holds the `mem_id` of elements that
    are captions beside every figcaption.
    """
    return _Walk(skip, captions).run(root)


def block_text(node: LexborNode, *, skip: Skip | None = None) -> str:
    """The text below a node as one clean line; unlike its bare text, words part only where blocks do."""
    return clean(" ".join(block.text for block in read_blocks(node, skip=skip).blocks))


class _Walk:
    """The state of one walk: the text gathered since the last border of a block, and the open elements."""

    def __init__(self, skip: Skip | None, captions: Set[int]) -> None:
        self.skip = skip
        self.captions = captions
        self.reading = Reading()
        self.text: list[str] = []
        self.linked = 0
        self.links = 0
        self.open: list[LexborNode] = []
        self.quotes = 0
        self.known_captions: set[str] = set()
        self.borders = 0

    def run(self, root: LexborNode) -> Reading:
        node: LexborNode | None = root.first_child
        self.open = [root]
        while self.open:
            if node is None:
                closed = self.open.pop()
                self._leave(closed)
                node = closed.next if self.open else None
            elif self._enter(node):
                self.open.append(node)
                if len(self.open) > MAX_DEPTH:
                    message = f"more than {MAX_DEPTH} elements are inside each other"
                    raise MarkupError(message, reason="too-deep")
                node = node.first_child
            else:
                node = node.next
        return self.reading

    def _enter(self, node: LexborNode) -> bool:
        """Take a node in; whether its children are to be walked."""
        tag = node.tag or ""
        if tag == "-text":
            content = node.text_content or ""
            self.text.append(content.replace("\n", " "))
            if self.links:
                self.linked += len(content.strip())
            return False
        if tag == "br":
            self.text.append("\n")
            return False
        if tag in _UNREAD or tag.startswith("-") or (self.skip is not None and self.skip(node)):
            # A node that is left out still parts the words around it, unless it is an inline drawing.
            self.text.append(" ")
            return False
        if tag in _CAPTIONS or node.mem_id in self.captions:
            self._flush()
            self._caption(node)
            return False
        if tag == "table" and self._table(node):
            return False
        if tag in ("ul", "ol") and self._list(node):
            return False
        if tag in _BLOCK:
            self.borders += 1
            if max(self.borders, len(self.reading.blocks)) > MAX_BLOCKS:
                raise MarkupError(f"more than {MAX_BLOCKS} elements hold text", reason="too-large")
            self._flush()
        self.links += tag == "a"
        self.quotes += tag == "blockquote"
        return True

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag in _BLOCK or not self.open:
            self._flush(node)
        self.links -= tag == "a" and bool(self.open)
        self.quotes -= tag == "blockquote" and bool(self.open)

    def _flush(self, closing: LexborNode | None = None) -> None:
        raw, linked = "".join(self.text), self.linked
        self.text.clear()
        self.linked = 0
        if not raw.strip():
            return
        element = closing or self.open[-1]
        while (element.tag or "") not in _BLOCK and element.parent is not None:
            element = element.parent
        # Where nothing is linked the length does not matter.
        share = min(1.0, linked / (len(clean(raw)) or 1)) if linked else 0.0
        kind = self._kind(element)
        self.reading.blocks.extend(Block(text, kind, share) for text in split_breaks(raw))

    def _kind(self, element: LexborNode) -> ParagraphKind:
        if element.tag in _HEADINGS:
            return ParagraphKind.HEADING
        if self.quotes:
            return ParagraphKind.QUOTE
        return ParagraphKind.PARAGRAPH

    def _caption(self, node: LexborNode) -> None:
        self._add_caption(block_text(node, skip=self.skip))

    def _add_caption(self, text: str) -> None:
        if text and text not in self.known_captions:
            self.known_captions.add(text)
            self.reading.captions.append(text)

    def _list(self, node: LexborNode) -> bool:
        """Take a plain list as one block; a list whose items hold headings or long blocks is walked."""
        if node.css_first("table, h1, h2, h3, h4, figure, ul ul, ol ol, ul ol, ol ul") is not None:
            return False
        lines, linked, total = [], 0, 0
        for item in _children(node, "li"):
            if self.skip is not None and self.skip(item):
                continue
            inner = read_blocks(item, skip=self.skip)
            line = clean(" ".join(block.text for block in inner.blocks))
            total += len(line)
            linked += sum(int(len(block.text) * block.link_share) for block in inner.blocks)
            if line:
                lines.append(line)
        self._flush()
        if lines:
            share = min(1.0, linked / (total or 1))
            self.reading.blocks.append(Block("\n".join(lines), ParagraphKind.LIST, share))
        return True

    def _table(self, node: LexborNode) -> bool:
        """Take a table of data as one block, a picture's table as a caption; a layout table is walked."""
        if node.css_first("table table") is not None:
            return False
        rows: list[list[str]] = []
        for row in node.css("tr"):
            cells = []
            for cell in _children(row, "td", "th"):
                inner = read_blocks(cell, skip=self.skip)
                cells.append(clean(" ".join([*(block.text for block in inner.blocks), *inner.captions])))
            if any(cells):
                rows.append(cells)
        if not rows:
            self._flush()
            return True
        filled = [cell for row in rows for cell in row if cell]
        if node.css_first("img") is not None and len(filled) == 1 and len(filled[0]) <= _CELL_LONGEST:
            self._flush()
            self._add_caption(filled[0])
            return True
        if max(map(len, rows)) < 2 or len(rows) < 2 or max(map(len, filled)) > _CELL_LONGEST:
            return False
        self._flush()
        lines = "\n".join(" | ".join(row) for row in rows)
        self.reading.blocks.append(Block(lines, ParagraphKind.TABLE))
        return True


def split_breaks(raw: str) -> list[str]:
    """The clean paragraphs in a run of text where line feeds stand for `<br>`.

    Two breaks part paragraphs; one break does where the line before it ends a sentence.
    """
    paragraphs: list[str] = []
    current: list[str] = []
    for line in map(clean, raw.split("\n")):
        if current and (not line or ends_sentence(current[-1])):
            paragraphs.append(" ".join(current))
            current.clear()
        if line:
            current.append(line)
    if current:
        paragraphs.append(" ".join(current))
    return paragraphs


def _children(node: LexborNode, *tags: str) -> list[LexborNode]:
    return [child for child in node.iter() if child.tag in tags]


def table_rows(node: LexborNode) -> list[str]:
    """The rows of a table of data, cells parted by " | "; nothing for a table that only lays out a page."""
    if node.css_first("table table, h1, h2, h3, p + p + p") is not None:
        return []
    rows: list[list[str]] = []
    for row in node.css("tr"):
        cells = [clean(cell.text(separator=" ")) for cell in _children(row, "td", "th")]
        if any(cells):
            rows.append(cells)
    filled = [cell for row in rows for cell in row if cell]
    if len(rows) < 2 or max(map(len, rows)) < 2 or max(map(len, filled)) > _CELL_LONGEST:
        return []
    return [" | ".join(row) for row in rows]
