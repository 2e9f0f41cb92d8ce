"""Stores to damage, and one who damages them: with the database's own means, past guards and foreign keys."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from parsers.article import Paragraph
from storage import Captured, Met, Offer, Record, SourcePart, Store
from storage.archive import Payload
from storage.database import guard_statements
from storage.tables import APPEND_ONLY
from tests.conftest import START
from tests.storage.test_commit import record

WORDS = [
    "người",
    "dân",
    "trong",
    "xã",
    "cho",
    "biết",
    "con",
    "đường",
    "mới",
    "giúp",
    "việc",
    "đi",
    "lại",
    "thuận",
    "tiện",
    "hơn",
    "trước",
    "rất",
    "nhiều",
    "và",
    "các",
    "em",
    "nhỏ",
    "tới",
    "trường",
    "không",
    "còn",
    "phải",
    "lội",
    "qua",
    "suối",
    "khi",
    "mùa",
    "mưa",
    "về",
    "nước",
    "lũ",
    "dâng",
    "cao",
    "ngập",
    "cả",
    "cánh",
    "đồng",
    "lúa",
]


def some_records(count: int, *, seed: int = 3, words: int = 60) -> list[Record]:
    rng = random.Random(seed)

    def text() -> str:
        return " ".join(rng.choices(WORDS, k=words)) + f" {rng.random()}."

    return [
        record(
            f"http://a.example/bai-{n}",
            title=f"Bài {n}",
            lead=text(),
            paragraphs=(Paragraph(text()), Paragraph(text())),
            agency="TTXVN",
            modified_at=START,
        )
        for n in range(count)
    ]


def commit_captured(store: Store, run_id: str, records: Sequence[Record], *, minutes: int = 0) -> None:
    """Commit records as an ingest does: raw page, capture row, version, ledger."""
    now = START + timedelta(minutes=minutes)
    store.begin_run(run_id, "ingest", "test", now)
    pages = [
        Captured(
            "a",
            "page",
            r.url,
            Payload(r.url, now, r.text.encode(), 200, (("ETag", '"x"'),), "text/html"),
            etag='"x"',
            last_modified="Mon, 02 Mar 2026 01:00:00 GMT",
            robots_rule="Allow: /",
        )
        for r in records
    ]
    with store.archive_writer(run_id, now, "test") as archive:
        ids = store.capture(run_id, archive, pages)
    offers = []
    for r, capture_id in zip(records, ids, strict=True):
        sha256 = hashlib.sha256(store.raw(capture_id)).hexdigest()
        met = Met(r.url, "feed", capture_id=capture_id, fetched_at=now, hint_at=now, payload_sha256=sha256)
        offers.append(Offer(met, replace(r, payload_sha256=sha256)))
    store.commit_run(run_id, "ingest", "test", [SourcePart("a", offers=tuple(offers))], now, "0")


def grow(store: Store) -> None:
    """Five versions: without and with a dictionary, with captures, documents of one to three revisions."""
    records = some_records(520)
    store.begin_run("r1", "ingest", "test", START)
    offers = tuple(Offer(Met(r.url, "feed", fetched_at=START, hint_at=START), r) for r in records)
    store.commit_run("r1", "ingest", "test", [SourcePart("a", offers=offers)], START, "0")
    commit_captured(store, "r2", [record("http://a.example/moi-1", lead="Một."), *changed(records[:4], "2")])
    commit_captured(store, "r3", changed(records[:2], "3"), minutes=3)
    commit_captured(store, "r4", changed(records[5:8], "4"), minutes=4)
    commit_captured(store, "r5", changed(records[8:10], "5"), minutes=5)


def changed(records: Sequence[Record], mark: str) -> list[Record]:
    return [replace(r, title=f"{r.title} {mark}") for r in records]


class Vandal:
    """Changes what nobody may change: guards and foreign keys are taken away and put back around it."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"

    def do(self, *statements: str, values: Sequence[Any] = (), guards: bool = True) -> None:
        """Run statements (marks `?`); `guards`: put them back, as a careful attacker does."""
        if self.sqlite:
            with sqlite3.connect(str(self.url.database), isolation_level=None) as connection:
                connection.execute("PRAGMA foreign_keys=OFF")
                for table in APPEND_ONLY:
                    for action in ("update", "delete"):
                        connection.execute(f"DROP TRIGGER IF EXISTS guard_{table}_{action}")
                for statement in statements:
                    connection.execute(statement, values)
                for statement in guard_statements("sqlite") if guards else ():
                    connection.execute(statement)
            connection.close()
            return
        with psycopg.connect(self.url.set(drivername="postgresql").render_as_string(False)) as server:
            server.execute("SET session_replication_role = replica")  # neither guards nor foreign keys
            for statement in statements:
                server.execute(statement.replace("?", "%s").encode(), values)

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if self.sqlite:
            connection = sqlite3.connect(str(self.url.database))
            try:
                return connection.execute(query, values).fetchall()
            finally:
                connection.close()
        with psycopg.connect(self.url.set(drivername="postgresql").render_as_string(False)) as server:
            return server.execute(query.replace("?", "%s").encode(), values).fetchall()

    def edit(self, table: str, row_id: int, column: str, value: Any) -> None:
        self.do(f'UPDATE {table} SET "{column}" = ? WHERE id = ?', values=(value, row_id))

    def read(self, table: str, row_id: int, column: str) -> Any:
        return self.rows(f'SELECT "{column}" FROM {table} WHERE id = ?', (row_id,))[0][0]
