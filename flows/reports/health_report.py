"""The health of the sources as tables, Markdown and pictures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flows.health import Health, SourceHealth
from flows.reports.escaping import markdown
from flows.reports.pictures import bars_by_name, columns_by_day
from flows.reports.run_report import local_time, markdown_table
from storage import DayOfSource, Ending

DAYS_TOLD = 14
"""Days of a source that its table shows, the newest first."""


def source_rows(health: Health) -> list[dict[str, Any]]:
    """One row a source, as a table artifact or a command shows them; those with findings first."""
    ordered = sorted(health.sources, key=lambda source: (not source.findings, source.name))
    return [
        {
            "source": source.name,
            "state": source.state,
            "today": source.today,
            "7 days": source.week,
            "usual a day": "" if source.usual is None else round(source.usual, 1),
            "polled": local_time(source.polled_at) or "never",
            "next poll": local_time(source.next_poll_at) or ("now" if source.enabled else ""),
            "why": source.why,
        }
        for source in ordered
    ]


def day_rows(days: Sequence[DayOfSource]) -> list[dict[str, Any]]:
    """One row a day of one source, the newest first."""
    return [
        {
            "day": row.day.isoformat(),
            "runs": row.runs,
            "with problems": row.troubled,
            **row.counts.as_dict(),
            "requests": row.requests,
            "304": row.not_modified,
            "MB": round(row.wire_bytes / 1e6, 2),
        }
        for row in sorted(days, key=lambda row: row.day, reverse=True)[:DAYS_TOLD]
    ]


def health_markdown(health: Health) -> str:
    """All sources as a page of Markdown: findings, the table of now, the runs by day."""
    ill = sum(bool(source.findings) for source in health.sources)
    parts = [
        "# Health of the sources",
        f"{local_time(health.at)} in Vietnam: {len(health.sources)} sources, "
        f"**{f'{ill} with findings' if ill else 'all as they should be'}**; last run that came to its end: "
        f"{local_time(health.last_success) or 'none'}.",
    ]
    if health.findings:
        parts.append("\n".join(_finding_line(str(f.ailment), f.source, f.detail) for f in health.findings))
    rows = source_rows(health)
    if rows:
        parts.append("## Now\n\n" + markdown_table(tuple(rows[0]), [tuple(row.values()) for row in rows]))
    runs = [
        (row.day.isoformat(), row.committed, row.nothing, row.failed, row.running)
        for row in reversed(health.runs)
    ][:DAYS_TOLD]
    if runs:
        columns = ("day", "committed", "nothing new", "failed", "running")
        parts.append("## Runs by day\n\n" + markdown_table(columns, runs))
    return "\n\n".join(parts) + "\n"


def source_markdown(source: SourceHealth) -> str:
    """One source as a page of Markdown: what is wrong with it, and its days."""
    rows = day_rows(source.days)
    parts = [
        f"# {markdown(source.title)} ({markdown(source.name)})",
        f"State: **{markdown(source.state)}**; {source.today} new articles today, {source.week} in seven days"
        f"{'' if source.usual is None else f', usually {source.usual:.0f} a day'}. "
        f"Asked last {local_time(source.polled_at) or 'never'}, "
        f"next {local_time(source.next_poll_at) or 'now'}"
        f"{f' ({markdown(source.why)})' if source.why else ''}.",
    ]
    if source.findings:
        parts.append("\n".join(_finding_line(str(f.ailment), "", f.detail) for f in source.findings))
    if rows:
        parts.append(markdown_table(tuple(rows[0]), [tuple(row.values()) for row in rows]))
    else:
        parts.append("No run has asked it in these days.")
    return "\n\n".join(parts) + "\n"


def _finding_line(ailment: str, source: str, detail: str) -> str:
    who = f"**{markdown(source)}** " if source else ""
    return f"- {who}`{ailment}`: {markdown(detail, 400)}"


def articles_picture(health: Health) -> str:
    """New articles by day and source, as SVG."""
    series: dict[str, dict[date, int]] = {
        source.name: {row.day: row.counts.stored for row in source.days} for source in health.sources
    }
    return columns_by_day(
        "New articles by day and source", "articles", health.first_day, health.last_day, series
    )


def reasons_picture(health: Health) -> str:
    """Why pages were rejected or failed over all the days, as SVG."""
    days = (health.last_day - health.first_day).days + 1
    title = f"Rejected and failed pages by reason, {days} days"
    return bars_by_name(title, "pages", reason_counts(health))


def reason_counts(health: Health) -> Mapping[str, int]:
    """How many pages were rejected or failed for each reason; failures say so."""
    counts: dict[str, int] = {}
    for row in health.reasons:
        name = row.reason if row.ending == Ending.REJECTED else f"{row.reason} ({row.ending})"
        counts[name] = counts.get(name, 0) + row.count
    return counts
