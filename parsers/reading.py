"""One page in, one `Article` or `Rejection` out."""

from __future__ import annotations

from parsers import generic, rejects
from parsers.article import Article, Rejection, RejectReason
from parsers.errors import MarkupError, UrlError, UserError
from parsers.html import Page, read_page
from parsers.language import is_vietnamese
from parsers.metadata import Metadata, read_metadata
from parsers.sites import SITE_PARSERS, SiteParser
from parsers.sites.engine import marked, recognises, run
from parsers.urls import host_of

PARSER_NAMES: tuple[str, ...] = ("auto", generic.NAME, *(spec.name for spec in SITE_PARSERS))
"""What `parser` may be in `parse_article` and in a source file."""
_ANY_FAMILY = ", ".join(selector for spec in SITE_PARSERS for selector in spec.recognise)


def parse_article(
    html: bytes,
    url: str,
    *,
    content_type: str | None = None,
    parser: str | None = None,
    language: str | None = "vi",
) -> Article | Rejection:
    """Read an article from the bytes of a page.

    `content_type` is the HTTP header's value. `parser` names a site parser or "generic"; None and "auto"
    recognise the family by its mark-up and fall back to generic. `language` is the code that the text must
    be in, None for any. No bytes make this raise; only a `parser` that does not exist does (UserError).
    """
    spec = _named(parser)
    name = spec.name if spec else generic.NAME
    try:
        return read_article(html, url, spec, content_type=content_type, parser=parser, language=language)
    except MarkupError as error:
        return Rejection(url, RejectReason.MALFORMED, f"{error.reason}: {error.message}", name)
    except Exception as error:  # the batch must go on; the ledger names what happened
        evidence = f"parser-error: {type(error).__name__}: {str(error)[:200]}"
        return Rejection(url, RejectReason.MALFORMED, evidence, name)


def read_article(
    html: bytes,
    url: str,
    spec: SiteParser | None,
    *,
    content_type: str | None,
    parser: str | None,
    language: str | None,
) -> Article | Rejection:
    """As `parse_article`, with the site parser looked up. Raises MarkupError beyond the guards."""
    article, rejection = read_and_judge(
        html, url, spec, content_type=content_type, parser=parser, language=language
    )
    if rejection is not None:
        return rejection
    if article is None:
        raise AssertionError("a page gives an article or a rejection")
    return article


def read_and_judge(
    html: bytes,
    url: str,
    spec: SiteParser | None,
    *,
    content_type: str | None,
    parser: str | None,
    language: str | None,
) -> tuple[Article | None, Rejection | None]:
    """What was read, and why it is no record of the corpus: a rejected page may hold text too."""
    page = read_page(html, url, content_type)
    metadata = read_metadata(page.tree)
    if spec is None and parser in (None, "auto"):
        spec = recognise(page, metadata)
        if spec is not None and not _is_sure(spec, page) and not _fits(spec, page):
            spec = None
    rejection = rejects.before(page, metadata, spec.name if spec else generic.NAME)
    if rejection is None and spec is not None:
        rejection = marked(spec, page)
    if rejection is not None:
        return None, rejection
    result = run(spec, page, metadata) if spec else generic.extract(page, metadata)
    if isinstance(result, Rejection):
        return None, _instead_of_drift(result, page, metadata)
    rejection = rejects.after(result, page, metadata, language)
    if spec is None and (rejection is None or rejection.reason is RejectReason.TOO_SHORT):
        missing = rejects.lacks_evidence(result, metadata)
        if missing:
            rejection = Rejection(
                url, RejectReason.NOT_AN_ARTICLE, missing, generic.NAME, result.title or None
            )
    return result, rejection


def recognise(page: Page, metadata: Metadata) -> SiteParser | None:
    """The family whose mark-up the page has.

    They are all systems of Vietnamese papers: a page that is plainly in another language is not asked.
    """
    if metadata.title and not metadata.language.startswith("vi") and not is_vietnamese(metadata.title):
        return None
    if page.tree.css_first(_ANY_FAMILY) is None:
        return None
    return next((spec for spec in SITE_PARSERS if recognises(spec, page)), None)


def _is_sure(spec: SiteParser, page: Page) -> bool:
    """Whether the page is from a host on which the family was seen, so that what is missing has drifted."""
    try:
        host = host_of(page.url)
    except UrlError:
        return False
    return any(host == seen or host.endswith(f".{seen}") for seen in spec.seen_on)


def _fits(spec: SiteParser, page: Page) -> bool:
    """Whether title and body stand where the family has them: another system may share one name with it."""
    return all(
        any(page.tree.css_first(selector.partition("@")[0]) is not None for selector in selectors)
        for selectors in (spec.title, spec.body)
    )


def _named(parser: str | None) -> SiteParser | None:
    if parser in (None, "auto", generic.NAME):
        return None
    for spec in SITE_PARSERS:
        if spec.name == parser:
            return spec
    raise UserError(
        f"there is no parser {parser!r}",
        reason="unknown-parser",
        hint=f"Use one of: {', '.join(PARSER_NAMES)}.",
    )


def _instead_of_drift(rejection: Rejection, page: Page, metadata: Metadata) -> Rejection:
    """A page without the family's body that shows a wall or nothing but a player has not drifted."""
    if rejection.reason is not RejectReason.DRIFT:
        return rejection
    wall = rejects.wall_of(page, metadata)
    if wall:
        return Rejection(page.url, RejectReason.PAYWALL, wall, rejection.parser, rejection.title)
    if metadata.one("og:type").lower().startswith("video") or (
        "videoobject" in metadata.types and metadata.article is None
    ):
        return Rejection(page.url, RejectReason.VIDEO, "marked as a video", rejection.parser, rejection.title)
    return rejection
