"""What one run came to, read back for a report: sums, articles, copies, reasons, and the version's diff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select

from parsers.errors import NotFound
from storage.documents import Document
from storage.ledger import Ending
from storage.reading import Reader, read_version
from storage.stories import RunRow, read_run
from storage.tables import IngestRun, Kin, Outcome, Revision, table_of
from storage.versions import VersionRow

MOST_ITEMS = 100
"""So many articles and copies of a run are told one by one; the sums count all."""

MOST_DIFFS = 5
"""So many revised documents of a run are told with their text."""


@dataclass(frozen=True, slots=True)
class ArticleFact:
    """A document that a run appended: `ending` is stored or revised. Title and address are the site's own."""

    source: str
    url: str
    title: str
    ending: str
    published_at: datetime | None
    word_count: int


@dataclass(frozen=True, slots=True)
class CopyFact:
    """A text that a run kept out, what it is a copy of and why. `jaccard` is None where none was needed."""

    source: str
    url: str
    reason: str
    partner_url: str
    jaccard: float | None


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many URLs of a source ended so in a run."""

    source: str
    ending: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class TextChange:
    """How a revised document changed, as a unified diff of its paragraphs."""

    url: str
    title: str
    diff: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """All that a report of a run tells. The lists hold `MOST_ITEMS` rows at most; the sums of `run` hold all.

    `version` is what the run committed, None if nothing; `parent` the version before it.
    """

    run: RunRow
    version: VersionRow | None
    parent: VersionRow | None
    articles: tuple[ArticleFact, ...]
    copies: tuple[CopyFact, ...]
    reasons: tuple[ReasonCount, ...]
    changes: tuple[TextChange, ...]


def read_run_facts(connection: Connection, run_id: str | None = None) -> RunFacts:
    """What a run came to; None: the newest that has ended. Raises NotFound (`no-such-run`, `no-run`)."""
    run = read_run(connection, run_id or _newest(connection))
    version = read_version(connection, run.version_id) if run.version_id is not None else None
    parent = read_version(connection, version.parent_id) if version and version.parent_id else None
    reader = Reader(connection)
    return RunFacts(
        run,
        version,
        parent,
        _articles(connection, reader, run.run_id),
        _copies(connection, run.run_id),
        _reasons(connection, run.run_id),
        _changes(reader, parent, version) if version is not None else (),
    )


def _newest(connection: Connection) -> str:
    table = table_of(IngestRun)
    query = select(table.c.run_id).where(table.c.state != "running")
    found = connection.execute(query.order_by(table.c.started_at.desc()).limit(1)).scalar()
    if found is None:
        raise NotFound("no run has ended yet", reason="no-run", hint="run `khotin ingest --sample`")
    return str(found)


def _articles(connection: Connection, reader: Reader, run_id: str) -> tuple[ArticleFact, ...]:
    outcome, revision = table_of(Outcome), table_of(Revision)
    query = (
        select(
            revision.c.id, outcome.c.source, outcome.c.url, outcome.c.outcome, revision.c.published_at,
            revision.c.word_count,
        )
        .select_from(outcome.join(revision, revision.c.id == outcome.c.revision_id))
        .where(
            outcome.c.run_id == run_id,
            outcome.c.outcome.in_((Ending.STORED.value, Ending.REVISED.value)),
        )
        .order_by(outcome.c.id)
        .limit(MOST_ITEMS)
    )  # fmt: skip
    rows = connection.execute(query).all()
    titles = {found.revision_id: title_of(found) for found in reader.revisions([row[0] for row in rows])}
    return tuple(
        ArticleFact(source, url, titles[revision_id], ending, published_at, words)
        for revision_id, source, url, ending, published_at, words in rows
    )


def title_of(document: Document) -> str:
    """The title of a document; what is erased has none."""
    return "(purged)" if document.purged else document.record.title or "(no title)"


def _copies(connection: Connection, run_id: str) -> tuple[CopyFact, ...]:
    # The run's rows of the ledger lead to those of `kin`, which has an index on addresses and none on runs.
    outcome, kin = table_of(Outcome), table_of(Kin)
    same = and_(kin.c.url_key == outcome.c.url_key, kin.c.run_id == run_id, kin.c.revision_id.is_(None))
    query = (
        select(
            outcome.c.source,
            outcome.c.url,
            outcome.c.reason,
            func.coalesce(outcome.c.partner_url, kin.c.partner_url, ""),
            kin.c.jaccard,
        )
        .select_from(outcome.outerjoin(kin, same))
        .where(outcome.c.run_id == run_id, outcome.c.outcome == Ending.DUPLICATE.value)
        .order_by(outcome.c.id)
        .limit(MOST_ITEMS)
    )
    return tuple(CopyFact(*row) for row in connection.execute(query))


def _reasons(connection: Connection, run_id: str) -> tuple[ReasonCount, ...]:
    table = table_of(Outcome)
    columns = (table.c.source, table.c.outcome, table.c.reason)
    query = select(*columns, func.count()).where(table.c.run_id == run_id).group_by(*columns)
    return tuple(ReasonCount(*row) for row in connection.execute(query.order_by(*columns)))


def _changes(reader: Reader, parent: VersionRow | None, version: VersionRow) -> tuple[TextChange, ...]:
    if not version.revised:
        return ()
    revised = (change for change in reader.changes(parent, version) if change.kind == "revised")
    told = []
    for change in revised:
        if change.new is not None:
            told.append(TextChange(change.new.url, title_of(change.new), change.text_diff()))
        if len(told) == MOST_DIFFS:
            break
    return tuple(told)
