"""Single fields of an article: title, date, writers, tags, address; each from whatever the page gives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from parsers import bylines
from parsers.article import Precision
from parsers.dates import Dated, parse_date
from parsers.errors import UrlError
from parsers.folding import fold
from parsers.html import Page
from parsers.metadata import Linked, Metadata
from parsers.text import clean, words_only
from parsers.urls import canonical_url

_TITLE_PARTS = re.compile(r"\s+[|»·]\s+|\s+[-–—]\s+")
_NO_WRITERS = re.compile(
    r"https?:|www\.|@|\.(?:vn|com|net|org)\b|\b(?:báo|online|news|toà soạn|tòa soạn|ban biên tập|editor"
    r"|editorial|staff|newsroom|admin|tạp chí|facebook|newspaper|team|desk|agency|press)\b",
    re.IGNORECASE,
)
_BEGINNING = 120  # characters, of which a dateline may take a part
_FIRST_LETTERS = 20
_DATELINE_SIGNS = frozenset("-–—:)]")
_LONGEST_DATELINE = 60
_NOT_WORD = re.compile(r"[\W_]+")
_BESIDE = re.compile(r"\s*[|•·\n]\s*")
_DEGREE = 4  # letters
_BESIDE_PAPER = 24  # letters: a section or a motto; a headline may name its paper too
_FINER = (Precision.YEAR, Precision.MONTH, Precision.DAY, Precision.MINUTE, Precision.SECOND)


def site_free_title(title: str, page: Page, metadata: Metadata) -> str:
    """The title without the paper's name behind (or before) a bar or dash."""
    parts = _TITLE_PARTS.split(title)
    if len(parts) == 1:
        return title.strip()
    own = paper_names(page, metadata)
    separators = _TITLE_PARTS.findall(title)
    while len(parts) > 1 and (is_paper(parts[-1], own) or ("|" in separators[-1] and len(parts[-1]) <= 30)):
        parts.pop()
        separators.pop()
    while len(parts) > 1 and is_paper(parts[0], own):
        parts.pop(0)
        separators.pop(0)
    return "".join(part + separator for part, separator in zip(parts, [*separators, ""], strict=True)).strip()


def paper_names(page: Page, metadata: Metadata) -> frozenset[str]:
    """How the page's paper may be called, as keys: site name, publisher, the host's main label."""
    return _paper_names(
        page.url,
        metadata.one("og:site_name"),
        metadata.one("application-name", "apple-mobile-web-app-title"),
        (metadata.article or Linked()).publisher,
    )


@lru_cache(maxsize=16)
def _paper_names(url: str, *given: str) -> frozenset[str]:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    labels = [
        label for label in host.split(".") if label not in ("www", "com", "net", "org", "gov", "vn", "m")
    ]
    return frozenset(key for key in map(_key, (*given, *labels)) if len(key) >= 3)


def is_paper(name: str, own: frozenset[str]) -> bool:
    """Whether a name is that of the paper, given the keys of `paper_names`."""
    key = _key(name)
    return bool(key) and any(
        key == paper or (len(paper) >= 5 and paper in key and len(key) <= len(paper) + _BESIDE_PAPER)
        for paper in own
    )


def _key(name: str) -> str:
    """Letters without marks: "Dân Trí" and "dantri.com.vn" meet in "dantri"."""
    key = fold(name).replace(" ", "")
    for ending in ("comvn", "vn", "com", "net"):
        key = key.removesuffix(ending) if len(key) - len(ending) >= 3 else key
    return key.removeprefix("bao") if len(key) >= 7 else key


def best_date(candidates: Iterable[tuple[str, str]]) -> tuple[str, Dated] | None:
    """The first candidate that is a date, made finer by later ones that agree with it.

    A later one agrees when it names the same moment as far as the first goes. One that shows the same
    clock with a zone of its own that the reader sees ("17:34 (GMT+7)") corrects a wrong offset.
    """
    best: tuple[str, Dated] | None = None
    for source, text in candidates:
        if best is not None and best[1][1] is Precision.SECOND and source in ("meta", "json-ld"):
            continue  # it can tell nothing more
        dated = parse_date(text) if text else None
        if dated is None:
            continue
        if best is None:
            best = (source, dated)
            continue
        (moment, precision), (other, other_precision) = best[1], dated
        finer = _FINER.index(other_precision) > _FINER.index(precision)
        same_day = precision is Precision.DAY and other.date() == moment.date()
        same_minute = precision is Precision.MINUTE and other.replace(second=0) == moment
        if finer and (same_day or same_minute):
            best = (source, dated)
        if "GMT" in text and not source.startswith(("meta", "json-ld")):
            (moment, precision) = best[1]
            same_clock = moment.replace(tzinfo=None, second=0) == other.replace(tzinfo=None, second=0)
            if same_clock and other.utcoffset() != moment.utcoffset():
                best = (best[0], (moment.replace(tzinfo=other.tzinfo), precision))
    return best


def writers(texts: Iterable[str], page: Page, metadata: Metadata) -> tuple[str, ...]:
    """The names in some bylines, without those that are the paper itself."""
    given = [name for text in texts for piece in _pieces(text) for name in bylines.names(piece)]
    if any(" " in name for name in given):
        # "Lan Mai, MD": a degree is no second writer.
        given = [name for name in given if " " in name or not (name.isupper() and len(name) <= _DEGREE)]
    if not given:
        return ()
    own = paper_names(page, metadata)
    found: dict[str, str] = {}
    for name in given:
        if not is_paper(name, own):
            found.setdefault(words_only(name), name)
    return tuple(found.values())[:10]


def _pieces(text: str) -> Iterator[str]:
    """The parts of a byline that may name writers: not the paper, an address or a date beside them."""
    for piece in _BESIDE.split(text):
        if piece.lower().startswith("by ") or not _NO_WRITERS.search(piece):
            yield piece
        elif "," in piece:
            yield ", ".join(part for part in piece.split(",") if not _NO_WRITERS.search(part))


def split_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Single tags, at most 30, each once."""
    parts = [clean(part) for tag in tags for part in re.split(r"[,;]", tag)]
    return tuple(unique(part for part in parts if 1 < len(part) <= 80))[:30]


def unique(values: Iterable[str]) -> list[str]:
    """The values, each once (compared as `words_only` does), in the order of their first places."""
    found: dict[str, str] = {}
    for value in values:
        if key := words_only(value):
            found.setdefault(key, value)
    return list(found.values())


def description_keys(metadata: Metadata) -> tuple[str, ...]:
    """What the page gives as its description, in several places, as keys for `same_start`."""
    given = (
        (metadata.article or Linked()).description,
        metadata.one("og:description"),
        metadata.one("description", "twitter:description"),
    )
    return tuple({_start_key(text): None for text in given if text})


def same_start(text: str, keys: Iterable[str]) -> bool:
    """Whether the text says the same as one of the keys, which may be cut short or go on a little."""
    # Most texts differ in their first letter, and a dateline before it has brackets or a dash.
    first = text[:1]
    if first.isalnum() and _DATELINE_SIGNS.isdisjoint(text[:_LONGEST_DATELINE]):
        first = first.casefold()
        if not any(key.startswith(first) for key in keys):
            return False
    # Many others differ in their first words: only the beginning is folded for them.
    start = bylines.split_dateline(clean(text[:_BEGINNING]))[1]
    begin = _NOT_WORD.sub("", start).casefold()[:_FIRST_LETTERS]
    keys = [key for key in keys if key.startswith(begin) or begin.startswith(key)]
    if not keys:
        return False
    own = _start_key(text)
    for key in keys:
        shorter = min(len(own), len(key))
        if shorter >= 40 and own[:shorter] == key[:shorter] and shorter >= 0.6 * len(own):
            return True
    return False


@lru_cache(maxsize=64)
def _start_key(text: str) -> str:
    # A page's descriptions, which mostly say the same, are asked for several times.
    return words_only(bylines.split_dateline(text)[1]).replace(" ", "")


def record_address(page: Page, metadata: Metadata) -> str:
    """The page's own word for its address where it stays on the same site and names a page, else its URL."""
    try:
        own = canonical_url(page.url)
    except UrlError:
        return page.url
    for given in (metadata.canonical, metadata.one("og:url"), (metadata.article or Linked()).address):
        if given == page.url:
            return own
        try:
            address = canonical_url(given, page.url) if given else ""
        except UrlError:
            continue
        parts = urlsplit(address)
        if parts.hostname and parts.hostname == urlsplit(own).hostname and parts.path not in ("", "/"):
            return address
    return own
