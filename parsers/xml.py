"""XML that is nearly XML: guards, decoding and repair before libxml2 sees a byte.

Feeds come as UTF-16, with blanks before the declaration, bare ampersands, HTML entities and control
characters, cut off in the middle, or are not XML at all but a page that asks for cookies. What goes into
the parser is text that this module wrote again: UTF-8, without declaration, comments, processing
instructions and DOCTYPE. There is no DTD, no entity and no network to abuse, and libxml2 keeps its own
limits (256 levels, 10 MB in one text).
"""

from __future__ import annotations

import codecs
import html.entities
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from parsers.errors import DriftError, FeedError

MAX_FEED_BYTES: Final = 10 * 1024 * 1024
"""Largest feed that is read, in bytes."""

TRUNCATED: Final = "truncated"
"""The problem of a document whose root element is not closed: only its complete units were read."""

REPAIRED: Final = "repaired-markup"
"""The problem of a document that is not well-formed but could be read."""

BAD_BYTES: Final = "bad-bytes"
"""The problem of a document with bytes that its encoding does not have; they became U+FFFD."""

# Declared names that are believed, with the Python codec; ISO 8859-1 means windows-1252 on the web.
_CODECS: Final = {
    "windows-1258": "cp1258", "cp1258": "cp1258", "windows-1252": "cp1252", "cp1252": "cp1252",
    "iso-8859-1": "cp1252", "latin1": "cp1252",
}  # fmt: skip
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\x00?\x00", "utf-16-le"),
    (b"<\x00r\x00", "utf-16-le"),
    (b"\x00<\x00", "utf-16-be"),
)
_DECLARED: Final = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})""")
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._-]{1,40})""", re.IGNORECASE)

# Everything that XML 1.0 section 2.2 does not call a character.
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL: Final = re.compile(r"<!\[CDATA\[|<!--|<\?")
_ENDS: Final = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
_DOCTYPE: Final = re.compile(r"<!DOCTYPE[^\[<>]*>", re.IGNORECASE)
_BARE_LESS: Final = re.compile(r"<(?=[\s\d=<])", re.ASCII)
_BARE_AMPERSAND: Final = re.compile(
    r"&(?!#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)", re.ASCII
)
# All references but to the five entities that XML has of its own.
_REFERENCE: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([#A-Za-z][A-Za-z0-9]{1,31};)", re.ASCII)

_FIRST_TAG: Final = re.compile(r"<(!DOCTYPE\s+html|[A-Za-z][A-Za-z0-9]*)[\s/>]", re.IGNORECASE | re.ASCII)
_HTML_TAGS: Final = frozenset(
    {"body", "center", "div", "h1", "head", "html", "iframe", "link", "meta", "noscript", "p", "script",
     "style", "table", "title"}
)  # fmt: skip
_CHALLENGE: Final = re.compile(
    r"just a moment\.\.\.|challenge-platform|cf[-_]chl|cf-browser-verification|checking your browser"
    r"|attention required|_incapsula_|ddos-guard|sucuri_cloudproxy|enable javascript and cookies"
    r"|captcha|xác (?:minh|thực) (?:bạn|rằng bạn|trình duyệt)",
    re.IGNORECASE,
)
_SETS_COOKIE: Final = re.compile(r"document\.cookie\s*=", re.IGNORECASE)
_RELOADS: Final = re.compile(r"location\.(?:reload|replace|href|assign)|window\.location|location\s*=", re.I)
# Real pages load scripts that name captchas and cookies too; a challenge is a small page of its own.
_MAX_CHALLENGE_CHARS: Final = 60_000


@dataclass(frozen=True, slots=True)
class XmlDocument:
    """The root of a document that was read, and the problems met: TRUNCATED, REPAIRED, BAD_BYTES."""

    root: etree._Element
    problems: tuple[str, ...]


def read_xml(
    data: bytes,
    content_type: str | None = None,
    *,
    units: tuple[str, ...],
    max_bytes: int = MAX_FEED_BYTES,
) -> XmlDocument:
    """Read a feed or sitemap whose repeated elements have the local names `units`.

    Of a document that was cut off, the complete units are kept. Raises FeedError with the reason
    `too-large`, `empty-body`, `challenge-page`, `html-instead-of-feed`, `xml-entities`, `xml-dtd`,
    `xml-limits` or `malformed`.
    """
    text, problems = decode(data, content_type, max_bytes=max_bytes)
    refuse_html(text)
    clean, finished = _rewrite(text)
    if not finished or re.search(_root_end(clean), clean) is None:
        clean, cut = _complete_units(clean, units)
        if cut:
            problems.append(TRUNCATED)
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, encoding="utf-8",
    )  # fmt: skip
    root = _parsed(clean, parser)
    faults = parser.error_log
    if any(fault.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT or "Excessive depth" in fault.message
           for fault in faults):  # fmt: skip
        raise FeedError("nested too deep, or one text is too long", reason="xml-limits")
    if root is None:
        raise FeedError("no XML element is in it", reason="malformed")
    if root.getroottree().docinfo.internalDTD is not None:
        raise FeedError("it brings a document type of its own", reason="xml-dtd")
    if len(faults) and TRUNCATED not in problems:
        problems.append(REPAIRED)
    return XmlDocument(root, tuple(problems))


def decode(data: bytes, content_type: str | None, *, max_bytes: int) -> tuple[str, list[str]]:
    """Bytes as text without BOM, leading blanks and characters illegal in XML; and the problems met.

    A byte order mark decides, then valid UTF-8, whatever was declared; only then is a declared legacy
    encoding believed. Raises FeedError (`too-large`, `empty-body`).
    """
    if len(data) > max_bytes:
        raise FeedError(f"{len(data)} bytes, more than {max_bytes}", reason="too-large")
    data = data.lstrip(b" \t\r\n") if data[:1] in b" \t\r\n" else data
    problems: list[str] = []
    codec = next((name for mark, name in _BOMS if data.startswith(mark)), None)
    if codec is None or codec == "utf-8":
        text = _decode_bytes(data, content_type, problems)
    else:
        text = data.decode(codec, "replace")
    text = _ILLEGAL.sub("", text).lstrip("\ufeff \t\r\n")
    if not text:
        raise FeedError("nothing is in it", reason="empty-body")
    return text, problems


def refuse_html(text: str) -> None:
    """Raise FeedError (`challenge-page`, `html-instead-of-feed`) if the text is an HTML page."""
    start = _without_prolog(text[:_MAX_CHALLENGE_CHARS])
    match = _FIRST_TAG.match(start)
    name = match.group(1).lower() if match else ""
    if not (name.startswith("!doctype") or name in _HTML_TAGS):
        return
    if len(text) <= _MAX_CHALLENGE_CHARS and (
        _CHALLENGE.search(text) or (_SETS_COOKIE.search(text) and _RELOADS.search(text))
    ):
        raise FeedError(
            "a page that wants a browser with cookies or a person",
            reason="challenge-page",
            hint="the site guards this address; it is not worked around, look for another feed",
        )
    raise DriftError(
        "an HTML page, not a feed or sitemap",
        reason="html-instead-of-feed",
        hint="the address may have moved; look it up on the site",
    )


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace, lower-case; empty for comments and the like."""
    tag: object = element.tag  # a function for comments, whatever the stubs say
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def namespace(element: etree._Element) -> str:
    """The element's namespace; a prefix that was never declared counts as one."""
    tag: object = element.tag
    if not isinstance(tag, str):
        return ""
    space, _, local = tag.rpartition("}")
    return space.lstrip("{") or local.rpartition(":")[0]


def text_of(element: etree._Element) -> str:
    """All text inside the element."""
    return "".join(str(piece) for piece in element.itertext())


def _parsed(text: str, parser: etree.XMLParser) -> etree._Element | None:
    # In spite of its stubs, lxml gives None where it recovers nothing.
    try:
        return etree.fromstring(text.encode(), parser)
    except (etree.LxmlError, ValueError) as error:
        raise FeedError(f"not XML: {error}", reason="malformed") from error


def _decode_bytes(data: bytes, content_type: str | None, problems: list[str]) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and error.end == len(data):
            return data[: error.start].decode("utf-8")
    declared = _DECLARED.search(data[:400])
    header = _CHARSET.search(content_type or "")
    names = (header.group(1) if header else "", declared.group(1).decode("ascii") if declared else "")
    for name in names:
        codec = _CODECS.get(name.lower())
        if codec is not None:
            return data.decode(codec, "replace")
    problems.append(BAD_BYTES)
    return data.decode("utf-8", "replace")


def _without_prolog(text: str) -> str:
    """The text from its first mark-up that is no comment and no processing instruction."""
    while text.startswith(("<!--", "<?")):
        end = text.find("-->" if text.startswith("<!--") else ">")
        if end < 0:
            return ""
        text = text[end:].lstrip("->").lstrip()
    return text


def _sections(text: str) -> Iterator[tuple[bool, str]]:
    """The text as (is CDATA, piece); a comment or processing instruction becomes a blank.

    An unfinished CDATA section or comment ends the text: the last thing given is then (True, "").
    """
    position = 0
    instructions_end = text.rfind("?>")
    while (match := _SPECIAL.search(text, position)) is not None:
        yield False, text[position : match.start()]
        mark = match.group()
        # Some declarations end in a mere ">"; looking once for the last "?>" keeps this linear.
        closing = ">" if mark == "<?" and match.end() > instructions_end else _ENDS[mark]
        end = text.find(closing, match.end())
        position = end + len(closing)
        if end < 0:
            yield True, ""
            return
        yield (True, text[match.start() : position]) if mark == "<![CDATA[" else (False, " ")
    yield False, text[position:]


def _rewrite(text: str) -> tuple[str, bool]:
    """The text with everything repaired or refused that stands outside CDATA; and whether it is whole."""
    pieces: list[str] = []
    finished = True
    for literal, piece in _sections(text):
        if literal:
            finished = bool(piece)
            pieces.append(piece)
            continue
        if "<!" in piece:
            lower = piece.lower()
            if "<!entity" in lower:
                raise FeedError("it declares XML entities", reason="xml-entities")
            piece = _DOCTYPE.sub(" ", piece)
            if "<!doctype" in piece.lower():
                raise FeedError(
                    "it brings a document type of its own",
                    reason="xml-entities" if "<!entity" in text.lower() else "xml-dtd",
                )
        piece = _BARE_AMPERSAND.sub("&amp;", _BARE_LESS.sub("&lt;", piece))
        pieces.append(_REFERENCE.sub(_repaired, piece))
    return "".join(pieces).lstrip(), finished


def _repaired(match: re.Match[str]) -> str:
    name = match.group(1)
    if name[0] == "#":
        code = int(name[2:-1], 16) if name[1] in "xX" else int(name[1:-1])
        return "" if code > 0x10FFFF or _ILLEGAL.match(chr(code)) else match.group()
    char = html.entities.html5.get(name)
    return f"&amp;{name}" if char is None else html.escape(char)


def _root_end(text: str) -> str:
    """The pattern of the tag that ends the root; of any end tag where the text begins with none."""
    match = re.match(r"<([^\s<>/]+)", text)
    return rf"</{re.escape(match.group(1))}(?:\s[^<>]*)?>" if match else "</"


def _complete_units(text: str, units: tuple[str, ...]) -> tuple[str, bool]:
    """The text up to the end of its last complete unit; and whether anything was cut off.

    Without any complete unit, the text before the first one is kept (the head of the channel).
    """
    names = "|".join(units)
    closing: re.Match[str] | None = None
    for match in re.finditer(rf"</(?:[A-Za-z][\w.-]*:)?(?:{names})\s*>", text, re.IGNORECASE):
        closing = match
    if closing is not None:
        return text[: closing.end()], True
    opening = re.search(rf"<(?:[A-Za-z][\w.-]*:)?(?:{names})[\s>]", text, re.IGNORECASE)
    if opening is not None:
        return text[: opening.start()], True
    # A root that closes itself ("<rss/>") is whole; anything else lost its end.
    return text, re.fullmatch(r"<[^<>]*/>\s*", text) is None
