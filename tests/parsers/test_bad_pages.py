"""Malformed and hostile pages: each ends in an article or a rejection that names what is wrong, and soon.

The last test is a fuzz target with fixed inputs: cuttings of pages of every family, put together at random.
"""

from __future__ import annotations

import json
import random
import unicodedata

import pytest

from parsers import Article, Rejection, RejectReason, parse_article
from parsers.errors import MarkupError
from parsers.reading import read_article
from tests.parsers import made_up
from tests.parsers.made_up import LEAD, PARAGRAPHS, TITLE, plain

URL = "https://bao.example/doi-song/day-boi-12.html"
BODY = "".join(f"<p>{paragraph}</p>" for paragraph in (LEAD, *PARAGRAPHS))


def result_of(page: bytes, content_type: str | None = None) -> Article | Rejection:
    result = parse_article(page, URL, content_type=content_type)
    if isinstance(result, Rejection):
        assert not result.evidence.startswith("parser-error"), result
        assert result.evidence
    return result


def article_of(page: bytes, content_type: str | None = None) -> Article:
    result = result_of(page, content_type)
    assert isinstance(result, Article), result
    return result


@pytest.mark.parametrize("charset", ["zlib", "rot13", "utf-16", "idna", "windows-1258", "hex", "x-unknown"])
def test_a_lying_charset_does_no_harm(charset: str) -> None:
    article = article_of(plain(BODY), f"text/html; charset={charset}")
    assert [paragraph.text for paragraph in article.paragraphs] == list(PARAGRAPHS)


def test_broken_utf8_costs_one_letter() -> None:
    page = plain(BODY)
    place = page.index(PARAGRAPHS[1].encode()) + 60
    article = article_of(page[:place] + b"\xff\xe1\xbb" + page[place:])
    assert article.paragraphs[0].text == PARAGRAPHS[0]
    assert article.paragraphs[1].text[:40] == PARAGRAPHS[1][:40]


def test_controls_surrogates_and_decomposed_letters_do_not_reach_the_text() -> None:
    body = BODY.replace("Hồ được", "Hồ \x00\u202e\u200bđược&#xD800;").replace("đuối", "\u2066đuối\u2069")
    page = plain(unicodedata.normalize("NFD", body))
    article = article_of(page)
    assert article.text == unicodedata.normalize("NFC", article.text)
    assert not set(article.text) & set("\x00\u202e\u200b\u2066\u2069\ud800\ufffd")
    assert PARAGRAPHS[0] in article.text


@pytest.mark.parametrize(
    "page",
    [
        b"<div>" * 100_000,
        b"<div>" * 600 + b"<p>text</p>",
        b"<p " + b" ".join(b"a%d=1" % number for number in range(50_000)) + b">text</p>",
        b'<p title="' + b"x" * 9_000_000 + b'">text</p>',
        b"<p>" + b"x" * 20_000_000,
    ],
    ids=["nested", "a little too deep", "attributes", "attribute", "size"],
)
def test_a_page_beyond_the_guards_is_malformed(page: bytes) -> None:
    result = result_of(page)
    assert isinstance(result, Rejection)
    assert result.reason is RejectReason.MALFORMED
    assert result.evidence.split(":")[0] in ("too-deep", "huge-tag", "too-large")


@pytest.mark.parametrize(
    "page",
    [
        b"<p>" * 200_000,
        b"<a>" * 200_000,
        b"<table><tr><td>" * 3_000,
        b"<ul><li>" * 200,
        b"<b><p>" * 200,
        b"<p>x<br>" * 30_000,
        b"<h2><a href=x>y</a></h2><p>" * 30_000,
        b"<" * 1_000_000,
        b"&" * 1_000_000,
        b"<!--" * 200_000,
        b"<script>" * 100_000,
        b"<svg>" * 400 + b"<path d='M0'/>" * 50_000,
        b"<div class='" + b"related " * 50_000 + b"'>x</div>",
        ("<p>" + "đ" * 1_000_000 + "</p>").encode(),
        b"<a href='" + b"x" * 100_000 + b"'>y</a>" * 3_000,
    ],
)
def test_odd_mark_up_is_read_or_refused_soon(page: bytes) -> None:
    """Each takes a second or so; with a step for every pair of tags it would take minutes."""
    result_of(b"<h1>T</h1>" + page)


@pytest.mark.parametrize("element", ["template", "noscript", "script", "textarea"])
def test_an_article_that_only_scripts_show_is_none(element: str) -> None:
    result = result_of(f"<title>{TITLE}</title><{element}>{BODY}</{element}>".encode())
    assert isinstance(result, Rejection)


@pytest.mark.parametrize(
    "linked",
    [
        "",
        "{",
        "null",
        "[]",
        "[[[[[[[[[[]]]]]]]]]]",
        "[" * 100_000,
        '{"@graph": ' * 2_000,
        '"NewsArticle"',
        '{"@type": "NewsArticle", "headline": {"a": 1}, "author": 7, "datePublished": ["x"], "keywords": {}}',
        '{"@type": ["NewsArticle", 3, null], "articleBody": [1, {"@type": 2}], "mainEntityOfPage": [1]}',
        '{"@type": "NewsArticle", "headline": "\\ud800", "articleBody": "\\udfff", "author": "\\ud800"}',
        '{"@type": "NewsArticle", "datePublished": "hôm qua", "isAccessibleForFree": []}',
        json.dumps({"@graph": [{"@type": "Thing", "name": str(number)} for number in range(5_000)]}),
        '{"@type": "NewsArticle", "description": "' + "x" * 2_000_000 + '"}',
    ],
    ids=range(14),
)
def test_wrong_linked_data_does_not_spoil_the_page(linked: str) -> None:
    head = f'<script type="application/ld+json">{linked}</script>'
    article = article_of(plain(BODY, head))
    assert article.title == TITLE
    assert [paragraph.text for paragraph in article.paragraphs] == list(PARAGRAPHS)
    article.text.encode()


def test_text_that_no_mark_up_surrounds() -> None:
    result_of("\n\n".join((TITLE, LEAD, *PARAGRAPHS)).encode())


CUTTINGS = (
    made_up.epi(),
    made_up.vccorp(),
    made_up.onecms(),
    made_up.vnexpress_2019(),
    made_up.vietnamnet_2019(),
    made_up.dantri(),
    made_up.qdnd(),
    made_up.vov(),
    plain(),
    plain(f"<table><tr><td>{BODY}</td><td><ul><li>a<li>b</ul></td></tr></table>"),
    b'<div class="related"><div hidden><aside><form><h1>x</h1></form></aside></div></div>',
    b'<script type="application/ld+json">{"@type":"NewsArticle","articleBody":"',
    b"<svg><title><math><template><frameset><select><option><plaintext>",
)


@pytest.mark.parametrize("seed", range(6))
def test_pages_put_together_at_random(seed: int) -> None:
    """Reads without the net that `parse_article` spreads, so that any other error than ours fails."""
    rng = random.Random(seed)
    for _ in range(50):
        pieces = []
        for _ in range(rng.randint(1, 6)):
            source = rng.choice(CUTTINGS)
            begin = rng.randrange(len(source))
            pieces.append(source[begin : begin + rng.randint(1, 1500)] * rng.choice((1, 1, 1, 2, 20)))
        page = bytearray(b"".join(pieces))
        for _ in range(rng.randint(0, 8)):
            page[rng.randrange(len(page))] = rng.choice(b"<>\"'= &\x00\xff/!-a")
        try:
            result = read_article(bytes(page), URL, None, content_type=None, parser=None, language=None)
        except MarkupError:
            continue
        if isinstance(result, Article):
            result.text.encode()
            assert result.title == result.title.strip()
            assert all(paragraph.text.strip() for paragraph in result.paragraphs)
            assert result.text == unicodedata.normalize("NFC", result.text)
