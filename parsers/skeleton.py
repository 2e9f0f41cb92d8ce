"""A first `SiteParser` for a site, guessed from one saved page. Pure.

The generic extractor says what the fields are; here the elements that hold them are looked for, and for each
a selector. One page is no proof: whoever takes the result over looks at each selector.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from selectolax.lexbor import LexborNode

from parsers.article import Article, Rejection
from parsers.dates import parse_date
from parsers.html import Page, attribute, read_page
from parsers.metadata import Metadata, read_metadata
from parsers.reading import parse_article, read_article, recognise
from parsers.sites.spec import SiteParser
from parsers.text import clean, words_only

# What can stand in a selector without being escaped, and means the same on the next page: no numbers.
_NAME = re.compile(r"[A-Za-z_][A-Za-z_-]*\Z")
_DATES = (
    'meta[property="article:published_time"]@content',
    'meta[itemprop="datePublished"]@content',
    "[itemprop=datePublished]@datetime",
    "time[datetime]@datetime",
)
_LEAD = (10, 120)
"""A lead has so many syllables at least and at most."""
_LEVELS = 4
"""So far up an element with a name of its own is looked for, to name one below that has none."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a page shows of its site.

    `family` is the site parser that knows its mark-up; else `spec` is what was guessed. `article` is the page
    as that parser reads it, `paper` the name that the site gives itself, `feeds` those that the page links.
    """

    article: Article
    family: str | None
    spec: SiteParser | None
    paper: str
    feeds: tuple[str, ...]


def guess_site(html: bytes, url: str, name: str) -> Guess | Rejection:
    """Guess the parser of a site from one of its articles; a Rejection if the page gives none.

    `name` is that of the new parser. Raises MarkupError for bytes beyond the guards.
    """
    page = read_page(html, url)
    metadata = read_metadata(page.tree)
    paper = metadata.one("og:site_name")
    feeds = tuple(
        dict.fromkeys(
            attribute(node, "href")
            for node in page.tree.css('link[type="application/rss+xml"], link[type="application/atom+xml"]')
            if attribute(node, "href")
        )
    )
    known = recognise(page, metadata)
    if known is not None:
        read = parse_article(html, url, parser=known.name)
        return read if isinstance(read, Rejection) else Guess(read, known.name, None, paper, feeds)
    read = parse_article(html, url, parser="generic")
    if isinstance(read, Rejection):
        return read
    spec = _spec(page, metadata, read, name)
    again = read_article(html, url, spec, content_type=None, parser=name, language="vi")
    return again if isinstance(again, Rejection) else Guess(again, None, spec, paper, feeds)


def _spec(page: Page, metadata: Metadata, article: Article, name: str) -> SiteParser:
    body = _body(page, article)
    body_selector = (selector_of(page, body) if body is not None else None) or "body"
    inside = {node.mem_id for node in body.css("*")} if body is not None else set()
    lead = _holder(page, article.lead or "", "h2, h3, p, div, span, strong")
    if lead is None and body is not None:
        # Not found by its very words: the extractor saw none, or took a dateline off it.
        between = _between(page, body)
        if between is not None and words_only(article.lead or "") in words_only(clean(between.text())):
            lead = between
    spec = SiteParser(
        name=name,
        version="1",
        recognise=(_recognise(page, metadata, body_selector),),
        title=_titles(page, article),
        body=(body_selector,),
        lead=_one(page, lead),
        date=_dates(page, article),
        author=tuple(_each(page, article.authors, "a, span, p, div, strong, b")),
        section=tuple(_each(page, (article.section or "",), "a, span, li")),
        tags=tuple(_each(page, article.tags, "a, span, li")),
        caption=tuple(_each(page, article.captions, "figcaption, p, td, div, span")),
        seen_on=(urlsplit(page.url).hostname or "",),
    )
    # An author who is named within the text must not be read as a part of it.
    written = [selector for selector in spec.author if _is_within(page, selector, inside)]
    others = _not_text(page, body, article) if body is not None else []
    return replace(spec, remove=tuple(dict.fromkeys((*written, *others))))


def _not_text(page: Page, body: LexborNode, article: Article) -> list[str]:
    """The elements of the body, by name, in which the generic extractor saw no text of the article."""
    told = [*(paragraph.text for paragraph in article.paragraphs), *article.captions, article.lead or ""]
    keys = [key for text in told if (key := words_only(text))]
    found: list[str] = []
    waiting = [child for child in body.iter() if child.mem_id != body.mem_id]
    while waiting:
        node = waiting.pop()
        key = words_only(clean(node.text(separator=" ")))
        if not key or any(key in told_key for told_key in keys):
            continue
        if any(told_key in key for told_key in keys):
            waiting.extend(child for child in node.iter() if child.mem_id != node.mem_id)
            continue
        selector = selector_of(page, node, only=False)
        if selector is not None and not _holds_text(page, selector, keys):
            found.append(selector)
    return sorted(found)


def _holds_text(page: Page, selector: str, keys: list[str]) -> bool:
    """Whether an element that the selector matches holds text of the article: then it must not go."""
    texts = [words_only(clean(node.text(separator=" "))) for node in page.tree.css(selector)]
    return any(text and (text in key or key in text) for text in texts for key in keys)


def _one(page: Page, node: LexborNode | None) -> tuple[str, ...]:
    selector = selector_of(page, node) if node is not None else None
    return (selector,) if selector is not None else ()


def _titles(page: Page, article: Article) -> tuple[str, ...]:
    node = _holder(page, article.title, "h1, h2, [itemprop=headline]")
    return tuple(dict.fromkeys((*_one(page, node), "h1")))


def _recognise(page: Page, metadata: Metadata, body: str) -> str:
    """What only pages of this site have: their own address, or its name, or at least the body."""
    host = urlsplit(page.url).hostname or ""
    paper = metadata.one("og:site_name")
    for selector, usable in (
        (f'link[rel="canonical"][href*="//{host}/"]', True),
        (f'meta[property="og:url"][content*="//{host}/"]', True),
        (f'meta[property="og:site_name"][content="{paper}"]', paper and not set(paper) & set('"\\\n')),
    ):
        if usable and page.tree.css_first(selector) is not None:
            return selector
    return body


def _body(page: Page, article: Article) -> LexborNode | None:
    """The smallest element that holds all paragraphs."""
    wanted = [words_only(paragraph.text) for paragraph in article.paragraphs if paragraph.kind == "paragraph"]
    best: tuple[int, LexborNode] | None = None
    for node in page.tree.css("article, section, main, div, td"):
        text = node.text(separator=" ")
        if best is not None and len(text) > best[0]:
            continue
        key = words_only(text)
        if all(paragraph in key for paragraph in wanted):
            best = (len(text), node)
    return best[1] if best is not None else None


def _holder(page: Page, text: str, among: str) -> LexborNode | None:
    """The innermost of the elements whose text is just this one."""
    wanted = words_only(text)
    found = [node for node in page.tree.css(among) if wanted and words_only(clean(node.text())) == wanted]
    return next((node for node in found if not _contains_other(node, found)), None)


def _between(page: Page, body: LexborNode) -> LexborNode | None:
    """The first text between headline and body that is as long as a lead."""
    stop = {body.mem_id} | {node.mem_id for node in body.css("*")}
    started = False
    for node in page.tree.css(f"h1, h2, h3, p, div, strong, {body.tag}"):
        if node.mem_id in stop:
            return None
        if node.tag == "h1":
            started = True
        elif started and len(node.css("h1, h2, h3, p, div")) <= 1 and _is_lead(node):
            return node
    return None


def _is_lead(node: LexborNode) -> bool:
    return _LEAD[0] <= len(clean(node.text()).split()) <= _LEAD[1]


def _contains_other(node: LexborNode, others: Iterable[LexborNode]) -> bool:
    below = {child.mem_id for child in node.css("*")} - {node.mem_id}
    return any(other.mem_id in below for other in others)


def _each(page: Page, texts: Iterable[str], among: str) -> Iterable[str]:
    """Selectors of the elements that hold the texts, each once."""
    nodes = (_holder(page, text, among) for text in texts)
    selectors = (selector_of(page, node, only=False) for node in nodes if node is not None)
    return dict.fromkeys(selector for selector in selectors if selector is not None)


def _dates(page: Page, article: Article) -> tuple[str, ...]:
    if article.published_at is None:
        return ()
    found = [
        selector
        for selector in _DATES
        if any(_is_date(attribute(node, _attribute(selector)), article) for node in _matches(page, selector))
    ]
    shown = [
        node
        for node in page.tree.css("time, span, p, div")
        if len(text := clean(node.text())) <= 60 and _is_date(text, article)
    ]
    inner = next((node for node in shown if not _contains_other(node, shown)), None)
    return (*found, *_one(page, inner))


def _attribute(selector: str) -> str:
    return selector.partition("@")[2]


def _matches(page: Page, selector: str) -> list[LexborNode]:
    return page.tree.css(selector.partition("@")[0])


def _is_date(text: str, article: Article) -> bool:
    dated = parse_date(text) if text else None
    told = article.published_at
    return dated is not None and told is not None and dated[0].date() == told.date() and dated[0] <= told


def _is_within(page: Page, selector: str, inside: set[int]) -> bool:
    return any(node.mem_id in inside for node in page.tree.css(selector))


def selector_of(page: Page, node: LexborNode, *, only: bool = True) -> str | None:
    """A selector whose first match is the element, with `only=False` any that matches it; None: no name.

    Made of names without numbers: those are of one article or one build of the site.
    """

    def fits(selector: str) -> bool:
        if not only:
            return any(found.mem_id == node.mem_id for found in page.tree.css(selector))
        first = page.tree.css_first(selector)
        return first is not None and first.mem_id == node.mem_id

    alone = len(page.tree.css(node.tag or "*")) == 1
    return _named(node, fits) or _below(node, fits) or (node.tag if alone else None)


def _named(node: LexborNode, fits: Callable[[str], bool]) -> str | None:
    return next((selector for selector in _names(node) if fits(selector)), None)


def _names(node: LexborNode) -> list[str]:
    """Selectors that name the element by itself, the surest first."""
    tag = node.tag or "*"
    item, identity = attribute(node, "itemprop"), attribute(node, "id")
    classes = [name for name in attribute(node, "class").split() if _NAME.match(name)]
    found = [f"#{identity}"] if _NAME.match(identity) else []
    found += [f"{tag}[itemprop={item}]"] if _NAME.match(item) else []
    found += [f"{tag}.{name}" for name in sorted(classes, key=len, reverse=True)]
    return [*found, f"{tag}.{'.'.join(classes)}"] if len(classes) > 1 else found


def _below(node: LexborNode, fits: Callable[[str], bool]) -> str | None:
    """The element as one below another that has a name."""
    tag = node.tag or "*"
    above = node.parent
    for _ in range(_LEVELS):
        if above is None or above.tag in (None, "html", "-undef", "-document"):
            return None
        for name in _names(above):
            if fits(f"{name} {tag}"):
                return f"{name} {tag}"
        above = above.parent
    return None
