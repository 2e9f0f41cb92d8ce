"""Titles and addresses of hostile sites do no harm in Markdown, HTML and SVG."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.reports.escaping import address, code_block, html, html_link, markdown, markdown_link, plain
from flows.reports.pictures import bars_by_name

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "](javascript:alert(1))",
    "![x](http://evil.example/pixel.gif)",
    "a | b | c",
    "`code` **bold** _em_ ~~s~~ [x][y]",
    "line\none\r\n# heading",
    "http://evil.example www.evil.example a@evil.example",
    "\u202egpj.exe\u2066\u200b\x00\x1b[31m",
    "&lt;b&gt; &#60;b&#62; &amp;",
    "]]><svg onload=alert(1)>",
    "\\](http://evil.example)",
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def tags_of(text: str) -> Tags:
    parser = Tags()
    parser.feed(text)
    parser.close()
    return parser


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_title_stays_text(title: str) -> None:
    shown = plain(title)
    assert shown.isprintable()
    seen = tags_of(f"<p>{html(title)}</p>")
    assert [tag for tag, _ in seen.tags] == ["p"]
    assert seen.text == shown
    linked = tags_of(html_link(title, "https://a.example/x"))
    assert [tag for tag, _ in linked.tags] == ["a"]
    in_markdown = markdown(title)
    assert "<" not in in_markdown
    assert "\n" not in in_markdown
    # Each character that could begin mark-up stands behind a backslash of its own.
    assert not re.search(r"[`*_\[\]|~#!@$]|://|\bwww\.", re.sub(r"\\.", "", in_markdown))
    unescaped = re.sub(r"\\(.)", r"\1", in_markdown)
    assert tags_of(unescaped).text.strip() == shown.strip()


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt://a.example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//evil.example",
        "seed:0123456789abcdef",
        "http://",
        "http://a.example/" + "x" * 3000,
        "",
    ],
)
def test_address_that_may_not_be_followed_is_no_link(url: str) -> None:
    assert address(url) is None
    assert "](" not in markdown_link("title", url)
    assert "<a" not in html_link("title", url)


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_leaves_its_link(title: str, rest: str) -> None:
    url = f"https://a.example/{rest}"
    linked = tags_of(html_link(title, url))
    assert [tag for tag, _ in linked.tags] == ["a"]
    (target,) = [value for name, value in linked.tags[0][1] if name == "href"]
    assert target is not None
    assert target.startswith("https://a.example/")
    shown = markdown_link(title, url)
    assert re.fullmatch(r"\[(?:[^\[\]\\]|\\.)*\]\(<https://a\.example/[!-;=?-~]*>\)", shown)
    drawn = bars_by_name(title, "pages", {rest: 3})
    root = ET.fromstring(drawn)
    assert {element.tag.split("}")[1] for element in root.iter()} <= {
        "svg", "style", "desc", "rect", "line", "text", "title",
    }  # fmt: skip


@given(st.text(max_size=300))
def test_nothing_inside_a_block_of_code_ends_it(text: str) -> None:
    lines = code_block(text, "diff", lines=5, width=40).split("\n")
    fence = lines[-1]
    assert set(fence) == {"`"}
    assert lines[0] == f"{fence}diff"
    assert all(fence not in line for line in lines[1:-1])
    assert len(lines) <= 8


def test_block_of_code_tells_what_it_leaves_out() -> None:
    block = code_block("\n".join("abcdef"), lines=2)
    assert block == "```\na\nb\n… 4 more lines\n```"
