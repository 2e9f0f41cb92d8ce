"""Blocks that say again what stands in another field: title, lead, a caption, the writers, the date."""

from __future__ import annotations

from collections.abc import Sequence

from parsers import bylines
from parsers.article import ParagraphKind
from parsers.blocks import Block
from parsers.dates import parse_date
from parsers.notices import is_notice
from parsers.text import ends_sentence, words_only

_AT_START = 5  # blocks in which title, lead, byline or date may be repeated
_MARGIN = 60  # characters by which a repeated line may be longer: a dateline, punctuation


def without_repeated(
    blocks: Sequence[Block], title: str, lead: str, captions: Sequence[str], authors: Sequence[str]
) -> tuple[list[Block], list[str]]:
    """The blocks without notices and what is repeated, and the captions that stood among them."""
    longest = max(map(len, (title, lead, *captions, *authors)), default=0) + _MARGIN
    title_key, lead_key = words_only(title), words_only(lead)
    caption_keys = set(map(words_only, captions))
    author_keys = set(map(words_only, authors))
    firsts = {key[:1] for key in (title_key, lead_key, *caption_keys, *author_keys)}
    kept: list[Block] = []
    photo_lines: list[str] = []
    for position, block in enumerate(blocks):
        if is_notice(block):
            continue
        if kept and block.kind is ParagraphKind.PARAGRAPH and bylines.is_photo_line(block.text):
            photo_lines.append(block.text)
            continue
        if len(block.text) > longest:
            # Too long to repeat any of them: most of the text is cleared without looking at its words.
            if not kept or kept[-1].text != block.text:
                kept.append(block)
            continue
        text = bylines.split_dateline(block.text)[1]
        first = text[:1].casefold()
        again = bool(kept) and kept[-1].text[:1].casefold() == first
        if len(kept) >= _AT_START and first.isalnum() and first not in firsts and not again:
            kept.append(block)  # begins like none of them
            continue
        key = words_only(text)
        if kept and len(kept[-1].text) <= longest and key == words_only(kept[-1].text):
            continue
        if key == title_key and (position < _AT_START or block.kind is ParagraphKind.HEADING):
            continue
        if key in caption_keys:
            continue
        if len(kept) < _AT_START and (key == lead_key or key in author_keys or _is_date_line(block.text)):
            continue
        kept.append(block)
    return kept, photo_lines


def _is_date_line(text: str) -> bool:
    """Whether a short line holds a date and hardly anything else."""
    return (
        len(text) <= 60 and not ends_sentence(text) and parse_date(text) is not None and text.count(" ") <= 8
    )
