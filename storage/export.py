"""Getting the corpus out: JSON Lines, Parquet, a Hugging Face folder, or the seed corpus' own text files.

Documents are streamed; what is kept in memory is one row group and some 200 bytes a document (its leaf, and
what is superseded). The same version gives the same bytes again: no clock is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from sqlalchemy import Connection

from storage.closeness import newest_model_id, read_model
from storage.documents import Document
from storage.export_card import croissant, dataset_card
from storage.export_filter import ExportFilter, model_facts
from storage.export_manifest import (
    Origin,
    Tally,
    contents,
    file_facts,
    is_export_folder,
    manifest_beside,
    write_manifest,
)
from storage.export_parquet import ParquetFile, Sharding, write_shards
from storage.export_place import file_place, folder_place
from storage.export_rows import Beside, Left, export_row, read_rows, retracted_since
from storage.export_text import Fidelity, seed_file
from storage.reading import read_version
from storage.store import Store
from storage.versions import VersionRow


class Form(StrEnum):
    """The forms that an export comes in."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    HF = "hf"
    TEXT = "text"


SUFFIXES = {Form.JSONL: ".jsonl", Form.PARQUET: ".parquet", Form.HF: "-hf", Form.TEXT: "-text"}
"""How the name of an export ends when the user gives none."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export came to. `purged` documents had no text left, `filtered` ones the filter did not take;
    `fidelity` counts the files of `text`.
    """

    target: Path
    form: Form
    version: int
    since: int | None
    documents: int
    purged: int
    filtered: int
    retracted: int
    leaves_root: str
    fidelity: dict[str, int]


class _Source:
    """One stream of documents inside one read transaction, counted on its way."""

    def __init__(
        self,
        connection: Connection,
        store: Store,
        version: VersionRow,
        since: VersionRow | None,
        wanted: ExportFilter | None,
    ) -> None:
        parent = read_version(connection, version.parent_id) if version.parent_id else None
        retracted = retracted_since(connection, version, since) if since else []
        self.origin = Origin(
            store.store_id, version, parent.chain if parent else None, since, tuple(retracted)
        )
        self.tally = Tally()
        self.left = Left()
        self.wanted = wanted if wanted is not None and not wanted.open else None
        model_id = newest_model_id(connection)
        self.model = None if model_id is None else read_model(connection, model_id)
        if wanted is not None:
            wanted.require(self.model)
        self._connection = connection

    def documents(self, advance: Callable[[], None]) -> Iterator[tuple[Document, Beside]]:
        for document, beside in read_rows(
            self._connection, self.origin.version, self.origin.since, self.left, self.wanted, self.model
        ):
            self.tally.add(document.leaf, document.record.source)
            yield document, beside
            advance()

    def rows(self, advance: Callable[[], None]) -> Iterator[dict[str, Any]]:
        for document, beside in self.documents(advance):
            yield export_row(document, beside)

    def facts(self) -> dict[str, Any]:
        """The facts of the manifest, once all is read."""
        facts = {
            **self.origin.facts(),
            **contents(self.tally, self.left.purged, self.left.filtered),
            "filter": None if self.wanted is None else self.wanted.facts(),
            "closeness_model": model_facts(self.model),
        }
        return {**facts, "created_at": self.origin.version.created_at.isoformat()}


@contextmanager
def _reading(
    store: Store, version: VersionRow, since: VersionRow | None, wanted: ExportFilter | None
) -> Iterator[_Source]:
    with store.reading() as connection:
        yield _Source(connection, store, version, since, wanted)


def write_jsonl(
    store: Store,
    version: VersionRow,
    stream: BinaryIO,
    *,
    since: VersionRow | None = None,
    wanted: ExportFilter | None = None,
    advance: Callable[[], None] = lambda: None,
) -> int:
    """Write the corpus as of a version (only what changed after `since`) as JSON Lines; gives the number."""
    with _reading(store, version, since, wanted) as source:
        _write_lines(source, stream, advance)
        return source.tally.documents


def _write_lines(source: _Source, stream: BinaryIO, advance: Callable[[], None]) -> None:
    for row in source.rows(advance):
        stream.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def export_corpus(
    store: Store,
    version: VersionRow,
    target: Path,
    form: Form,
    *,
    since: VersionRow | None = None,
    wanted: ExportFilter | None = None,
    force: bool = False,
    sharding: Sharding | None = None,
    advance: Callable[[], None] = lambda: None,
) -> ExportReport:
    """Write the corpus as of a version, or only what was added or revised after `since`, to a file or folder.

    Of it only what is `wanted`. It appears under its name when it is whole. Raises UserError if the target is
    there (and `force` is not given, or it is a folder of something else), StoreError if it cannot be written.
    """
    with _reading(store, version, since, wanted) as source:
        fidelity: dict[str, int] = {}
        if form is Form.JSONL:
            _export_jsonl(source, target, force, advance)
        elif form is Form.PARQUET:
            _export_parquet(source, target, force, sharding or Sharding(), advance)
        elif form is Form.HF:
            _export_hf(source, target, force, sharding or Sharding(), advance)
        else:
            fidelity = _export_text(source, target, force, advance)
        return ExportReport(
            target,
            form,
            version.id,
            since.id if since else None,
            source.tally.documents,
            source.left.purged,
            source.left.filtered,
            len(source.origin.retracted),
            source.tally.root(),
            fidelity,
        )


def _export_jsonl(source: _Source, target: Path, force: bool, advance: Callable[[], None]) -> None:
    with file_place(target, manifest_beside(target), force=force) as (path, manifest):
        with path.open("wb") as stream:
            _write_lines(source, stream, advance)
        files = [file_facts(path, target.name, source.tally.documents)]
        write_manifest(manifest, Form.JSONL, source.facts(), files)


def _export_parquet(
    source: _Source, target: Path, force: bool, sharding: Sharding, advance: Callable[[], None]
) -> None:
    with file_place(target, manifest_beside(target), force=force) as (path, manifest):
        with ParquetFile(path, sharding.rows_per_group) as file:
            for row in source.rows(advance):
                file.add(row)
            file.finish(source.facts())
        files = [file_facts(path, target.name, source.tally.documents)]
        write_manifest(manifest, Form.PARQUET, source.facts(), files)


def _export_hf(
    source: _Source, target: Path, force: bool, sharding: Sharding, advance: Callable[[], None]
) -> None:
    with folder_place(target, force=force, is_export=is_export_folder) as folder:
        shards = write_shards(folder, source.rows(advance), sharding, source.origin.facts())
        files = [file_facts(folder / name, name, count) for name, count in shards]
        facts = source.facts()
        (folder / "README.md").write_text(dataset_card(facts), "utf-8")
        (folder / "croissant.json").write_bytes(croissant(facts, files))
        files += [file_facts(folder / name, name, 0) for name in ("README.md", "croissant.json")]
        write_manifest(folder / "manifest.json", Form.HF, facts, files)


def _export_text(source: _Source, target: Path, force: bool, advance: Callable[[], None]) -> dict[str, int]:
    counts = dict.fromkeys((fidelity.value for fidelity in Fidelity), 0)
    with folder_place(target, force=force, is_export=is_export_folder) as folder:
        hidden = folder / ".khotin"  # `khotin seed` passes over what is hidden
        hidden.mkdir()
        listing = hidden / "files.jsonl"
        with listing.open("wb") as stream:
            for number, (document, _) in enumerate(source.documents(advance)):
                file = seed_file(number, document.record)
                counts[file.fidelity] += 1
                (folder / file.name).write_bytes(file.data)
                facts = file.facts(document.record.url, document.leaf)
                stream.write(orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE))
        files = [file_facts(listing, ".khotin/files.jsonl", source.tally.documents)]
        write_manifest(hidden / "manifest.json", Form.TEXT, source.facts(), files, fidelity=counts)
    return counts


__all__ = ["SUFFIXES", "ExportReport", "Form", "Sharding", "export_corpus", "export_row", "write_jsonl"]
