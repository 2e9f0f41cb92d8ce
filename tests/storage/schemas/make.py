"""Writes a small store with today's schema to `<schema>.sql` beside this file.

    python -m tests.storage.schemas.make

Run it when a migration was added, and never again for an older one: the files are what old stores were.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from parsers.article import Paragraph
from parsers.closeness import fit
from storage import (
    Captured,
    End,
    Ending,
    EndpointState,
    HostState,
    LeftOut,
    Met,
    Offer,
    ShapeRow,
    SourcePart,
    SourcePoll,
    open_store,
)
from storage.archive import Payload
from storage.scoring import add_model, score_new
from storage.tables import SCHEMA, Tag, table_of
from tests.conftest import START
from tests.storage.test_commit import record

FOLDER = Path(__file__).parent


def make(home: Path) -> Path:
    """A store with something in every table but `zdict`; gives the database's path."""
    path = home / "khotin.db"
    url = "http://a.example/1"
    body = b"<p>trang</p>"
    first = record(tags=("cầu", "sông \"Cái\" 'x'"), payload_sha256=hashlib.sha256(body).hexdigest())
    with open_store(home, f"sqlite:///{path}") as store:
        store.begin_run("r1", "ingest", "first", START)
        with store.archive_writer("r1", START, "khotin test") as archive:
            page = Payload(url, START, body, 200, [("Content-Type", "text/html")], "text/html")
            (capture,) = store.capture("r1", archive, [Captured("a", "page", url, page)])
        met = Met(url, "feed", fetched_at=START, hint_at=START, capture_id=capture)
        other = record(
            "http://a.example/2",
            paragraphs=(Paragraph("Bài khác hẳn, ngắn."),),
            lead=None,
            payload_sha256=None,
        )
        part = SourcePart(
            "a",
            offers=(Offer(met, first), Offer(Met(other.url, "feed"), other)),
            ends=(End(Met("http://a.example/3", "feed"), Ending.REJECTED, "video"),),
            endpoints=(EndpointState("http://a.example/feed.xml", "a", "feed", checked_at=START),),
            poll=SourcePoll("a", polled_at=START, next_poll_at=START + timedelta(hours=1)),
            problems=("một lỗi",),
            shapes=(ShapeRow("a", "generic", "1", "r1", START, 2, "{}", "đổi khác"),),
            left_out=(
                LeftOut("http://a.example/4", "a", "thi-dua 0a1b2c3d", "told", "Tin khác", None, 0.25),
            ),
        )
        store.commit_run("r1", "ingest", "first", [part], START, "0")
        later = START + timedelta(days=1)
        store.begin_run("r2", "ingest", "second", later)
        revised = replace(first, title="Tựa mới")
        again = SourcePart("a", offers=(Offer(met, revised),))
        store.commit_run("r2", "ingest", "second", [again], later, "0")
        add_model(store, fit([b"cum thi dua"], [b"tin khac han"]), 2, later, "0")
        score_new(store)
        store.spare_hosts([HostState("a.example", later)])
        with store.writing() as connection:
            tag = {"name": "release-1", "version_id": 1, "message": "đầu tiên", "created_at": later}
            connection.execute(table_of(Tag).insert(), [tag])
    return path


def dump(path: Path) -> str:
    """The database as SQL text."""
    connection = sqlite3.connect(path)
    try:
        return "\n".join(connection.iterdump()) + "\n"
    finally:
        connection.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        (FOLDER / f"{SCHEMA}.sql").write_text(dump(make(Path(folder))), "utf-8")
