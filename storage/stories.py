"""What the store tells of runs, URLs and raw pages: the working memory and the ledger, read back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from parsers.errors import NotFound
from parsers.urls import url_key
from storage.closeness import Scored, read_scored
from storage.documents import Document
from storage.ledger import Counts, Ending, SourceTally
from storage.off_topic import LeftOut, all_left_out
from storage.reading import Reader
from storage.sightings import kin_of, rulings_on
from storage.tables import Capture, IngestRun, Outcome, Page, RunSource, table_of


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run with its sums."""

    run_id: str
    kind: str
    label: str
    state: str
    version_id: int | None
    detail: str
    started_at: datetime
    finished_at: datetime | None
    tallies: tuple[SourceTally, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of one URL: its state in each source, its ends, captures, revisions, its kin."""

    url: str
    pages: tuple[dict[str, Any], ...]
    outcomes: tuple[dict[str, Any], ...]
    captures: tuple[dict[str, Any], ...]
    documents: tuple[Document, ...]
    kin: tuple[dict[str, Any], ...] = ()
    rulings: tuple[dict[str, Any], ...] = ()
    closeness: tuple[Scored, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def read_runs(connection: Connection, limit: int) -> list[RunRow]:
    """The newest runs with their sums, newest first."""
    runs = table_of(IngestRun)
    rows = connection.execute(select(runs).order_by(runs.c.started_at.desc()).limit(limit)).mappings().all()
    return [_run_row(connection, row) for row in rows]


def read_run(connection: Connection, run_id: str) -> RunRow:
    """One run with its sums. Raises NotFound (`no-such-run`)."""
    runs = table_of(IngestRun)
    row = connection.execute(select(runs).where(runs.c.run_id == run_id)).mappings().first()
    if row is None:
        raise NotFound(
            f"there is no run {run_id}", reason="no-such-run", hint="`khotin log --runs` lists the runs"
        )
    return _run_row(connection, row)


def _run_row(connection: Connection, row: RowMapping) -> RunRow:
    sums = table_of(RunSource)
    query = select(sums).where(sums.c.run_id == row["run_id"]).order_by(sums.c.source)
    tallies = tuple(
        SourceTally(
            s["source"],
            Counts(**{ending.value: s[ending.value] for ending in Ending}),
            s["requests"],
            s["not_modified"],
            s["wire_bytes"],
            tuple(s["problems"]),
            tuple(s["notes"]),
        )
        for s in connection.execute(query).mappings()
    )
    return RunRow(**row, tallies=tallies)


def read_problems_before(connection: Connection, run_id: str, source: str) -> tuple[str, ...]:
    """What was wrong with a source in the newest run of it before this one."""
    sums = table_of(RunSource)
    # The name of a run begins with its time.
    query = select(sums.c.problems).where(sums.c.source == source, sums.c.run_id < run_id)
    found = connection.execute(query.order_by(sums.c.run_id.desc()).limit(1)).scalar()
    return tuple(found or ())


def read_story(connection: Connection, reader: Reader, url: str) -> Story:
    """All that is known of a URL, for `khotin why`. Raises NotFound if it was never met."""
    key = url_key(url)
    page, outcome, capture = table_of(Page), table_of(Outcome), table_of(Capture)
    states = connection.execute(select(page).where(page.c.url_key == key).order_by(page.c.source)).mappings()
    outcomes = connection.execute(select(outcome).where(outcome.c.url_key == key).order_by(outcome.c.id))
    captures = connection.execute(select(capture).where(capture.c.url_key == key).order_by(capture.c.id))
    history = tuple(reader.history(url))
    story = Story(
        url,
        tuple(dict(row) for row in states),
        tuple(dict(row) for row in outcomes.mappings()),
        tuple(dict(row) for row in captures.mappings()),
        history,
        kin_of(connection, url),
        rulings_on(connection, url),
        read_scored(connection, [document.revision_id for document in history]),
        all_left_out(connection, url),
    )
    if not (story.pages or story.outcomes or story.captures or story.documents):
        raise NotFound(
            f"{url} was never met",
            reason="unknown-url",
            hint="is its source enabled and was it run? see `khotin sources list`",
        )
    return story


def led_to(connection: Connection, url: str) -> str | None:
    """The document that the page at this address gave, if any source met it there."""
    page = table_of(Page)
    query = select(page.c.record_url).where(page.c.url_key == url_key(url), page.c.record_url.is_not(None))
    return connection.execute(query.order_by(page.c.source)).scalars().first()


def read_capture(connection: Connection, capture_id: int) -> dict[str, Any]:
    """One row of the index of raw pages."""
    table = table_of(Capture)
    row = connection.execute(select(table).where(table.c.id == capture_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no capture {capture_id}", reason="no-such-capture")
    return dict(row)


def count_finished_runs(connection: Connection, label_prefix: str) -> int:
    """How many runs with such a label came to their end (with or without a new version)."""
    runs = table_of(IngestRun)
    query = select(func.count()).where(
        runs.c.label.startswith(label_prefix, autoescape=True), runs.c.state.in_(("committed", "nothing"))
    )
    return int(connection.execute(query).scalar_one())
