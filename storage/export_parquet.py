"""Parquet: the schema, one file, and a folder of shards.

zstd at level 3 and row groups of 10,000 documents: about .31 of the text, and small enough to be read one by
one. Pages carry checksums, so that a flipped bit is found where it is. pyarrow takes a second to import and
is only imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import orjson

from storage.export_rows import FIELDS, PROOF

if TYPE_CHECKING:
    import pyarrow as pa

METADATA_KEY = b"khotin"
ROWS_PER_GROUP = 10_000
_FEW_VALUES = (
    "date_precision", "language", "language_script", "agency", "section", "source", "record_kind", "kind",
    "parser", "warc_file", "proof.op", "proof.language", "proof.parser", "proof.parser_version",
)  # fmt: skip
"""Columns that repeat their values; a dictionary for the others costs time and saves nothing."""
_STATISTICS = ("date", "source", "added_in_version", "rev", "fetched", "record_kind", "language")
"""Columns that people filter by; least and greatest text of a row group help nobody."""


@dataclass(frozen=True, slots=True)
class Sharding:
    """When a new shard is begun: after so many documents or, at the end of a row group, so many bytes."""

    documents: int = 100_000
    bytes: int = 200_000_000
    rows_per_group: int = ROWS_PER_GROUP


def schema() -> pa.Schema:
    """The schema of an export; times are UTC in microseconds."""
    import pyarrow as pa

    text, texts, time = pa.string(), pa.list_(pa.string()), pa.timestamp("us", tz="UTC")
    types = {
        "date": time,
        "modified": time,
        "fetched": time,
        "paragraphs": pa.list_(pa.struct([pa.field("kind", text, False), pa.field("text", text, False)])),
        "captions": texts,
        "authors": texts,
        "tags": texts,
        "added_in_version": pa.int64(),
        "rev": pa.int32(),
        "closeness": pa.float64(),
        "warc_offset": pa.int64(),
        "proof": pa.struct([pa.field(name, text) for name in PROOF]),
    }
    optional = {
        "date", "date_precision", "lead", "agency", "section", "modified", "closeness", "warc_file",
        "warc_offset",
    }  # fmt: skip
    return pa.schema([pa.field(name, types.get(name, text), name in optional) for name in FIELDS])


class ParquetFile:
    """One file that is being written; rows are kept back until they fill a row group."""

    def __init__(self, path: Path, rows_per_group: int = ROWS_PER_GROUP) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = path
        self.documents = 0
        self._schema = schema()
        self._rows: list[Mapping[str, Any]] = []
        self._rows_per_group = rows_per_group
        self._batch = pa.RecordBatch
        self._stream = path.open("wb")
        self._writer = pq.ParquetWriter(
            self._stream,
            self._schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=list(_FEW_VALUES),
            write_statistics=list(_STATISTICS),
            write_page_checksum=True,
            store_schema=True,
        )

    def __enter__(self) -> ParquetFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A writer that is left open writes its footer when it is collected, then to a closed file.
        with suppress(OSError):
            self._writer.close()
        self._stream.close()

    @property
    def bytes(self) -> int:
        """Bytes written up to now, without the rows that are kept back."""
        return self._stream.tell()

    def add(self, row: Mapping[str, Any]) -> bool:
        """Add a row; whether a row group was written with it."""
        self._rows.append(row)
        self.documents += 1
        if len(self._rows) < self._rows_per_group:
            return False
        self._write()
        return True

    def _write(self) -> None:
        batch = self._batch.from_pylist(self._rows, schema=self._schema)
        self._writer.write_batch(batch, row_group_size=self._rows_per_group)
        self._rows = []

    def finish(self, metadata: Mapping[str, Any]) -> None:
        """Write what is left, the metadata and the footer."""
        if self._rows:
            self._write()
        self._writer.add_key_value_metadata({METADATA_KEY: orjson.dumps(metadata)})
        self._writer.close()
        self._stream.flush()


def write_shards(
    folder: Path, rows: Iterable[Mapping[str, Any]], sharding: Sharding, metadata: Mapping[str, Any]
) -> list[tuple[str, int]]:
    """Write `data/train-NNNNN-of-NNNNN.parquet` in a folder; names and numbers of documents.

    How many shards there are is known at the end only: then they get their names.
    """
    data = folder / "data"
    data.mkdir()
    counts: list[int] = []
    remaining = iter(rows)
    row = next(remaining, None)
    while row is not None or not counts:  # an empty corpus has one empty shard
        with ParquetFile(data / f"{len(counts)}.part", sharding.rows_per_group) as file:
            full = False
            while row is not None and not full:
                grouped = file.add(row)
                full = file.documents >= sharding.documents or (grouped and file.bytes >= sharding.bytes)
                row = next(remaining, None)
            file.finish({**metadata, "documents": file.documents, "shard": len(counts)})
            counts.append(file.documents)
    names = []
    for number in range(len(counts)):
        name = f"data/train-{number:05}-of-{len(counts):05}.parquet"
        (data / f"{number}.part").rename(folder / name)
        names.append(name)
    return list(zip(names, counts, strict=True))
