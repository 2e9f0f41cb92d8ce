"""What happened, told to Prefect as events that automations wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from prefect.events import emit_event

from flows.happenings import LASTING, Happening, kinds_of, of_run
from storage import RunResult, Store


def tell(happenings: Iterable[Happening]) -> None:
    """Emit each as an event of its name; its resource is the corpus or the source it happened to."""
    for happening in happenings:
        emit_event(
            event=happening.kind.value,
            resource={
                "prefect.resource.id": happening.resource,
                "prefect.resource.name": happening.name,
                "khotin.message": happening.message,
            },
            payload={"message": happening.message, **happening.facts},
        )


async def tell_of_run(store: Store, result: RunResult) -> None:
    """Tell what happened in a run of the main job."""
    # What lasts is told when it begins: only then the runs before have to be asked.
    asked = [tally.source for tally in result.tallies if kinds_of(tally.problems).keys() & set(LASTING)]

    def before() -> dict[str, tuple[str, ...]]:
        return {source: store.problems_before(result.run_id, source) for source in asked}

    tell(of_run(store.store_id, result, await asyncio.to_thread(before)))
