"""What is cut out of a page before it is parsed: all that no reader sees, and nothing else."""

from __future__ import annotations

import random
import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from parsers.article import Article
from parsers.html import read_page
from parsers.reading import parse_article
from parsers.unseen import without_unseen
from tests.parsers import made_up

FILLING = b"var a = 'that is long enough to be worth a cut';"

PIECES = (
    b"<p>Seen</p>",
    b"<div title='a > b'><b>seen</b> too</div>",
    b"text < of > signs & more",
    b"<script>" + FILLING + b"</script>",
    b"<SCRIPT type=x>" + FILLING + b"</SCRIPT>",
    b"<script>" + FILLING + b"</Script\n>",
    b"<script src='a.js'></script>",
    b"<script>if (a < b) document.write('<p>' + c + '<\\/p>');" + FILLING + b"</script>",
    b"<script><!--\n" + FILLING + b"\n//--></script>",
    b"<script><!-- document.write('<script>" + FILLING + b"</script>'); --></script>",
    b"<script>" + FILLING + b"<!-- begun and never ended</script>",
    b'<script data-a="x > y">' + FILLING + b"</script>",
    b'<script data-a="x > y" data-b="it\'s > so">' + FILLING + b"</script>",
    b"<style>p > a { color: red } /* " + FILLING + b" */</style>",
    b"<style><!-- " + FILLING + b" --></style >",
    b"<style>" + FILLING + b"</styles></style>",
    b"<svg><title>" + FILLING + b"</title><path d='M0'/></svg>",
    b"<svg class=a /><i>seen</i>",
    b"<svg><svg><g>" + FILLING + b"</g></svg><path d='M0'/></svg>",
    b"<!-- " + FILLING + b" -->",
    b"<!-- " + FILLING + b" --!><p>seen</p>",
    b"<!--><p>seen, for the comment is over already</p><!-- -->",
    b"<!--[if lt IE 9]><script>" + FILLING + b"</script><p>unseen</p><![endif]-->",
    b"<!--[if !IE]><!--><p>seen</p><!--<![endif]-->",
    b"<scripture>seen</scripture>",
    b"<textarea><script>" + FILLING + b"</script></textarea>",
    b"<img alt='<!--'>seen",
)


def visible(page: bytes) -> str:
    tree = LexborHTMLParser(page)
    assert tree.body is not None
    for node in tree.body.css("script, style, svg, textarea"):
        node.decompose()
    return " ".join(tree.body.text(separator=" ").split())


@pytest.mark.parametrize("piece", PIECES)
def test_no_kind_of_markup_changes_what_is_seen(piece: bytes) -> None:
    page = b"<p>before</p>" + piece + b"<p>behind</p>"
    assert visible(without_unseen(page)[0]) == visible(page)


def test_no_order_of_them_changes_what_is_seen() -> None:
    chance = random.Random(3)
    for _ in range(400):
        page = b"<html><body>" + b" ".join(chance.choices(PIECES, k=12)) + b"</body>"
        assert visible(without_unseen(page)[0]) == visible(page), page


def test_there_are_never_more_roots_than_it_says() -> None:
    chance = random.Random(5)
    tokens = [*PIECES, b"<html lang=a>", b"<BODY class=b>", b"<!--<body a>-->", b"<svg>", b"<script>", b"-->"]
    tokens += [
        b'<script type="application/ld+json">{"a":"<body>"}</script>',
        b"<!--",
        b"</script>",
        b"'",
        b'"',
    ]
    for _ in range(2_000):
        page, roots = without_unseen(b"".join(chance.choices(tokens, k=15)))
        assert roots >= len(re.findall(rb"<(?:html|body)[\s/>]", page, re.IGNORECASE))


def test_scripts_style_sheets_and_drawings_are_emptied() -> None:
    filled = FILLING * 500
    source = b"".join(
        b"<p>x</p>" + tag + filled + b"</" + tag[1:] for tag in (b"<script>", b"<style>", b"<svg>")
    )
    cut, _ = without_unseen(source)
    assert cut == b"<p>x</p><script></script><p>x</p><style></style><p>x</p><svg></svg>"


def test_where_there_is_nothing_to_cut_the_page_stays_the_same_object() -> None:
    page = b"<html><body><p>Tin</p></body></html>"
    cut, roots = without_unseen(page)
    assert cut is page
    assert roots == 2


@pytest.mark.parametrize("kind", ["application/ld+json", "application/LD+JSON", "application/ld&#x2B;json"])
def test_linked_data_stays(kind: str) -> None:
    script = f'<script type="{kind}">{{"@type":"NewsArticle","articleBody":"{"a" * 100}"}}</script>'.encode()
    assert without_unseen(script)[0] is script


def test_a_page_keeps_its_bytes_beside_the_tree() -> None:
    data = b"<p>x</p><script>dataLayer = {articleType: 'video'};" + FILLING + b"</script>"
    page = read_page(data, "https://bao.example/x")
    assert page.source is data
    assert FILLING.decode() not in (page.tree.html or "")


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "cp1258"])
def test_pages_in_other_encodings_are_read_as_ever(codec: str) -> None:
    source = made_up.plain().decode()
    source = source.replace("</head>", f"<script>{FILLING.decode()}</script></head>").replace("utf-8", codec)
    expected = parse_article(source.encode(), "https://bao.example/x")
    assert isinstance(expected, Article)
    if codec == "cp1258":
        # It has no letters with two marks: a page of ASCII tells that the rest is the same.
        source = source.encode("ascii", "ignore").decode()
        expected = parse_article(source.encode(), "https://bao.example/x", language=None)
    found = parse_article(source.encode(codec), "https://bao.example/x", language=None)
    assert isinstance(found, Article)
    assert isinstance(expected, Article)
    assert found.text == expected.text


@pytest.mark.parametrize("many", [b"<svg>", b"<script>", b"<!---->", b"<script>" + b"<" * 300_000])
def test_what_stands_behind_more_places_than_are_looked_at_is_counted(many: bytes) -> None:
    source = many * (300_000 // len(many)) + b"<body a><body b>"
    _, roots = without_unseen(source)
    assert roots >= 2
