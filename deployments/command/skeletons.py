"""`khotin sources new`: source file, site parser and test case of a paper, guessed from one saved page."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit

import orjson
import typer
from pydantic import ValidationError

from deployments.command.app import JsonOption, load_settings
from deployments.command.output import clean, out, print_json
from deployments.command.sources import sources_app
from flows.configured import SHIPPED_SOURCES
from flows.sources import Source
from parsers.article import Article, Rejection
from parsers.errors import MarkupError, UrlError, UserError
from parsers.sites.spec import SiteParser
from parsers.skeleton import Guess, guess_site
from parsers.urls import canonical_url, host_of

CHECKOUT = SHIPPED_SOURCES.parents[1]
CASES = Path("tests/parsers/site_cases")
_SELECTORS = ("recognise", "title", "lead", "body", "date", "author", "section", "tags", "caption", "remove")


@sources_app.command(
    "new",
    help=(
        "Write the skeletons of a new source from one saved page of it: the source file, a site parser if no "
        "known one fits, and a test case with the fields as they were read.\n\n"
        "All of it is guessed and marked so: look at every line. Nothing is overwritten, nothing is fetched."
    ),
)
def new_command(
    name: Annotated[str, typer.Argument(help="Name of the source: lower-case letters, digits, hyphens.")],
    page: Annotated[Path, typer.Argument(help="A saved article page.", metavar="PAGE.html")],
    url: Annotated[str, typer.Option("--url", help="The address that the page was saved from.")],
    checkout: Annotated[
        Path | None, typer.Option("--checkout", help="The checkout of khotin to write to.", metavar="DIR")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    root = checkout or CHECKOUT
    if not (root / CASES.parent).is_dir() or not (root / "parsers/sites").is_dir():
        raise UserError(
            f"{root} is no checkout of khotin: it has no tests",
            hint="name one with --checkout: a parser and its case belong into it",
        )
    folder = (None if checkout else load_settings().sources) or root / "deployments/sources"
    try:
        address = canonical_url(url)
        data = page.read_bytes()
        guess = guess_site(data, address, name)
    except UrlError as error:
        raise UserError(f"--url {url!r}: {error.message}", reason=error.reason) from error
    except OSError as error:
        raise UserError(f"cannot read {page}: {error.strerror}", reason="unreadable") from error
    except MarkupError as error:
        raise UserError(f"{page}: {error.message}", reason=error.reason) from error
    if isinstance(guess, Rejection):
        raise UserError(
            f"{page} gives no article: {guess.reason.value} ({guess.evidence})",
            reason="not-an-article",
            hint="save a page that holds one whole article, as the server sends it",
        )
    files = {
        folder / f"{name}.toml": _source_text(name, address, guess).encode(),
        root / CASES / name / "page.html": data,
        root / CASES / name / "expected.json": case_of(guess.article, address, guess.family or name),
    }
    if guess.spec is not None:
        files[root / "parsers/sites" / f"{_module(name)}.py"] = _parser_text(guess.spec, address).encode()
    _write(files)
    _tell(files, guess, as_json=as_json)


def case_of(article: Article, url: str, parser: str) -> bytes:
    """The expected values of a test case: JSON with the fields that a person can check on the page."""
    fields = {
        "checked": False,
        "url": url,
        "parser": parser,
        "title": article.title,
        "lead": article.lead,
        "paragraphs": [paragraph.text for paragraph in article.paragraphs],
        "captions": article.captions,
        "authors": article.authors,
        "agency": article.agency,
        "published_at": article.published_at,
        "section": article.section,
        "tags": article.tags,
    }
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _module(name: str) -> str:
    """A name that Python can import."""
    plain = name.replace("-", "_")
    return f"site_{plain}" if plain[0].isdigit() else plain


def _source_text(name: str, url: str, guess: Guess) -> str:
    """The source file. Raises UserError if the name does not fit."""
    parts = urlsplit(url)
    home = f"{parts.scheme}://{parts.netloc}/"
    host = host_of(url).removeprefix("www.")
    feeds = [urljoin(url, feed) for feed in guess.feeds]
    own = [feed for feed in feeds if (urlsplit(feed).hostname or "").removeprefix("www.") == host]

    def quoted(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    text = f"""# Guessed from one saved page, {url}
# Look at each line before you enable the source. README: Add a source.
name = {quoted(name)}
title = {quoted(guess.paper or host)}
home = {quoted(home)}
# {"As the page links them." if own else "The page links none: look for them on the site."}
feeds = {quoted(own[:10])}
# Guessed: most sites have one there; robots.txt names it.
sitemaps = {quoted([urljoin(home, "sitemap.xml")])}
listings = []
# Guessed from one address.
article_pattern = '{_pattern(url, host)}'
parser = {quoted(guess.family or name)}
enabled = false
notes = "guessed from one page: not looked at yet"
"""
    try:
        # The parser is not there yet, so the file is checked with another.
        source = Source.model_validate({**tomllib.loads(text), "parser": "auto"})
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise UserError(
            f"no source can be made of the name {name!r} and the address {url}: {error}",
            reason="bad-source-file",
            hint="a name has lower-case letters, digits and hyphens",
        ) from error
    if not source.is_article(url):
        raise AssertionError(f"{source.article_pattern} does not fit {url}: a bug in khotin")
    return text


def _pattern(url: str, host: str) -> str:
    """A regular expression for addresses like this one: its last digits are the article's number."""
    path = urlsplit(url).path
    folder, _, last = path.rpartition("/")
    start = rf"^https?://(?:www\.)?{_escaped(host)}/"
    folders = r"(?:[^/?]+/)*" if folder else ""
    match = re.fullmatch(r"(.*?)([a-z]*)(\d{3,})(\.[a-z]+)?", last)
    if match is None:
        extension = _escaped(Path(last).suffix)
        return rf"{start}{folders}[^/?]+{extension}$"
    slug, word, _, extension = match.groups()
    before = rf"[^/?]+{_escaped(slug[-1])}" if slug else ""
    return rf"{start}{folders}{before}{word}(?P<id>\d+){_escaped(extension or '')}$"


def _escaped(text: str) -> str:
    # A hyphen means something within brackets only.
    return re.escape(text).replace(r"\-", "-")


def _parser_text(spec: SiteParser, url: str) -> str:
    """The module of a site parser."""
    constant = _module(spec.name).upper()
    lines = [
        f'"""{spec.seen_on[0]}: guessed from one saved page."""',
        "",
        "from __future__ import annotations",
        "",
        "from parsers.sites.spec import SiteParser",
        "",
        f"# Every selector was guessed from {url}",
        "# Look at some more pages, of other sections and other years, before you rely on them.",
        f"{constant} = SiteParser(",
        f"    name={_literal(spec.name)},",
        f"    version={_literal(spec.version)},",
        f"    seen_on=({_literal(spec.seen_on[0])},),",
    ]
    for field in _SELECTORS:
        selectors: tuple[str, ...] = getattr(spec, field)
        if not selectors:
            lines.append(f"    # {field}: none was found.")
            continue
        lines.append(f"    {field}=(  # guessed")
        lines += [f"        {_literal(selector)}," for selector in selectors]
        lines.append("    ),")
    return "\n".join([*lines, ")", ""])


def _literal(text: str) -> str:
    """A string of Python, in double quotes unless it holds some."""
    return repr(text) if '"' in text else json.dumps(text, ensure_ascii=False)


def _write(files: dict[Path, bytes]) -> None:
    """Write all of the files, or none: a file that is there already is never overwritten."""
    there = [path for path in files if path.exists()]
    if there:
        raise UserError(
            f"{there[0]} is there already",
            reason="target-exists",
            hint="nothing was written; take another name, or move the file away",
        )
    written: list[Path] = []
    try:
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as stream:
                written.append(path)
                stream.write(data)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror}", reason="bad-input") from error


def _tell(files: dict[Path, bytes], guess: Guess, *, as_json: bool) -> None:
    article = guess.article
    if as_json:
        told: dict[str, Any] = {"files": [str(path) for path in files], "parser": article.parser}
        print_json({**told, "family": guess.family, "filled": sorted(article.provenance)})
        return
    for path in files:
        out.print(f"wrote {clean(str(path))}", soft_wrap=True)
    known = (
        f"the mark-up is that of {guess.family}" if guess.family else "no known family: a parser was guessed"
    )
    out.print(f"{known}; read: {', '.join(sorted(article.provenance))}")
    out.print(
        "Now look at each line. Check expected.json against the page in a browser, mend the selectors, set "
        '"checked" to true; then set enabled = true in the source file.'
    )
