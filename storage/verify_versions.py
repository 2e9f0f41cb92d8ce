"""Verifying versions and dictionaries: headers, chain, parents, and what their rows say of themselves."""

from __future__ import annotations

import hashlib
from typing import Any

from storage.findings import Findings
from storage.hashing import FORMATS, chain_hash
from storage.scanning import Rows
from storage.versions import VersionRow

COUNTS = ("added", "revised", "retracted")
_KINDS = ("seed", "ingest", "reparse", "retract")


def check_dictionaries(rows: Rows, findings: Findings) -> dict[int, tuple[bytes, bytes]]:
    """Hash and data of each dictionary by id; those whose data is not what its hash says are told."""
    known = {}
    for number, sha256, data in rows.attempt("zdict", "SELECT id, sha256, data FROM zdict ORDER BY id"):
        if not isinstance(data, bytes) or hashlib.sha256(data).digest() != sha256:
            findings.add("zdict", number, "dictionary-hash", "its data is not what its hash says")
        if isinstance(data, bytes):
            known[number] = (sha256, data)
    return known


def check_models(rows: Rows, findings: Findings) -> None:
    """Whether each model of closeness is what its hash says: all scores depend on it."""
    query = "SELECT id, sha256, data FROM closeness_model ORDER BY id"
    for number, sha256, data in rows.attempt("closeness_model", query):
        if not isinstance(data, bytes) or hashlib.sha256(data).digest() != sha256:
            findings.add("closeness_model", number, "model-hash", "its data is not what its hash says")


def check_versions(rows: Rows, findings: Findings) -> list[dict[str, Any]]:
    """Check each version against its header hash and its parent; gives the rows, oldest first."""
    names = VersionRow.__slots__
    statement = f"SELECT {', '.join(names)} FROM version"  # noqa: S608 - names of our own columns
    versions: list[dict[str, Any]] = []
    for batch in rows.scan("version", statement, "id", lambda _: None):
        for row in batch:
            version = dict(zip(names, row, strict=True))
            try:
                _check_version(version, versions[-1] if versions else None, findings)
            except (TypeError, ValueError, AttributeError) as error:
                findings.add("version", version["id"], "wrong-type", str(error))
            versions.append(version)
    return versions


def _check_version(version: dict[str, Any], parent: dict[str, Any] | None, findings: Findings) -> None:
    number = version["id"]
    before = parent["id"] if parent else 0
    if number != before + 1:
        missing = f"{before + 1}-{number - 1}" if number > before + 2 else str(before + 1)
        findings.add("version", missing, "missing")
    if version["parent_id"] != (before or None):
        findings.add("version", number, "parent", f"it names {version['parent_id']}, before it is {before}")
    if parent and version["created_at"] < parent["created_at"]:
        findings.add("version", number, "created-at", "it is older than the version before it")
    if version["lo"] != (parent["hi"] + 1 if parent else 1):
        findings.add("version", number, "ids", f"its revisions begin at {version['lo']}")
    if version["kind"] not in _KINDS:
        findings.add("version", number, "kind", f"{version['kind']!r} is none of {', '.join(_KINDS)}")
    if version["formats"] != FORMATS:
        findings.add("version", number, "formats", f"this khotin knows {FORMATS}")
    hexed = {
        name: None if version[name] is None else version[name].hex()
        for name in ("delta_root", "zdict_sha256")
    }
    header = [
        number,
        *(version[n] for n in ("run_id", "kind", "message", "created_at", *COUNTS, "documents")),
        hexed["delta_root"],
        hexed["zdict_sha256"],
        version["formats"],
        version["code_version"],
    ]
    if chain_hash(parent["chain"] if parent else None, header) != version["chain"]:
        findings.add("version", number, "chain", "header, parent and chain do not fit each other")
