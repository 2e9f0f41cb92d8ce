"""Where the text of an article stands on a page: its container, and what is junk or a teaser beside it.

The good text of every element is measured: characters in paragraphs, less those of links, without parts
whose tag, class, id or role names them as junk and without teasers of other articles; a part that holds most
of the page's text is never dropped for its name. The container is the first of an ordered ladder of names
that holds enough of it, then the smallest element that holds most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from parsers.containers import JUNK, JUNK_TAGS, LADDER, OUTER

ENOUGH = 250
"""Characters of good text that make a container worth taking."""
_SHARE = 0.35  # of the page's good text that a container of the ladder must hold
_MOST = 0.8  # of its parent's good text that a child must hold to be gone into
_FEW = 600  # characters in <p> below which text straight in other elements is looked at too
_HEADLINE = 25  # characters that a linked headline has at least
_MOST_TEXTS = 5_000  # paragraphs that are measured; each costs as many steps as it is deep
_TEASER = 600  # characters that a teaser has at most beside its linked heading

_Text = tuple[LexborNode, int, str]
"""An element, how many characters of text it counts for, and the text by which a second copy is known."""


@dataclass(slots=True)
class _Column:
    """Texts that stand in the same element: all elements above them, innermost first, and their sums."""

    chain: list[LexborNode]
    length: int = 0
    value: float = 0.0


class Layout:
    """What was measured on one page: where its good text stands, which elements are junk.

    Elements are known by their `mem_id`, which holds as long as the tree.
    """

    def __init__(self, tree: LexborHTMLParser) -> None:
        self.tree = tree
        self.good: dict[int, float] = {}
        self.junk: dict[int, bool] = {}
        self.beside: dict[int, bool] = {}
        self.headlines: dict[int, bool] = {}
        self.teasers = _teasers(tree)
        self.total = 0.0
        self._measure(_paragraphs(tree))
        if self.total < _FEW:
            self._measure(_own_texts(tree))

    def _measure(self, texts: Iterable[_Text]) -> None:
        """Add the text of some elements to all that stand above them, unless it is a teaser or links."""
        everything: dict[int, int] = {}
        columns: dict[int, _Column] = {}
        seen: set[str] = set()
        for node, length, key in islice(texts, _MOST_TEXTS):
            if length < 25 or self.is_teaser(node) or self._beside_link(node):
                continue
            # Some pages hold the article twice, for large and for small screens: the first one counts.
            if length >= 80 and key in seen:
                continue
            seen.add(key)
            parent = node.parent
            place = parent.mem_id if parent is not None else 0
            column = columns.get(place)
            if column is None:
                column = columns[place] = _Column(_chain(node))
            column.length += length
            column.value += max(0.0, length - 1.5 * sum(map(_length, node.css("a"))))
        for column in columns.values():
            for above in column.chain:
                everything[above.mem_id] = everything.get(above.mem_id, 0) + column.length
        whole = max(everything.values(), default=0)
        for column in columns.values():
            if any(self._is_junk(above, everything.get(above.mem_id, 0), whole) for above in column.chain):
                continue
            self.total += column.value
            for above in column.chain:
                self.good[above.mem_id] = self.good.get(above.mem_id, 0.0) + column.value

    def _is_junk(self, node: LexborNode, length: int, whole: int) -> bool:
        known = self.junk.get(node.mem_id)
        if known is None:
            known = self.junk[node.mem_id] = is_junk(node) and length < 0.5 * whole
        return known

    def is_teaser(self, node: LexborNode) -> bool:
        """Whether the element stands in a teaser, a short block with another article's linked heading."""
        above: LexborNode | None = node if self.teasers else None
        while above is not None:
            if above.mem_id in self.teasers:
                return True
            above = above.parent
        return False

    def _beside_link(self, node: LexborNode) -> bool:
        """Whether a paragraph stands with hardly anything but a linked headline in whatever element."""
        parent = node.parent
        if parent is None or parent.tag in OUTER:
            return False
        known = self.beside.get(parent.mem_id)
        if known is None:
            around: LexborNode | None = parent
            if len(parent.css("p")) <= 1 and _length(parent) < _length(node) + 25:
                around = parent.parent
            known = around is not None and around.tag not in OUTER and self._is_headline(around)
            self.beside[parent.mem_id] = known
        return known

    def _is_headline(self, node: LexborNode) -> bool:
        known = self.headlines.get(node.mem_id)
        if known is None:
            known = self.headlines[node.mem_id] = _is_linked_headline(node)
        return known

    def container(self) -> LexborNode | None:
        """The element that holds the article."""
        for selector in LADDER:
            nodes = [node for node in self.tree.css(selector) if not self.junk.get(node.mem_id)]
            best = max(nodes, key=lambda node: self.good.get(node.mem_id, 0.0), default=None)
            if best is not None and self.good.get(best.mem_id, 0.0) >= max(ENOUGH, _SHARE * self.total):
                return self._narrow(best)
        body = self.tree.body
        return self._narrow(body) if body is not None and self.total > 0 else None

    def _narrow(self, node: LexborNode) -> LexborNode:
        """Go down while one child holds most of the good text."""
        while True:
            children = [child for child in node.iter() if child.mem_id in self.good]
            best = max(children, key=lambda child: self.good[child.mem_id], default=None)
            if best is None or self.good[best.mem_id] < _MOST * self.good.get(node.mem_id, 0.0):
                return node
            node = best

    def skip(self, node: LexborNode) -> bool:
        """Whether an element inside the container is no part of the text."""
        known = self.junk.get(node.mem_id)
        if known is not None:
            return known
        if node.mem_id in self.teasers or self.beside.get(node.mem_id):
            return True
        good = self.good.get(node.mem_id, 0.0)
        if is_junk(node) and good < 0.3 * self.total:
            return True
        return node.tag in ("div", "section", "ul", "ol") and good == 0 and _link_share(node) > 0.6


def is_junk(node: LexborNode) -> bool:
    """Whether tag, class, id or role name a part of the page that is not the article."""
    tag = node.tag or ""
    if tag in JUNK_TAGS:
        return True
    if tag in ("body", "html", "main", "p", "-text", "a", "b", "strong", "em", "i"):
        return False
    attributes = node.attributes
    if not attributes:
        return False
    if "articlebody" in (attributes.get("itemprop") or "").lower():
        return False
    names = (
        f"{attributes.get('class') or ''} {attributes.get('id') or ''} {attributes.get('role') or ''}".lower()
    )
    return JUNK.search(names) is not None


def _chain(node: LexborNode) -> list[LexborNode]:
    chain = []
    above = node.parent
    while above is not None and above.tag not in ("html", "-document"):
        chain.append(above)
        above = above.parent
    return chain


def _teasers(tree: LexborHTMLParser) -> set[int]:
    """Short blocks with a linked heading, two levels above it at most."""
    found: set[int] = set()
    seen: set[int] = set()
    for heading in tree.css("h2:has(a), h3:has(a), h4:has(a), a h2, a h3, a h4"):
        above = heading.parent
        for _ in range(2):
            if above is None or above.tag in OUTER or above.mem_id in seen:
                break
            seen.add(above.mem_id)
            if above.tag != "a" and _length(above) < _TEASER and len(above.css("h1,h2,h3,h4")) <= 1:
                found.add(above.mem_id)
            above = above.parent
    return found


def _is_linked_headline(node: LexborNode) -> bool:
    """Whether a short block holds the link of a headline outside its paragraphs."""
    paragraphs = node.css("p")
    if len(paragraphs) > 3 or _length(node) >= _TEASER:
        return False
    inside = {link.mem_id for paragraph in paragraphs for link in paragraph.css("a")}
    return any(link.mem_id not in inside and _length(link) >= _HEADLINE for link in node.css("a"))


def _length(node: LexborNode) -> int:
    """Characters of text, blanks of the mark-up not counted."""
    return len(" ".join(node.text().split()))


def _paragraphs(tree: LexborHTMLParser) -> Iterator[_Text]:
    for node in tree.css("p"):
        text = node.text()
        yield node, len(" ".join(text.split())), text.strip()


def _own_texts(tree: LexborHTMLParser) -> Iterator[_Text]:
    """Elements with text straight in them, for pages that use no <p>."""
    for node in tree.css("div, td, section, article, span, font, li, blockquote, pre"):
        inner = node.first_child
        if inner is None:
            continue
        length = len((node.text(deep=False) or "").strip())
        if length >= 60:
            # The text counts for the element itself: a child of it stands for the line.
            yield inner, length, (inner.text() or "").strip()


def _link_share(node: LexborNode) -> float:
    links = node.css("a")
    length = _length(node) if links else 0
    return sum(map(_length, links)) / length if length else 0.0
