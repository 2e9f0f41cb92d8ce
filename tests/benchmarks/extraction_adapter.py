"""khotin as the extraction benchmark beside the checkout calls it.

    cd ../shared/extraction
    PYTHONPATH=<checkout> python -W ignore bench.py data-n4k \\
        tests.benchmarks.extraction_adapter:extract --input bytes

Everything that `parse_article` does is done and timed: decoding, guards, metadata, the choice of a parser,
the judgement of the page. A page that the corpus would reject (a list of links, say) gives what was read of
it, since the benchmark asks for the text and not whether it belongs into a corpus of news. Any language will
do.
"""

from __future__ import annotations

from parsers.errors import MarkupError
from parsers.reading import read_and_judge


def extract(html: bytes, url: str | None) -> dict[str, object]:
    """Text, title, date (ISO, the day first) and writers of a page."""
    try:
        article, _ = read_and_judge(
            html, url or "https://page.example/", None, content_type=None, parser="auto", language=None
        )
    except MarkupError:
        article = None
    if article is None:
        return {"text": "", "title": None, "date": None, "authors": []}
    published = article.published_at
    return {
        "text": article.text,
        "title": article.title,
        "date": published.isoformat() if published else None,
        "authors": list(article.authors),
    }
