"""What flow runs are called: the flow, what it is about, and when it was, in Vietnam."""

from __future__ import annotations

from prefect.runtime import flow_run

from flows.clock import SystemClock
from parsers.dates import VIETNAM

_ABOUT = ("source", "tag", "version")


def run_name() -> str:
    """For example `backfill nhandan 2026-03-02 08:10`."""
    parameters = flow_run.parameters or {}
    about = [str(parameters[name]) for name in _ABOUT if parameters.get(name)]
    now = SystemClock().now().astimezone(VIETNAM)
    return " ".join([flow_run.flow_name or "run", *about, f"{now:%Y-%m-%d %H:%M}"])
