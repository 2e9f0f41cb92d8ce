"""`khotin seed` and `khotin ingest`: what makes the corpus grow."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from deployments.command.app import (
    JsonOption,
    app,
    configured_sources,
    load_settings,
    open_configured_store,
    topics_for,
)
from deployments.command.output import ExitCode, clean, err, local_time, out, print_json, table
from deployments.command.progress import RunProgress, steps
from deployments.sample import SEEDS, SOURCES
from deployments.sample.press import LAST_EDITION
from deployments.sample.server import SampleNewsroom
from flows.clock import SystemClock
from flows.configured import SAMPLE_LABEL, chosen_sources, claim_store
from flows.fetching import FetchConfig
from flows.ingest import Environment, IngestReport, ingest, totals
from flows.prefect_runner import ingest_through_prefect, prefect_api_url
from flows.seed import SeedReport, import_seeds
from flows.settings import Settings
from flows.sources import Source, load_sources
from parsers.errors import UserError
from parsers.topics import Topic
from storage import Counts, Ending, Store, VersionRow

_Report = TypeVar("_Report")
_SUM_COLUMNS = ("discovered", *(ending.value for ending in Ending))
# Headers that leave room for the sums on a terminal of 80 columns.
_WIDE = 100
_NARROW = {
    "discovered": "dis-\ncovered",
    "duplicate": "dupli-\ncate",
    "rejected": "re-\njected",
    "unchanged": "un-\nchanged",
    "deferred": "de-\nferred",
}


@app.command("seed", help="Import a folder of seed documents as a version of kind [bold]seed[/bold].")
def seed_command(
    folder: Annotated[
        Path, typer.Argument(help="Folder of UTF-8 text files named NNN_<16 hex digits>.txt.", metavar="DIR")
    ],
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    with open_configured_store(settings) as store:
        report = _seed(store, folder, quiet=as_json)
    if as_json:
        print_json(_seed_json(report))
    else:
        _tell_seeds(report)


def _seed(store: Store, folder: Path, *, quiet: bool) -> SeedReport:
    with steps("seeds", quiet=quiet) as advance:
        return import_seeds(store, folder, clock=SystemClock(), rng=random.Random(), advance=advance)


def _tell_seeds(report: SeedReport) -> None:
    for name, reason, message in report.problems:
        err.print(f"[yellow]skipped[/yellow] {clean(name)} \\[{reason}] {clean(message)}")
    if report.result is None or report.result.version is None:
        out.print(f"{report.files} seed files, nothing new: no version committed")
        return
    version = report.result.version
    out.print(
        f"[green]version {version.id}[/green] ({version.kind}): {version.added} new, "
        f"{version.revised} revised, {report.unchanged} unchanged of {report.files} seed files"
    )


def _seed_json(report: SeedReport) -> dict[str, Any]:
    return {
        "files": report.files,
        "unchanged": report.unchanged,
        "problems": [
            {"file": name, "reason": reason, "message": message} for name, reason, message in report.problems
        ],
        "version": report.result.version if report.result else None,
    }


@app.command("ingest", help="Fetch what is new from the due sources and commit it as one version.")
def ingest_command(
    sample: Annotated[
        bool,
        typer.Option(
            "--sample",
            help="Use the made-up press that comes with khotin, served on this machine; "
            "each run serves its next edition.",
        ),
    ] = False,
    edition: Annotated[
        int | None,
        typer.Option(
            "--edition",
            min=1,
            max=LAST_EDITION,
            help=f"With --sample: the edition to serve, 1 to {LAST_EDITION} (default: the next one).",
        ),
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", "-s", help="Only this source; may be given more than once.", metavar="NAME"),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Also the sources and feeds that are not due yet, save those that failed and must wait.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    if edition is not None and not sample:
        raise UserError("--edition goes with --sample", hint="khotin ingest --sample --edition 2")
    settings = load_settings()
    sources = load_sources(SOURCES) if sample else configured_sources(settings)
    sources = chosen_sources(sources, source or [])
    user_agent = settings.user_agent(live=not sample)
    topics = topics_for(settings, sources)
    with open_configured_store(settings) as store:
        claim_store(store, settings, sample=sample)
        if sample and not store.versions():
            seeds = _seed(store, SEEDS, quiet=as_json)
            if not as_json:
                _tell_seeds(seeds)
        served = None
        if sample:
            served = edition or min(store.finished_runs(SAMPLE_LABEL) + 1, LAST_EDITION)
        report = asyncio.run(
            stopped_by_sigterm(
                _ingest(store, sources, user_agent, topics, served, force=force, quiet=as_json)
            )
        )
    if as_json:
        print_json(_report_json(report, served))
    else:
        _tell_report(report, settings)
    if report.failed_sources or report.drifted_sources:
        everything = len(report.failed_sources) == len(report.sources)
        raise typer.Exit(int(ExitCode.FAILED if everything else ExitCode.IN_PART))


async def stopped_by_sigterm(work: Coroutine[Any, Any, _Report]) -> _Report:
    """Do the work; SIGTERM, as cron, systemd and Prefect send it, ends it as Ctrl-C does."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def _ingest(
    store: Store,
    sources: tuple[Source, ...],
    user_agent: str,
    topics: tuple[Topic, ...],
    edition: int | None,
    *,
    force: bool,
    quiet: bool,
) -> IngestReport:
    if edition is None:
        return await _run(store, sources, user_agent, topics, {}, "", force=force, quiet=quiet)
    async with SampleNewsroom(edition=edition) as newsroom:
        if not quiet:
            out.print(
                f"sample newsroom: edition {edition} of {LAST_EDITION}, {len(newsroom.hosts)} papers on "
                f"127.0.0.1:{newsroom.port}"
            )
        label = f"{SAMPLE_LABEL} {edition}"
        routes = newsroom.routes
        return await _run(store, sources, user_agent, topics, routes, label, force=force, quiet=quiet)


async def _run(
    store: Store,
    sources: tuple[Source, ...],
    user_agent: str,
    topics: tuple[Topic, ...],
    routes: Any,
    label: str,
    *,
    force: bool,
    quiet: bool,
) -> IngestReport:
    api = prefect_api_url()
    with RunProgress(quiet=quiet) as progress:
        environment = Environment(
            store=store,
            fetch_config=FetchConfig(user_agent=user_agent),
            clock=SystemClock(),
            rng=random.Random(),
            routes=routes,
            progress=progress,
            topics=topics,
        )
        if api is not None:
            err.print(f"running through Prefect at {clean(api)}")
            return await ingest_through_prefect(sources, environment, label=label, force=force)
        err.print("running directly (no Prefect API is configured)")
        return await ingest(sources, environment, label=label, force=force)


def _tell_report(report: IngestReport, settings: Settings) -> None:
    result = report.result
    if result is None:
        when = local_time(report.next_due_at)
        out.print(f"no source is due{f' before {when}' if when else ''}; --force runs them all the same")
        return
    headers = [_NARROW.get(name, name) if out.width < _WIDE else name for name in _SUM_COLUMNS]
    sums = table(None, "source", *headers, numbers=tuple(headers))
    for tally in result.tallies:
        sums.add_row(tally.source, *_sum_cells(tally.counts))
    if len(result.tallies) > 1:
        sums.add_row("all", *_sum_cells(totals(result)))
    out.print(sums)
    requests = sum(tally.requests for tally in result.tallies)
    not_modified = sum(tally.not_modified for tally in result.tallies)
    out.print(f"{requests} requests, {not_modified} of them answered 304 (not modified)")
    _tell_ends(result.ends)
    for tally in result.tallies:
        for problem in tally.problems:
            err.print(f"[yellow]{tally.source}[/yellow]: {clean(problem)}")
        for note in tally.notes:
            err.print(f"{tally.source}: {clean(note)}")
    _tell_version(result.version, report, settings)


def _sum_cells(counts: Counts) -> list[str]:
    numbers = counts.as_dict()
    return [str(numbers[name]) for name in _SUM_COLUMNS]


def _tell_ends(ends: Any) -> None:
    """Reasons of what did not become a new article, so that every number of the table is explained."""
    reasons: dict[tuple[str, str], int] = {}
    for _, end in ends:
        if end.ending not in (Ending.STORED, Ending.REVISED):
            key = (end.ending.value, end.reason)
            reasons[key] = reasons.get(key, 0) + 1
    if reasons:
        told = (f"{count} {ending} ({reason})" for (ending, reason), count in sorted(reasons.items()))
        out.print("reasons: " + ", ".join(told))


def _tell_version(version: VersionRow | None, report: IngestReport, settings: Settings) -> None:
    seconds = f"{report.seconds:.1f} s"
    if version is None:
        out.print(f"nothing new: no version committed ({seconds})")
        return
    out.print(
        f"[green]version {version.id}[/green]: {version.added} new, {version.revised} revised, "
        f"{version.documents} documents in all ({seconds}, store in {clean(str(settings.home))})"
    )


def _report_json(report: IngestReport, edition: int | None) -> dict[str, Any]:
    result = report.result
    return {
        "edition": edition,
        "run_id": result.run_id if result else None,
        "version": result.version if result else None,
        "sources": [
            {
                "source": tally.source,
                **tally.counts.as_dict(),
                "requests": tally.requests,
                "not_modified": tally.not_modified,
                "bytes": tally.wire_bytes,
                "problems": tally.problems,
                "notes": tally.notes,
            }
            for tally in (result.tallies if result else ())
        ],
        "failed_sources": report.failed_sources,
        "drifted_sources": report.drifted_sources,
        "next_due_at": report.next_due_at,
        "ends": [
            {
                "source": source,
                "url": end.met.url,
                "outcome": end.ending.value,
                "reason": end.reason,
                "detail": end.detail,
                "partner_url": end.partner_url,
            }
            for source, end in (result.ends if result else ())
        ],
        "seconds": round(report.seconds, 3),
    }
