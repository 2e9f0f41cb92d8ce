"""What a page says of itself outside its text: JSON-LD, meta elements, microdata, breadcrumbs.

Every value is clean text; dates stay strings, for `parsers.dates` to read. Nothing here raises on broken
input: a JSON-LD block that cannot be read is searched for single values, or passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson
from selectolax.lexbor import LexborHTMLParser, LexborNode

from parsers.text import clean, words_only

_WORDS_ARTICLE_TYPES = """
    article newsarticle blogposting reportagenewsarticle analysisnewsarticle opinionnewsarticle
    liveblogposting backgroundnewsarticle reviewnewsarticle advertisercontentarticle
    socialmediaposting techarticle report
"""
_ARTICLE_TYPES = frozenset(_WORDS_ARTICLE_TYPES.split())
_EVERYTHING = 'meta[content], title, link[rel~="canonical"], script[type*="ld+json" i]'
_LARGEST = 1_000_000  # characters of one JSON-LD block
_DEEPEST = 6  # levels below the top at which an article may stand
_CONTROLS = re.compile("[\x00-\x1f]")
_TRAILING_COMMA = re.compile(r",\s*(?=[}\]])")
_WRAPPERS = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)[\s;]*$")
_SINGLE = re.compile(
    r'"(headline|description|datePublished|dateModified|articleSection|articleBody)"\s*:\s*"((?:[^"\\]|\\.)*)"'
)
_HOME = frozenset(("trang chủ", "home", "trang nhất", "home page", "homepage"))


@dataclass(frozen=True, slots=True)
class Linked:
    """The fields of the first article that the page's JSON-LD describes."""

    types: frozenset[str] = frozenset()
    headline: str = ""
    description: str = ""
    body: str = ""
    published: str = ""
    modified: str = ""
    authors: tuple[str, ...] = ()
    publisher: str = ""
    section: str = ""
    keywords: tuple[str, ...] = ()
    free: bool | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Metadata:
    """All of it: `article` from JSON-LD (None where it describes none), `types` of all JSON-LD objects in
    small letters, `meta` by name or property in small letters, `breadcrumbs` without home page and title."""

    article: Linked | None = None
    types: frozenset[str] = frozenset()
    meta: dict[str, tuple[str, ...]] = field(default_factory=dict)
    breadcrumbs: tuple[str, ...] = ()
    title: str = ""
    language: str = ""
    canonical: str = ""

    def one(self, *keys: str) -> str:
        """The first value that any of the meta elements has, in the order of the keys."""
        for key in keys:
            for value in self.meta.get(key, ()):
                if text := clean(value):
                    return text
        return ""

    def every(self, *keys: str) -> tuple[str, ...]:
        """All values of the first of the keys that has any."""
        for key in keys:
            if found := tuple(text for text in map(clean, self.meta.get(key, ())) if text):
                return found
        return ()


def read_metadata(tree: LexborHTMLParser) -> Metadata:
    """Read everything: from the head, and from the body where the head does not tell all that counts.

    A search through the body takes as long as all the rest.
    """
    found = _Found()
    if tree.head is not None:
        found.add(tree.head.css(_EVERYTHING))
    article = next(found.articles(), None)
    if not _tells_all(article, found) and tree.body is not None:
        found.add(tree.body.css(_EVERYTHING))
        article = article or next(found.articles(), None) or _rescued(found.scripts)
    root = tree.root
    return Metadata(
        article=article,
        types=frozenset(kind for item in found.objects for kind in _types(item)),
        meta={key: tuple(values[:100]) for key, values in found.meta.items()},
        breadcrumbs=_breadcrumbs(found.objects, article.headline if article else ""),
        title=found.title,
        language=(root.attributes.get("lang") or "").lower() if root is not None else "",
        canonical=found.canonical,
    )


class _Found:
    """What has been gathered so far, as the page has it."""

    def __init__(self) -> None:
        self.meta: dict[str, list[str]] = {}
        self.scripts: list[str] = []
        self.objects: list[dict[str, object]] = []
        self.title = self.canonical = ""

    def add(self, nodes: list[LexborNode]) -> None:
        for node in nodes:
            tag = node.tag
            if tag == "meta":
                _add_meta(self.meta, node.attributes)
            elif tag == "script":
                raw = node.text()
                self.scripts.append(raw)
                self.objects += _objects(_linked_data(raw))
            elif tag == "title":
                self.title = self.title or clean(node.text())
            else:
                self.canonical = self.canonical or (node.attributes.get("href") or "").strip()

    def articles(self) -> Iterator[Linked]:
        return (article for item in self.objects if (article := _article(item)) is not None)


def _tells_all(article: Linked | None, found: _Found) -> bool:
    """Whether the article is described so fully that the body can add nothing of use."""
    return (
        article is not None
        and bool(article.headline and article.published and article.authors)
        and bool(article.section or "article:section" in found.meta or _breadcrumbs(found.objects, ""))
    )


def _add_meta(meta: dict[str, list[str]], attributes: dict[str, str | None]) -> None:
    content = attributes.get("content")
    # Most are never asked for: they are cleaned when they are.
    if content:
        for name in ("property", "name", "itemprop"):
            key = (attributes.get(name) or "").strip().lower()
            if key:
                meta.setdefault(key, []).append(content)


def _linked_data(raw: str) -> object:
    """The value of a block of JSON-LD, None where no reader of JSON takes it."""
    if not raw or len(raw) > _LARGEST:
        return None
    try:
        return orjson.loads(raw)
    except ValueError:
        pass
    raw = _WRAPPERS.sub("", raw)
    for text in (raw, _TRAILING_COMMA.sub("", _CONTROLS.sub(" ", raw))):
        try:
            return json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _objects(value: object, depth: int = 0) -> Iterator[dict[str, object]]:
    if isinstance(value, list):
        for item in value[:200]:
            if depth <= _DEEPEST:
                yield from _objects(item, depth + 1)
    elif isinstance(value, dict):
        yield value
        for key in ("@graph", "mainEntity", "mainEntityOfPage", "itemListElement", "item"):
            if depth <= _DEEPEST and isinstance(value.get(key), (list, dict)):
                yield from _objects(value[key], depth + 1)


def _types(item: dict[str, object]) -> frozenset[str]:
    kind = item.get("@type")
    kinds = kind if isinstance(kind, list) else [kind]
    return frozenset(name.rpartition("/")[2].lower() for name in kinds if isinstance(name, str))


def _article(item: dict[str, object]) -> Linked | None:
    types = _types(item)
    if not types & _ARTICLE_TYPES:
        return None
    free = item.get("isAccessibleForFree")
    return Linked(
        types=types,
        headline=_text(item.get("headline")) or _text(item.get("name")),
        description=_text(item.get("description")),
        body=_body(item.get("articleBody")),
        published=_text(item.get("datePublished")),
        modified=_text(item.get("dateModified")),
        authors=tuple(_people(item.get("author"))),
        publisher=_text(item.get("publisher")),
        section=_text(item.get("articleSection")),
        keywords=tuple(_words(item.get("keywords"))),
        free=None if free is None else str(free).strip().lower() not in ("false", "0", "no"),
        address=_address(item),
    )


def _rescued(scripts: list[str]) -> Linked | None:
    """Single values out of JSON-LD that no reader of JSON takes."""
    for script in scripts:
        raw = script[:_LARGEST]
        if not re.search(r'"(?:News)?Article"', raw):
            continue
        found: dict[str, str] = {}
        for key, value in _SINGLE.findall(raw):
            found.setdefault(key, clean(value.replace('\\"', '"').replace("\\/", "/").replace("\\n", " ")))
        if found:
            return Linked(
                types=frozenset(("newsarticle",)),
                headline=found.get("headline", ""),
                description=found.get("description", ""),
                body=found.get("articleBody", ""),
                published=found.get("datePublished", ""),
                modified=found.get("dateModified", ""),
                section=found.get("articleSection", ""),
            )
    return None


def _text(value: object) -> str:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return next((text for text in map(_text, value[:20]) if text), "")
    if isinstance(value, dict):
        return _text(value.get("name") or value.get("@value"))
    return ""


def _body(value: object) -> str:
    """The body with its line feeds, which part the paragraphs."""
    if isinstance(value, list):
        value = "\n".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _people(value: object) -> Iterator[str]:
    for person in value if isinstance(value, list) else [value]:
        if isinstance(person, dict) and "organization" in " ".join(_types(person)):
            continue
        name = _text(person)
        if name:
            yield name


def _words(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from (word for word in map(clean, re.split(r"[,;]", value)) if word)
    elif isinstance(value, list):
        yield from (word for word in map(_text, value) if word)


def _address(item: dict[str, object]) -> str:
    for key in ("mainEntityOfPage", "url"):
        value = item.get(key)
        if isinstance(value, dict):
            value = value.get("@id") or value.get("url")
        if isinstance(value, str) and value.startswith("http"):
            return value
    return ""


def _breadcrumbs(objects: list[dict[str, object]], headline: str) -> tuple[str, ...]:
    names: list[str] = []
    for item in objects:
        if "listitem" in _types(item):
            name = _text(item.get("name")) or _text(item.get("item"))
            if (
                name
                and words_only(name) not in _HOME
                and words_only(name) != words_only(headline)
                and name not in names
            ):
                names.append(name)
        if len(names) >= 20:
            break
    return tuple(name for name in names[:6] if len(name) <= 60 and not name.startswith("http"))
