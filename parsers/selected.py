"""From the parts that are the article to blocks of clean text."""

from __future__ import annotations

from parsers.article import ParagraphKind
from parsers.blocks import MAX_BLOCKS, Block, split_breaks
from parsers.errors import MarkupError
from parsers.outline import BREAK, Outline, Part
from parsers.selection import Selection
from parsers.text import clean

_ITEM = 600  # characters; a list with a longer item only lays out paragraphs


def blocks_of(selection: Selection) -> list[Block]:
    """The parts as blocks of clean text; the items of a list become one block with a line each."""
    blocks: list[Block] = []
    listed: list[Part] = []
    listed_in = 0
    for part in selection.parts:
        home = _list_of(selection.outline, part.place) if part.kind is ParagraphKind.LIST else 0
        if listed and home != listed_in:
            blocks += _list_blocks(selection.outline, listed)
            listed = []
        if home:
            listed.append(part)
            listed_in = home
        elif part.kind is ParagraphKind.TABLE:
            blocks.append(Block(part.text, part.kind))
        else:
            if len(blocks) > MAX_BLOCKS:
                raise MarkupError(f"more than {MAX_BLOCKS} pieces of text", reason="too-large")
            share = min(1.0, part.linked / len(part.text)) if part.linked else 0.0
            blocks += [Block(text, part.kind, share) for text in _lines(part)]
    if listed:
        blocks += _list_blocks(selection.outline, listed)
    return blocks


def _lines(part: Part) -> list[str]:
    if BREAK not in part.text:
        text = clean(part.text)
        return [text] if text else []
    return split_breaks(part.text.replace(BREAK, "\n"))


def _list_of(outline: Outline, place: int) -> int:
    """The outermost list that an element stands in."""
    found = 0
    while place > 0:
        if outline.tags[place] in ("ul", "ol"):
            found = place
        place = outline.parents[place]
    return found


def _list_blocks(outline: Outline, parts: list[Part]) -> list[Block]:
    """The items of one list; a list with long items only lays out paragraphs."""
    if any(len(part.text) > _ITEM for part in parts):
        return [Block(text) for part in parts for text in _lines(part)]
    items: dict[int, list[str]] = {}
    for part in parts:
        item = part.place
        while item > 0 and outline.tags[item] != "li":
            item = outline.parents[item]
        items.setdefault(item, []).extend(_lines(part))
    length = sum(len(part.text) for part in parts)
    share = min(1.0, sum(part.linked for part in parts) / length)
    text = "\n".join(" ".join(lines) for lines in items.values() if lines)
    return [Block(text, ParagraphKind.LIST, share)] if text else []
