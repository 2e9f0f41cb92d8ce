"""Whatever the bytes: an article or a rejection, and text that can be stored."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import PARSER_NAMES, Article, Rejection, SeedDocument, SeedProblem, parse_article, parse_seed
from parsers.errors import MarkupError
from parsers.reading import read_article
from tests.parsers import made_up

URL = "https://bao.example/a-1.html"
PAGES = (
    made_up.epi(),
    made_up.vccorp(),
    made_up.onecms(),
    made_up.vnexpress_2019(),
    made_up.vietnamnet_2019(),
    made_up.dantri(),
    made_up.plain(),
)
TAGS = st.sampled_from(
    [
        *[
            "<div>",
            "</div>",
            "<p>",
            "</p>",
            "<table>",
            "<tr>",
            "<td>",
            "<ul>",
            "<li>",
            "<a href=/x>",
            "</a>",
            "<br>",
        ],
        *[
            "<figure>",
            "<figcaption>",
            "<h1>",
            "<h2>",
            "</h2>",
            "<script>",
            "</script>",
            "<!--",
            "-->",
            "<article>",
        ],
        *[
            '<div class="article__body cms-body">',
            '<h1 class="article__title cms-title">',
            "<svg>",
            "<template>",
        ],
        *['<div class="detail-content afcbc-body">', '<script type="application/ld+json">'],
        *[
            '{"@type":"NewsArticle"',
            "}",
            "<time datetime='2026-99-99'>",
            '<meta name="author" content="A B">',
        ],
        *["\x00", "&#0;", "&#xD800;", "\ud800"],
    ]
)


def inner(data: bytes, parser: str | None, content_type: str | None) -> None:
    """The reading without the net that `parse_article` spreads: only MarkupError may leave it."""
    try:
        result = read_article(data, URL, None, content_type=content_type, parser=parser, language=None)
    except MarkupError:
        return
    if isinstance(result, Article):
        result.text.encode("utf-8")
        assert result.title == result.title.strip()
        assert all(paragraph.text.strip() for paragraph in result.paragraphs)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400),
    st.sampled_from([None, "text/html; charset=windows-1258", "text/html; charset=zlib"]),
)
def test_random_bytes(data: bytes, content_type: str | None) -> None:
    inner(data, None, content_type)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.one_of(TAGS, st.text(max_size=20)), max_size=40), st.sampled_from(["auto", "generic"]))
def test_random_mark_up(pieces: list[str], parser: str) -> None:
    inner("".join(pieces).encode("utf-8", "surrogatepass"), parser, None)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PAGES), st.data())
def test_damaged_pages(page: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(page)))
    end = data.draw(st.integers(start, min(len(page), start + 600)))
    inner(page[:start] + data.draw(st.binary(max_size=20)) + page[end:], None, None)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(PARSER_NAMES), st.text(max_size=30))
def test_the_door_gives_a_value_for_every_parser_and_url(data: bytes, parser: str, url: str) -> None:
    assert isinstance(parse_article(data, url, parser=parser), Article | Rejection)


@pytest.mark.parametrize("url", ["", "x", "http://[", "https://bao.example:99999/", "\ud800"])
def test_an_odd_url_does_not_spoil_an_article(url: str) -> None:
    assert isinstance(parse_article(made_up.plain(), url), Article)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_seed_gives_a_value(data: bytes) -> None:
    assert isinstance(parse_seed("000_0123456789abcdef.txt", data), SeedDocument | SeedProblem)


@pytest.mark.parametrize(
    "item", ["<p>{}</p>", "<div><p>{}</p></div>", "<div><h3><a href=x>{}</a></h3><p>{}</p></div>"]
)
@pytest.mark.parametrize("depth", [0, 480])
def test_wide_and_deep_pages_are_read(item: str, depth: int) -> None:
    """Ends soon; with a step for each pair of items it would take minutes."""
    sentence = "Xã mở thêm một lớp học bơi cho trẻ em trong thôn, buổi thứ"
    items = "".join(item.replace("{}", f"{sentence} {number}.") for number in range(2_000))
    page = f"<html><body>{'<div>' * depth}<h1>Lớp học bơi</h1>{items}</body></html>"
    result = parse_article(page.encode(), URL)
    assert not (isinstance(result, Rejection) and result.evidence.startswith("parser-error")), result
