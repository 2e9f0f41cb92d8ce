"""When a source is due again: with the first of its endpoints, or of its pages that wait. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flows.polling import Situation, next_poll
from flows.sources import Source
from storage import End, Ending, EndpointState

ASKED_TO_WAIT = "asked-to-wait"
"""Why a source is left alone until `next_poll_at`, even by force: its host said Retry-After."""

_PUT_OFF = frozenset({"run-limit"})


@dataclass(frozen=True, slots=True)
class SourceTurn:
    """When a source is due again; `reason` is a short code, `why` says it in words."""

    at: datetime
    reason: str
    why: str


def next_turn(
    source: Source,
    endpoints: Sequence[EndpointState],
    ends: Sequence[End],
    now: datetime,
    *,
    held_until: datetime | None,
    retry_at: datetime | None = None,
) -> SourceTurn:
    """When a source is due again after a run that ended with these `ends`.

    `retry_at` is when the first of the pages of earlier runs is tried again. Pages that were put off, or wait
    for another try, make the source due without its feeds being so: the run then asks for these pages only.
    """
    turns = [_turn_of(state) for state in endpoints if state.next_check_at is not None]
    turn = min(
        turns, key=lambda turn: turn.at, default=SourceTurn(now + source.floor("feed"), "start-value", "")
    )
    soonest = now + max(source.floor("feed"), timedelta(minutes=1)) if source.poll_minutes else now
    backlog = sum(end.ending is Ending.DEFERRED and end.reason in _PUT_OFF for end in ends)
    if backlog and soonest < turn.at:
        turn = SourceTurn(soonest, "backlog", f"{backlog} pages were put off")
    retries = [at for at in (retry_at, *(end.retry_at for end in ends)) if at is not None]
    if retries and max(min(retries), soonest) < turn.at:
        turn = SourceTurn(max(min(retries), soonest), "retry", "a page that failed is tried again")
    return _held(turn, held_until)


def crash_turn(
    source: Source, failures: int, now: datetime, held_until: datetime | None, rng: random.Random
) -> SourceTurn:
    """When a source whose run broke by a fault of ours is due again."""
    known = Situation(source.floor("feed"), source.ceiling, failures=failures, failure="source-crashed")
    planned = next_poll(known, now, rng)
    return _held(SourceTurn(planned.at, "source-crashed", planned.why), held_until)


def _turn_of(state: EndpointState) -> SourceTurn:
    assert state.next_check_at is not None  # noqa: S101 - the caller's condition
    reason, _, why = state.why.partition(": ")
    return SourceTurn(state.next_check_at, reason, why)


def _held(turn: SourceTurn, held_until: datetime | None) -> SourceTurn:
    if held_until is None:
        return turn
    at = max(turn.at, held_until)
    return SourceTurn(at, ASKED_TO_WAIT, "one of its hosts is to be left alone until then")
