"""Runs as forks of a process that has everything loaded: what starts them sees them as runs of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.scheduled.start import LISTENS
from tests.conftest import ROOT
from tests.operations.prefect_parts import Process, wait_for

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="forks are watched by Linux's pidfd")

ENGINE = """
import os, signal, sys, threading, time
from pathlib import Path

def told_to_end(number, frame):
    Path("told").write_text(str(number))
    sys.exit(42)

assert __name__ == "__main__" and threading.active_count() == 1
print(os.environ["GREETING"], Path.cwd().name, "prefect.flow_engine" in sys.modules)
if os.environ["GREETING"] == "wait":
    signal.signal(signal.SIGTERM, told_to_end)
    Path("pid").write_text(str(os.getpid()))
    time.sleep(60)
sys.exit(int(os.environ.get("CODE", "0")))
"""
"""In the place of Prefect's: says where it is, and may wait."""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """The socket of a process that has everything loaded."""
    with tempfile.TemporaryDirectory(prefix="khotin-") as folder:
        path = Path(folder) / "socket"
        command = [sys.executable, "-m", "flows.scheduled.loaded", str(path), "engine"]
        process = Process(command, {**os.environ, "PYTHONPATH": str(ROOT)}, Path(folder), "loaded")
        try:
            wait_for(path.exists, "its socket")
            yield path
        finally:
            process.kill_all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "engine.py").write_text(ENGINE, "utf-8")
    return tmp_path


def start(place: Path, folder: Path, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "flows.scheduled.start"],
        env={**os.environ, "PYTHONPATH": str(ROOT), LISTENS: str(place), **env},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def waiting(place: Path, folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A run that waits, and the process in which it does."""
    run = start(place, folder, GREETING="wait")
    wait_for(lambda: (folder / "pid").exists() and (folder / "pid").read_text(), "the run")
    return run, int((folder / "pid").read_text())


def code_of(run: subprocess.Popen[str]) -> int:
    run.communicate(timeout=60)
    return run.returncode


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("code", [0, 3])
def test_run_has_environment_folder_and_streams_of_its_starter_and_gives_its_exit_code(
    place: Path, folder: Path, code: int
) -> None:
    run = start(place, folder, GREETING="xin chào", CODE=str(code))
    out, err = run.communicate(timeout=60)
    assert run.returncode == code, err
    assert out.split("\n")[0] == f"xin chào {folder.name} True", "and all is loaded before it begins"


def test_runs_go_on_side_by_side_and_a_signal_reaches_the_one_it_is_for(place: Path, folder: Path) -> None:
    other_folder = folder / "other"
    other_folder.mkdir()
    (other_folder / "engine.py").write_text(ENGINE, "utf-8")
    first, first_pid = waiting(place, folder)
    second, second_pid = waiting(place, other_folder)
    first.send_signal(signal.SIGTERM)
    assert code_of(first) == 42
    assert (folder / "told").read_text() == str(int(signal.SIGTERM))
    wait_for(lambda: gone(first_pid), "the end of the first run")
    assert not gone(second_pid)
    second.send_signal(signal.SIGTERM)
    assert code_of(second) == 42


def test_run_dies_with_its_starter(place: Path, folder: Path) -> None:
    run, pid = waiting(place, folder)
    run.kill()
    code_of(run)
    wait_for(lambda: gone(pid), "the end of the run", 30)
    assert not (folder / "told").exists(), "killed, and not asked to end"


def test_starter_of_a_killed_run_ends_as_if_it_were_killed_itself(place: Path, folder: Path) -> None:
    run, pid = waiting(place, folder)
    os.kill(pid, signal.SIGKILL)
    assert code_of(run) == -signal.SIGKILL


def test_runs_end_with_the_process_that_had_everything_loaded(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="khotin-") as short:
        path = Path(short) / "socket"
        command = [sys.executable, "-m", "flows.scheduled.loaded", str(path), "engine"]
        process = Process(command, {**os.environ, "PYTHONPATH": str(ROOT)}, Path(short), "loaded")
        wait_for(path.exists, "its socket")
        run, pid = waiting(path, folder)
        process.send(signal.SIGKILL)
        process.wait(30)
        wait_for(lambda: gone(pid), "the end of the run", 30)
        _, err = run.communicate(timeout=60)
        assert run.returncode == 1
        assert "has ended before the run" in err


def test_where_nobody_listens_the_run_goes_on_in_the_process_itself(tmp_path: Path) -> None:
    run = start(tmp_path / "nobody", tmp_path, PREFECT__FLOW_RUN_ID="no-id")
    _, err = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "Invalid flow run id" in err, "Prefect's engine itself has looked at what is to be run"
