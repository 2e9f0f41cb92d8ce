"""The manifest of an export: what it was taken from, how much is in it, and the hashes that vouch for it.

It names the version with all that the version's chain hash covers, so that the chain can be recomputed from
the manifest alone and compared with `khotin log`. `leaves_root` is the Merkle root (RFC 6962) over the sorted
leaves of the exported documents; for the delta of one version without retractions it is that version's
`delta_root`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from storage.hashing import merkle_root
from storage.tables import from_micros, micros
from storage.versions import VersionRow

EXPORT_FORMAT = "khotin-export-1"
FOLDER_MANIFESTS = ("manifest.json", ".khotin/manifest.json")
"""Where a folder keeps its manifest: open in `hf`, hidden in `text`, where every file is a document."""

_VERSION_FIELDS = (
    "id", "run_id", "kind", "message", "added", "revised", "retracted", "documents", "delta_root", "chain",
    "zdict_sha256", "formats", "code_version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """What an export is taken from: the store, the version, its parent's chain, and the version of a
    delta.
    """

    store_id: str
    version: VersionRow
    parent_chain: str | None
    since: VersionRow | None
    retracted: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """The origin as a JSON object."""
        version = self.version
        return {
            "khotin_export": EXPORT_FORMAT,
            "store_id": self.store_id,
            "version": version.id,
            "chain": version.chain,
            "delta_root": version.delta_root,
            "formats": version.formats,
            "since": {"version": self.since.id, "chain": self.since.chain} if self.since else None,
            "retracted": list(self.retracted),
            "header": {
                **{name: getattr(version, name) for name in _VERSION_FIELDS},
                "created_at_micros": micros(version.created_at),
                "parent_id": version.parent_id,
                "parent_chain": self.parent_chain,
            },
        }


def version_of_manifest(header: Mapping[str, Any]) -> VersionRow:
    """The version that a manifest's header tells of. Raises KeyError or TypeError if it is none."""
    values = {name: header[name] for name in _VERSION_FIELDS}
    created_at = from_micros(header["created_at_micros"])
    return VersionRow(**values, parent_id=header["parent_id"], created_at=created_at, lo=0, hi=0)


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file that a manifest names; size and hash are None where there is no manifest."""

    name: str
    bytes: int | None = None
    sha256: str | None = None


def files_of_manifest(facts: Mapping[str, Any]) -> list[ManifestFile]:
    """The files that a manifest names. Raises KeyError, TypeError or ValueError if it cannot be read."""
    files = [ManifestFile(str(f["name"]), int(f["bytes"]), str(f["sha256"])) for f in facts["files"]]
    for file in files:
        if Path(file.name).is_absolute() or ".." in Path(file.name).parts:
            raise ValueError(f"{file.name!r} leads out of the export")
    return files


class Tally:
    """Counts what is exported, and keeps the leaves: some 100 bytes a document."""

    def __init__(self) -> None:
        self.documents = 0
        self.sources: dict[str, int] = {}
        self._leaves: list[bytes] = []

    def add(self, leaf: str, source: str) -> None:
        self.documents += 1
        self.sources[source] = self.sources.get(source, 0) + 1
        self._leaves.append(bytes.fromhex(leaf))

    def root(self) -> str:
        return merkle_root(self._leaves).hex()


def contents(tally: Tally, purged: int, filtered: int) -> dict[str, Any]:
    """What is in an export, as a JSON object.

    `purged` documents were left out for want of a text, `filtered` ones because the filter did not take them.
    """
    return {
        "documents": tally.documents,
        "purged": purged,
        "filtered": filtered,
        "sources": dict(sorted(tally.sources.items())),
        "leaves_root": tally.root(),
    }


def file_facts(path: Path, name: str, documents: int) -> dict[str, Any]:
    """One file of an export: name relative to the manifest's folder, documents, bytes, SHA-256."""
    return {
        "name": name,
        "documents": documents,
        "bytes": path.stat().st_size,
        "sha256": file_sha256(path),
    }


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(
    path: Path, form: str, facts: Mapping[str, Any], files: Sequence[Mapping[str, Any]], **more: Any
) -> None:
    """Write a manifest."""
    value = {**facts, "form": form, **more, "files": list(files)}
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def manifest_beside(target: Path) -> Path:
    """Where the manifest of a single file stands."""
    return target.with_name(target.name + ".manifest.json")


def manifest_in(folder: Path) -> Path | None:
    """The manifest in a folder, None if there is none."""
    return next((folder / name for name in FOLDER_MANIFESTS if (folder / name).is_file()), None)


def is_export_folder(folder: Path) -> bool:
    """Whether a folder holds an export of ours."""
    path = manifest_in(folder)
    if path is None or folder.is_symlink():
        return False
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(value, dict) and value.get("khotin_export") == EXPORT_FORMAT
