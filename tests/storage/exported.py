"""A small corpus for the tests of exports, and one export in a process of its own that is killed on its way.

    python -m tests.storage.exported HOME DATABASE_URL FORM TARGET POINT NUMBER

POINT is `document` or `rename`: the process kills itself (SIGKILL) before the NUMBER-th.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from parsers.article import Paragraph, ParagraphKind
from storage import Captured, Store, VersionRow, open_store
from storage.archive import Payload
from storage.codec import Packer
from storage.export import Form, Sharding, export_corpus
from storage.records import ROW_COLUMNS, Record, prepare
from storage.versions import NewVersion, append_version
from tests.conftest import START
from tests.storage.test_commit import commit, record

URL = "http://a.example/{}"
HOSTILE = (
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "<script>alert(1)</script> [x](javascript:alert(1)) `| --- |`",
    "../../etc/passwd",
    "/etc/passwd\x00.txt",
    "Đà Nẵng 🌊 𝒳 e\u0301 \u202egnp.exe",
)
"""Titles that mean something to a spreadsheet, a browser, a shell or a file system."""


def words(number: int) -> str:
    return " ".join(f"âm tiết thứ {number} lần {n} của bài này" for n in range(12))


def article(number: int, **changes: object) -> Record:
    """An article whose text no other number has."""
    paragraphs = (
        Paragraph(f"Đoạn đầu {words(number)}."),
        Paragraph("Tít phụ", ParagraphKind.HEADING),
        Paragraph(f"Đoạn cuối {words(number + 1000)}."),
    )
    values: dict[str, object] = {
        "url": URL.format(number),
        "title": f"Tựa bài số {number}",
        "lead": f"Sa-pô của bài {number}.",
        "paragraphs": paragraphs,
        "published_at": START + timedelta(hours=number),
        **changes,
    }
    return replace(record(), **values)  # type: ignore[arg-type]


def grow(store: Store) -> list[VersionRow]:
    """Three versions: five articles; a revision and a new one; another new one, with its raw page."""
    commit(store, "r1", *(article(number) for number in range(5)))
    commit(store, "r2", article(1, title="Tựa đã sửa"), article(5))
    commit(store, "r3", article(6, published_at=None, published_precision=None))
    return store.versions()


def capture(store: Store, url: str) -> int:
    """Put a raw page into the archive; gives the id of its capture."""
    with store.archive_writer("raw", START, "test") as archive:
        page = Payload(url, START, b"<html>", 200)
        return store.capture("raw", archive, [Captured("a", "page", url, page)])[0]


def retract(store: Store, run_id: str, url: str) -> VersionRow:
    """A version of kind `retract` that hides one document: a tombstone over its last revision."""
    head = store.history(url)[-1]
    tombstone = replace(head.record, paragraphs=(Paragraph("gỡ theo yêu cầu"),))
    (prepared,) = prepare([tombstone], Packer(None))
    parent = store.version()
    row, _ = prepared.row(parent.hi + 1, parent.id + 1, (head.revision_id, head.rev, head.leaf), None)
    leaf = tombstone.leaf(head.rev + 1, "retract", head.leaf)
    values = dict(zip(ROW_COLUMNS, row, strict=True)) | {"op": "retract", "leaf": leaf}
    with store.writing() as connection:
        new = NewVersion(run_id, "retract", "", START, "0")
        return append_version(connection, parent, new, [tuple(values.values())], [leaf])


def export(store: Store, target: Path, form: str, **options: Any) -> Path:
    """Export the newest version, or that of `at`."""
    version = options.pop("at", None) or store.version()
    export_corpus(store, version, target, Form(form), **options)
    return target


def main(home: str, url: str, form: str, target: str, point: str, number: str) -> None:
    left = int(number)

    def count(event: str) -> None:
        nonlocal left
        if event == point:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    with open_store(Path(home), url) as store:
        sys.addaudithook(lambda event, _: count(event.removeprefix("os.")))
        export(
            store,
            Path(target),
            form,
            sharding=Sharding(rows_per_group=2, documents=2),
            advance=lambda: count("document"),
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
