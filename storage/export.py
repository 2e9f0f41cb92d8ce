"""Getting the corpus out: a JSON object a line, in field names that corpus builders know (FineWeb-2)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from parsers.errors import StoreError
from storage.reading import Document
from storage.store import Store
from storage.versions import VersionRow


def export_row(document: Document) -> dict[str, Any]:
    """One document as exports hold it; `id` is its canonical URL, `leaf` the hash that vouches for it."""
    record = document.record
    return {
        "id": record.url,
        "text": record.text,
        "url": record.url,
        "date": record.published_at,
        "date_precision": record.published_precision,
        "language": "vie" if record.language == "vi" else record.language,
        "language_script": "Latn",
        "title": record.title,
        "lead": record.lead,
        "paragraphs": [{"kind": p.kind.value, "text": p.text} for p in record.paragraphs],
        "captions": list(record.captions),
        "authors": list(record.authors),
        "agency": record.agency,
        "section": record.section,
        "tags": list(record.tags),
        "source": record.source,
        "record_kind": record.record_kind,
        "modified": record.modified_at,
        "fetched": record.fetched_at,
        "parser": f"{record.parser} {record.parser_version}",
        "added_in_version": document.version_id,
        "rev": document.rev,
        "leaf": document.leaf,
        "text_sha256": hashlib.sha256(record.text.encode()).hexdigest(),
    }


def jsonl_lines(documents: Iterator[Document]) -> Iterator[bytes]:
    """Each document as one line of JSON, UTF-8."""
    for document in documents:
        yield orjson.dumps(export_row(document), option=orjson.OPT_APPEND_NEWLINE)


def write_jsonl(
    store: Store,
    version: VersionRow,
    target: Path | BinaryIO,
    *,
    since: VersionRow | None = None,
    advance: Callable[[], None] = lambda: None,
) -> int:
    """Write the corpus as of a version (only what changed after `since`); gives the number of documents.

    A file is written under a temporary name and renamed when it is whole, so that an interrupted export
    never looks like a finished one.
    """
    with store.documents(version, since) as documents:
        if not isinstance(target, Path):
            return _write(documents, target, advance)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as stream:
                count = _write(documents, stream, advance)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        except OSError as error:
            raise StoreError(
                f"cannot write {target}: {error.strerror or error}",
                reason="export-not-written",
                hint="name a file in a folder that you may write to, on a disk with room",
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        return count


def _write(documents: Iterator[Document], stream: BinaryIO, advance: Callable[[], None]) -> int:
    count = 0
    for line in jsonl_lines(documents):
        stream.write(line)
        count += 1
        advance()
    return count
