"""Processes that kill themselves in the middle of their work, forked from one that has everything loaded.

A fork costs a hundredth of what a new interpreter does that has to load all that the work needs.
"""

from __future__ import annotations

import importlib
import multiprocessing
import signal
from collections.abc import Sequence

KILLERS = (
    "tests.flows.backfills",
    "tests.flows.killed",
    "tests.flows.killed_reparse",
    "tests.flows.killed_retry",
    "tests.storage.exported",
    "tests.storage.killed_purge",
)
"""Modules whose `main` dies by SIGKILL at a point that is among its arguments."""

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(list(KILLERS))


def die_in(module: str, *args: str, seconds: float = 120) -> None:
    """Run `main` of one of KILLERS in a process of its own, which must die there."""
    if module not in KILLERS:
        raise ValueError(f"{module} is not among KILLERS")
    process = _FORKING.Process(target=_run, args=(module, args))
    process.start()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError(f"{module} has not died within {seconds} s")
    # What went wrong stands in the standard error.
    assert process.exitcode == -signal.SIGKILL, f"{module} ended by itself: {process.exitcode}"


def _run(module: str, args: Sequence[str]) -> None:
    importlib.import_module(module).main(*args)
