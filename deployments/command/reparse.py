"""`khotin reparse`: today's parsers over the pages in the archive."""

from __future__ import annotations

import random
from typing import Annotated, Any

import typer

from deployments.command.app import (
    JsonOption,
    app,
    configured_sources,
    load_settings,
    open_configured_store,
)
from deployments.command.output import clean, err, out, print_json, print_text_diff
from deployments.command.progress import steps
from deployments.sample import SOURCES
from flows.clock import SystemClock
from flows.reparse import ReparseReport, changed_fields, reparse
from flows.sources import load_sources
from parsers.errors import UserError
from storage import Change
from storage.tags import read_moment

_TOLD_REASONS = 20


@app.command(
    "reparse",
    help=(
        "Read the archived pages again with today's parsers, and commit what they see differently as a "
        "version of kind [bold]reparse[/bold].\n\n"
        "Nothing is fetched. Documents that read the same are not touched; a page that is rejected today is "
        "told, and its document stays. See first what would change: [bold]khotin reparse --dry-run[/bold]; "
        "afterwards [bold]khotin diff[/bold] of the last two versions shows it."
    ),
)
def reparse_command(
    source: Annotated[
        str, typer.Option("--source", "-s", help="Only documents of this source.", metavar="NAME")
    ] = "",
    since: Annotated[
        str,
        typer.Option("--since", help="Only pages fetched on this day or later: YYYY-MM-DD.", metavar="DATE"),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; show what would change.")
    ] = False,
    show: Annotated[
        int, typer.Option("--show", "-n", min=0, help="Show the text of so many changes.", metavar="N")
    ] = 5,
    as_json: JsonOption = False,
) -> None:
    moment = read_moment(since) if since else None
    if since and moment is None:
        raise UserError(f"--since {since!r} is no date", reason="bad-date", hint="write YYYY-MM-DD")
    settings = load_settings()
    with open_configured_store(settings, create=False) as store:
        sources = load_sources(SOURCES) if store.is_sample else configured_sources(settings)
        total = store.version().documents
        with steps("reparse", quiet=as_json, total=total) as advance:
            report = reparse(
                store,
                {item.name: item for item in sources},
                clock=SystemClock(),
                rng=random.Random(),
                only_source=source or None,
                since=moment,
                dry_run=dry_run,
                advance=advance,
            )
    if as_json:
        print_json(_json(report, dry_run=dry_run))
    else:
        _tell(report, show, dry_run=dry_run)


def _tell(report: ReparseReport, show: int, *, dry_run: bool) -> None:
    for change in report.changes[:show]:
        if change.old is None or change.new is None:
            continue
        names = ", ".join(changed_fields(change.old.record, change.new.record))
        title = clean(change.new.record.title) or "(no title)"
        out.print(f"[yellow]~[/yellow] {title}  [dim]{clean(change.new.record.url)}[/dim]", soft_wrap=True)
        out.print(f"    {names}")
        print_text_diff(change.text_diff())
    if len(report.changes) > show:
        out.print(f"and {len(report.changes) - show} more changes")
    for item in report.not_reparsed[:_TOLD_REASONS]:
        detail = f" {clean(item.detail)}" if item.detail else ""
        err.print(
            f"[yellow]not reparsed[/yellow] {clean(item.url)} \\[{item.reason}]{detail}", soft_wrap=True
        )
    if len(report.not_reparsed) > _TOLD_REASONS:
        err.print(f"and {len(report.not_reparsed) - _TOLD_REASONS} more that were not reparsed")
    if report.changes:
        fields = ", ".join(f"{count} {name}" for name, count in report.fields().items())
        out.print(f"changed fields: {fields}")
    out.print(
        f"{report.looked_at} documents: {len(report.changes)} changed, {report.unchanged} unchanged, "
        f"{len(report.not_reparsed)} not reparsed"
    )
    version = report.result.version if report.result else None
    if dry_run:
        out.print("dry run: nothing was written")
    elif version is None:
        out.print("nothing changed: no version committed")
    else:
        out.print(f"[green]version {version.id}[/green]: {version.revised} revised")


def _json(report: ReparseReport, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "looked_at": report.looked_at,
        "changed": len(report.changes),
        "unchanged": report.unchanged,
        "fields": report.fields(),
        "changes": [_change_json(change) for change in report.changes],
        "not_reparsed": report.not_reparsed,
        "version": report.result.version if report.result else None,
    }


def _change_json(change: Change) -> dict[str, Any]:
    old, new = change.old, change.new
    return {
        "url": new.record.url if new else None,
        "fields": changed_fields(old.record, new.record) if old and new else (),
        "text_diff": change.text_diff(),
    }
