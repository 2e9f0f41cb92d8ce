"""One walk over the body of a page: its blocks in document order, and the elements that they stand in.

Everything that the generic extractor weighs is read here once, since each step over a node costs more than
all arithmetic on what was read. The walk is a loop, not a recursion, and ends at the guard's depth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from parsers.article import ParagraphKind
from parsers.blocks import MAX_BLOCKS, table_rows
from parsers.errors import MarkupError
from parsers.guards import MAX_DEPTH
from parsers.naming import CAPTION, JUNK, RANK, RANK_ARTICLE, flags

BREAK = "\0"
"""Stands for `<br>` in a block's text. The source holds no NUL: `parsers.charset` removes them."""

_SKIP, _BLOCK, _LINK, _BR, _INLINE = 1, 2, 3, 4, 0
_WORDS_SKIP = """
    script style noscript template iframe object embed svg canvas video audio picture img button select
    textarea input nav head title meta link map datalist dialog option source track wbr use path
"""
_WORDS_BLOCK = """
    address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hr li main ol p pre section summary table tbody td tfoot th thead tr ul
"""
_ACTIONS = {
    **dict.fromkeys(_WORDS_SKIP.split(), _SKIP),
    **dict.fromkeys(_WORDS_BLOCK.split(), _BLOCK),
    "a": _LINK,
    "br": _BR,
}
_KNOWN_INLINE = "span strong em b i u s small font sub sup mark label cite time abbr q ins del code kbd"


def _by_number() -> tuple[int, dict[int, tuple[str, int]]]:
    """The number of text nodes; name and action by the number that the parser gives to each known element.

    A number is read four times as fast as a name. Elements that HTML does not know have none of their own.
    """
    tree = LexborHTMLParser(b"x")
    known = {**dict.fromkeys(_KNOWN_INLINE.split(), _INLINE), **_ACTIONS}
    table = {tree.create_node(name).tag_id: (name, action) for name, action in known.items()}
    text = tree.body.first_child if tree.body is not None else None
    if text is None:
        raise AssertionError("a page of text has a node of text")
    return text.tag_id, table


_TEXT, _NUMBERED = _by_number()
_JUNK_TAGS = frozenset(("aside", "footer", "form", "header"))
_MIXED = frozenset(("form", "header"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_HELD_BACK = 80  # characters
_CAPTION_LONGEST = 500  # characters
_UNNAMED = frozenset(("li", "tr", "tbody", "thead", "tfoot", "dt", "dd", "hr", "center"))


@dataclass(slots=True)
class Part:
    """A run of text between the borders of blocks. `place` is the index of its innermost element."""

    text: str
    tag: str
    place: int
    linked: int
    kind: ParagraphKind


@dataclass(slots=True)
class Outline:
    """Elements in document order, each known by its index, and the parts of text.

    tags, nodes, marks (what `naming.flags` says), parents, ends: one entry per element; `ends` is the index
    behind its last descendant. `first` and `last` are the parts that stand in it.
    """

    tags: list[str] = field(default_factory=list)
    nodes: list[LexborNode] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    pruned: list[LexborNode] = field(default_factory=list)


def read_outline(body: LexborNode, spared: Callable[[LexborNode], bool] | None = None) -> Outline:
    """Walk everything below `body` but junk, of which only that is gone into which `spared` names."""
    outline = Outline(["body"], [body], [flags(body.attributes) & ~JUNK], [-1], [0], [0])
    tags, nodes, marks, parents = outline.tags, outline.nodes, outline.marks, outline.parents
    first, last, parts = outline.first, outline.last, outline.parts
    texts: list[str] = []
    linked = links = quotes = items = place = 0
    opened: list[tuple[LexborNode, str, int]] = []
    node = body.first_child
    paragraph, heading, listed, quote = (
        ParagraphKind.PARAGRAPH, ParagraphKind.HEADING, ParagraphKind.LIST, ParagraphKind.QUOTE,
    )  # fmt: skip

    def flush() -> None:
        nonlocal linked
        raw = _spaced("".join(texts))
        texts.clear()
        if raw and raw != BREAK:
            tag = tags[place]
            kind = heading if tag in _HEADINGS else listed if items else quote if quotes else paragraph
            parts.append(Part(raw, tag, place, linked, kind))
        linked = 0

    numbered = _NUMBERED.get
    add = texts.append
    while True:
        if node is None:
            if not opened:
                break
            node, tag, action = opened.pop()
            if action == _BLOCK:
                if texts:
                    flush()
                last[place] = len(parts)
                place = parents[place]
                if tag == "li":
                    items -= 1
                elif tag == "blockquote":
                    quotes -= 1
            elif action == _LINK:
                links -= 1
            node = node.next
            continue
        number = node.tag_id
        if number == _TEXT:
            text = node.text_content or ""
            if not text.isspace():
                add(text)
                if links:
                    linked += len(text)
            elif texts:
                add(" ")
            node = node.next
            continue
        told = numbered(number)
        if told is None:
            tag = node.tag or "-"
            action = _INLINE
        else:
            tag, action = told
        if action == _SKIP:
            if texts:
                add(" ")
            node = node.next
            continue
        if action == _BLOCK:
            if texts:
                flush()
            below = node.first_child
            if below is None:
                node = node.next
                continue
            mark = 0
            if tag not in _UNNAMED:
                attributes = node.attributes
                if attributes:
                    mark = flags(attributes)
                # Some systems put the whole page into a form; a header may be that of the article.
                if (
                    tag in _JUNK_TAGS
                    and not mark & JUNK
                    and (tag not in _MIXED or node.css_first("h1, p + p, time, h2 + p") is None)
                ):
                    mark |= JUNK
                if mark & JUNK and mark < RANK and not (spared and spared(node)):
                    if tag == "div" and attributes.get("style") and _is_held_back(outline, place, node):
                        mark &= ~JUNK
                    else:
                        outline.pruned.append(node)
                        node = node.next
                        continue
            index = len(tags)
            if index > MAX_BLOCKS:
                raise MarkupError(f"more than {MAX_BLOCKS} elements hold text", reason="too-large")
            tags.append(tag)
            nodes.append(node)
            marks.append(mark)
            parents.append(place)
            first.append(len(parts))
            last.append(len(parts))
            if tag == "figcaption" or (mark & CAPTION and _is_caption(node)):
                parts.append(Part(node.text(), "figcaption", index, 0, paragraph))
                last[index] = len(parts)
                node = node.next
                continue
            if tag == "table" and (rows := table_rows(node)):
                parts.append(Part("\n".join(rows), "table", index, 0, ParagraphKind.TABLE))
                last[index] = len(parts)
                node = node.next
                continue
            if below.tag_id == _TEXT and below.next is None:
                # Nothing but text inside, as in most paragraphs: no need to go in.
                if text := _spaced(below.text_content or ""):
                    kind = (
                        heading if tag in _HEADINGS
                        else listed if items or tag == "li"
                        else quote if quotes or tag == "blockquote"
                        else paragraph
                    )  # fmt: skip
                    parts.append(Part(text, tag, index, len(text) if links else 0, kind))
                    last[index] = len(parts)
                node = node.next
                continue
            place = index
            if tag == "li":
                items += 1
            elif tag == "blockquote":
                quotes += 1
            opened.append((node, tag, action))
            if len(opened) > MAX_DEPTH:
                raise MarkupError(f"more than {MAX_DEPTH} elements are inside each other", reason="too-deep")
            node = below
            continue
        if action == _LINK:
            links += 1
        elif action == _BR:
            add(BREAK)
            node = node.next
            continue
        elif tag[0] == "-":
            node = node.next
            continue
        opened.append((node, tag, action))
        if len(opened) > MAX_DEPTH:
            raise MarkupError(f"more than {MAX_DEPTH} elements are inside each other", reason="too-deep")
        node = node.first_child
    if texts:
        flush()
    last[0] = len(parts)
    return outline


def _is_held_back(outline: Outline, place: int, node: LexborNode) -> bool:
    """Whether an element that its style hides is text of the article, kept back for subscribers."""
    attributes = dict(node.attributes)
    attributes.pop("style", None)
    if flags(attributes) & JUNK or len(node.text()) < _HELD_BACK:
        return False
    above = place
    while above > 0 and not 0 < outline.marks[above] // RANK < RANK_ARTICLE:
        above = outline.parents[above]
    return above > 0 and node.css_first("p") is not None


def _spaced(text: str) -> str:
    """The text without line feeds and runs of blanks; what is rarer is left to cleaning."""
    text = text.strip()
    return " ".join(text.split()) if "\n" in text or "  " in text or "\t" in text else text


def _is_caption(node: LexborNode) -> bool:
    return len(node.text()) <= _CAPTION_LONGEST and node.css_first("p + p, h1, h2") is None
