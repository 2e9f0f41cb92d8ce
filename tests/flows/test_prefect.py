"""The same ingest through a real Prefect server: flow run, tasks and final states as a user sees them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

KHOTIN = [sys.executable, "-c", "from deployments.command import main; main()"]


@pytest.fixture(scope="module")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a Prefect server of its own, on a free port."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    env.pop("PREFECT_API_URL", None)
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--port", str(port), "--no-ui"],
            env=env,
            stdout=log,
            stderr=log,
        )
    api = f"http://127.0.0.1:{port}/api"
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                if httpx.get(f"{api}/health", timeout=5).is_success:
                    break
            except httpx.HTTPError:
                pass
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"no Prefect server: {(home / 'server.log').read_text()[-2000:]}")
            time.sleep(0.5)
        yield api
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def khotin(home: Path, api: str, *args: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(home / "prefect"),
        "KHOTIN_HOME": str(home / "data"),
    }
    return subprocess.run([*KHOTIN, *args], env=env, capture_output=True, text=True, timeout=300, check=False)


def query(api: str, what: str) -> list[dict[str, Any]]:
    answer = httpx.post(f"{api}/{what}/filter", json={}, timeout=30)
    answer.raise_for_status()
    rows = answer.json()
    assert isinstance(rows, list)
    return rows


def test_ingest_runs_through_prefect_when_an_api_is_configured(prefect_api: str, tmp_path: Path) -> None:
    first = khotin(tmp_path, prefect_api, "ingest", "--sample", "--edition", "1", "--json")
    assert first.returncode == 0, first.stderr
    assert f"running through Prefect at {prefect_api}" in first.stderr
    report = json.loads(first.stdout)
    assert report["version"]["id"] == 2

    again = khotin(tmp_path, prefect_api, "ingest", "--sample", "--edition", "1")
    assert again.returncode == 0, again.stderr
    assert "nothing new" in again.stdout

    every = sorted(query(prefect_api, "flow_runs"), key=lambda run: run["start_time"])
    runs = [run for run in every if run["parent_task_run_id"] is None]
    assert [(run["name"], run["state_name"]) for run in runs] == [
        ("sample edition 1", "Completed"),
        ("sample edition 1", "NoNewArticles"),
    ]
    assert runs[0]["state"]["message"].startswith("version 2: ")
    assert runs[0]["parameters"]["source_names"] == ["binhminh", "dongque", "songthuong"]
    below = [run for run in every if run["parent_task_run_id"] is not None]
    assert sorted((run["name"], run["state_name"]) for run in below) == sorted(
        (name, "Completed") for name in ("binhminh", "dongque", "songthuong") * 2
    )

    # The server records task runs a little later than they happen.
    expected = {f"{stage} {name}" for stage in ("discover", "read") for name in
                ("binhminh", "dongque", "songthuong")} | {"commit"}  # fmt: skip
    first_runs = {runs[0]["id"]} | {run["id"] for run in below if run["start_time"] < runs[1]["start_time"]}
    # Prefect keeps a task run of the parent for each subflow.
    stand_ins = {run["parent_task_run_id"] for run in below}
    deadline = time.monotonic() + 60
    while True:
        tasks = [
            t
            for t in query(prefect_api, "task_runs")
            if t["flow_run_id"] in first_runs and t["id"] not in stand_ins
        ]
        if {t["name"] for t in tasks if t["state_name"] == "Completed"} == expected:
            break
        assert time.monotonic() < deadline, [(t["name"], t["state_name"]) for t in tasks]
        time.sleep(0.5)
    assert len(tasks) == len(expected), "one task per source and stage, none per article"


def test_prefect_api_that_does_not_answer_is_told_in_two_lines(tmp_path: Path) -> None:
    told = khotin(tmp_path, "http://127.0.0.1:9/api", "ingest", "--sample")
    assert told.returncode == 1
    assert "prefect-unreachable" in told.stderr
    assert "unset PREFECT_API_URL" in told.stderr
    assert "Traceback" not in told.stderr
