"""Where tags may be long, told without knowing where they begin."""

from __future__ import annotations

import pytest

from parsers.long_tags import find_long_tags

SHORT = 1_000
LONG = b"<p title=" + b"x" * 3_000 + b">"
DATA = b'{"name":"a","size":1},' * 500


@pytest.mark.parametrize(
    "page",
    [
        LONG,
        b"<p>" * 2_000 + LONG + b"<p>" * 2_000,
        b"<script>" + DATA + LONG + DATA + b"</script>",
        b'<p title=">' + b"x" * 3_000 + b'">',
        b"<p title = \n '>" + b"x" * 3_000 + b"'>",
        b"<p title=" + b"x" * 3_000,
        b'<!x <a b="> ' + LONG + b'">',
    ],
)
def test_a_long_tag_is_inside_one_of_the_pieces(page: bytes) -> None:
    long, free = find_long_tags(page, SHORT)
    begin = page.index(b"<p title")
    end = page.index(b"x" * 3_000) + 3_000
    assert any(start <= begin and end <= behind for start, behind in long)
    assert not [piece for piece in free if piece[0] < end and begin < piece[1]]


@pytest.mark.parametrize(
    "page",
    [
        b"<p class='a' id=\"b\">text</p>" * 2_000,
        b"<script>" + DATA + b"</script>" + b"<p>x</p>" * 2_000,
        b'<script id="a" type="application/json">' + DATA * 9 + b"</script>",
        b"<p>" + b"text without any mark " * 500 + b"</p>",
    ],
)
def test_an_ordinary_page_has_none(page: bytes) -> None:
    assert find_long_tags(page, SHORT)[0] == []


def test_what_a_script_holds_is_in_no_tag() -> None:
    page = b"<script>" + DATA + b"</script>"
    assert find_long_tags(page, SHORT)[1] == [(8, 8 + len(DATA))]
