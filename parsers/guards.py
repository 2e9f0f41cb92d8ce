"""Refuses, before the HTML parser sees them, pages that it would take minutes or gigabytes for.

The parser is quadratic in the depth of the tree, in formatting elements that stay open (it opens them again
in every following block), and in the attributes of one tag. Two quick searches are enough to clear an
ordinary page: with few tags, few of them formatting, and none long, nothing can go wrong, however
they are nested. Only what is beyond that is scanned tag by tag.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from parsers.attribute_guard import guard_attributes
from parsers.errors import MarkupError

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
_SHORT_TAG = 20_000
_SURE_BYTES = 1_000_000
"""In a longer page every tag is measured. In a shorter one those are, behind which no ">" follows soon: none
can be too long there with all that it hides in quotation marks."""

# What begins a tag, also inside comments and scripts: there may be fewer in truth, never more.
_QUICK = re.compile(rb"<[a-zA-Z][^<]")
_QUICK_ROOTS = (b"<ht", b"<hT", b"<Ht", b"<HT", b"<bo", b"<bO", b"<Bo", b"<BO")
_QUICK_FORMATTING = frozenset(
    b"<%c%c" % (first, second)
    for name in (
        b"b",
        b"i",
        b"s",
        b"u",
        b"tt",
        b"em",
        b"big",
        b"code",
        b"font",
        b"small",
        b"strike",
        b"strong",
    )
    for first in name[:1] + name[:1].upper()
    for second in (name[1:2] + name[1:2].upper() if len(name) > 1 else b" \t\n\r\f/>")
)

# HTML standard 13.2.5: a value is quoted only where the quotation mark follows "="; possessive, so that it
# cannot backtrack. Without the last part the tag never ends.
_ATTRIBUTES = rb"(?:[\s/]++|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>]*+))?+)*+"
_TAG = re.compile(rb"<(?:(!--)|(/)?([a-zA-Z][^\s/>]*+)" + _ATTRIBUTES + rb">?)")
_LONG_TAG = re.compile(rb"<[a-zA-Z][^\s/>]*+" + _ATTRIBUTES)
_SEPARATORS = re.compile(rb"[\s/\"'=]+")
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


def guard(source: bytes) -> None:
    """Refuse, in linear time, mark-up that the parser would take minutes for. Raises MarkupError."""
    tags = _QUICK.findall(source)
    heads = Counter(tags)
    guard_attributes(source, sum(map(heads.__getitem__, _QUICK_ROOTS)))
    if len(tags) > _HARMLESS:
        formatting = sum(map(heads.__getitem__, _QUICK_FORMATTING))
        if len(tags) > _FEW_TAGS or formatting * len(tags) > _FEW_REOPENED:
            _Scan().run(source)
            return
    for match in _long_tags(source):
        # It may be a "less than" in a script, so it is only a reason to look closely.
        if match.end() - match.start() > _SHORT_TAG and _may_be_huge(match.group()):
            _Scan().run(source)
            return


def _long_tags(source: bytes) -> Iterator[re.Match[bytes]]:
    """All tags of a long page; of a shorter one those around the pieces in which no ">" stands."""
    if len(source) > _SURE_BYTES:
        yield from _LONG_TAG.finditer(source)
        return
    half = _SHORT_TAG // 2
    position = 0
    for begin in range(0, len(source) - half, half):
        if source.find(b">", begin, begin + half) >= 0:
            continue
        position = max(position, source.rfind(b">", 0, begin) + 1)
        while begins := _QUICK.search(source, position, begin + half):
            match = _LONG_TAG.match(source, begins.start())
            position = max(begins.end(), match.end() if match else 0)
            if match:
                yield match
        position = max(position, begin + half)


def _may_be_huge(tag: bytes) -> bool:
    return len(tag) > MAX_TAG or len(_SEPARATORS.findall(tag)) > MAX_ATTRIBUTES


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
                comment_end = _COMMENT_END.search(source, position - 2)
                if comment_end is None:
                    return
                position = comment_end.end()
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
            foreign = self.places.get(b"svg") or self.places.get(b"math")
            if name in _RAW and not foreign:
                close = _RAW[name].search(source, position)
                if close is None:
                    return
                position = close.start()
            elif foreign and leaves < _FOREIGN_LEAVES and source[position - 2 : position] == b"/>":
                leaves += 1
            elif name not in _NO_DEPTH:
                self._open(name)

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
