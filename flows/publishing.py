"""Publishing: the newest version gets a tag of its day and is exported under it; once, however often asked.

A publication is whole or not there: the export appears under its name when all of it is written, its
manifest last. The tag comes first, since it is only a name. Where a call was killed in between, the next one
writes the export anew from the version that the tag names, also when there is a newer version by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import orjson

from parsers.dates import VIETNAM
from storage import Store, VersionRow
from storage.export import SUFFIXES, Form, export_corpus
from storage.export_manifest import EXPORT_FORMAT, manifest_beside, manifest_in
from storage.tags import TagRow, read_tags, resolve, write_tag

PREFIX = "published-"
"""How the tags of publishing begin: `published-2026-03-02`, then `published-2026-03-02.2` on that day."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A version in its published form. `written` is False if it stood there already, whole.

    `documents` are those of the export: what was purged is not in it.
    """

    tag: str
    version: int
    chain: str
    form: Form
    target: Path
    documents: int
    written: bool


def publish(
    store: Store,
    folder: Path,
    now: datetime,
    *,
    form: Form = Form.PARQUET,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> Publication | None:
    """Tag the newest version and export it into `folder`; None if the store holds no version yet.

    A version that has such a tag is not given another. Raises StoreError (`export-not-written`), UserError
    (`export-exists`) if something else stands under the name. `advance` hears of the documents that are
    written, and of how many there are.
    """
    if not store.versions():
        return None
    tag, version = _tagged(store, now)
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        advance(done, version.documents)

    for old in _tags(store):
        place = folder / f"{old.name}{SUFFIXES[form]}"
        if old.name != tag.name and place.exists() and manifest_of(place) is None:
            export_corpus(store, store.version(old.version_id), place, form, force=True)
    target = folder / f"{tag.name}{SUFFIXES[form]}"
    there = _documents_of(target, version, store.store_id)
    if there is None:
        # What is there without a manifest of this version is the rest of a publication that was killed.
        report = export_corpus(store, version, target, form, force=True, advance=one_more)
        there, written = report.documents, True
    else:
        written = False
    return Publication(tag.name, version.id, version.chain, form, target, there, written)


def _tags(store: Store) -> list[TagRow]:
    with store.reading() as connection:
        return [tag for tag in read_tags(connection) if tag.name.startswith(PREFIX)]


def _tagged(store: Store, now: datetime) -> tuple[TagRow, VersionRow]:
    # In one write transaction, so that two calls at once agree on the tag.
    with store.writing() as connection:
        version = resolve(connection, "latest")
        tags = [tag for tag in read_tags(connection) if tag.name.startswith(PREFIX)]
        for tag in tags:
            if tag.version_id == version.id:
                return tag, version
        name = next_name({tag.name for tag in tags}, now.astimezone(VIETNAM).date())
        return write_tag(connection, name, version, "published on schedule", now), version


def next_name(taken: set[str], day: date) -> str:
    """The first free tag of a day. Pure."""
    name = f"{PREFIX}{day.isoformat()}"
    number = 1
    while name in taken:
        number += 1
        name = f"{PREFIX}{day.isoformat()}.{number}"
    return name


def manifest_of(target: Path) -> Path | None:
    """The manifest that vouches for an export; None if there is none, as where its writing was cut off."""
    if target.is_dir():
        return manifest_in(target)
    beside = manifest_beside(target)
    return beside if beside.is_file() else None


def _documents_of(target: Path, version: VersionRow, store_id: str) -> int | None:
    """How many documents the export at `target` holds if it is one of this version; None if it is not."""
    manifest = manifest_of(target)
    if manifest is None or not target.exists():
        return None
    try:
        facts = orjson.loads(manifest.read_bytes())
        told = (facts["khotin_export"], facts["store_id"], facts["version"], facts["chain"])
        return (
            int(facts["documents"]) if told == (EXPORT_FORMAT, store_id, version.id, version.chain) else None
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


__all__ = ["PREFIX", "Publication", "manifest_of", "next_name", "publish"]
