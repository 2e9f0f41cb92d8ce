"""Real pages of Vietnamese papers and the real seeds, read from the folder beside the checkout.

Prints a table of what is right on every page (`pytest -s`).
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from parsers import Article, Precision, Rejection, RejectReason, SeedDocument, parse_article, parse_seed

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"
PAGES = SHARED / "pages"
SEEDS = SHARED / "seed_corpus"
# The manifest gives no address for pages that were found without one.
NO_ADDRESS = "https://bao.example/bai-viet.html"

needs_pages = pytest.mark.skipif(
    not PAGES.is_dir(), reason="the folder shared/pages is not beside the checkout"
)
needs_seeds = pytest.mark.skipif(
    not SEEDS.is_dir(), reason="the folder shared/seed_corpus is not beside the checkout"
)


@cache
def truth() -> dict[str, dict[str, Any]]:
    return json.loads((PAGES / "truth.json").read_text("utf-8")) if PAGES.is_dir() else {}


@cache
def addresses() -> dict[str, str]:
    manifest = json.loads((PAGES / "MANIFEST.json").read_text("utf-8"))
    return {entry["name"]: entry.get("url") or NO_ADDRESS for entry in manifest}


def names(kind: str) -> list[str]:
    found = [path.name.removesuffix(".html.gz") for path in sorted(PAGES.glob("*.html.gz"))]
    return [name for name in found if (name in truth()) is (kind == "article")]


@cache
def read(name: str, parser: str) -> Article | Rejection:
    data = gzip.decompress((PAGES / f"{name}.html.gz").read_bytes())
    return parse_article(data, addresses().get(name, NO_ADDRESS), parser=parser)


def folded(text: str | None) -> str:
    """Blanks folded; the truth keeps a byte-order mark that one page holds."""
    return " ".join((text or "").replace("\ufeff", "").split())


@needs_pages
@pytest.mark.parametrize("parser", ["auto", "generic"])
@pytest.mark.parametrize("name", names("article"))
def test_article_page_gives_its_article(name: str, parser: str) -> None:
    article, expected = read(name, parser), truth()[name]
    assert isinstance(article, Article), article
    assert article.title == expected["title"]
    assert folded(article.lead) == folded(expected["lead"])
    assert article.published_at is not None
    assert article.published_at.isoformat()[:16] + article.published_at.isoformat()[-6:] == (
        expected["published_at"][:16] + "+07:00"
    )
    paragraphs = [folded(paragraph.text) for paragraph in article.paragraphs]
    found = sum(folded(text) in paragraphs for text in expected["paragraphs"])
    assert found >= 0.8 * len(expected["paragraphs"])
    if parser == "auto":
        # Known sites: everything, in order, and nothing else.
        assert paragraphs == [folded(text) for text in expected["paragraphs"]]
    if expected["authors"] is not None:
        assert list(article.authors) == expected["authors"]
    if expected["agency"] is not None:
        assert article.agency == expected["agency"]


def shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[at : at + 4]) for at in range(max(1, len(words) - 3)))


def shingle_f1(text: str, expected: str) -> float:
    """F1 of the 4-word shingles, as ../shared/extraction/bench.py counts them."""
    found, wanted = shingles(text), shingles(expected)
    same = (found & wanted).total()
    return 2 * same / (found.total() + wanted.total())


def text_of(name: str) -> str:
    return "\n".join([folded(truth()[name]["lead"]), *map(folded, truth()[name]["paragraphs"])])


@needs_pages
@pytest.mark.parametrize(("parser", "least"), [("auto", 0.985), ("generic", 0.95)])
@pytest.mark.parametrize("name", names("article"))
def test_text_is_that_of_the_article(name: str, parser: str, least: float) -> None:
    article, expected = read(name, parser), truth()[name]
    assert isinstance(article, Article), article
    assert shingle_f1(folded(article.text), text_of(name)) >= least
    assert not [caption for caption in article.captions if caption in article.text]
    last = folded(article.text.rpartition("\n\n")[2])
    assert last not in (expected["authors"] or [])


@needs_pages
@pytest.mark.parametrize("name", names("listing"))
def test_listing_page_is_no_article(name: str) -> None:
    result = read(name, "auto")
    assert isinstance(result, Rejection)
    assert result.reason is RejectReason.NOT_AN_ARTICLE


@needs_pages
@pytest.mark.parametrize("parser", ["auto", "generic"])
def test_table_of_what_is_right(parser: str) -> None:
    rows = []
    for name in names("article"):
        article, expected = read(name, parser), truth()[name]
        assert isinstance(article, Article)
        texts = [folded(paragraph.text) for paragraph in article.paragraphs]
        wanted = [folded(text) for text in expected["paragraphs"]]
        marks = [
            article.title == expected["title"],
            folded(article.lead) == folded(expected["lead"]),
            str(article.published_at)[:16] == expected["published_at"][:16].replace("T", " "),
            None if expected["authors"] is None else list(article.authors) == expected["authors"],
            None if expected["agency"] is None else article.agency == expected["agency"],
        ]
        cells = ["-" if mark is None else "yes" if mark else "NO" for mark in marks]
        found = f"{sum(text in texts for text in wanted)}/{len(wanted)}"
        extra = str(sum(text not in wanted for text in texts))
        score = f"{shingle_f1(folded(article.text), text_of(name)):.3f}"
        rows.append([name[:36], article.parser, *cells, found, extra, score])
    header = ["page", "parser", "title", "lead", "date", "authors", "agency", "paragraphs", "extra", "F1"]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    print()
    for row in [header, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    assert len(rows) == len(truth())
    assert not [row for row in rows if "NO" in row]


def seed_file(number: int) -> Path:
    return next(SEEDS.glob(f"{number:03}_*.txt"))


def raw(number: int) -> str:
    return seed_file(number).read_text("utf-8")


@cache
def seed(number: int) -> SeedDocument:
    path = seed_file(number)
    document = parse_seed(path.name, path.read_bytes())
    assert isinstance(document, SeedDocument), document
    return document


def published(number: int) -> tuple[str, Precision | None]:
    document = seed(number)
    return str(document.published_at), document.published_precision


@needs_seeds
def test_seed_000() -> None:
    assert seed(0).agency == "ANTD.VN"
    assert published(0) == ("2020-07-01 00:00:00+07:00", Precision.MONTH)
    assert seed(0).text.startswith(raw(0).partition("ANTD.VN - ")[2][:200])
    assert seed(0).title is None


@needs_seeds
def test_seed_001() -> None:
    assert published(1) == ("2023-07-01 00:00:00+07:00", Precision.MONTH)
    assert len(seed(1).paragraphs) == 8
    assert seed(1).captions == ()


@needs_seeds
def test_seed_002() -> None:
    document = seed(2)
    assert document.title == raw(2).split("\n")[2]
    assert published(2) == ("2020-07-07 14:33:00+07:00", Precision.MINUTE)
    assert document.authors == (raw(2).split("\n")[-1],)
    assert document.agency == "Congannghean.vn"
    assert len(document.captions) == len(set(document.captions)) == 3
    assert not [caption for caption in document.captions if caption in document.text]
    assert "." not in document.text.split("\n")
    assert len(document.paragraphs) == 3


@needs_seeds
def test_seed_003() -> None:
    assert published(3) == ("2021-08-01 00:00:00+07:00", Precision.MONTH)
    assert len(seed(3).captions) == 3
    assert all(f"\n\n{caption}\n\n" in raw(3) for caption in seed(3).captions)
    assert not [caption for caption in seed(3).captions if caption in seed(3).text]


@needs_seeds
def test_seed_004() -> None:
    document = seed(4)
    assert document.title == raw(4).split("\n")[0]
    assert document.agency == "ANTD.VN"
    assert "miền Bắc" not in document.text
    assert "0:00" not in document.text
    assert len(document.captions) == 3
    assert not [caption for caption in document.captions if caption in document.text]


@needs_seeds
@pytest.mark.parametrize("number", range(5))
def test_seeds_are_clean_vietnamese(number: int) -> None:
    text = seed(number).text
    assert seed(number).language == "vi"
    assert "\u00a0" not in text
    assert "date 20" not in text
    assert not [line for line in text.split("\n") if line != line.strip()]
