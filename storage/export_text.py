"""The seed corpus' own file form: what `khotin seed` imports again as documents with the same text.

A seed file is ` date YYYY-MM-DD ` (or ` date YYYY-MM `), the title, then the paragraphs. Captions are left
out. Its reader guesses from the text alone, so a document may need another form: each form is read back with
that very reader, and the first one that gives the same text is taken. Where words are kept but no form keeps
the breaks between all paragraphs, or where nothing helps, the manifest says so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from parsers import SeedDocument, parse_seed
from parsers.bylines import split_dateline
from parsers.dates import VIETNAM
from parsers.text import clean
from parsers.urls import url_key
from storage.records import Record

_UPSTREAM = re.compile(r"seed:([0-9a-f]{16})")
_DATED = {"second": "%Y-%m-%d", "minute": "%Y-%m-%d", "day": "%Y-%m-%d", "month": "%Y-%m"}
_MOST_JOINED = 12
"""Lines that are joined one at a time before all are."""


class Fidelity(StrEnum):
    """How much of a document is read back from its seed file; the first three with the same text."""

    WHOLE = "whole"
    NO_TITLE = "without-title"
    SAME_WORDS = "same-words"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class SeedFile:
    """One file in seed form; `upstream_id` and `number` make its name."""

    number: int
    upstream_id: str
    data: bytes
    fidelity: Fidelity

    @property
    def name(self) -> str:
        """Made of digits alone: nothing of a title or an address gets into a path."""
        return f"{self.number:03}_{self.upstream_id}.txt"

    def facts(self, url: str, leaf: str) -> dict[str, Any]:
        """What the list of files says of it."""
        return {
            "file": self.name,
            "id": url,
            "leaf": leaf,
            "fidelity": self.fidelity.value,
            "sha256": hashlib.sha256(self.data).hexdigest(),
        }


def seed_file(number: int, record: Record) -> SeedFile:
    """A document in seed form. A seed keeps the id it came with, an article gets one from its URL's key."""
    match = _UPSTREAM.fullmatch(record.url)
    upstream_id = match[1] if match else url_key(record.url)[:16]
    best = SeedFile(number, upstream_id, b"", Fidelity.CHANGED)
    for text in _forms(record):
        data = text.encode("utf-8", "replace")
        fidelity = _fidelity(record, parse_seed(best.name, data))
        if fidelity is Fidelity.WHOLE:
            return SeedFile(number, upstream_id, data, fidelity)
        if not best.data or _RANK[fidelity] < _RANK[best.fidelity]:
            best = SeedFile(number, upstream_id, data, fidelity)
    return best


_RANK = {fidelity: rank for rank, fidelity in enumerate(Fidelity)}


def _fidelity(record: Record, read: object) -> Fidelity:
    if not isinstance(read, SeedDocument) or read.text.split() != record.text.split():
        return Fidelity.CHANGED
    wanted = _date(record)
    if wanted != (read.published_at.strftime(_DATED["day"])[: len(wanted)] if read.published_at else ""):
        return Fidelity.CHANGED
    if read.text != record.text.replace("\n\n", "\n").replace("\n", "\n\n"):
        return Fidelity.SAME_WORDS
    return Fidelity.WHOLE if clean(read.title or "") == clean(record.title) else Fidelity.NO_TITLE


def _date(record: Record) -> str:
    form = _DATED.get(record.published_precision or "")
    return record.published_at.astimezone(VIETNAM).strftime(form) if record.published_at and form else ""


def _forms(record: Record) -> Iterator[str]:
    """The ways to write a document down, the plainest first."""
    date = _date(record)
    prefix = f" date {date} " if date else ""
    title = clean(record.title)
    lines = [line for line in record.text.splitlines() if line]
    byline = ", ".join(record.authors)
    yield _joined(prefix, [title, *lines])
    if byline:
        # A last line that looks like a name is taken for the byline, unless there is one.
        yield _joined(prefix, [title, *lines, byline])
    if len(date) == len("YYYY-MM-DD"):
        # A title with a date in it is taken for the line with the date, unless there is one.
        day = "/".join(reversed(date.split("-")))
        yield _joined(prefix, [day, title, *lines])
        yield _joined(prefix, [day, title, *lines, byline])
    yield _joined(prefix, lines)
    yield _joined(prefix, [*lines, byline])
    if lines and (rest := split_dateline(lines[0])[1]) != lines[0]:
        # Its reader takes one dateline off: two of them leave one.
        twice = lines[0].removesuffix(rest) + lines[0]
        yield _joined(prefix, [title, twice, *lines[1:]])
        yield _joined(prefix, [twice, *lines[1:]])
    # A line that is taken for a caption, or stands twice, is safe within a longer one.
    for head in ([title], []):
        joined = lines
        for _ in range(_MOST_JOINED):
            position = _first_lost(joined, parse_seed(_ANY_NAME, _joined(prefix, [*head, *joined]).encode()))
            if position is None or len(joined) < 2:
                break
            start = max(position - 1, 0)
            joined = [*joined[:start], f"{joined[start]} {joined[start + 1]}", *joined[start + 2 :]]
            yield _joined(prefix, [*head, *joined])
        yield _joined(prefix, [*head, " ".join(lines)])


_ANY_NAME = "000_0000000000000000.txt"


def _joined(prefix: str, lines: list[str]) -> str:
    return prefix + "\n\n".join(line for line in lines if line) + "\n"


def _first_lost(lines: list[str], read: object) -> int | None:
    """The first line that was not read back as a paragraph."""
    if not isinstance(read, SeedDocument):
        return None
    paragraphs = [paragraph.text for paragraph in read.paragraphs]
    for position, line in enumerate(lines):
        if position >= len(paragraphs) or paragraphs[position] != line:
            return position
    return None
