"""The guards that stand before the HTML parser.

The parser is quadratic in the depth of the tree, in formatting elements that stay open, and in the number
of attributes of a tag, so a linear scan refuses such pages first. `guard` finds the tags of a page by one
pass of one regular expression, which costs less than the parsing does. Where what a tag is cannot be told in
one pass, `guard_by_steps` walks through the page tag by tag; it is the rule that `guard` must agree with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from parsers.errors import MarkupError

MAX_DEPTH = 500
"""Open elements at once. Real news pages have 19 in the median and 34 at most."""
MAX_TAG = 65_536
"""Bytes of one tag with its attributes, images given in place (`data:`) not counted: real pages have tags of
100 KB with one of those."""
MAX_ATTRIBUTES = 2_000
_FOREIGN_LEAVES = 5_000
"""Tags such as `<path/>` inside drawings that may close themselves; elsewhere "/>" closes nothing."""

_RAW_NAMES = (b"script", b"style", b"textarea", b"title", b"xmp", b"iframe", b"noembed", b"noframes")
_RAW = {name: re.compile(rb"</" + name + rb"[\s/>]", re.IGNORECASE) for name in _RAW_NAMES}
# Elements that never stay open (void), or that the next one of their kind closes.
_NO_DEPTH = frozenset(
    (
        b"area base basefont bgsound br col embed frame hr img input keygen link meta param source track "
        b"wbr "
        b"html head body p li dt dd option optgroup tr td th thead tbody tfoot colgroup caption rt "
        b"rp a nobr"
    ).split()
)
# The parser opens these again in every following block until they are closed (HTML standard, 13.2.4.3).
_FORMATTING = frozenset(b"b big code em font i s small strike strong tt u".split())
_SKIPPED = _NO_DEPTH | {b"/" + name for name in _NO_DEPTH}

_NAME = rb"[a-zA-Z][^\s/>]*+"
# A quotation mark opens a value only after "=", as in the standard; possessive, so that it cannot backtrack.
_REST = rb"[^>=]*+(?:=\"[^\"]*+\"[^>=]*+)*+(?:=\s*+(?:\"[^\"]*+\"|'[^']*+')?+[^>=]*+)*+"
# What most tags have after their name, too little for any limit: at most 61 * 60 / 2 < MAX_ATTRIBUTES names
# and 60 * 1,063 + 60 < MAX_TAG bytes. The rest of the others is kept and measured.
_SHORT_REST = rb"[^>=]{0,60}+(?:=(?:\"[^\"]{0,1000}+\"|(?![\"'\s]))[^>=]{0,60}+){0,60}+"
_TOKEN = re.compile(
    rb"<(?:"
    # First, at one go, whatever there is of the frequent tags that open nothing.
    rb"(?:/?+(?:a|li|p|img|td|tr|meta|link|br|body)(?=[\s/>])%(short)s>[^<]*+<)*+(?:"
    # An element whose content is text: name, rest if it is long, and the content from its first "<" on.
    rb"(%(raw)s)(?=[\s/>]|\Z)(?:%(short)s>|(%(rest)s(?:>|\Z)))[^<]*+((?:<(?!/(?i:\1)[\s/>])[^<]*+)*+)"
    # Any other tag: name with the "/" before it that closes, the end if it is "/>", rest if it is long.
    rb"|(/?+%(name)s)(?:%(short)s(?:((?<=/)>)|>)|(%(rest)s(?:>|\Z)))"
    rb"|!(?=--)[^>]*+(?:(?<!--)(?<!--!)>[^>]*+)*+(?:>|\Z)"
    rb"|<*(?=<)|))"  # or nothing, so that nothing is ever looked at twice
    % {b"raw": b"|".join(_RAW_NAMES), b"name": _NAME, b"rest": _REST, b"short": _SHORT_REST}
)
_TAG = re.compile(rb"<(?:(!--)|(/)?(%s)(?:%s>)?)" % (_NAME, _REST))
_TAG_END = ord(">")
_AT_ONE_GO = 1_000_000
_MAX_CROSSED = 10_000
"""End tags that are not of the innermost element: each may cost a look through all that are open."""
_MARKED = {b"/svg": b"\0/svg", b"/math": b"\0/math"}
_MARKS = frozenset(_MARKED.values())
_CLOSERS = {name: b"/" + name for name in b"div span h1 h2 h3 h4 section ul ol figure time table".split()}
_COMMENT_END = re.compile(rb"--!?>")
_DATA = re.compile(rb"=\s*(?:\"data:[^\"]*\"|'data:[^']*')")
_QUOTED = re.compile(rb"\"[^\"]*\"|'[^']*'")


class _Odd(Exception):
    """What the tags are cannot be told in one pass."""


class _Depth:
    """How many elements are open at a tag, as the parser sees it or more."""

    def __init__(self) -> None:
        self.waiting: dict[bytes, int] = {}
        """Open elements by name, formatting ones not counted."""
        self._stack: list[bytes] = []
        self._formatting: dict[bytes, int] = {}
        self._reopened = 0

    def open(self, name: bytes) -> None:
        """An element begins. MarkupError (`too-deep`) when it is one too many."""
        if name in _FORMATTING:
            self._formatting[name] = self._formatting.get(name, 0) + 1
            self._reopened += 1
        else:
            self._stack.append(name)
            self.waiting[name] = self.waiting.get(name, 0) + 1
        if len(self._stack) + self._reopened > MAX_DEPTH:
            raise MarkupError(f"more than {MAX_DEPTH} elements are open at once", reason="too-deep")

    def close(self, name: bytes) -> None:
        """The innermost open element of that name ends, and all inside it."""
        if self._formatting.get(name):
            self._formatting[name] -= 1
            self._reopened -= 1
        elif self.waiting.get(name):
            while self._stack:
                top = self._stack.pop()
                self.waiting[top] -= 1
                if top == name:
                    break

    @property
    def foreign(self) -> bool:
        """Whether we are inside a drawing or formula."""
        return bool(self.waiting.get(b"svg") or self.waiting.get(b"math"))


def guard(source: bytes) -> None:
    """Refuse, in linear time, mark-up that the parser would take minutes for.

    MarkupError: `too-deep` (MAX_DEPTH), `huge-tag` (MAX_TAG, MAX_ATTRIBUTES).
    """
    try:
        _guard_at_once(source)
    except _Odd:
        guard_by_steps(source)


def _guard_at_once(source: bytes) -> None:
    skipped, closers = _SKIPPED, dict(_CLOSERS)
    # The end tags that are waited for. Those of drawings are marked, so that they are never met by chance.
    stack = [b""]
    formatting = dict.fromkeys(_FORMATTING, 0)
    reopened = leaves = crossed = 0
    foreign = unsure = False
    limit = MAX_DEPTH + 1
    for raw, long_raw, inner, name, leaf, long_rest in _tokens(source):
        if long_rest or long_raw:
            _guard_tag(b"<" + (name or raw) + (long_rest or long_raw))
        if name == stack[-1] and name:
            stack.pop()
            continue
        if name in skipped:
            continue
        closer = closers.get(name)
        if closer is None or foreign:
            if not name and not (raw and foreign):
                continue  # a comment, or text
            name = (name or raw).lower()
            if name.startswith(b"/"):
                if formatting.get(name[1:]):
                    formatting[name[1:]] -= 1
                    reopened -= 1
                    continue
                crossed += 1
                if crossed > _MAX_CROSSED:
                    raise _Odd
                closer = _MARKED.get(name, name)
                if closer in stack:
                    while stack.pop() != closer:
                        pass
                    foreign = foreign and not _MARKS.isdisjoint(stack)
                continue
            if raw:
                if inner:
                    raise _Odd  # mark-up, and no text as it is outside of drawings
                unsure = True  # <style/> may be a leaf
            elif foreign and leaves < _FOREIGN_LEAVES and (leaf or long_rest.endswith(b"/>")):
                leaves += 1
                continue
            elif name in _RAW:
                raise _Odd  # <SCRIPT>: the expression knows small letters only
            elif name in _NO_DEPTH:
                continue
            closer = b"/" + name
            if closer in _MARKED:
                closer = _MARKED[closer]
                foreign = True
            elif name not in formatting:
                closers[name] = closer
        if name in formatting:
            formatting[name] += 1
            reopened += 1
        else:
            stack.append(closer)
        if len(stack) + reopened > limit:
            if unsure:
                raise _Odd
            raise MarkupError(f"more than {MAX_DEPTH} elements are open at once", reason="too-deep")


def _tokens(source: bytes) -> Iterable[tuple[bytes, ...]]:
    """The groups of every match of _TOKEN, at one go where they cannot take more than some 50 MB."""
    if len(source) <= _AT_ONE_GO:
        found: list[tuple[bytes, ...]] = _TOKEN.findall(source)
        return found
    return (token.groups(b"") for token in _TOKEN.finditer(source))


def guard_by_steps(source: bytes) -> None:
    """The same as `guard`, tag by tag, which takes three times as long."""
    depth = _Depth()
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
            _guard_tag(source[start:position])
        name = raw_name.lower()
        if closing:
            depth.close(name)
        elif name in _RAW and not depth.foreign:
            close = _RAW[name].search(source, position)
            if close is None:
                return
            position = close.start()
        elif depth.foreign and leaves < _FOREIGN_LEAVES and source[position - 2 : position] == b"/>":
            leaves += 1
        elif name not in _NO_DEPTH:
            depth.open(name)


def _guard_tag(tag: bytes) -> None:
    if len(tag) > MAX_TAG:
        size = len(_DATA.sub(b"", tag))
        if size > MAX_TAG:
            raise MarkupError(f"one tag has {size} bytes, more than {MAX_TAG}", reason="huge-tag")
    names = _QUOTED.sub(b" ", tag)
    if len(names.split()) > MAX_ATTRIBUTES:
        raise MarkupError(f"one tag has more than {MAX_ATTRIBUTES} attributes", reason="huge-tag")
