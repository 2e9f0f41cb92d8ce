"""The light mark-up of the sample articles, and the plain text of the sample seeds, as blocks.

    First paragraph.

    ## Sub-heading

    ![Caption of a photo. Ảnh: Trần Bình]

    - list item

    | Cell | Cell |

Blocks are separated by blank lines; the lines of a paragraph are joined by a space.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A sub-heading inside the body."""

    text: str


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture, known by its caption."""

    caption: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """An unordered list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first row holds the column titles."""

    rows: tuple[tuple[str, ...], ...]


Block = Paragraph | Heading | Photo | Bullets | Table

_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_PHOTO = re.compile(r"!\[(?P<caption>[^\]]+)\]")

_SEED_DATE = re.compile(r"\A date \d{4}-\d{2}(?:-\d{2})? ")
_SEED_DATELINE = re.compile(r"\A(?:\([\w.]+\)|[A-ZĐ]{2,}(?:\.VN)?)\s*-\s*")
_SENTENCE_END = re.compile(r"[.!?…:;][”\"’')]*\Z")


def parse_body(text: str) -> tuple[Block, ...]:
    """Blocks of an article body; ValueError says which block fits no form."""
    blocks = (part.strip() for part in _BLANK_LINES.split(text))
    return tuple(_block(block) for block in blocks if block)


def parse_seed_body(text: str) -> tuple[Block, ...]:
    """The running text of a seed document, as another paper would take it over.

    Kept are the lines that end as a sentence does. That leaves out what a reprint does not carry: title,
    captions, the labels of an audio player, a lone full stop and the byline.
    """
    lines = (line.strip() for line in _SEED_DATE.sub("", text, count=1).split("\n"))
    sentences = (line for line in lines if len(line.split()) > 1 and _SENTENCE_END.search(line))
    return tuple(Paragraph(_SEED_DATELINE.sub("", line, count=1)) for line in dict.fromkeys(sentences))


def decomposed(block: Block) -> Block:
    """The block with its text in Unicode NFD."""
    match block:
        case Paragraph(text):
            return Paragraph(_nfd(text))
        case Heading(text):
            return Heading(_nfd(text))
        case Photo(caption):
            return Photo(_nfd(caption))
        case Bullets(items):
            return Bullets(tuple(_nfd(item) for item in items))
        case Table(rows):
            return Table(tuple(tuple(_nfd(cell) for cell in row) for row in rows))


def _nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def _block(block: str) -> Block:
    lines = [line.strip() for line in block.split("\n")]
    if block.startswith("#"):
        if len(lines) > 1 or not block.startswith("## "):
            raise ValueError(f"a sub-heading is one line that starts with '## ', not {lines[0]!r}")
        return Heading(block.removeprefix("## ").strip())
    if block.startswith("!["):
        photo = _PHOTO.fullmatch(" ".join(lines))
        if photo is None:
            raise ValueError(f"a photo is one block ![caption], not {lines[0]!r}")
        return Photo(photo["caption"].strip())
    if block.startswith("|"):
        return Table(tuple(_row(line) for line in lines))
    if block.startswith("- "):
        for line in lines:
            if not line.startswith("- "):
                raise ValueError(f"every line of a list starts with '- ', not {line!r}")
        return Bullets(tuple(line.removeprefix("- ").strip() for line in lines))
    return Paragraph(" ".join(lines))


def _row(line: str) -> tuple[str, ...]:
    if len(line) < 2 or not (line.startswith("|") and line.endswith("|")):
        raise ValueError(f"a row of a table starts and ends with '|', not {line!r}")
    return tuple(cell.strip() for cell in line[1:-1].split("|"))
