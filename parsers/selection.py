"""Which parts of an outline are the article: the container first, then what is no text inside it.

The good text of an element is the characters of its paragraphs less those of their links. The container is
the first of an ordered ladder of names that holds enough of it, else the smallest element that holds most.
"""

from __future__ import annotations

from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from parsers.article import ParagraphKind
from parsers.naming import JUNK, RANK, RANK_ARTICLE, RANKS, STRONG
from parsers.outline import Outline, Part, read_outline

ENOUGH = 250
"""Characters of good text that make a container worth taking."""
_SHORTEST = 25  # characters of a paragraph that counts
_SHARES = (0.0, 0.15, 0.25, 0.25, 0.4, 0.4, 0.4)
"""Of the page's good text that a container of each rank must hold: a surer name needs less."""
_MOST = 0.8  # of its parent's good text that a child must hold to be gone into
_MOST_OF_PAGE = 0.7  # the same where nothing is named: there is more around the text
_ALL_NAMES, _SURE_NAMES, _TAGS = 1, 2, 3
_SURE = 2_000  # characters of good text beside which what was pruned is not looked at
_SECTIONS = frozenset(("div", "section", "ul", "ol", "article", "table", "dl"))
_IN_PIECES = 1.3  # times the largest piece that all of them hold
_OWN = 60  # characters of good text in paragraphs of its own that a container must not lose
_SEVERAL = 3  # articles with headlines that make a page of several
_TEASER = 600  # characters that a teaser has at most beside its linked heading


@dataclass(slots=True)
class Selection:
    """The outline, the chosen container (an index into it), its parts, and the captions inside it."""

    outline: Outline
    container: int
    parts: list[Part]
    captions: list[Part]


def select(body: LexborNode, *, is_article: bool = True) -> Selection | None:
    """The article's parts; None where the body holds no text at all.

    `is_article`: the page says that it is an article, so that linked headings may be those of its items.
    """
    outline = read_outline(body)
    good, total = measure(outline)
    if total < _SURE and any(_paragraphs(node) > total + ENOUGH for node in outline.pruned):
        whole = read_outline(body, _may_matter)
        restored, trust = restore(whole)
        if trust == _TAGS:
            # Names mean nothing on this page: what is small may be text too.
            whole = read_outline(body, lambda _: True)
            restored, _ = restore(whole)
        if restored > total:
            outline = whole
            good, total = measure(outline)
    if not outline.parts:
        return None
    container = choose(outline, good, total)
    if is_article:
        container = first_of_several(outline, good, container)
    parts = outline.parts[outline.first[container] : outline.last[container]]
    captions = [part for part in parts if part.tag == "figcaption"]
    dropped = links_and_teasers(outline, container, listed=is_article)
    kept = [
        part
        for part in parts
        if part.tag != "figcaption" and not dropped[part.place] and not is_links(part, listed=is_article)
    ]
    return Selection(outline, container, kept, captions)


def _may_matter(junk: LexborNode) -> bool:
    """Whether a piece of junk holds so much that its name may mean nothing."""
    return len(junk.text()) >= ENOUGH


def _paragraphs(node: LexborNode) -> int:
    """Characters in the paragraphs below a node."""
    return sum(len(paragraph.text().strip()) for paragraph in node.css("p"))


def value(part: Part) -> float:
    """How much good text a part is, in characters."""
    length = len(part.text)
    if part.tag == "figcaption" or length < (_SHORTEST if part.tag == "p" else 60):
        return 0.0
    return max(0.0, length - 1.5 * part.linked)


def measure(outline: Outline) -> tuple[list[float], float]:
    """The good text of every element with all inside it, and of the body."""
    good = [0.0] * len(outline.tags)
    seen: set[str] = set()
    for part in outline.parts:
        if len(part.text) < _SHORTEST or not (worth := value(part)):
            continue
        if worth > 80:
            # Some pages hold the article twice, for large and for small screens: the first one counts.
            if part.text in seen:
                continue
            seen.add(part.text)
        good[part.place] += worth
    parents = outline.parents
    for index in range(len(good) - 1, 0, -1):
        good[parents[index]] += good[index]
    return good, good[0]


def restore(outline: Outline) -> tuple[float, int]:
    """Drop the parts of junk that holds little of the text; names that would take most of it mean nothing.

    Returns the good text that is left, and which names were trusted.
    """
    good, total = measure(outline)
    marks, parents, tags = outline.marks, outline.parents, outline.tags
    for trust in (_ALL_NAMES, _SURE_NAMES, _TAGS):
        junk = [False] * len(tags)
        for index in range(1, len(junk)):
            mark = marks[index]
            named = mark & JUNK and (trust != _TAGS or tags[index] in ("aside", "footer", "header"))
            restored = good[index] >= 0.5 * total and not (trust == _ALL_NAMES and mark & STRONG)
            junk[index] = junk[parents[index]] or (bool(named) and not restored)
        kept = [part for part in outline.parts if not junk[part.place]]
        left = sum(map(value, kept))
        if left >= 0.4 * total or (trust == _ALL_NAMES and left >= 2 * ENOUGH):
            break
    outline.parts = kept
    return renumber(outline), trust


def renumber(outline: Outline) -> float:
    """Set `first` and `last` anew from the places of the parts; returns the good text."""
    size = len(outline.tags)
    outline.first = [len(outline.parts)] * size
    outline.last = [0] * size
    first, last, parents = outline.first, outline.last, outline.parents
    for number, part in enumerate(outline.parts):
        first[part.place] = min(first[part.place], number)
        last[part.place] = max(last[part.place], number + 1)
    for index in range(size - 1, 0, -1):
        above = parents[index]
        first[above] = min(first[above], first[index])
        last[above] = max(last[above], last[index])
    return measure(outline)[1]


def choose(outline: Outline, good: list[float], total: float) -> int:
    """The index of the container."""
    marks, tags = outline.marks, outline.tags
    ranked: list[list[int]] = [[] for _ in range(RANKS + 1)]
    for index, mark in enumerate(marks):
        if good[index] >= ENOUGH:
            rank = mark // RANK
            if rank:
                ranked[rank].append(index)
            if tags[index] == "article" and rank != 1:
                ranked[RANK_ARTICLE].append(index)
            elif tags[index] == "main":
                ranked[RANKS].append(index)
    for share, found in zip(_SHARES[1:], ranked[1:], strict=True):
        best = max(found, key=lambda index: good[index], default=0)
        if best and good[best] >= max(ENOUGH, share * total):
            together = _together(outline, good, found, best)
            if together:
                return together
            first = next(index for index in found if good[index] >= 0.5 * good[best])
            return narrow(outline, good, first)
    if total < ENOUGH:
        # A gallery or a stub: what is named as the article, though there is no text to speak of.
        named = (index for index, mark in enumerate(marks) if mark >= RANK or tags[index] == "article")
        return next((index for index in named if outline.last[index] > outline.first[index]), 0)
    return narrow(outline, good, 0, _MOST_OF_PAGE)


def _together(outline: Outline, good: list[float], found: list[int], best: int) -> int:
    """The element around several containers of one rank that hold an article in pieces, 0 if they do not."""
    parents = outline.parents
    pieces: list[int] = []
    for index in found:
        above = parents[index]
        while above > 0 and above not in pieces:
            above = parents[above]
        if above <= 0:
            pieces.append(index)
    whole = sum(good[index] for index in pieces)
    if len(pieces) < 2 or whole < _IN_PIECES * good[best]:
        return 0
    around = best
    while around > 0 and good[around] < 0.95 * whole:
        around = parents[around]
    if len({_article_around(outline, index, around) for index in pieces}) > 1:
        return 0  # each is in an article of its own: a list of several
    apart = sum(outline.tags[index] in ("article", "h1") and good[index] > 0.2 * whole for index in pieces)
    return around if around > 0 and not apart and good[around] <= 1.3 * whole else 0


def first_of_several(outline: Outline, good: list[float], container: int) -> int:
    """The first of several whole articles below a container, each with a headline of its own; else itself.

    Some pages of one article go on with the next ones below it.
    """
    tags, parents = outline.tags, outline.parents
    inside = outline.parts[outline.first[container] : outline.last[container]]
    headed = [part.place for part in inside if part.tag == "h1"]
    if len(headed) < _SEVERAL:
        return container
    found: list[int] = []
    for place in headed:
        home = _article_around(outline, place, container)
        if home and home not in found and good[home] >= ENOUGH:
            found.append(home)
    if len(found) < _SEVERAL or any(tags[index] != "article" for index in found):
        return container
    apart = [index for index in found if parents[index] not in found]
    if sum(good[index] for index in apart) < _MOST * good[container]:
        return container
    return narrow(outline, good, apart[0])


def _article_around(outline: Outline, index: int, top: int) -> int:
    """The innermost element `article` below `top` in which an element stands or which it is, 0 if none."""
    while index > top and outline.tags[index] != "article":
        index = outline.parents[index]
    return index if index > top else 0


def narrow(outline: Outline, good: list[float], index: int, most: float = _MOST) -> int:
    """Go down while one child holds most of the good text."""
    parents = outline.parents
    own = [0.0] * len(parents)
    for part in outline.parts[outline.first[index] : outline.last[index]]:
        if part.tag == "p":
            own[parents[part.place]] += value(part)
    best = index
    for below in range(index + 1, len(parents)):
        if parents[below] < index:
            break
        if parents[below] == best and good[below] >= most * good[best]:
            if own[best] > _OWN and outline.marks[best] >= RANK:
                break  # named as the text, and has paragraphs beside the child
            best = below
    return best


def is_links(part: Part, *, listed: bool) -> bool:
    """Whether a part is a link to something else and not a sentence with a link in it."""
    length = len(part.text)
    if part.kind is ParagraphKind.HEADING and listed:
        return False
    return part.linked > 0.7 * length and (length < 200 or part.kind is ParagraphKind.LIST)


def links_and_teasers(
    outline: Outline, container: int, *, listed: bool, with_teasers: bool = True
) -> list[bool]:
    """For every element below the container, whether it holds mostly links or is another article's teaser."""
    size = len(outline.tags)
    dropped = [False] * size
    length, linked, headings, linked_headings = [0] * size, [0] * size, [0] * size, [0] * size
    for part in outline.parts[outline.first[container] : outline.last[container]]:
        place, chars = part.place, len(part.text)
        length[place] += chars
        linked[place] += part.linked
        if part.kind is ParagraphKind.HEADING:
            headings[place] += 1
            linked_headings[place] += part.linked > 0.7 * chars
    parents = outline.parents
    end = container + 1
    while end < size and parents[end] >= container:
        end += 1
    for index in range(end - 1, container, -1):
        above = parents[index]
        length[above] += length[index]
        linked[above] += linked[index]
        headings[above] += headings[index]
        linked_headings[above] += linked_headings[index]
    teasers = 0
    for index in range(container + 1, end):
        if dropped[parents[index]]:
            dropped[index] = True
        elif outline.tags[index] in _SECTIONS and length[index]:
            if linked[index] > 0.6 * length[index] and length[index] < 2_000:
                dropped[index] = True
            elif headings[index] == linked_headings[index] == 1 and length[index] < _TEASER:
                dropped[index] = with_teasers
                teasers += length[index]
    if with_teasers and listed and teasers > 0.5 * length[container]:
        # An article that is a list: its items look like teasers.
        return links_and_teasers(outline, container, listed=True, with_teasers=False)
    return dropped
