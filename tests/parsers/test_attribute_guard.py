"""Pages that hide thousands of attributes are refused wherever their tags begin; ordinary ones are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from parsers.blocks import MAX_BLOCKS, read_blocks
from parsers.errors import MarkupError
from parsers.guards import guard
from parsers.outline import read_outline


def attributes(count: int, rest: bytes = b"") -> bytes:
    """So many attributes with different names."""
    return b" ".join(b"%x%s" % (number, rest) for number in range(count))


MANY = attributes(25_000)
HOSTILE = {
    "bare": b"<p " + MANY + b">",
    "never ends": b"<p " + MANY,
    "an end tag": b"</p " + MANY + b">",
    "every value hides a tag's end": b"<p " + attributes(25_000, b'=">"') + b">",
    "both quotation marks": b"<p " + b" ".join(b"%x='>' %xz=\"<i b='c'>\"" % (n, n) for n in range(12_500)),
    "behind a comment": b'<!-- <a b="> --><p x=">" ' + MANY + b">",
    "behind a bogus comment": b'<!x <a b="><p x=">" ' + MANY + b">",
    "inside what only looks like a value": b'<!x <a b="> <p ' + MANY + b' c="">',
    "behind a title in a drawing that ended": b'<svg><p><title><a b="></title><p x=">" ' + MANY + b">",
    "an unquoted value with a quotation mark": b'<p x=y=" c=">" ' + MANY + b">",
    "a name that begins with an equals sign": b'<p ="b=" c=">" ' + MANY + b">",
    "a hidden end in the middle": b"<p " + attributes(12_000) + b' x=">" ' + MANY + b">",
    "capitals": b"<P " + MANY.upper() + b">",
    "of many bodies": b"".join(b"<BODY b%x=1>" % number for number in range(5_000)),
    "of one body and another": (
        b"<body " + attributes(12_000) + b">text<body " + attributes(12_000, b"z=1") + b">"
    ),
    "different in every tag": b"".join(b"<p z%x=1>" % number for number in range(110_000)),
    "names of tags": b"".join(b"</z%x>" % number for number in range(110_000)),
    "many tags": (b"<p " + attributes(2_400) + b">") * 95,
}


@pytest.mark.parametrize("page", HOSTILE.values(), ids=HOSTILE)
def test_too_many_attributes_are_refused_however_they_are_hidden(page: bytes) -> None:
    with pytest.raises(MarkupError) as caught:
        guard(b"<html><body>" + page + b"text</body></html>")
    assert caught.value.reason == "huge-tag"


ORDINARY = {
    "values that end in an equals sign": b'<p class="a" id="b=">x</p>' * 3_000,
    "hidden ends": b"<p a=\">\" b='>'>x</p>" * 4_000,
    "roots for old browsers": b"<!--[if IE 7]><html class='ie7'><![endif]-->" * 8 + b"<p>text</p>" * 9_000,
    "an image in place": b'<img alt="1 > 0" src="data:image/png;base64,' + b"abcd/+12" * 20_000 + b'">',
    "data in a script": b"<script>" + b'if(a<b)x={"name":"/a/b","size":"12"};' * 3_000 + b"</script>",
}


@pytest.mark.parametrize("page", ORDINARY.values(), ids=ORDINARY)
def test_what_only_looks_like_many_attributes_is_read(page: bytes) -> None:
    guard(b"<html><body>" + page + b"text</body></html>")


@pytest.mark.parametrize("read", [read_outline, read_blocks])
def test_a_page_of_too_many_blocks_is_refused(read: Callable[[LexborNode], object]) -> None:
    tree = LexborHTMLParser(b"<p>x" * (MAX_BLOCKS + 2))
    assert tree.body is not None
    with pytest.raises(MarkupError) as caught:
        read(tree.body)
    assert caught.value.reason == "too-large"
