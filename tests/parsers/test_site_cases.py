"""Each case of a site parser reads as it was written down: `khotin sources new` writes such cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from parsers import Article, parse_article

FOLDER = Path(__file__).parent / "site_cases"
CASES = sorted(path.parent for path in FOLDER.glob("*/expected.json"))


@pytest.mark.parametrize("folder", CASES, ids=[folder.name for folder in CASES])
def test_page_of_the_case_reads_as_expected(folder: Path) -> None:
    case = json.loads((folder / "expected.json").read_text("utf-8"))
    article = parse_article((folder / "page.html").read_bytes(), case["url"], parser=case["parser"])
    assert isinstance(article, Article), article
    assert article.parser == case["parser"]
    read = {
        "title": article.title,
        "lead": article.lead,
        "paragraphs": [paragraph.text for paragraph in article.paragraphs],
        "captions": list(article.captions),
        "authors": list(article.authors),
        "agency": article.agency,
        "published_at": article.published_at.isoformat() if article.published_at else None,
        "section": article.section,
        "tags": list(article.tags),
    }
    assert read == {name: case[name] for name in read}
