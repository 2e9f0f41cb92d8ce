"""An ingest of this process as a flow run, where a Prefect API is configured.

Importing Prefect takes seconds, so it is done only when it is needed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.ingest import Environment, IngestReport, ingest
from flows.sources import Source
from parsers.errors import KhotinError, RunnerError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State


def prefect_api_url() -> str | None:
    """The address of the Prefect API that is configured, None if there is none.

    Prefect is asked only where a configuration can exist: a variable of the environment, a profile, or a
    settings file in the working directory.
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


async def require_api() -> None:
    """Raise RunnerError if the Prefect API that is configured does not answer."""
    from prefect import get_client

    async with get_client() as client:
        trouble = await client.api_healthcheck()
        if trouble is not None:
            raise RunnerError(
                f"the Prefect API at {client.api_url} does not answer: {trouble}",
                hint="start it (`prefect server start`), or unset PREFECT_API_URL to run directly",
            )


@dataclass(frozen=True, slots=True)
class _Outcome:
    report: IngestReport | None = None
    error: KhotinError | None = None


async def ingest_through_prefect(
    sources: Sequence[Source], environment: Environment, *, label: str = "", force: bool = False
) -> IngestReport:
    """`ingest` as a Prefect flow run of this process; gives its report, raises its errors."""
    from prefect import flow

    from flows.scheduled.runner import UnderPrefect
    from flows.scheduled.states import error_state, ingest_state

    await require_api()
    outcome = _Outcome()

    async def run(source_names: list[str], force: bool, label: str) -> State[Any]:
        nonlocal outcome
        chosen = [source for source in sources if source.name in source_names]
        try:
            report = await ingest(chosen, environment, label=label, force=force, runner=UnderPrefect())
        except KhotinError as error:
            outcome = _Outcome(error=error)
            return error_state(error)
        outcome = _Outcome(report)
        return ingest_state(report)

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
