"""One text as topics and the closeness model see it: a file, a stored document, a page that was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from flows.gate import judged_of
from flows.rejected import records_of
from flows.sources import Source
from parsers import Rejection, SeedProblem, parse_article, parse_seed
from parsers.closeness import ClosenessModel, Share
from parsers.compare import fold_all
from parsers.errors import NotFound, UserError
from parsers.text import clean
from parsers.topics import Judged, Topic, Verdict, foretell, judge, title_of_address
from parsers.urls import url_key
from storage import Store
from storage.tags import LATEST

MAX_FILE_BYTES: Final = 10_000_000
SHARES: Final = 8
"""So many terms of a score are told."""


@dataclass(frozen=True, slots=True)
class Look:
    """What each topic says of one text, the whole and before it would have been fetched (None: fetch it).

    `closeness` is None and `shares` are empty without a model. Where only title and lead are known (`whole`
    is False), there are no verdicts on the whole.
    """

    name: str
    text: Judged
    verdicts: tuple[Verdict, ...]
    before: tuple[Verdict | None, ...]
    closeness: float | None
    shares: tuple[Share, ...]
    whole: bool


def look(
    name: str, text: Judged, topics: Sequence[Topic], model: ClosenessModel | None, *, whole: bool = True
) -> Look:
    """Judge one text. Pure."""
    folded = b" ".join(p for p in fold_all([text.title or "", text.lead or "", *text.body])[0] if p)
    closeness = None if model is None else model.score(folded)
    verdicts = tuple(judge(topic, text, closeness) for topic in topics) if whole else ()
    before = tuple(foretell(topic, text.title, text.lead) for topic in topics)
    shares = () if model is None else tuple(model.shares(folded, SHARES))
    return Look(name, text, verdicts, before, closeness, shares, whole)


def text_of_file(path: Path) -> Judged:
    """The text in a file: a seed file, a saved page (.html, .htm), or plain text with the title first.

    Raises UserError if there is none in it.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UserError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if path.suffix.lower() in (".html", ".htm"):
        page = parse_article(data, f"https://saved.example/{url_key(path.name)}.html")
        if isinstance(page, Rejection):
            raise UserError(f"{path}: no article: {page.reason.value}: {page.evidence}")
        body = tuple(paragraph.text for paragraph in page.paragraphs)
        return Judged(page.title, page.lead, body, page.section, page.tags)
    seed = parse_seed(path.name, data)
    if not isinstance(seed, SeedProblem):
        return Judged(seed.title, seed.lead, tuple(paragraph.text for paragraph in seed.paragraphs))
    if seed.reason != "bad-name":
        raise UserError(f"{path}: {seed.message}")
    try:
        lines = [clean(line) for line in data.decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8", hint="save the text as UTF-8") from error
    if not lines:
        raise UserError(f"{path}: there is no text in it")
    return Judged(lines[0], None, tuple(lines[1:]))


def text_of_url(store: Store, url: str, sources: Mapping[str, Source], now: datetime) -> tuple[Judged, bool]:
    """What the store has of an address, and whether that is the whole text.

    A document of the newest version; else the rejected page in the archive, read by today's parsers; else
    title and lead as they were told. Raises NotFound if nothing is there.
    """
    if store.versions():
        document = store.document(url, store.version(LATEST))
        if document is not None and not document.purged:
            return judged_of(document.record), True
    pages = store.rejected(urls=[url])
    for record in records_of(store, sources, [page for page in pages if page.capture_id], now):
        return judged_of(record), True
    for page in pages:
        told = store.off_topic(page.source, [url]).get(url)
        if told is not None:
            return Judged(told.title, told.lead), False
    if pages:
        title = title_of_address(url)
        if title is not None:
            return Judged(title), False
    raise NotFound(
        f"the store has no text of {url}",
        reason="unknown-url",
        hint="name a file, or the address of a document or of a page that was rejected",
    )
