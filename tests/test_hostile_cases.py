"""Each of the 75 hostile cases ends as it must, and harms nothing beside it.

The limits of a run hold in them, so an endless answer that were read to its end would never end here.
"""

from __future__ import annotations

import pytest

from tests.conftest import ROOT
from tests.hostile_cases import CASES, Case
from tests.hostile_table import BOMBS, memory_of, outcome

SERVED = [case for case in CASES if case.variants]
BOMB = 250_000_000
"""Bytes that each bomb becomes; `python -m tests.hostile_table --bombs` takes a gigabyte."""
MOST_MEGABYTES = 150
"""Over a sound page, with what the server in the same process holds."""


def test_the_list_is_complete() -> None:
    assert [case.number for case in CASES] == list(range(1, 76))
    assert all(bool(case.variants) != bool(case.elsewhere) for case in CASES)


@pytest.mark.parametrize("case", SERVED, ids=[f"{case.number} {case.title}" for case in SERVED])
async def test_case_ends_in_its_reason_and_spoils_nothing(case: Case) -> None:
    words, right = await outcome(case)
    assert right, words


@pytest.mark.parametrize("place", sorted({place for case in CASES for place in case.elsewhere}))
def test_cases_that_no_server_sends_are_tested_where_the_list_says(place: str) -> None:
    path, _, name = place.partition("::")
    assert name
    assert f"def {name}" in (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("number", BOMBS)
def test_a_bomb_takes_little_memory(number: int) -> None:
    row, megabytes = memory_of(number, BOMB)
    assert megabytes < MOST_MEGABYTES, row
