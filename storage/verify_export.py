"""Checking an export without any database: every document is hashed again from what the export says of it.

The manifest ties the documents to a version (count, Merkle root, chain) and to their files (SHA-256). That
the chain is the right one is for the reader to compare, with `khotin log` or a chain that was noted
elsewhere: who can rewrite an export and its manifest can make both agree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from parsers.errors import NotFound, UserError
from storage.export_manifest import (
    EXPORT_FORMAT,
    ManifestFile,
    file_sha256,
    files_of_manifest,
    manifest_beside,
    manifest_in,
    version_of_manifest,
)
from storage.export_parquet import METADATA_KEY
from storage.export_rows import derived_fields, record_of_export
from storage.hashing import FORMATS, chain_hash, merkle_root

_LONGEST_LINE = 256_000_000
"""Bytes; a longer line is damage, and must not take all memory."""
_BATCH = 1_000
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class ExportFinding:
    """One damaged place: `where` (file, and line or row), what is wrong, and the document if it can be
    told.
    """

    where: str
    what: str
    document: str | None = None


@dataclass(frozen=True, slots=True)
class ExportVerification:
    """What a check of an export came to; `notes` tell what could not be checked and are no damage."""

    path: Path
    form: str
    version: int | None
    chain: str | None
    since: int | None
    documents: int
    findings: tuple[ExportFinding, ...]
    notes: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not self.findings


@dataclass(slots=True)
class _Check:
    """A check under way."""

    advance: Callable[[], None]
    findings: list[ExportFinding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    documents: int = 0

    def found(self, where: str, what: str, document: object = None) -> None:
        self.findings.append(ExportFinding(where, what, document if isinstance(document, str) else None))

    def leaf(self, where: str, leaf: bytes, document: object) -> None:
        """Count a document by its leaf as the export gives it."""
        if leaf in self.seen:
            self.found(where, "the same document stands here a second time", document)
        self.seen.add(leaf)
        self.leaves.append(leaf)

    def row(self, where: str, row: Any) -> None:
        """Hash one row again."""
        self.documents += 1
        self.advance()
        if not isinstance(row, dict):
            self.found(where, "is no object")
            return
        try:
            record = record_of_export(row)
            proof, stated = row["proof"], bytes.fromhex(row["leaf"])
            body, leaf = record.body_sha256, record.leaf(row["rev"], proof["op"], proof["prev_leaf"])
            derived = derived_fields(record)
        except _UNREADABLE as error:
            self.found(where, f"cannot be read: {type(error).__name__}: {error}", row.get("id"))
            return
        self.leaf(where, stated, row["id"])
        wrong = [name for name, value in derived.items() if row.get(name) != value]
        if body != proof["body_sha256"]:
            wrong.append("body_sha256 (title, lead, paragraphs, captions or authors)")
        if leaf != stated:
            wrong.append("leaf")
        if wrong:
            self.found(where, f"does not match its hashes: {', '.join(wrong)}", row["id"])


def verify_export(path: Path, *, advance: Callable[[], None] = lambda: None) -> ExportVerification:
    """Check an export: a JSON Lines or Parquet file, or a folder of form `hf` or `text`.

    Goes through everything and names each damaged line, row or file; damage is never raised. Raises NotFound
    if there is nothing, UserError if it is no export of ours.
    """
    check = _Check(advance)
    if path.is_dir():
        folder, place = path, manifest_in(path)
        if place is None:
            raise _no_export(path, "it holds no manifest")
    elif path.is_file():
        folder, place = path.parent, manifest_beside(path)
    else:
        raise NotFound(f"there is no {path}", hint="name a file or folder that `khotin export` wrote")
    facts, files = _manifest(check, place) if place.is_file() else ({}, [])
    if not facts:
        if path.is_dir():
            files = [
                ManifestFile(p.relative_to(path).as_posix()) for p in sorted(path.glob("data/*.parquet"))
            ]
        else:
            files = [ManifestFile(path.name)]
        check.notes.append("without a manifest, files and completeness cannot be checked")
    elif path.is_file():
        # A file that was given another name together with its manifest is still that file.
        files = [ManifestFile(path.name, file.bytes, file.sha256) for file in files[:1]]
    for file in files:
        found = _file(check, folder, file)
        facts = facts or found
    if path.is_dir():
        _unnamed(check, path, files)
    if facts:
        _whole(check, facts)
    since = facts.get("since")
    return ExportVerification(
        path,
        str(facts.get("form", "")),
        facts.get("version"),
        facts.get("chain"),
        since.get("version") if isinstance(since, dict) else None,
        check.documents,
        tuple(check.findings),
        tuple(check.notes),
    )


def _no_export(path: Path, why: str) -> UserError:
    return UserError(
        f"{path} is no export of khotin: {why}",
        reason="not-an-export",
        hint="name a file or folder that `khotin export` wrote",
    )


def _manifest(check: _Check, place: Path) -> tuple[Mapping[str, Any], list[ManifestFile]]:
    try:
        facts = orjson.loads(place.read_bytes())
        if facts["khotin_export"] != EXPORT_FORMAT:
            raise ValueError(
                f"its format is {facts['khotin_export']!r:.40}, this khotin knows {EXPORT_FORMAT}"
            )
        return facts, files_of_manifest(facts)
    except (OSError, *_UNREADABLE) as error:
        check.found(place.name, f"the manifest cannot be read: {error}")
        return {}, []


def _file(check: _Check, folder: Path, file: ManifestFile) -> Mapping[str, Any]:
    """Check one file of an export; gives what it says of its origin, if it is a Parquet file."""
    path = folder / file.name
    try:
        if file.sha256 is not None and file_sha256(path) != file.sha256:
            check.found(file.name, f"its bytes are not those that were written ({file.bytes} bytes, SHA-256)")
        if file.name.endswith("files.jsonl"):
            _listing(check, folder, path, file.name)
        elif _is_parquet(path):
            return _parquet(check, path, file.name)
        elif not file.name.endswith((".md", ".json")):
            _lines(check, path, file.name)
    except OSError as error:
        check.found(file.name, f"cannot be read: {error.strerror or error}")
    return {}


def _is_parquet(path: Path) -> bool:
    if path.suffix == ".parquet":
        return True
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _lines(check: _Check, path: Path, name: str) -> None:
    for number, line in _json_lines(check, path, name):
        check.row(f"{name}, line {number}", line)


def _json_lines(check: _Check, path: Path, name: str) -> Iterator[tuple[int, Any]]:
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            where = f"{name}, line {number}"
            if not line.endswith(b"\n"):
                check.found(where, "the line is cut off")
            try:
                value = orjson.loads(line)
            except ValueError as error:
                check.documents += 1
                check.found(where, f"is no JSON: {error}")
                continue
            yield number, value


def _parquet(check: _Check, path: Path, name: str) -> Mapping[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            position = 0
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                _row_group(check, file, name, group, position)
                position += rows
            facts = orjson.loads((file.metadata.metadata or {}).get(METADATA_KEY, b"{}"))
            return facts if isinstance(facts, dict) else {}
    except (pa.ArrowException, OSError, ValueError) as error:
        check.found(name, f"the file cannot be read: {_first_line(error)}")
        return {}


def _row_group(check: _Check, file: Any, name: str, group: int, first: int) -> None:
    """Check the rows of a row group; if it cannot be read, name its rows and the columns that are damaged."""
    import pyarrow as pa

    row = first
    try:
        # Read whole before the first row is counted: a group is readable or it is not.
        batches = list(file.iter_batches(_BATCH, row_groups=[group]))
    except (pa.ArrowException, OSError, ValueError) as error:
        last = first + file.metadata.row_group(group).num_rows - 1
        columns = [column for column in file.schema_arrow.names if not _readable(file, group, column)]
        told = f"damaged columns: {', '.join(columns)}" if columns else _first_line(error)
        check.documents += last - first + 1
        check.found(f"{name}, rows {first} to {last}", f"cannot be read; {told}")
        return
    for batch in batches:
        for value in batch.to_pylist():
            check.row(f"{name}, row {row}", value)
            row += 1


def _readable(file: Any, group: int, column: str) -> bool:
    import pyarrow as pa

    try:
        file.read_row_group(group, columns=[column])
    except (pa.ArrowException, OSError, ValueError):
        return False
    return True


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _listing(check: _Check, folder: Path, path: Path, name: str) -> None:
    """The list of the files of a `text` export: each file is hashed again."""
    named = set()
    for number, line in _json_lines(check, path, name):
        where = f"{name}, line {number}"
        check.documents += 1
        check.advance()
        try:
            file, sha256, leaf = str(line["file"]), line["sha256"], bytes.fromhex(line["leaf"])
            if "/" in file:
                raise ValueError("a file outside the folder")
        except _UNREADABLE as error:
            check.found(where, f"cannot be read: {error}")
            continue
        named.add(file)
        check.leaf(where, leaf, line.get("id"))
        try:
            found = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        except OSError as error:
            check.found(file, f"cannot be read: {error.strerror or error}", line.get("id"))
            continue
        if found != sha256:
            check.found(file, "its bytes are not those that were written (SHA-256)", line.get("id"))
    for other in sorted(p.name for p in folder.iterdir() if p.is_file() and p.name not in named):
        check.found(other, "stands in the folder and is not of this export")


def _unnamed(check: _Check, folder: Path, files: list[ManifestFile]) -> None:
    """Shards that the manifest does not name would be loaded with the others."""
    named = {file.name for file in files}
    for path in sorted(folder.glob("data/*")):
        name = path.relative_to(folder).as_posix()
        if name not in named:
            check.found(name, "stands in the folder and is not of this export")


def _whole(check: _Check, facts: Mapping[str, Any]) -> None:
    """Compare what was read with what the manifest says of the whole, and the manifest with its own
    hashes.
    """
    try:
        header, since = facts["header"], facts["since"]
        version = version_of_manifest(header)
        parent = bytes.fromhex(header["parent_chain"]) if header["parent_chain"] else None
        chain = chain_hash(parent, version.header()).hex()
        root = merkle_root(check.leaves).hex()
        if version.formats != FORMATS:
            check.notes.append(f"its formats are {version.formats}, this khotin knows {FORMATS}")
        elif not chain == version.chain == facts["chain"]:
            check.found("manifest", "its chain does not follow from what it says of the version")
        if (version.id, version.delta_root) != (facts["version"], facts["delta_root"]):
            check.found("manifest", "it names two versions")
        if check.documents != facts["documents"]:
            check.found("whole", f"{check.documents} documents are there, {facts['documents']} were written")
        if root != facts["leaves_root"]:
            check.found(
                "whole", "the documents are not those that were written (Merkle root over their leaves)"
            )
        filtered = facts.get("filtered", 0)
        complete = facts["documents"] + facts["purged"] + filtered
        if since is None and complete != version.documents:
            check.found("whole", f"version {version.id} has {version.documents} documents, not {complete}")
        one_version = since is not None and since["version"] == version.parent_id
        if (
            one_version
            and not version.retracted
            and not facts["purged"]
            and not filtered
            and root != version.delta_root
        ):
            check.found("whole", f"the documents are not those of version {version.id} (its delta root)")
    except _UNREADABLE as error:
        check.found("manifest", f"cannot be read: {type(error).__name__}: {error}")
