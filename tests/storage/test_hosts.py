"""How hosts must be spared, across processes."""

from __future__ import annotations

from datetime import timedelta

from storage import HostState, Store
from tests.conftest import START

SOON, LATE = START + timedelta(minutes=1), START + timedelta(hours=2)


def test_wait_of_a_host_is_there_for_the_next_run_and_ends(store: Store) -> None:
    store.spare_hosts([HostState("a.example", held_until=LATE), HostState("b.example", free_at=SOON)])
    assert store.hosts(START) == {
        "a.example": HostState("a.example", held_until=LATE),
        "b.example": HostState("b.example", free_at=SOON),
    }
    assert set(store.hosts(SOON)) == {"a.example"}
    assert store.hosts(LATE) == {}


def test_of_two_processes_the_one_that_waits_longer_is_believed(store: Store) -> None:
    store.spare_hosts([HostState("a.example", SOON, LATE)])
    store.spare_hosts([HostState("a.example", None, SOON)])
    store.spare_hosts([HostState("a.example", START, None)])
    assert store.hosts(START) == {"a.example": HostState("a.example", SOON, LATE)}
