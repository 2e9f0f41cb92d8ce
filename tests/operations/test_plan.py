"""The plan of deployments: every key, every schedule and its parameters, checked without a server."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from deployments.command.deploy import PLAN
from flows.scheduled.automations import SILENCE_SECONDS, UNFILLED, wanted
from flows.scheduled.deploying import prepare
from flows.scheduled.plan import for_sample, load_plan
from parsers.errors import UserError

FIRST = """
deployments:
  - name: ingest
    entrypoint: flows.scheduled.ingest.ingest
    tags: [khotin]
    work_pool: {name: khotin}
"""


def refused(text: str, folder: Path) -> str:
    (folder / "plan.yaml").write_text(text, "utf-8")
    with pytest.raises(UserError) as caught:
        prepare(load_plan(folder / "plan.yaml"))
    assert caught.value.reason == "bad-plan"
    return caught.value.message


def test_shipped_plan_is_right_and_runs_by_the_clock_of_vietnam() -> None:
    prepared = prepare(load_plan(PLAN))
    assert {item.flow.name for item in prepared} == {
        "ingest", "ingest-source", "backfill", "reparse", "publish", "verify", "health",
    }  # fmt: skip
    scheduled = {item.spec.name: item.spec.schedules for item in prepared if item.spec.schedules}
    assert set(scheduled) == {"ingest", "publish", "verify", "health"}
    assert {one.timezone for found in scheduled.values() for one in found} == {"Asia/Ho_Chi_Minh"}


def test_parameters_have_descriptions_and_sources_are_offered_by_name() -> None:
    prepared = {item.spec.name: item for item in prepare(load_plan(PLAN), ["nhandan", "vov"])}
    for item in prepared.values():
        for name, told in item.schema["properties"].items():
            assert told.get("description"), f"{item.spec.name}: {name} is not described"
    assert prepared["ingest-source"].schema["properties"]["source"]["enum"] == ["nhandan", "vov"]
    assert prepared["ingest-source"].schema["required"] == ["source"]
    lists = prepared["ingest"].schema["properties"]["sources"]["anyOf"]
    assert any(variant.get("items", {}).get("enum") == ["nhandan", "vov"] for variant in lists)


def test_sample_runs_every_minute_and_nothing_else_changes() -> None:
    plan = load_plan(PLAN)
    sample = for_sample(plan)
    changed = [
        spec.name for spec, was in zip(sample.deployments, plan.deployments, strict=True) if spec != was
    ]
    assert changed == ["ingest"]
    assert [schedule.cron for schedule in sample.deployments[0].schedules] == ["* * * * *"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("tags:", "tag:"), "deployments.0.tag: Extra inputs are not permitted"),
        (("work_pool: {name: khotin}", "work_pool: {nam: khotin}"), "work_pool.nam: Extra inputs"),
        (("tags: [khotin]", "tags: [other]"), "the tag 'khotin' must be among tags"),
        (("name: ingest\n", "name: ingest\n    name: other\n"), "the key 'name' stands there twice"),
        (("scheduled.ingest.ingest", "scheduled.ingest.absent"), "entrypoint flows.scheduled.ingest.absent"),
    ],
)
def test_misspelt_key_is_told_with_its_place(change: tuple[str, str], told: str, tmp_path: Path) -> None:
    assert told in refused(FIRST.replace(*change), tmp_path)


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ("{slug: a, cron: '* * * * *', timezone: Asia/Hanoi}", "'Asia/Hanoi' is no time zone"),
        ("{slug: a, cron: '61 * * * *', timezone: Asia/Ho_Chi_Minh}", "schedule a: "),
        ("{slug: a, corn: '* * * * *', timezone: Asia/Ho_Chi_Minh}", "corn: Extra inputs"),
        ("{slug: a, timezone: Asia/Ho_Chi_Minh}", "one of cron, interval and rrule"),
        (
            "{slug: a, cron: '* * * * *', timezone: Asia/Ho_Chi_Minh, parameters: {forse: true}}",
            "schedule a: Function expects parameters ['sources', 'force']",
        ),
        (
            "{slug: a, cron: '* * * * *', timezone: Asia/Ho_Chi_Minh, parameters: {force: perhaps}}",
            "force: Input should be a valid boolean",
        ),
    ],
)
def test_wrong_schedule_is_told_with_its_slug(schedule: str, told: str, tmp_path: Path) -> None:
    assert told in refused(f"{FIRST}    schedules: [{schedule}]\n", tmp_path)


def test_deployment_by_hand_may_leave_out_what_its_schedule_may_not(tmp_path: Path) -> None:
    by_hand = FIRST.replace("ingest.ingest", "ingest.ingest_source")
    (tmp_path / "plan.yaml").write_text(by_hand, "utf-8")
    assert len(prepare(load_plan(tmp_path / "plan.yaml"))) == 1
    schedule = "{slug: a, cron: '* * * * *', timezone: Asia/Ho_Chi_Minh}"
    assert "source: Field required" in refused(f"{by_hand}    schedules: [{schedule}]\n", tmp_path)


def test_automations_wait_longer_for_a_sign_of_life_than_runs_take_to_give_two() -> None:
    beat = {item.spec.name: item.spec.work_pool.job_variables["env"] for item in prepare(load_plan(PLAN))}
    assert {int(env["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) for env in beat.values()} == {SILENCE_SECONDS // 3}
    names = [automation.name for automation in wanted(uuid4(), 6)]
    assert len(set(names)) == len(names) == 6
    assert UNFILLED.endswith(".invalid/")
