"""Verifying revisions: every hash anew, and that the rows fit each other and their versions.

A row is first looked at as a whole, on a quick path; only a row that does not pass is taken apart to say what
is wrong with it. The quick path is what makes a million documents a matter of seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson
import zstandard

from storage.codec import MAX_BODY_BYTES, ZSTD
from storage.findings import Findings
from storage.hashing import LEAF_FORMAT, merkle_root
from storage.records import ROW_COLUMNS
from storage.scanning import Row, Rows
from storage.verify_revision import OPS, Explainer, Purged, Span, keys_of
from storage.verify_versions import COUNTS

_DEEP_COLUMNS = ("word_count", "text_key", "body_key")
_COLUMNS = tuple(name for name in ROW_COLUMNS if name not in _DEEP_COLUMNS)
_JOINED = ("p.id", "p.url_key", "p.rev", "p.op", "p.leaf", "c.id", "c.payload_sha256")
_FROM = "FROM revision r LEFT JOIN revision p ON p.id = r.prev_id LEFT JOIN capture c ON c.id = r.capture_id"


def _select(*more: str) -> str:
    return f"SELECT {', '.join((*(f'r.{name}' for name in _COLUMNS), *_JOINED, *more))} {_FROM}"


_SELECT = _select()
_DEEP_SELECT = _select(*(f"r.{name}" for name in _DEEP_COLUMNS))
_NAMES = (*_COLUMNS, "p_id", "p_key", "p_rev", "p_op", "p_leaf", "c_id", "c_payload", *_DEEP_COLUMNS)


class RevisionCheck:
    """Takes all revisions by in the order of their ids and checks them against their versions."""

    def __init__(
        self,
        rows: Rows,
        findings: Findings,
        versions: Iterable[dict[str, Any]],
        dictionaries: Mapping[int, tuple[bytes, bytes]],
        *,
        deep: bool,
    ) -> None:
        self._rows = rows
        self._findings = findings
        self._deep = deep
        self._unpackers: dict[int | None, zstandard.ZstdDecompressor] = {None: zstandard.ZstdDecompressor()}
        for number, (_sha256, data) in dictionaries.items():
            try:
                dictionary = zstandard.ZstdCompressionDict(data)
                self._unpackers[number] = zstandard.ZstdDecompressor(dict_data=dictionary)
            except (zstandard.ZstdError, ValueError) as error:
                findings.add("zdict", number, "dictionary", str(error))
        by_hash = {sha256: number for number, (sha256, _data) in dictionaries.items()}
        self._to_come = iter(self._make_spans(list(versions), by_hash))
        self._span: Span | None = None
        self._before = 0
        self.purged = Purged()
        self._explainer = Explainer(findings, self._unpackers, self.purged, deep=deep)
        self.count = 0

    def _make_spans(self, versions: list[dict[str, Any]], by_hash: Mapping[bytes, int]) -> list[Span]:
        spans = []
        newest = self._rows.attempt("revision", "SELECT max(id) FROM revision")
        top = (newest[0][0] or 0) if newest else 0
        for place, version in enumerate(versions):
            number, lo, hi = version["id"], _whole(version["lo"]), _whole(version["hi"])
            following = _whole(versions[place + 1]["lo"]) - 1 if place + 1 < len(versions) else top
            before = _whole(versions[place - 1]["hi"]) if place else 0
            size = sum(_whole(version[name]) for name in COUNTS)
            if lo != before + 1 or (hi != following and hi - lo + 1 != size):
                # The version or its neighbour is wrong: the rows themselves say which are its own.
                query = "SELECT min(id), max(id) FROM revision WHERE version_id = ?"
                ends = self._rows.attempt("revision", query, (number,))
                real = ends[0] if ends and ends[0][0] is not None else (lo, hi)
                if real != (lo, hi):
                    self._findings.add(
                        "version", number, "ids", f"says {lo}-{hi}, its rows are {real[0]}-{real[1]}"
                    )
                lo, hi = real
            sha256 = version["zdict_sha256"]
            zdict_id = None if sha256 is None else by_hash.get(sha256)
            if sha256 is not None and zdict_id is None:
                self._findings.add("version", number, "dictionary", "the one that it names is not there")
            documents = _whole(versions[place - 1]["documents"]) if place else 0
            spans.append(Span(version, lo, hi, zdict_id, number, documents_before=documents))
        return sorted(spans, key=lambda span: (span.lo, span.hi))

    def run(self, progress: Callable[[int], None]) -> None:
        """Check every revision, then what only the whole can tell."""
        self._span = next(self._to_come, None)
        for batch in self._rows.scan("revision", _DEEP_SELECT if self._deep else _SELECT, "r.id", progress):
            self._check_batch(batch)
            self.count += len(batch)
        while self._span is not None:
            if self._span.hi > self._before:
                self._tell_gap(self._before + 1, self._span.hi)
                self._before = self._span.hi
            self._next_span(self._span)
        self._check_purged()
        self._check_unique()

    def _check_batch(self, batch: list[Row]) -> None:
        """The quick path, written out: a function call a row would cost a tenth of the speed."""
        sha256, dumps, fragment = hashlib.sha256, orjson.dumps, orjson.Fragment
        size_of, unpackers, deep = zstandard.frame_content_size, self._unpackers, self._deep
        span, before = self._span, self._before
        for row in batch:
            (
                row_id, version_id, prev_id, rev, op, url_key, url, source, record_kind, agency, section,
                tags, language, kind, published_at, precision, modified_at, fetched_at, parser,
                parser_version,
                payload, capture_id, leaf, codec, zdict_id, packed,
                p_id, p_key, p_rev, p_op, p_leaf, c_id, c_payload, *keys,
            ) = row  # fmt: skip
            if row_id != before + 1:
                self._tell_gap(before + 1, row_id - 1)
            before = row_id
            while span is not None and row_id > span.hi:
                span = self._next_span(span)
            try:
                sane = 0 <= size_of(packed) <= MAX_BODY_BYTES
                body = unpackers[zdict_id].decompress(packed, allow_extra_data=False) if sane else b""
                sound = (
                    span is not None
                    and span.lo <= row_id
                    and span.number == version_id
                    and span.zdict_id == zdict_id
                    and codec == ZSTD
                    and sha256(b"\0" + dumps((
                        LEAF_FORMAT, url, rev, op, None if p_leaf is None else p_leaf.hex(), source,
                        record_kind, agency, section, fragment(tags), language, kind, published_at,
                        precision, modified_at, fetched_at, parser, parser_version,
                        None if payload is None else payload.hex(),
                        sha256(body).hexdigest(),
                    ))).digest() == leaf
                    and sha256(url.encode()).digest()[:16] == url_key
                    and (
                        (rev == 1 and op == "add")
                        if prev_id is None
                        else op == "revise" and p_op != "retract" and rev == p_rev + 1
                        and p_id == prev_id < row_id and p_key == url_key
                    )
                    and capture_id == c_id
                    and (c_id is None or c_payload == payload)
                    and (not deep or keys_of(body) == tuple(keys))
                )  # fmt: skip
            except Exception:
                sound = False  # whatever a damaged value made of it: the careful look says what it is
            if not sound:
                own = span if span is not None and row_id >= span.lo else None
                self._explainer.explain(dict(zip(_NAMES, row, strict=False)), own)
            if span is not None and row_id >= span.lo:
                if op != "add":
                    span.ops[op] = span.ops.get(op, 0) + 1
                span.leaves.append(leaf)
        self._before = before

    def _check_purged(self) -> None:
        for key, row_id in self.purged.url_keys.items():
            if key not in self.purged.demanded:
                self._findings.add(
                    "revision", row_id, "purged", "but no tombstone of its document says purge"
                )
        query = "SELECT count(*) FROM revision WHERE url_key = ? AND op <> 'retract' AND codec <> 'purged'"
        open_ = sum(self._rows.attempt("revision", query, (key,)) != [(0,)] for key in self.purged.demanded)
        if open_:
            self._findings.note(
                f"the purge of {open_} documents is not done yet: run the same retraction again"
            )

    def _next_span(self, span: Span) -> Span | None:
        self._close(span)
        self._span = next(self._to_come, None)
        return self._span

    def _close(self, span: Span) -> None:
        number = span.version["id"]
        documents = (
            span.documents_before + _whole(span.version["added"]) - span.ops.get("retract", 0) + span.again
        )
        if span.version["documents"] != documents:
            self._findings.add(
                "version", number, "documents", f"{span.version['documents']}, recounted {documents}"
            )
        ops = {"add": len(span.leaves) - sum(span.ops.values()), **span.ops}
        for name, op in zip(COUNTS, OPS, strict=True):
            if span.version[name] != ops.get(op, 0):
                self._findings.add(
                    "version", number, name, f"{span.version[name]}, recounted {ops.get(op, 0)}"
                )
        leaves = [leaf for leaf in span.leaves if isinstance(leaf, bytes)]
        if merkle_root(leaves) != span.version["delta_root"]:
            self._findings.add("version", number, "root", "its revisions do not make its Merkle root")
        span.leaves.clear()

    def _tell_gap(self, first: int, last: int) -> None:
        """Ids that are not there, in ranges; those that could not be read were told already."""
        lost = sorted(n for n in self._rows.unreadable.get("revision", ()) if first <= n <= last)
        for end in [*lost, last + 1]:
            if first < end:
                self._findings.add("revision", first if first == end - 1 else f"{first}-{end - 1}", "missing")
            first = end + 1

    def _check_unique(self) -> None:
        """The unique indexes hold this; they may have been dropped."""
        twice = (
            "SELECT prev_id, min(id), max(id) FROM revision WHERE prev_id IS NOT NULL "
            "GROUP BY prev_id HAVING count(*) > 1"
        )
        for _, first, last in self._rows.attempt("revision", twice):
            self._findings.add("revision", last, "forked", f"it and {first} follow the same revision")
        twice = (
            "SELECT url_key, rev, min(id), max(id) FROM revision GROUP BY url_key, rev HAVING count(*) > 1"
        )
        for _, rev, first, last in self._rows.attempt("revision", twice):
            self._findings.add(
                "revision", last, "forked", f"it and {first} are both revision {rev} of one URL"
            )


def _whole(value: Any) -> int:
    """A number that SQLite would also take as text; what is none fits nowhere."""
    return value if isinstance(value, int) else -1
