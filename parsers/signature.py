"""Date and writers as a page shows them near its headline, for pages whose metadata do not tell.

One query each finds all that may be either, by names that many content management systems share: a search
for one name costs as much as for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from parsers.blocks import block_text, read_blocks
from parsers.text import clean

_DATES = (
    'time, [itemprop="datePublished"], [class*="publish" i], [class*="date" i], [id*="date" i],'
    ' [class*="time" i]'
)
_AUTHORS = (
    '[itemprop="author"], [rel="author"], [class*="author" i], [class*="byline" i], [id*="author" i],'
    ' [class*="tacgia" i], a[href*="/author/"], a[href*="/tac-gia/"]'
)
_OUTER = frozenset(("body", "main", "html"))
"""Elements that hold the whole page."""
_LAST_WORD = re.compile(r"(?:^|[-_])(?:authors?|byline|writers?)$")
_MOST = 60  # elements that are looked at
_MOST_CLIMBS = 12  # elements around the headline in which a date is looked for
_NEAR = 3  # elements between the headline and that in which is looked first
_TEASER_LEVELS = 3
_LONGEST_DATE = 80  # characters
_NAME_CLASSES = frozenset(
    [
        "author-name",
        "author__name",
        "authorname",
        "byline-name",
        "byline__name",
        "article-author",
        "article__author",
        "author",
        "byline",
        "post-author",
        "author_mail",
    ]
)


def shown_dates(tree: LexborHTMLParser) -> list[tuple[str, str]]:
    """(where, text) of what may be the date of publication, the surest first.

    Taken are those that share the smallest element with the headline.
    """
    around = _around_headline(tree)
    levels = {node.mem_id: level for level, node in enumerate(around)}
    for scope in _scopes(around):
        found: dict[int, list[tuple[int, str, str]]] = {}
        for node in scope.css(_DATES)[:_MOST]:
            level = _level(node, levels)
            if level is None:
                continue
            for rank, where, text in _date_of(node):
                if text and len(text) <= _LONGEST_DATE and not _in_teaser(node):
                    found.setdefault(level, []).append((rank, where, text))
        if found:
            nearest = sorted(found[min(found)], key=lambda one: one[0])
            return [(where, text) for _, where, text in nearest]
    return []


def _around_headline(tree: LexborHTMLParser) -> list[LexborNode]:
    """The elements around the headline, the smallest first."""
    heading = tree.css_first("h1")
    found: list[LexborNode] = []
    above = heading.parent if heading is not None else tree.body
    while above is not None and len(found) < _MOST_CLIMBS and above.tag != "html":
        found.append(above)
        above = above.parent
    return found


def _scopes(around: list[LexborNode]) -> list[LexborNode]:
    """Where to look: what is near the headline first, as a look at the whole page costs ten times as much."""
    return [around[_NEAR], around[-1]] if len(around) > _NEAR + 1 else around[-1:]


def _level(node: LexborNode, around: dict[int, int]) -> int | None:
    above = node.parent
    for _ in range(2 * _MOST_CLIMBS):
        if above is None:
            return None
        level = around.get(above.mem_id)
        if level is not None:
            return level
        above = above.parent
    return None


def _date_of(node: LexborNode) -> list[tuple[int, str, str]]:
    attributes = node.attributes
    given = clean(attributes.get("datetime") or "")
    if node.tag == "time":
        return [(0, "css:time[datetime]", given)] if given else [(3, "css:time", block_text(node))]
    if (attributes.get("itemprop") or "").lower() == "datepublished":
        content = clean(attributes.get("content") or "") or given
        return [(1, "css:[itemprop=datePublished]", content or block_text(node))]
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower()
    for rank, word in ((4, "publish"), (5, "date"), (6, "time")):
        if word in names:
            if word == "time" and "timeline" in names:
                break
            return [(rank, f"css:[class*={word}]", block_text(node))]
    return []


def shown_authors(tree: LexborHTMLParser) -> Iterator[tuple[str, list[str]]]:
    """(where, texts) of what may name the writers, the surest first: near the headline, then on the page."""
    around = _around_headline(tree)
    if tree.body is not None:
        around.append(tree.body)
    for scope in _scopes(around):
        ranked: dict[int, list[LexborNode]] = {}
        for node in scope.css(_AUTHORS)[:_MOST]:
            rank = _author_rank(node)
            if rank is not None:
                ranked.setdefault(rank, []).append(node)
        for rank in sorted(ranked):
            yield f"css:{_WHERE[rank]}", _texts(rank, ranked[rank][:3])


def _author_rank(node: LexborNode) -> int | None:
    attributes = node.attributes
    classes = (attributes.get("class") or "").lower().split()
    if (attributes.get("itemprop") or "").lower() == "author":
        return 0
    if attributes.get("rel") == "author":
        return 1
    if any("name" in name for name in classes if "author" in name or "byline" in name):
        return 2
    if not _NAME_CLASSES.isdisjoint(classes):
        return 3
    if any(_LAST_WORD.search(name) for name in classes):
        return 4
    if "author" in (attributes.get("id") or "").lower() or any("tacgia" in name for name in classes):
        return 5
    return 6 if node.tag == "a" else None


_WHERE = (
    "[itemprop=author]",
    "[rel=author]",
    "[class*=author-name]",
    ".author",
    "[class$=author]",
    "[id*=author]",
    "a[href*=author]",
)


def _texts(rank: int, nodes: list[LexborNode]) -> list[str]:
    texts: list[str] = []
    for node in nodes:
        named = node.css('[itemprop="name"]') if rank == 0 else []
        linked = node.css("a") if rank in (3, 4) else []
        for inner in named or linked[:3] or [node]:
            texts += [block.text for block in read_blocks(inner).blocks]
        if not texts and (content := clean(node.attributes.get("content") or "")):
            texts.append(content)
    return texts


def _in_teaser(node: LexborNode) -> bool:
    """Whether the element stands close to the linked heading of another article."""
    above = node.parent
    for _ in range(_TEASER_LEVELS):
        if above is None or above.tag in _OUTER or above.css_first("h1") is not None:
            return False
        if above.css_first("h2 a, h3 a, h4 a, a h2, a h3, a h4") is not None:
            return True
        above = above.parent
    return False
