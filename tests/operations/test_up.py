"""`khotin up --sample` as a user meets it: it comes up, runs by itself, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.operation.children import variable_of
from storage import open_store
from tests.operations.prefect_parts import KHOTIN, free_port, wait_for


class Up:
    """A running `khotin up --json`, and what it has told so far."""

    def __init__(self, home: Path, *args: str, **env: str) -> None:
        self.home = home
        name = home.parent / f"up-{time.monotonic_ns()}"
        self._out, self._err = name.with_suffix(".out"), name.with_suffix(".err")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*KHOTIN, "up", "--json", *args],
                env={**clean, "KHOTIN_HOME": str(home), **env},
                stdout=out,
                stderr=err,
            )

    def told(self) -> list[dict[str, Any]]:
        lines = self._out.read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def wait_for(self, word: str, seconds: float = 240) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            for facts in self.told():
                if facts["event"] == word:
                    return facts
            assert self.process.poll() is None, self.errors()
            return None

        found: dict[str, Any] = wait_for(look, f"{word} of {self.told()}", seconds)
        return found

    def errors(self) -> str:
        return self._err.read_text("utf-8")


def of_this_operation(home: Path) -> list[int]:
    """All processes that were told of this home."""
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in found if variable_of(pid, "KHOTIN_HOME") == str(home)]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
def test_up_runs_by_itself_and_leaves_nothing_behind(tmp_path: Path, told: Callable[[str], None]) -> None:
    home = tmp_path / "data"
    port = free_port()
    up = Up(home, "--sample", "--port", str(port))
    try:
        ready = up.wait_for("ready")
        assert httpx.get(ready["ui"], timeout=30, follow_redirects=True).is_success

        second = subprocess.run(
            [*KHOTIN, "up", "--sample"],
            env={**os.environ, "KHOTIN_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 0
        assert f"already runs here (process {up.process.pid}): http://127.0.0.1:{port}" in second.stdout

        run = up.wait_for("run")
        assert run["scheduled"]
        assert (run["state"], run["message"]) == ("Completed", "version 2: 24 new, 0 revised")
        told(f"khotin up --sample: first scheduled run ended {run['since_start']:.0f} s after the start")
        with open_store(home, f"sqlite:///{home / 'khotin.db'}", create=False) as store:
            assert [version.kind for version in store.versions()] == ["seed", "ingest"]
        keys = {
            row["key"] for row in httpx.post(f"{ready['api']}/artifacts/filter", json={}, timeout=30).json()
        }
        assert {"run-report", "run-sums"} <= keys
    finally:
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(90) == 0, up.errors()
    assert up.told()[-1]["event"] == "stopped"
    assert of_this_operation(home) == []
    with closing(sqlite3.connect(home / "prefect" / "prefect.db")) as database:
        states = {name for (name,) in database.execute("SELECT state_type FROM flow_run")}
    assert states <= {"SCHEDULED", "COMPLETED", "CANCELLED"}


def test_up_that_is_killed_takes_server_and_worker_with_it(tmp_path: Path) -> None:
    home = tmp_path / "data"
    up = Up(home, "--sample", "--port", str(free_port()))
    up.wait_for("starting")
    wait_for(lambda: len(of_this_operation(home)) > 1, "a server")
    up.process.kill()
    up.process.wait(20)
    wait_for(lambda: not of_this_operation(home), "an end of the server", 60)


def test_up_without_contact_or_on_a_taken_port_starts_nothing(tmp_path: Path) -> None:
    home = tmp_path / "data"
    live = Up(home, "--port", str(free_port()), KHOTIN_CONTACT="")
    assert live.process.wait(60) == 2
    assert "no-contact" in live.errors()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        held = Up(home, "--port", str(taken.getsockname()[1]), KHOTIN_CONTACT="test@khotin.example")
        assert held.process.wait(60) == 2
        assert "port-taken" in held.errors()
    assert not (home / "prefect").exists()
