"""When a source is due again."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from flows.schedule import crash_turn, next_turn
from storage import End, Ending, EndpointState, Met
from tests.conftest import START
from tests.flows.running import scripted_source

SOURCE = scripted_source(poll_minutes=30)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def state(url: str, at: timedelta, why: str) -> EndpointState:
    return EndpointState(url, "a", "feed", START, next_check_at=START + at, why=why)


ENDPOINTS = [state("1", 5 * HOUR, "ceiling: quiet"), state("2", 4 * HOUR, "rhythm: soon: or later")]


def end(ending: Ending, reason: str, retry: timedelta | None = None, *, skipped: bool = False) -> End:
    retry_at = START + retry if retry is not None else None
    return End(Met("http://a.example/1", "feed"), ending, reason, retry_at=retry_at, skipped=skipped)


@pytest.mark.parametrize(
    ("ends", "earlier", "wait", "reason"),
    [
        ([], None, 4 * HOUR, "rhythm"),
        ([end(Ending.STORED, "new-article")], None, 4 * HOUR, "rhythm"),
        ([end(Ending.FAILED, "http-503", HOUR)], None, HOUR, "retry"),
        ([end(Ending.FAILED, "http-503", 15 * MINUTE)], None, 30 * MINUTE, "retry"),
        ([end(Ending.FAILED, "http-503", 9 * HOUR)], None, 4 * HOUR, "rhythm"),
        ([], 2 * HOUR, 2 * HOUR, "retry"),
        ([end(Ending.FAILED, "http-503", 3 * HOUR)], 2 * HOUR, 2 * HOUR, "retry"),
        ([end(Ending.DEFERRED, "run-limit", skipped=True)], None, 30 * MINUTE, "backlog"),
        ([end(Ending.DEFERRED, "daily-budget")], None, 4 * HOUR, "rhythm"),
    ],
)
def test_source_is_due_with_the_first_thing_that_is(
    ends: list[End], earlier: timedelta | None, wait: timedelta, reason: str
) -> None:
    retry_at = START + earlier if earlier is not None else None
    turn = next_turn(SOURCE, ENDPOINTS, ends, START, held_until=None, retry_at=retry_at)
    assert (turn.at - START, turn.reason) == (wait, reason)
    assert turn.why


def test_reason_and_words_of_an_endpoint_are_told_apart() -> None:
    assert next_turn(SOURCE, ENDPOINTS, [], START, held_until=None).why == "soon: or later"


def test_source_without_any_endpoint_known_is_due_after_its_start_value() -> None:
    assert next_turn(SOURCE, [], [], START, held_until=None).at == START + 30 * MINUTE


def test_wait_that_a_host_asked_for_goes_before_all() -> None:
    turn = next_turn(SOURCE, ENDPOINTS, [], START, held_until=START + 9 * HOUR)
    assert (turn.at, turn.reason) == (START + 9 * HOUR, "asked-to-wait")
    turn = next_turn(SOURCE, ENDPOINTS, [], START, held_until=START + HOUR)
    assert (turn.at, turn.reason) == (START + 4 * HOUR, "asked-to-wait")


def test_source_whose_run_broke_waits_longer_each_time() -> None:
    waits = [crash_turn(SOURCE, n, START, None, random.Random(1)).at - START for n in (1, 2, 3)]
    assert waits == sorted(waits)
    assert waits[0] >= 15 * MINUTE
    assert crash_turn(SOURCE, 1, START, None, random.Random(1)).reason == "source-crashed"
