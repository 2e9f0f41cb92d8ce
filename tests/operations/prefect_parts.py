"""Prefect's parts as tests run them: a server on a free port, workers that may be killed, runs by HTTP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from deployments.operation.children import session_of
from deployments.operation.surroundings import Addresses, of_server, of_worker
from flows.scheduled.start import LISTENS
from flows.settings import Settings

KHOTIN = [sys.executable, "-c", "from deployments.command import main; main()"]
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
PLAN = """
name: khotin
deployments:
  - name: ingest
    entrypoint: flows.scheduled.ingest.ingest
    tags: [khotin]
    work_pool: &pool
      name: khotin
      job_variables: {env: {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: "30"}}
  - name: ingest-source
    entrypoint: flows.scheduled.ingest.ingest_source
    tags: [khotin]
    work_pool: *pool
"""
"""Without schedules, so that a test alone says what runs."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(what: Callable[[], Any], told: str, seconds: float = 120, every: float = 0.2) -> Any:
    """Until it gives something true, which is given back."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"{told}: not within {seconds} s")
        time.sleep(every)


class Process:
    """A process in a session of its own, with a log."""

    def __init__(self, command: list[str], env: Mapping[str, str], folder: Path, name: str) -> None:
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                command, env=dict(env), cwd=folder, stdout=out, stderr=out, start_new_session=True
            )
        self.pid = self._process.pid

    def family(self) -> list[int]:
        """It and all that it started."""
        return session_of(self.pid)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, alone."""
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        return self._process.wait(seconds)

    def kill_all(self) -> None:
        """Kill it and all that it started, as a machine that dies does."""
        for pid in self.family():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(20)

    def end(self) -> None:
        """End it in peace; what is left is killed."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(15)
        self.kill_all()


class Prefect:
    """A server of its own, its deployments, and what is asked of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.where = Addresses("127.0.0.1", self.port)
        self.api = self.where.api
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }
        self._server: Process | None = None

    def start(self) -> None:
        """Start the server, until it answers."""
        env = of_server(self.env, Settings(home=self.folder), self.where, self.folder / "prefect")
        # As `khotin up` has it.
        on_sqlite = env["PREFECT_API_DATABASE_CONNECTION_URL"].startswith("sqlite")
        serve = ["deployments.operation.server"] if on_sqlite else ["prefect", "server"]
        command = [sys.executable, "-m", *serve, "start", "--port", str(self.port), "--no-ui"]
        self._server = Process(command, env, self.folder, "server")
        wait_for(self.answers, "the server", 180)

    @property
    def server_pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.api}/health", timeout=5).is_success
        except httpx.HTTPError:
            return False

    def stop(self, *, at_once: bool = False) -> None:
        assert self._server is not None
        if at_once:
            self._server.kill_all()
        else:
            self._server.end()

    def khotin(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        told = {**self.env, "PREFECT_API_URL": self.api, **env}
        return subprocess.run(
            [*KHOTIN, *args],
            env=told,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def worker(self, name: str, *, queue: str = "", **env: str) -> Process:
        """A worker that has begun to ask for runs, of one queue or of all."""
        own = {"PREFECT_API_URL": self.api, "PREFECT_WORKER_QUERY_SECONDS": "1"}
        told = of_worker({**self.env, **own, **env})
        command = [
            sys.executable,
            "-m",
            "prefect",
            "worker",
            "start",
            "--pool",
            "khotin",
            "--type",
            "process",
        ]
        if queue:
            command += ["--work-queue", queue]
        return Process([*command, "--name", name], told, self.folder, name)

    def loaded(self, folder: Path) -> tuple[Process, dict[str, str]]:
        """A process that has loaded what runs need, and what workers are told of it."""
        place = folder / "socket"
        command = [sys.executable, "-m", "flows.scheduled.loaded", str(place)]
        process = Process(command, {**self.env, "PREFECT_API_URL": self.api}, self.folder, "loaded")
        wait_for(place.exists, "the process that has everything loaded", 60)
        return process, {LISTENS: str(place)}

    def ask(self, path: str, what: Mapping[str, Any] | None = None) -> Any:
        def post() -> httpx.Response | None:
            answer = httpx.post(f"{self.api}/{path}", json=dict(what or {}), timeout=30)
            # So it answers while its SQLite is locked; Prefect's own client asks again, too.
            return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer

        answer: httpx.Response = wait_for(post, path, 60, every=0.5)
        answer.raise_for_status()
        return answer.json()

    def deployment(self, name: str, flow: str = "") -> dict[str, Any]:
        found = httpx.get(f"{self.api}/deployments/name/{flow or name}/{name}", timeout=30)
        found.raise_for_status()
        row: dict[str, Any] = found.json()
        return row

    def trigger(self, name: str, *, flow: str = "", **parameters: Any) -> str:
        """Have a deployment run now; gives the id of the run. `flow` is named if it is not its name too."""
        row = self.ask(
            f"deployments/{self.deployment(name, flow)['id']}/create_flow_run", {"parameters": parameters}
        )
        return str(row["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        row: dict[str, Any] = httpx.get(f"{self.api}/flow_runs/{run_id}", timeout=30).json()
        return row

    def ended(self, run_id: str, seconds: float = 120) -> dict[str, Any]:
        """The run when it has come to its end."""

        def look() -> dict[str, Any] | None:
            with suppress(httpx.HTTPError):
                row = self.run(run_id)
                return row if row["state_type"] in ENDED else None
            return None

        row: dict[str, Any] = wait_for(look, f"the end of run {run_id}", seconds)
        return row

    def unended(self) -> list[str]:
        """What seems to go on, those below others too."""
        rows = self.ask(
            "flow_runs/filter",
            {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}},
        )
        return [f"{row['name']}: {row['state_name']}" for row in rows]
