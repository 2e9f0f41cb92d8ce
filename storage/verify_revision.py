"""Verifying one revision that did not pass as a whole: what exactly is wrong with it, or why it is sound."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import zstandard

from parsers.article import Paragraph, ParagraphKind
from parsers.compare import text_facts
from storage.codec import MAX_BODY_BYTES, PURGED, ZSTD
from storage.findings import Findings
from storage.hashing import LEAF_FORMAT

OPS = ("add", "revise", "retract")


@dataclass(slots=True)
class Span:
    """A version while its revisions go by."""

    version: dict[str, Any]
    lo: int
    hi: int
    zdict_id: int | None
    number: int
    ops: dict[str, int] = field(default_factory=dict)
    """Revisions by what they do; those that are neither revisions nor retractions are new documents."""
    leaves: list[bytes] = field(default_factory=list)
    documents_before: int = 0
    """How many documents the version before it holds."""
    again: int = 0
    """Tombstones upon a tombstone: what was retracted before and is purged now."""


@dataclass(slots=True)
class Purged:
    """What says that a raw page or a body may be gone, gathered while the revisions go by."""

    url_keys: dict[bytes, int] = field(default_factory=dict)
    capture_ids: set[int] = field(default_factory=set)
    demanded: set[bytes] = field(default_factory=set)
    """Keys of documents with a tombstone that says purge."""


class Explainer:
    """Takes rows apart, and gathers what retractions and purges say on the way."""

    def __init__(
        self,
        findings: Findings,
        unpackers: Mapping[int | None, zstandard.ZstdDecompressor],
        purged: Purged,
        *,
        deep: bool,
    ) -> None:
        self._findings = findings
        self._unpackers = unpackers
        self._purged = purged
        self._deep = deep

    def explain(self, row: dict[str, Any], span: Span | None) -> None:
        """Say what is wrong with a row that did not pass; retracted and purged ones may be sound."""

        def tell(what: str, detail: str = "") -> None:
            self._findings.add("revision", row["id"], what, detail)

        def holds(test: Callable[[], bool]) -> bool:
            try:
                return test()
            except Exception:
                return False  # a value of a type that cannot even be compared

        told_before = len(self._findings.found)
        op, key, purged = row["op"], row["url_key"], row["codec"] == PURGED
        if span is None:
            tell("no-version", "no version holds its id")
        elif span.version["id"] != row["version_id"]:
            tell("version", f"it says {row['version_id']}, its id is one of version {span.version['id']}")
        if op not in OPS:
            tell("op", f"{op!r} is none of {', '.join(OPS)}")
        if not holds(lambda: hashlib.sha256(row["url"].encode()).digest()[:16] == key):
            tell("url-key", "it is not the key of the URL")
        body = self._unpack(row, tell) if not purged else None
        # Without its body only what else there is can be judged; the body was told already.
        hashed = row["body"].hex() if purged and isinstance(row["body"], bytes) else _hash(body)
        if (purged or body is not None) and not holds(lambda: _leaf(row, hashed) == row["leaf"]):
            tell("leaf", "fields, text, predecessor and leaf do not fit each other")
        if row["prev_id"] is None:
            if row["rev"] != 1 or op in ("revise", "retract"):
                tell("predecessor", f"revision {row['rev']} ({op}) has none")
        elif row["p_id"] is None:
            tell("predecessor", f"revision id {row['prev_id']} is not there")
        elif not holds(lambda: _follows(row)):
            tell("predecessor", f"revision id {row['prev_id']} is not the one before it")
        if row["capture_id"] is not None and row["c_id"] is None:
            tell("capture", f"capture {row['capture_id']} is not there")
        elif row["c_id"] is not None and row["c_payload"] != row["payload_sha256"]:
            tell("capture", f"capture {row['capture_id']} holds other bytes")
        if span is not None and op == row["p_op"] == "retract":
            span.again += 1
        if purged:
            self._note_purged(row, tell)
            return
        if row["codec"] != ZSTD:
            tell("codec", f"{row['codec']!r} is unknown")
        if span is not None and row["zdict_id"] != span.zdict_id:
            tell("dictionary", f"{row['zdict_id']} is not the one that its version names")
        if body is not None:
            self._explain_body(row, body, tell)
        if op != "retract" and len(self._findings.found) == told_before:
            tell("damaged", "it does not pass as a whole")

    def _note_purged(self, row: dict[str, Any], tell: Callable[[str, str], None]) -> None:
        if not isinstance(row["body"], bytes) or len(row["body"]) != hashlib.sha256().digest_size:
            tell("purged", "but what stands for its body is no hash")
        if isinstance(row["url_key"], bytes):
            self._purged.url_keys.setdefault(row["url_key"], row["id"])
        if isinstance(row["capture_id"], int):
            self._purged.capture_ids.add(row["capture_id"])

    def _unpack(self, row: dict[str, Any], tell: Callable[[str, str], None]) -> bytes | None:
        packed, unpacker = row["body"], self._unpackers.get(row["zdict_id"])
        if not isinstance(packed, bytes) or packed == b"":
            tell("body", "it is gone, and no purge is recorded" if packed == b"" else "it is not bytes")
            return None
        if unpacker is None:
            tell("body", f"dictionary {row['zdict_id']} is not there")
            return None
        try:
            size = zstandard.frame_content_size(packed)
            if not 0 <= size <= MAX_BODY_BYTES:
                raise ValueError(f"it claims {size} bytes")
            return unpacker.decompress(packed, allow_extra_data=False)
        except (zstandard.ZstdError, ValueError, MemoryError) as error:
            tell("body", f"it cannot be unpacked: {error}")
            return None

    def _explain_body(self, row: dict[str, Any], body: bytes, tell: Callable[[str, str], None]) -> None:
        try:
            if row["op"] == "retract" and orjson.loads(body)["retraction"]["purge"]:
                self._purged.demanded.add(row["url_key"])
            keys = keys_of(body) if self._deep else None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            tell("body", f"it is no document: {error}")
            return
        if keys is not None:
            for name, should in zip(("word_count", "text_key", "body_key"), keys, strict=True):
                if row[name] != should:
                    tell(name.replace("_", "-"), f"{row[name]!r}, recomputed {should!r}")


def _hash(body: bytes | None) -> str | None:
    return None if body is None else hashlib.sha256(body).hexdigest()


def _leaf(row: Mapping[str, Any], body_sha256: str | None) -> bytes:
    def hexed(value: bytes | None) -> str | None:
        return None if value is None else value.hex()

    names = ("language", "kind", "published_at", "published_precision", "modified_at", "fetched_at")
    fields = [
        LEAF_FORMAT,
        row["url"],
        row["rev"],
        row["op"],
        hexed(row["p_leaf"]),
        *(row[name] for name in ("source", "record_kind", "agency", "section")),
        orjson.Fragment(row["tags"]),
        *(row[name] for name in names),
        row["parser"],
        row["parser_version"],
        hexed(row["payload_sha256"]),
        body_sha256,
    ]
    return hashlib.sha256(b"\x00" + orjson.dumps(fields)).digest()


def _follows(row: Mapping[str, Any]) -> bool:
    in_order = row["p_id"] < row["id"] and row["rev"] == row["p_rev"] + 1
    fits = row["op"] == "retract" or (row["op"] == "revise" and row["p_op"] != "retract")
    return bool(in_order and fits and row["p_key"] == row["url_key"])


def keys_of(body: bytes) -> tuple[int, int, int | None]:
    """Word count, text key and body key, from the body as a record has it."""
    told = orjson.loads(body)
    lead = told["lead"]
    paragraphs = tuple(Paragraph(text, ParagraphKind(kind)) for kind, text in told["paragraphs"])
    return text_facts(lead, paragraphs)
