"""The same ingest under Prefect: decorators on the plain stages, and the final state said explicitly.

One task per source and stage, none per article: a task costs the server about 50 ms of CPU. Nothing is cached
or retried by Prefect: what may be tried again, and when, stands in our own store.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.discovery import discover
from flows.ingest import Environment, IngestReport, Stages, commit, ingest, parse_in_thread
from flows.pages import fetch_batch
from flows.sources import Source
from parsers.errors import KhotinError, RunnerError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


def prefect_api_url() -> str | None:
    """The address of the Prefect API that is configured, None if there is none.

    Importing Prefect takes seconds, so it is asked only where a configuration can exist: a variable of the
    environment, a profile, or a settings file in the working directory.
    """
    told = os.environ.get("PREFECT_API_URL", "").strip()
    if told:
        return told
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH", str(home / "profiles.toml"))).expanduser()
    if not profiles.is_file() and not Path("prefect.toml").is_file():
        return None
    from prefect.settings import PREFECT_API_URL

    return PREFECT_API_URL.value() or None


def decorated_stages() -> Stages:
    """The stages of a run as Prefect tasks, named after their source."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    options: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
    return Stages(
        discover=task(name="discover", task_run_name="discover {source.name}", **options)(discover),
        fetch=task(name="fetch", task_run_name="fetch {source.name}", **options)(fetch_batch),
        parse=task(name="parse", task_run_name="parse {source.name}", **options)(parse_in_thread),
        commit=task(name="commit", task_run_name="commit", **options)(commit),
    )


@dataclass(frozen=True, slots=True)
class _Outcome:
    report: IngestReport | None = None
    error: KhotinError | None = None


async def ingest_through_prefect(
    sources: Sequence[Source], environment: Environment, *, label: str = "", force: bool = False
) -> IngestReport:
    """`ingest` as a Prefect flow run of this process; gives its report, raises its errors."""
    from prefect import flow, get_client
    from prefect.states import Completed, Failed

    async with get_client() as client:
        trouble = await client.api_healthcheck()
        if trouble is not None:
            raise RunnerError(
                f"the Prefect API at {client.api_url} does not answer: {trouble}",
                hint="start it (`prefect server start`), or unset PREFECT_API_URL to run directly",
            )
    stages = decorated_stages()
    outcome = _Outcome()

    async def run(source_names: list[str], force: bool, label: str) -> State[Any]:
        nonlocal outcome
        chosen = [source for source in sources if source.name in source_names]
        try:
            report = await ingest(chosen, environment, label=label, force=force, stages=stages)
        except KhotinError as error:
            outcome = _Outcome(error=error)
            return Failed(message=f"{error.reason}: {error.message}")
        outcome = _Outcome(report)
        return final_state(report, Completed, Failed)

    decorate = flow(
        name="ingest",
        flow_run_name=label or "ingest",
        description="Fetch what is new from the due sources and commit it as one version.",
        persist_result=False,
    )
    state = await decorate(run)([source.name for source in sources], force, label, return_state=True)
    if outcome.error is not None:
        raise outcome.error
    if outcome.report is None:
        # Not one of ours: let Prefect raise what happened.
        await state.aresult()
        raise RuntimeError(f"the flow run ended as {state.name} without a report")
    return outcome.report


def final_state(
    report: IngestReport, completed: Callable[..., State[Any]], failed: Callable[..., State[Any]]
) -> State[Any]:
    """The state in which a flow run ends, said by us: a failed task that nobody reads leaves it Completed."""
    if report.result is None:
        return completed(name="NothingDue", message="no source is due")
    if report.sources and len(report.failed_sources) == len(report.sources):
        return failed(message=f"no source answered: {', '.join(report.failed_sources)}")
    version = report.result.version
    if version is None:
        return completed(name="NoNewArticles", message="nothing new")
    return completed(message=f"version {version.id}: {version.added} new, {version.revised} revised")
