"""Prefect around the work of a run: each source a subflow, each step of it a task.

One task per source and stage, none per article: a task costs the server about 50 ms of CPU. Nothing is cached
or retried by Prefect: what may be tried again, and when, stands in our own store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, TypeVar

from prefect import Task, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.stages import Outcome
from storage import Counts, Ending, SourcePart

T = TypeVar("T")


class UnderPrefect:
    """A `Runner` (flows/stages.py) whose flow runs and task runs are named after the source."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def source(self, source: str, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """The work on one source as a flow run below that of the whole run; raises what ends it."""
        outcome: Outcome | None = None

        # Without parameters: to send them, Prefect loads all of FastAPI.
        async def run() -> State[Any]:
            nonlocal outcome
            self._turn.release()
            try:
                outcome = await work()
            finally:
                await self._turn.acquire()
            part, ok = outcome
            if ok:
                return Completed(message=sums_of(part))
            return Failed(message=f"nothing answered: {'; '.join(part.problems)}")

        decorated = flow(
            name="source", flow_run_name=source, description="One source of an ingest.", persist_result=False
        )(run)
        await self._turn.acquire()
        try:
            state: State[Any] = await decorated(return_state=True)
        finally:
            self._turn.release()
        if outcome is None:
            await state.aresult()
            raise RuntimeError(f"the run of {source} ended as {state.name} without an outcome")
        return outcome

    async def step(self, stage: str, source: str, work: Callable[[], Awaitable[T]]) -> T:
        """One step as a task run."""
        # Prefect looks through what a task is given: the work is a function, in which it finds nothing.
        result: T = await task_of(stage)(f"{stage} {source}".rstrip(), work)
        return result


@cache
def task_of(stage: str) -> Task[..., Any]:
    """The task of a stage; it gives what its work gives."""

    async def step(title: str, work: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ARG001 - names the run
        return await work()

    options: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
    return task(name=stage, task_run_name="{title}", **options)(step)


def sums_of(part: SourcePart) -> str:
    """What a source brought, in a line: before the commit, where an offer may still prove a duplicate."""
    counts = Counts.of(part.ends)
    told = {"offered": len(part.offers)} | {ending.value: getattr(counts, ending.value) for ending in Ending}
    return ", ".join(f"{count} {name}" for name, count in told.items() if count) or "nothing met"
