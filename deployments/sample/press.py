"""Reads the articles of the sample newsroom: `press/<site>/<id>-<slug>.md`, one file an article.

A file is TOML front matter between two lines `+++`, then the body in the mark-up of `body`. An article can
take its body from another one (`reprint_of`) or from a seed document (`reprint_of_seed`). `Press.at` gives
the state of the newsroom in an edition: edition n holds what stood on the sites on the nth day.
"""

from __future__ import annotations

import itertools
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from deployments.sample.body import Block, parse_body, parse_seed_body
from deployments.sample.pages import SITES, Kind, Page, Site
from parsers.errors import SourceFileError, UserError

LAST_EDITION = 4

PRESS_FOLDER = Path(__file__).parent / "press"
SEED_FOLDER = Path(__file__).parent / "seeds"

_SEED_NAME = re.compile(r"\d{3}_(?P<hex>[0-9a-f]{16})\.txt")
_FENCE = "+++\n"


@dataclass(frozen=True, slots=True)
class Press:
    """Every article with all its states; `load_press` makes it.

    `histories` holds for each page key the states of that page by the edition in which each begins,
    the first one first.
    """

    histories: Mapping[str, tuple[tuple[int, Page], ...]]

    def at(self, edition: int) -> tuple[Page, ...]:
        """All pages that stand on the three sites in the edition, newest publication first.

        Raises UserError (`no-such-edition`) outside 1..LAST_EDITION.
        """
        if not 1 <= edition <= LAST_EDITION:
            raise UserError(
                f"the sample newsroom has no edition {edition}",
                reason="no-such-edition",
                hint=f"choose an edition from 1 to {LAST_EDITION}",
            )
        pages = [
            [page for first, page in history if first <= edition][-1]
            for history in self.histories.values()
            if history[0][0] <= edition
        ]
        return tuple(sorted(pages, key=lambda page: (page.published, page.site, page.id), reverse=True))


def load_press(press_folder: Path = PRESS_FOLDER, seed_folder: Path = SEED_FOLDER) -> Press:
    """Read every article. Raises SourceFileError, which names the file and what is wrong in it."""
    files = [
        _read(path, site)
        for site in SITES.values()
        for path in sorted((press_folder / site.key).glob("*.md"))
    ]
    if not any(file.front.edition == 1 for file in files):
        raise _wrong(str(press_folder), "the folder holds no article of edition 1")
    by_key: dict[str, _File] = {}
    for file in files:
        if file.key in by_key:
            raise _wrong(file.name, f"its id {file.front.id} is that of {by_key[file.key].name} too")
        by_key[file.key] = file
    seeds = _read_seeds(seed_folder)
    return Press(
        MappingProxyType({file.key: _history(file, _blocks_of(file, by_key, seeds)) for file in files})
    )


class _Update(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    edition: int = Field(ge=2, le=LAST_EDITION)
    modified: AwareDatetime
    title: str | None = None
    lead: str | None = None
    append: str = ""


class _FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int = Field(gt=0)
    slug: str = Field(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$")
    section: str
    edition: int = Field(ge=1, le=LAST_EDITION)
    published: AwareDatetime
    title: str = Field(min_length=1)
    lead: str = ""
    authors: tuple[str, ...] = ()
    dateline: str = ""
    source_credit: str = ""
    tags: tuple[str, ...] = ()
    kind: Kind = "article"
    nfd: bool = False
    reprint_of: str | None = None
    reprint_of_seed: str | None = None
    updates: tuple[_Update, ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    site: Site
    front: _FrontMatter
    blocks: tuple[Block, ...]
    appended: tuple[tuple[Block, ...], ...]

    @property
    def key(self) -> str:
        return f"{self.site.key}/{self.front.id}"


def _wrong(name: str, what: str) -> SourceFileError:
    return SourceFileError(f"{name}: {what}", reason="bad-sample-article")


def _read(path: Path, site: Site) -> _File:
    name = f"press/{site.key}/{path.name}"
    try:
        text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))
        head, fence, body = text.removeprefix(_FENCE).partition("\n" + _FENCE)
        if not (text.startswith(_FENCE) and fence):
            raise _wrong(name, "the front matter does not stand between two lines '+++'")
        front = _FrontMatter.model_validate(tomllib.loads(head))
        blocks = parse_body(body)
        appended = tuple(parse_body(update.append) for update in front.updates)
    except ValidationError as error:
        raise _wrong(name, "; ".join(_problems(error))) from error
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise _wrong(name, str(error)) from error
    file = _File(name, site, front, blocks, appended)
    _check(file, path.stem)
    return file


def _problems(error: ValidationError) -> Iterable[str]:
    for detail in error.errors():
        yield f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"


def _check(file: _File, stem: str) -> None:
    front = file.front
    if stem != f"{front.id}-{front.slug}":
        raise _wrong(file.name, f"id and slug ask for the file name {front.id}-{front.slug}.md")
    if front.section not in file.site.sections:
        raise _wrong(file.name, f"{file.site.title} has no section {front.section!r}")
    if front.reprint_of and front.reprint_of_seed:
        raise _wrong(file.name, "reprint_of and reprint_of_seed exclude each other")
    if front.reprint_of or front.reprint_of_seed:
        if file.blocks:
            raise _wrong(file.name, "a reprint has no body of its own")
    elif not file.blocks and front.kind in ("article", "english"):
        raise _wrong(file.name, "the body is empty")
    editions = [front.edition, *(update.edition for update in front.updates)]
    if any(later <= earlier for earlier, later in itertools.pairwise(editions)):
        raise _wrong(file.name, "editions of updates must rise and come after the first one")


def _read_seeds(folder: Path) -> Mapping[str, tuple[Block, ...]]:
    """Body of each seed document by its 16 hex digits."""
    seeds: dict[str, tuple[Block, ...]] = {}
    for path in sorted(folder.glob("*.txt")):
        name = _SEED_NAME.fullmatch(path.name)
        if name is None:
            raise _wrong(f"seeds/{path.name}", "the name is not of the form NNN_<16 hex digits>.txt")
        seeds[name["hex"]] = parse_seed_body(path.read_text(encoding="utf-8"))
    return seeds


def _blocks_of(
    file: _File, files: Mapping[str, _File], seeds: Mapping[str, tuple[Block, ...]]
) -> tuple[Block, ...]:
    """The body of the article in its first state, with reprints resolved."""
    front = file.front
    if front.reprint_of_seed is not None:
        if front.reprint_of_seed not in seeds:
            raise _wrong(file.name, f"there is no seed {front.reprint_of_seed!r}")
        return seeds[front.reprint_of_seed]
    if front.reprint_of is not None:
        original = files.get(front.reprint_of)
        if original is None:
            raise _wrong(file.name, f"there is no article {front.reprint_of!r}")
        if not original.blocks:
            raise _wrong(file.name, f"{front.reprint_of!r} is a reprint itself")
        return original.blocks
    return file.blocks


def _history(file: _File, blocks: tuple[Block, ...]) -> tuple[tuple[int, Page], ...]:
    front = file.front
    page = Page(
        site=file.site.key,
        id=front.id,
        slug=front.slug,
        section=front.section,
        edition=front.edition,
        published=front.published,
        modified=None,
        title=front.title,
        lead=front.lead,
        authors=front.authors,
        dateline=front.dateline,
        source_credit=front.source_credit,
        tags=front.tags,
        kind=front.kind,
        nfd=front.nfd,
        blocks=blocks,
    )
    history = [(front.edition, page)]
    for update, appended in zip(front.updates, file.appended, strict=True):
        page = replace(
            page,
            modified=update.modified,
            title=page.title if update.title is None else update.title,
            lead=page.lead if update.lead is None else update.lead,
            blocks=page.blocks + appended,
        )
        history.append((update.edition, page))
    return tuple(history)
