"""`khotin backfill`: what was published before the corpus began, from the sites or from WARC files."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.command.app import (
    JsonOption,
    app,
    configured_sources,
    load_settings,
    open_configured_store,
    topics_for,
)
from deployments.command.ingest import stopped_by_sigterm
from deployments.command.output import ExitCode, clean, err, out, print_json
from deployments.command.progress import RunProgress, steps
from deployments.sample import SOURCES
from deployments.sample.press import LAST_EDITION
from deployments.sample.server import SampleNewsroom
from flows.backfill import BackfillReport, backfill
from flows.backfill_warc import EVERY, WarcReport, backfill_from_warc
from flows.clock import SystemClock
from flows.configured import chosen_sources, claim_store
from flows.fetching import FetchConfig
from flows.ingest import Environment
from flows.sitemap_walk import Span
from flows.sources import Source, load_sources
from parsers.dates import VIETNAM
from parsers.errors import UserError
from parsers.topics import Topic
from storage import RunResult, Store

_WHY = {
    "daily-budget": "the requests of this day (UTC) are used up; go on tomorrow",
    "host-backoff": "the host asked us to wait; go on later",
}


@app.command(
    "backfill",
    help="Fetch what a source published in a span of days; or, with [bold]--warc[/bold], take the pages of "
    "all sources from WARC files.",
)
def backfill_command(
    names: Annotated[
        list[str], typer.Argument(help="The source; with --warc the files.", metavar="SOURCE | FILE...")
    ],
    since: Annotated[
        str | None, typer.Option("--since", help="First day of publication, 2026-03-01.", metavar="DATE")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="Last day of publication (default: today).", metavar="DATE")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            "--every",
            min=1,
            help=f"Make a version of so many articles, not of a day (with --warc: {EVERY}).",
        ),
    ] = None,
    warc: Annotated[
        bool, typer.Option("--warc", help="Read WARC files (Common Crawl's CC-NEWS) instead of the network.")
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="The made-up press that comes with khotin, in its last edition.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    sources = load_sources(SOURCES) if sample else configured_sources(settings)
    if warc:
        if since is not None or until is not None:
            raise UserError(
                "--since and --until do not go with --warc", hint="khotin backfill --warc FILE..."
            )
        with open_configured_store(settings) as store:
            claim_store(store, settings, sample=sample)
            _from_files(store, sources, topics_for(settings, sources), names, every, as_json=as_json)
        return
    if len(names) != 1 or since is None:
        raise UserError("name one source and --since", hint="khotin backfill SOURCE --since 2026-03-01")
    (source,) = chosen_sources(sources, names)
    span = _span(since, until)
    user_agent = settings.user_agent(live=not sample)
    topics = topics_for(settings, [source])
    with open_configured_store(settings) as store:
        claim_store(store, settings, sample=sample)
        report = asyncio.run(
            stopped_by_sigterm(
                _walk(store, source, span, user_agent, topics, every, sample=sample, quiet=as_json)
            )
        )
    if as_json:
        print_json(_walk_json(report))
    else:
        _tell_walk(report, span)
    if not report.answered and report.problems:
        raise typer.Exit(int(ExitCode.FAILED))
    if report.stopped is not None:
        raise typer.Exit(int(ExitCode.IN_PART))


def _span(since: str, until: str | None) -> Span:
    first = _day(since, "--since")
    last = _day(until, "--until") if until is not None else datetime.now(VIETNAM).date()
    if first > last:
        raise UserError(f"--since {first} is after --until {last}", reason="bad-date")
    return Span(first, last)


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UserError(
            f"{option} {text!r} is no day", reason="bad-date", hint="write it as 2026-03-01"
        ) from error


async def _walk(
    store: Store,
    source: Source,
    span: Span,
    user_agent: str,
    topics: tuple[Topic, ...],
    every: int | None,
    *,
    sample: bool,
    quiet: bool,
) -> BackfillReport:
    async def run(routes: Any) -> BackfillReport:
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
            return await backfill(source, environment, span, every=every)

    if not sample:
        return await run({})
    async with SampleNewsroom(edition=LAST_EDITION) as newsroom:
        return await run(newsroom.routes)


def _from_files(
    store: Store,
    sources: Sequence[Source],
    topics: tuple[Topic, ...],
    names: list[str],
    every: int | None,
    *,
    as_json: bool,
) -> None:
    with steps("records", quiet=as_json) as advance:
        report = backfill_from_warc(
            [Path(name) for name in names],
            sources,
            store,
            clock=SystemClock(),
            rng=random.Random(),
            every=every or EVERY,
            topics=topics,
            advance=advance,
        )
    if as_json:
        print_json(_files_json(report))
    else:
        _tell_files(report)
    if report.broken:
        everything = report.broken == len(report.files)
        raise typer.Exit(int(ExitCode.FAILED if everything else ExitCode.IN_PART))


def _tell_versions(results: Sequence[RunResult]) -> None:
    versions = [result.version for result in results if result.version is not None]
    for version in versions:
        out.print(
            f"[green]version {version.id}[/green]: {version.added} new, {version.revised} revised "
            f"({clean(version.message)})"
        )
    if not versions:
        out.print("nothing new: no version committed")


def _tell_walk(report: BackfillReport, span: Span) -> None:
    _tell_versions(report.results)
    counts = ", ".join(f"{count} {name}" for name, count in report.counts().as_dict().items() if count)
    out.print(
        f"{counts or 'nothing fetched'}; {report.known} known already; {report.requests} requests, "
        f"{report.seconds:.1f} s"
    )
    for line in report.problems:
        err.print(f"[yellow]{report.source}[/yellow]: {clean(line)}")
    for line in report.notes:
        err.print(f"{report.source}: {clean(line)}")
    if report.stopped is not None:
        err.print(
            f"[yellow]stopped[/yellow] \\[{report.stopped}]: {_WHY[report.stopped]}: "
            f"khotin backfill {report.source} --since {span.since} --until {report.next_until or span.until}"
        )


def _walk_json(report: BackfillReport) -> dict[str, Any]:
    return {
        "source": report.source,
        "versions": [result.version for result in report.results if result.version is not None],
        **report.counts().as_dict(),
        "known": report.known,
        "requests": report.requests,
        "problems": report.problems,
        "notes": report.notes,
        "stopped": report.stopped,
        "next_until": report.next_until,
        "seconds": round(report.seconds, 3),
    }


def _tell_files(report: WarcReport) -> None:
    for file in report.files:
        skipped = ", ".join(f"{count} {reason}" for reason, count in file.skipped.most_common())
        out.print(
            f"{clean(file.name)}: {file.records} pages, {file.taken} taken"
            + (f"; skipped: {skipped}" if skipped else "")
        )
        if file.problem is not None:
            err.print(f"[yellow]{clean(file.name)}[/yellow]: {clean(file.problem)}")
    _tell_versions(report.results)


def _files_json(report: WarcReport) -> dict[str, Any]:
    return {
        "files": [
            {
                "file": file.name,
                "records": file.records,
                "taken": file.taken,
                "skipped": dict(file.skipped),
                "problem": file.problem,
            }
            for file in report.files
        ],
        "versions": [result.version for result in report.results if result.version is not None],
    }
