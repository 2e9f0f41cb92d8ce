"""Claims: one holder at a time, in this process and in others, and free the moment a holder dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from storage import Store, open_store

HOLDER = """
import sys, time
from pathlib import Path
from storage import open_store
with open_store(Path(sys.argv[1]), sys.argv[2]) as store, store.claims() as claims:
    print(claims.take("source a"), flush=True)
    time.sleep(60)
"""


def test_a_name_has_one_holder_until_it_is_given_back(store: Store) -> None:
    with store.claims() as mine, store.claims() as theirs:
        assert mine.take("source a")
        assert not theirs.take("source a")
        assert not mine.take("source a"), "not twice either"
        assert theirs.take("source b")
        mine.give_back("source a")
        mine.give_back("source b")  # not ours: nothing happens
        assert theirs.take("source a")
        assert not mine.take("source b")


def test_what_is_still_held_is_free_at_the_end(store: Store) -> None:
    with store.claims() as mine:
        assert mine.take("source a")
    with store.claims() as theirs:
        assert theirs.take("source a")


def test_holder_that_is_killed_holds_nothing(store: Store, store_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "home"), store_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "True"
        with store.claims() as mine:
            assert not mine.take("source a")
            os.kill(holder.pid, signal.SIGKILL)
            holder.wait(20)
            # The server of a database notices a moment later.
            deadline = time.monotonic() + 20
            while not mine.take("source a"):
                assert time.monotonic() < deadline
                time.sleep(0.05)


def test_stores_in_one_database_do_not_share_names(store_url: str, tmp_path: Path) -> None:
    # Two homes with one URL would be one store; on SQLite each has a file of its own.
    if store_url.startswith("sqlite"):
        with (
            open_store(tmp_path / "one", f"sqlite:///{tmp_path / 'one.db'}") as one,
            open_store(tmp_path / "two", f"sqlite:///{tmp_path / 'two.db'}") as two,
            one.claims() as first,
            two.claims() as second,
        ):
            assert first.take("source a")
            assert second.take("source a")
