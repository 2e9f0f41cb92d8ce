"""Refuses, before the HTML parser sees them, pages that it would take minutes or gigabytes for.

The parser is quadratic in the depth of the tree, in formatting elements that stay open (it opens them again
in every following block), and in the attributes of one tag. Two quick searches are enough to clear an
ordinary page: with few tags, few of them formatting, and none long, nothing can go wrong, however
they are nested. Only what is beyond that is scanned tag by tag.
"""

from __future__ import annotations

import re

from parsers.attribute_guard import SHORT_TAG, guard_attributes, short_tag
from parsers.errors import MarkupError
from parsers.long_tags import find_long_tags

MAX_DEPTH = 500
"""Elements inside each other. Real news pages have 19 in the median and 34 at most."""
MAX_TAG = 1_000_000
"""Bytes of one tag with its attributes, images given in place (`data:`) not counted. Real pages hold the data
of a whole article in one attribute: 120 KB were seen."""
MAX_ATTRIBUTES = 5_000
_FEW_TAGS = 10_000
"""With so many tags at most, the deepest nesting costs the parser a fifth of a second."""
_HARMLESS = 2_800
"""With so many tags, two million elements are the most that any of them can make."""
_FEW_REOPENED = 2_000_000
"""Elements that so many tags and formatting elements can make at most: 200 MB."""

# What begins a tag, also inside comments and scripts: there may be fewer in truth, never more.
_QUICK = re.compile(rb"<[a-zA-Z][^<]")
_QUICK_ROOTS = re.compile(rb"<(?:[hH][tT]|[bB][oO])")
# Looked for in the joined beginnings of tags.
_QUICK_FORMATTING = re.compile(rb"<(?:[bisuBISU][\s/>]|[bB][iI]|[sS][mtMT]|[tT][tT]|[eE][mM]|[cfCF][oO])")

# HTML standard 13.2.5: a value is quoted only where the quotation mark follows "="; possessive, so that it
# cannot backtrack. Without the last part the tag never ends.
_ATTRIBUTES = rb"(?:[\s/]++|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>]*+))?+)*+"
# 13.2.5.6 and .7: "<!", "<?", and "</" before no letter begin a comment that the first ">" ends.
_TAG = re.compile(
    rb"<(?:(!--|!\[CDATA\[|[!?]|/(?![a-zA-Z>]))|(/)?([a-zA-Z][^\s/>]*+)" + _ATTRIBUTES + rb">?)"
)
_NAMES = re.compile(rb"[^\s/]+")
_DATA = re.compile(rb"=\s*(?:\"data:[^\"]*\"|'data:[^']*')")
_QUOTED = re.compile(rb"\"[^\"]*\"|'[^']*'")
_RAW = {
    name: re.compile(rb"</" + name + rb"[\s/>]", re.IGNORECASE)
    for name in (b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes")
}
# Elements that never stay open (void), that the next one of their kind closes, or (form) that cannot nest.
_NO_DEPTH = frozenset(
    (
        b"area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr "
        b"html head body p li dt dd option optgroup tr td th thead tbody tfoot colgroup caption rt rp a nobr "
        b"form"
    ).split()
)
_FORMATTING = frozenset(b"b big code em font i s small strike strong tt u".split())
# An end tag does not reach over these (13.2.4.2, "has an element in scope").
_BORDERS = frozenset(b"applet marquee object table template svg math foreignobject".split())
# Their end tag closes what is open inside; any other end tag reaches only to the innermost of these.
_SPECIAL = _BORDERS | frozenset(
    (
        b"address article aside blockquote button center details dialog dir div dl fieldset figcaption "
        b"figure footer header hgroup h listing main menu nav ol pre search section select summary ul"
    ).split()
)
_HEADINGS = frozenset((b"h1", b"h2", b"h3", b"h4", b"h5", b"h6"))
_TAG_END = ord(">")
_COMMENT_END = re.compile(rb"--!?>")
_FOREIGN_LEAVES = 5_000
"""Tags such as `<path/>` inside drawings that may close themselves; elsewhere "/>" closes nothing."""


def guard(source: bytes, roots: int | None = None) -> None:
    """Refuse, in linear time, mark-up that the parser would take minutes for. Raises MarkupError.

    `roots` is how many `<html>` and `<body>` there may be at most, if that is known.
    """
    huge = False
    if len(source) > SHORT_TAG:
        long, free = find_long_tags(source, short_tag(len(source)))
        roots = len(_QUICK_ROOTS.findall(source)) if roots is None else roots
        most = guard_attributes(source, long, free, roots)
        huge = most > MAX_ATTRIBUTES or any(end - begin > MAX_TAG for begin, end in long)
    if huge or _may_nest(source):
        _Scan().run(source)


def _may_nest(source: bytes) -> bool:
    """Whether there are so many tags that they could nest, or open one another again, without end."""
    signs = source.count(b"<")
    if signs <= _HARMLESS or signs - source.count(b"</") <= _HARMLESS:
        return False
    # The first three bytes of all tags, without what stands between them.
    tags = b"".join(_QUICK.findall(source))
    count = len(tags) // 3
    if count <= _HARMLESS:
        return False
    return count > _FEW_TAGS or len(_QUICK_FORMATTING.findall(tags)) * count > _FEW_REOPENED


class _Scan:
    """The elements that may be open, by a reading of the tags that never takes one for closed that is not.

    `opened` holds names, `places` the indices of each name in it, `specials` and `borders` those of such.
    Formatting elements stand apart, as the parser opens them again after whatever closed them: `formatting`
    holds for each name the innermost border around every one, `reopened` how many there are.
    """

    def __init__(self) -> None:
        self.opened: list[bytes] = []
        self.places: dict[bytes, list[int]] = {}
        self.specials: list[int] = []
        self.borders: list[int] = []
        self.formatting: dict[bytes, list[int]] = {}
        self.reopened = 0

    def run(self, source: bytes) -> None:
        position = leaves = 0
        while match := _TAG.search(source, position):
            comment, closing, raw_name = match.groups()
            start, position = match.span()
            if comment:
                position = self._behind_comment(source, comment, position)
                if position < 0:
                    return
                continue
            if source[position - 1] != _TAG_END:
                position = len(source)
            if position - start > MAX_ATTRIBUTES * 2:
                _guard_tag(source, start, position)
            name = raw_name.lower()
            if name in _HEADINGS:
                name = b"h"
            if closing:
                self._close(name)
                continue
            foreign = self._foreign()
            if name in _RAW and not foreign:
                close = _RAW[name].search(source, position)
                if close is None:
                    return
                position = close.start()
            elif foreign and leaves < _FOREIGN_LEAVES and source[position - 2 : position] == b"/>":
                leaves += 1
            elif name not in _NO_DEPTH:
                self._open(name)

    def _foreign(self) -> bool:
        return bool(self.places.get(b"svg") or self.places.get(b"math"))

    def _behind_comment(self, source: bytes, begun: bytes, position: int) -> int:
        """Where what begins like a comment ends, -1 where it never does."""
        if begun == b"!--":
            end = _COMMENT_END.search(source, position - 2)
            return end.end() if end else -1
        if begun == b"![CDATA[" and self._foreign():
            return source.find(b"]]>", position)
        return source.find(b">", position)

    def _open(self, name: bytes) -> None:
        place = len(self.opened)
        if place + self.reopened >= MAX_DEPTH:
            raise MarkupError(f"more than {MAX_DEPTH} elements are open at once", reason="too-deep")
        if name in _FORMATTING:
            self.formatting.setdefault(name, []).append(self.borders[-1] if self.borders else -1)
            self.reopened += 1
            return
        self.opened.append(name)
        self.places.setdefault(name, []).append(place)
        if name in _SPECIAL:
            self.specials.append(place)
            if name in _BORDERS:
                self.borders.append(place)

    def _close(self, name: bytes) -> None:
        border = self.borders[-1] if self.borders else -1
        if name in _FORMATTING:
            around = self.formatting.get(name)
            if around and around[-1] >= border:
                around.pop()
                self.reopened -= 1
            return
        places = self.places.get(name)
        if not places:
            return
        place = places[-1]
        if border > place and name not in (b"template", b"svg", b"math"):
            return
        if name not in _SPECIAL and self.specials and self.specials[-1] > place:
            return
        while len(self.opened) > place:
            top = len(self.opened) - 1
            self.places[self.opened.pop()].pop()
            if self.specials and self.specials[-1] == top:
                self.specials.pop()
            if self.borders and self.borders[-1] == top:
                self.borders.pop()


def _guard_tag(source: bytes, start: int, end: int) -> None:
    if end - start > MAX_TAG:
        size = len(_DATA.sub(b"", source[start:end]))
        if size > MAX_TAG:
            raise MarkupError(f"one tag has {size} bytes, more than {MAX_TAG}", reason="huge-tag")
    names = _QUOTED.sub(b" ", source[start:end])
    if len(_NAMES.findall(names)) > MAX_ATTRIBUTES:
        raise MarkupError(f"one tag has more than {MAX_ATTRIBUTES} attributes", reason="huge-tag")
