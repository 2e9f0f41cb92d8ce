"""What `khotin deploy` makes of a real server: all of the plan, nothing twice or left over; and alerts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deployments.command.deploy import PLAN
from deployments.operation.runs import now
from tests.operations.held_press import HeldPress
from tests.operations.prefect_parts import Prefect, wait_for

NOTHING_DONE: dict[str, list[str]] = {
    "made": [],
    "changed": [],
    "removed": [],
    "automations_changed": [],
    "automations_removed": [],
}


class Receiver:
    """Takes what is posted to it, as a chat would."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                receiver.taken.append(json.loads(self.rfile.read(length)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/alerts"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    made = Prefect(tmp_path_factory.mktemp("deploying"))
    made.start()
    yield made
    made.stop()


def deploy(prefect: Prefect, *args: str, **env: str) -> dict[str, Any]:
    done = prefect.khotin("deploy", "--json", *args, **env)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def changes(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in NOTHING_DONE}


def names(prefect: Prefect) -> set[str]:
    return {row["name"] for row in prefect.ask("deployments/filter")}


# The tests of this file follow one another on one server, as its users' days do.


def test_deploy_makes_everything_and_then_nothing(prefect: Prefect) -> None:
    first = deploy(prefect)
    assert len(first["made"]) == 7
    assert len(first["automations_changed"]) == 6
    assert not first["alerts_filled_in"]
    assert prefect.deployment("ingest")["schedules"][0]["schedule"]["timezone"] == "Asia/Ho_Chi_Minh"
    again = deploy(prefect)
    assert changes(again) == NOTHING_DONE
    assert len(again["unchanged"]) == 7


def test_paused_schedule_stays_paused_and_its_change_is_applied(prefect: Prefect, tmp_path: Path) -> None:
    deployment = prefect.deployment("ingest")
    schedule = deployment["schedules"][0]
    path = f"{prefect.api}/deployments/{deployment['id']}/schedules/{schedule['id']}"
    assert httpx.patch(path, json={"active": False}, timeout=30).is_success
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN.read_text("utf-8").replace("*/10 * * * *", "*/20 * * * *"), "utf-8")
    assert deploy(prefect, "--file", str(plan))["changed"] == ["ingest/ingest"]
    (now,) = prefect.deployment("ingest")["schedules"]
    assert (now["schedule"]["cron"], now["active"]) == ("*/20 * * * *", False)


def test_what_is_gone_from_the_plan_is_removed_and_what_is_not_ours_stays(
    prefect: Prefect, tmp_path: Path
) -> None:
    flow = prefect.ask("flows/", {"name": "somebody-else"})
    prefect.ask("deployments/", {"name": "theirs", "flow_id": flow["id"]})
    text = PLAN.read_text("utf-8")
    start, end = text.index("  - name: reparse"), text.index("  - name: publish")
    plan = tmp_path / "plan.yaml"
    plan.write_text((text[:start] + text[end:]).replace('cron: "30 4 * * 1"', "interval: 3600"), "utf-8")
    told = deploy(prefect, "--file", str(plan))
    assert told["removed"] == ["reparse/reparse"]
    assert "theirs" in names(prefect)
    assert "reparse" not in names(prefect)
    assert [one["schedule"].get("interval") for one in prefect.deployment("publish")["schedules"]] == [3600.0]
    without = plan.read_text("utf-8").replace(
        "    schedules:\n      - {slug: weekly, interval: 3600, timezone: Asia/Ho_Chi_Minh}\n", ""
    )
    plan.write_text(without, "utf-8")
    assert deploy(prefect, "--file", str(plan))["changed"] == ["publish/publish"]
    assert prefect.deployment("publish")["schedules"] == []
    # An automation of ours that is there twice, as careless scripts make them, is one again.
    (ours,) = [a for a in prefect.ask("automations/filter") if a["name"] == "khotin: a run failed"]
    twin = {key: ours[key] for key in ("name", "description", "enabled", "trigger", "actions")}
    prefect.ask("automations/", twin)
    assert deploy(prefect)["automations_removed"] == ["khotin: a run failed"]


def test_wrong_parameters_are_refused_by_the_server(prefect: Prefect) -> None:
    deploy(prefect)
    path = f"{prefect.api}/deployments/{prefect.deployment('ingest-source')['id']}/create_flow_run"
    for wrong in ({}, {"source": "no-such-paper"}, {"source": "nhandan", "force": "perhaps"}):
        answer = httpx.post(path, json={"parameters": wrong}, timeout=30)
        assert answer.status_code in (400, 409, 422), answer.text


def test_failed_run_and_silent_source_are_told_to_the_webhook(
    prefect: Prefect, receiver: Receiver, tmp_path: Path
) -> None:
    assert deploy(prefect, KHOTIN_ALERT_WEBHOOK=receiver.url)["alerts_filled_in"]
    # The address is kept by the server: later calls need not be told it.
    assert deploy(prefect)["alerts_filled_in"]
    with HeldPress() as press:
        env = {
            "KHOTIN_HOME": str(tmp_path / "data"),
            "KHOTIN_SOURCES": str(press.write_sources(tmp_path / "sources")),
            # Nobody listens there: no source answers, and the run fails.
            "KHOTIN_SAMPLE_NEWSROOM": "127.0.0.1:9",
        }
        worker = prefect.worker("alerted", **env)
        try:
            ended = prefect.ended(prefect.trigger("ingest"))
            assert (ended["state_name"], ended["name"].split()[0]) == ("Failed", "ingest")
        finally:
            worker.end()
    told = wait_for(lambda: receiver.taken, "an alert")
    assert told[0]["subject"] == f"khotin: run {ended['name']}: Failed"
    assert "no source answered: held" in told[0]["body"]
    assert told[0]["text"].startswith("khotin: run ")

    receiver.taken.clear()
    events = [
        event("khotin.source.silent", "khotin.source.a", "a", "a: silent: nothing new for long"),
        event("khotin.source.drift", "khotin.source.b", "b", "b: drift: title is lost"),
        event("khotin.verify.failed", "khotin.store.1", "corpus", "the store is damaged in 1 places: leaf"),
        event("khotin.version.committed", "khotin.store.1", "corpus", "version 3"),
    ]
    assert httpx.post(f"{prefect.api}/events", json=events, timeout=30).is_success
    alerts = {
        ("khotin: a is silent", "a: silent: nothing new for long"),
        ("khotin: b has drifted", "b: drift: title is lost"),
        ("khotin: the store is damaged", "the store is damaged in 1 places: leaf"),
    }
    # The server may tell a thing twice when its database was locked: that of the failed run, too.
    wait_for(lambda: alerts <= {(one["subject"], one["body"]) for one in receiver.taken}, "three alerts")
    assert not any("version 3" in one["body"] for one in receiver.taken), "good news is no alert"


def test_no_run_for_too_long_is_told(prefect: Prefect, receiver: Receiver) -> None:
    receiver.taken.clear()
    deploy(prefect, KHOTIN_ALERT_WEBHOOK=receiver.url, KHOTIN_ALERT_HOURS="0.004")
    subject = "khotin: no run has succeeded for 0.004 hours"
    told = wait_for(lambda: [one for one in receiver.taken if one["subject"] == subject], subject)
    assert "Does the worker run" in told[0]["body"]


def event(name: str, resource: str, called: str, message: str) -> dict[str, Any]:
    return {
        "event": name,
        "id": str(uuid4()),
        "occurred": now().isoformat(),
        "resource": {"prefect.resource.id": resource, "prefect.resource.name": called},
        "related": [],
        "payload": {"message": message},
    }


def test_deploy_without_a_server_says_what_to_do(tmp_path: Path) -> None:
    nobody = Prefect(tmp_path)
    told = nobody.khotin("deploy", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert told.returncode == 1
    assert "prefect-unreachable" in told.stderr
    told = nobody.khotin("deploy", PREFECT_API_URL="")
    assert told.returncode == 2
    assert "no-prefect-api" in told.stderr
