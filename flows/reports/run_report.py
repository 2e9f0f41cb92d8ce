"""The report of one run as Markdown: sums, new articles, copies, reasons, the version's diff. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flows.reports.escaping import code_block, markdown, markdown_link
from parsers.dates import VIETNAM
from storage import Counts, Ending, RunFacts

_SUMS = ("discovered", *(ending.value for ending in Ending))
_DIFF_LINES = 24
_STATES = {
    "committed": "committed",
    "nothing": "nothing new",
    "failed": "failed",
    "running": "still running",
}


def run_markdown(facts: RunFacts) -> str:
    """A run as a page of Markdown; times are those of Vietnam."""
    return "\n\n".join(part for part in _parts(facts) if part) + "\n"


def _parts(facts: RunFacts) -> Iterable[str]:
    run = facts.run
    yield f"# {markdown(run.label or run.kind)}"
    yield _summary(facts)
    if run.detail:
        yield f"**{'Why it failed' if run.state == 'failed' else 'Detail'}:** {markdown(run.detail, 500)}"
    if run.tallies:
        rows = sum_rows(facts)
        yield "## Sums\n\n" + markdown_table(("source", *_SUMS), [list(row.values()) for row in rows])
    yield _problems(facts)
    yield _version(facts)
    yield _articles(facts)
    yield _copies(facts)
    yield _reasons(facts)
    yield _changes(facts)


def _summary(facts: RunFacts) -> str:
    run = facts.run
    took = f", took {(run.finished_at - run.started_at).total_seconds():.1f} s" if run.finished_at else ""
    requests = sum(tally.requests for tally in run.tallies)
    not_modified = sum(tally.not_modified for tally in run.tallies)
    read = sum(tally.wire_bytes for tally in run.tallies) / 1e6
    asked = f"; {requests} requests, {not_modified} answered 304, {read:.1f} MB read" if run.tallies else ""
    state = _STATES.get(run.state, markdown(run.state))
    return (
        f"Run `{_code(run.run_id)}` ({markdown(run.kind)}): **{state}**, "
        f"began {local_time(run.started_at)}{took}{asked}."
    )


def sum_rows(facts: RunFacts) -> list[dict[str, Any]]:
    """The sums of each source, and of all in the last row, as rows of a table."""
    rows: list[dict[str, Any]] = [
        {"source": tally.source, **tally.counts.as_dict()} for tally in facts.run.tallies
    ]
    if len(rows) > 1:
        total = Counts(**{e.value: sum(row[e.value] for row in rows) for e in Ending})
        rows.append({"source": "all", **total.as_dict()})
    return rows


def _problems(facts: RunFacts) -> str:
    lines = [
        f"- **{markdown(tally.source)}**: {markdown(problem, 400)}"
        for tally in facts.run.tallies
        for problem in tally.problems
    ]
    return "## What was wrong\n\n" + "\n".join(lines) if lines else ""


def _version(facts: RunFacts) -> str:
    version = facts.version
    if version is None:
        return "## Version\n\nNothing new: no version was committed." if facts.run.state == "nothing" else ""
    before = f"version {facts.parent.id}" if facts.parent else "the empty corpus"
    return (
        f"## Version {version.id}\n\n"
        f"Against {before}: **{version.added} added, {version.revised} revised, {version.retracted} "
        f"retracted**; {version.documents} documents in all. Chain `{version.chain[:16]}`."
        f"\n\n`khotin diff {facts.parent.id if facts.parent else 0} {version.id}` tells all of it."
    )


def _articles(facts: RunFacts) -> str:
    if not facts.articles:
        return ""
    rows = [
        (article.source, article.ending, markdown_link(article.title, article.url), article.word_count,
         local_time(article.published_at))
        for article in facts.articles
    ]  # fmt: skip
    total = _total(facts, Ending.STORED) + _total(facts, Ending.REVISED)
    table = markdown_table(("source", "", "article", "syllables", "published"), rows, marked_up=(2,))
    return f"## New articles\n\n{table}{_more(len(rows), total)}"


def _copies(facts: RunFacts) -> str:
    if not facts.copies:
        return ""
    rows = [
        (copy.source, markdown_link(copy.url, copy.url), copy.reason,
         markdown_link(copy.partner_url, copy.partner_url),
         "" if copy.jaccard is None else f"{copy.jaccard:.2f}")
        for copy in facts.copies
    ]  # fmt: skip
    columns = ("source", "kept out", "reason", "copy of", "jaccard")
    table = markdown_table(columns, rows, marked_up=(1, 3))
    return f"## Duplicates\n\n{table}{_more(len(rows), _total(facts, Ending.DUPLICATE))}"


def _reasons(facts: RunFacts) -> str:
    endings = (Ending.REJECTED, Ending.FAILED, Ending.DEFERRED)
    rows = [
        (reason.source, reason.ending, reason.reason, reason.count)
        for reason in facts.reasons
        if reason.ending in endings
    ]
    table = markdown_table(("source", "ending", "reason", "pages"), rows)
    return f"## Rejected, failed, put off\n\n{table}" if rows else ""


def _changes(facts: RunFacts) -> str:
    parts = [
        f"**{markdown_link(change.title, change.url)}**\n\n"
        f"{code_block(change.diff, 'diff', lines=_DIFF_LINES)}"
        for change in facts.changes
    ]
    more = _more(len(parts), facts.version.revised if facts.version else 0)
    return "## What was revised\n\n" + "\n\n".join(parts) + more if parts else ""


def _total(facts: RunFacts, ending: Ending) -> int:
    return sum(getattr(tally.counts, ending.value) for tally in facts.run.tallies)


def _more(shown: int, total: int) -> str:
    return f"\n\n… and {total - shown} more." if total > shown else ""


def _code(text: str) -> str:
    return "".join(char for char in text if char.isalnum() or char in "-_.")[:80]


def local_time(moment: datetime | None) -> str:
    """A time as it is told in Hanoi, to the minute."""
    return moment.astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M") if moment else ""


def markdown_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, marked_up: Sequence[int] = ()
) -> str:
    """A table; each cell is escaped but those in the columns `marked_up`. Numbers stand to the right."""
    told = [list(row) for row in rows]
    numeric = [
        bool(told) and all(isinstance(row[n], int | float) for row in told) for n in range(len(columns))
    ]
    lines = [
        "| " + " | ".join(columns) + " |",
        "|" + "|".join(" ---: " if right else " --- " for right in numeric) + "|",
    ]
    for row in told:
        cells = (str(cell) if n in marked_up else markdown(str(cell)) for n, cell in enumerate(row))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
