"""`khotin report` and `khotin sources health`: what runs came to and how the sources are, to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.command.app import (
    JsonOption,
    app,
    configured_sources,
    load_settings,
    open_configured_store,
)
from deployments.command.output import clean, err, local_time, out, print_json, table
from deployments.command.sources import sources_app
from deployments.sample import SOURCES
from flows.clock import SystemClock
from flows.health import DAYS, Health, look_at_health
from flows.reports.health_report import source_rows
from flows.reports.pages import MARK, health_page, run_page
from flows.reports.run_report import run_markdown, sum_rows
from flows.sources import load_sources
from parsers.errors import StoreError, UserError
from storage import RunFacts

_HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        help="Write a page that holds all it needs, pictures too; an older page of khotin is replaced.",
        metavar="FILE",
    ),
]
_LOOKED_AT = 4_096


@app.command(
    "report",
    help=(
        "Tell what one run came to: sums by source, new articles, duplicates with partners, reasons, and the "
        "version with its diff.\n\nWithout --html or --json it is Markdown, as Prefect shows it."
    ),
)
def report_command(
    run: Annotated[
        str, typer.Argument(help="Name of a run (khotin log --runs); default: the newest.", metavar="[RUN]")
    ] = "",
    html: _HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    with open_configured_store(load_settings(), create=False) as store:
        facts = store.run_facts(run or None)
    if html is not None:
        _write(html, run_page(facts))
    if as_json:
        print_json(_run_json(facts))
    elif html is None:
        # The text is Markdown for other programs: no mark-up of ours, no folding.
        out.print(run_markdown(facts), markup=False, soft_wrap=True, end="")


def _run_json(facts: RunFacts) -> dict[str, Any]:
    run = facts.run
    return {
        **{name: getattr(run, name) for name in run.__slots__ if name != "tallies"},
        "sources": sum_rows(facts),
        "version": facts.version,
        "parent": facts.parent.id if facts.parent else None,
        "articles": facts.articles,
        "duplicates": facts.copies,
        "reasons": facts.reasons,
        "revised": facts.changes,
    }


@sources_app.command(
    "health",
    help=(
        "Tell how the sources are: which are silent, late or failing, and what gaps and drifts are open.\n\n"
        "[bold]--html[/bold] writes a page with pictures of articles by day and of rejects by reason, and a "
        "table of days for each source."
    ),
)
def health_command(
    sample: Annotated[bool, typer.Option("--sample", help="The sources of the sample newsroom.")] = False,
    days: Annotated[int, typer.Option("--days", "-n", min=1, max=366, help="So many days back.")] = DAYS,
    html: _HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    with open_configured_store(settings, create=False) as store:
        sources = load_sources(SOURCES) if sample or store.is_sample else configured_sources(settings)
        health = look_at_health(store, sources, SystemClock().now(), days=days)
    if html is not None:
        _write(html, health_page(health))
    if as_json:
        print_json(_health_json(health))
    elif html is None:
        _tell(health)


def _health_json(health: Health) -> dict[str, Any]:
    return {
        "at": health.at,
        "last_success": health.last_success,
        "findings": health.findings,
        "sources": [
            {name: getattr(source, name) for name in source.__slots__} | {"state": source.state}
            for source in health.sources
        ],
        "reasons": health.reasons,
        "runs": health.runs,
    }


def _tell(health: Health) -> None:
    numbers = ("today", "7 days", "usual a day", "polled", "next poll")
    listing = table(None, *source_rows(health)[0], numbers=numbers)
    for row in source_rows(health):
        listing.add_row(*(clean(str(cell)) for cell in row.values()))
    out.print(listing)
    for finding in health.findings:
        who = f"[yellow]{clean(finding.source)}[/yellow]: " if finding.source else ""
        out.print(f"{who}{finding.ailment}: {clean(finding.detail)}", soft_wrap=True)
    last = local_time(health.last_success) or "never"
    told = f"{len(health.findings)} findings" if health.findings else "[green]nothing is wrong[/green]"
    out.print(f"{told}; last run that came to its end: {last}")


def _write(target: Path, page: str) -> None:
    """Write a page, whole or not at all; only a page of ours is replaced."""
    try:
        if target.exists() and not (target.is_file() and _is_page(target)):
            raise UserError(
                f"{target} is there and is no page of khotin: it is left alone",
                reason="target-exists",
                hint="name another file",
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.part")
        temporary.write_text(page, "utf-8")
        temporary.replace(target)
    except OSError as error:
        raise StoreError(
            f"cannot write {target}: {error.strerror or error}",
            reason="export-not-written",
            hint="name a file in a folder that you may write to",
        ) from error
    err.print(f"written to {clean(str(target))}", soft_wrap=True)


def _is_page(path: Path) -> bool:
    with path.open("rb") as stream:
        return MARK.encode() in stream.read(_LOOKED_AT)
