"""A run that is killed (SIGKILL, a real process) loses nothing, doubles nothing, asks for nothing again.

Every statement of a commit has a kill of its own in tests/storage/test_kill_everywhere.py.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from storage import Store, open_store
from tests.flows.running import run_edition
from tests.killed import die_in

POINTS = (
    "fetch",
    "commit",
    "INSERT INTO version",
    "INSERT INTO page",
    "INSERT INTO run_source",
    "INSERT INTO endpoint",
)


def contents(store: Store) -> list[tuple[str, int, str, str]]:
    with store.documents(store.version()) as documents:
        return sorted((d.record.url, d.rev, d.record.title, d.record.text) for d in documents)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int, str, str]]:
    """What stands in the store after two runs that nobody killed."""
    folder = tmp_path_factory.mktemp("whole")
    with open_store(folder, f"sqlite:///{folder / 'khotin.db'}") as store:
        for edition in (1, 2):
            asyncio.run(run_edition(store, edition))
        return contents(store)


@pytest.mark.parametrize("point", POINTS)
def test_killed_run_is_made_good_by_the_next(
    store_url: str, tmp_path: Path, point: str, uninterrupted: list[tuple[str, int, str, str]]
) -> None:
    home = tmp_path / "home"
    with open_store(home, store_url) as store:
        asyncio.run(run_edition(store, 1))
        versions = store.versions()
    die_in("tests.flows.killed", str(home), store_url, "2", point)
    with open_store(home, store_url) as store:
        assert store.versions() == versions, "nothing of the killed run is half there"
        report, newsroom = asyncio.run(run_edition(store, 2))
        assert report.result is not None
        assert len(store.versions()) == len(versions) + 1
        assert contents(store) == uninterrupted
        if point != "fetch":
            asked = [r.path for r in newsroom.requests if "post" in r.path or r.path.endswith(".htm")]
            assert asked == [], "what the killed run had fetched is not asked for again"
