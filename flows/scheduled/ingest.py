"""The main job as scheduled flows: all that is due, or one source by hand."""

from __future__ import annotations

import asyncio
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State

from flows.configured import (
    SAMPLE_LABEL,
    chosen_sources,
    claim_store,
    configured_environment,
    configured_sources,
    open_configured_store,
)
from flows.ingest import IngestReport
from flows.ingest import ingest as ingest_due
from flows.scheduled.artifacts import publish_run_report, shown_progress
from flows.scheduled.events import tell_of_run
from flows.scheduled.naming import run_name
from flows.scheduled.runner import UnderPrefect
from flows.scheduled.states import error_state, ingest_state
from flows.settings import load_settings
from parsers.errors import KhotinError

LONGEST_SECONDS = 6 * 3600
"""A run that takes longer hangs: it is ended, and what it fetched is taken up by the next one."""


@flow(name="ingest", flow_run_name=run_name, persist_result=False, timeout_seconds=LONGEST_SECONDS)
async def ingest(sources: list[str] | None = None, force: bool = False) -> State[Any]:
    """Fetch what is new from all sources that are due and commit it as one version.

    Args:
        sources: Only these sources, by name. None named: all of them.
        force: Also the sources and feeds that are not due yet, save those whose hosts asked us to wait.
    """
    return await _run(sources or [], force=force)


@flow(name="ingest-source", flow_run_name=run_name, persist_result=False, timeout_seconds=LONGEST_SECONDS)
async def ingest_source(source: str, force: bool = True) -> State[Any]:
    """Fetch what is new from one source, by hand.

    Args:
        source: The source, by the name of its file.
        force: Ask now, even if the source is not due. A host that asked us to wait is never asked sooner.
    """
    return await _run([source], force=force)


async def _run(names: list[str], *, force: bool) -> State[Any]:
    log = get_run_logger()
    try:
        settings = load_settings()
        sources = chosen_sources(configured_sources(settings), names)
        with await asyncio.to_thread(open_configured_store, settings) as store:
            sample = settings.sample_address is not None
            await asyncio.to_thread(claim_store, store, settings, sample=sample)
            async with shown_progress("Pages fetched") as steps:
                report = await ingest_due(
                    sources,
                    configured_environment(settings, store, sources, steps),
                    label=SAMPLE_LABEL if sample else "",
                    force=force,
                    runner=UnderPrefect(),
                )
            for line in lines_of(report):
                log.info(line)
            if report.result is not None:
                await tell_of_run(store, report.result)
                await publish_run_report(store, report.result.run_id)
    except KhotinError as error:
        log.error("%s", error)
        return error_state(error)
    return ingest_state(report)


def lines_of(report: IngestReport) -> list[str]:
    """What a run came to, for its log: a line for each source, and one for each problem."""
    if report.result is None:
        return [f"no source is due before {report.next_due_at}"]
    lines = []
    for tally in report.result.tallies:
        counts = tally.counts.as_dict()
        discovered = counts.pop("discovered")
        told = " + ".join(f"{count} {name}" for name, count in counts.items() if count)
        lines.append(f"{tally.source}: {discovered} discovered{f' = {told}' if told else ''}")
        lines.extend(f"{tally.source}: {problem}" for problem in tally.problems)
    return lines
