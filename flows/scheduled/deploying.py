"""The plan put onto a Prefect server: what is missing is made, what differs changed, what is gone removed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect import Flow, get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.exceptions import ObjectNotFound, ParameterTypeError, SignatureMismatchError
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from prefect.workers.process import ProcessWorker
from pydantic import ValidationError

from flows.scheduled.automations import alert_block, apply_automations, wanted
from flows.scheduled.plan import TAG, DeploymentSpec, Plan, ScheduleSpec
from flows.settings import Settings
from parsers.errors import UserError

RUNS_AT_ONCE = 4
"""How many runs the work pool starts at once when it is made; the UI changes it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A deployment that was checked: its flow is there, and takes the parameters of each schedule."""

    spec: DeploymentSpec
    flow: Flow[..., Any]
    schema: Mapping[str, Any]
    schedules: tuple[DeploymentScheduleCreate, ...]


@dataclass(slots=True)
class Applied:
    """What was done on the server, by the names of what it was done to."""

    made: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    automations_changed: list[str] = field(default_factory=list)
    automations_removed: list[str] = field(default_factory=list)
    alerts_filled_in: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where workers run what is deployed: their folder, and the Python that starts a run (empty: theirs)."""

    working_dir: Path
    python: str


def prepare(plan: Plan, source_names: Sequence[str] = ()) -> tuple[Prepared, ...]:
    """Check a plan against its flows, without a server. Raises UserError (`bad-plan`) with all faults.

    `source_names` are what the parameters `source` and `sources` may name: the UI offers them as a list.
    """
    prepared: list[Prepared] = []
    faults: list[str] = []
    for spec in plan.deployments:
        try:
            found: Flow[..., Any] = load_flow_from_entrypoint(spec.entrypoint, use_placeholder_flow=False)
        except Exception as error:
            faults.append(f"{spec.name}: entrypoint {spec.entrypoint}: {error}")
            continue
        schema = _with_choices(parameter_schema(found).model_dump_for_openapi(), source_names)
        faults.extend(f"{spec.name}: {fault}" for fault in _wrong_parameters(found, spec))
        schedules: list[DeploymentScheduleCreate] = []
        for schedule in spec.schedules:
            try:
                schedules.append(_schedule(schedule))
            except ValidationError as error:
                faults.append(f"{spec.name}: schedule {schedule.slug}: {error.errors()[0]['msg']}")
        prepared.append(Prepared(spec, found, schema, tuple(schedules)))
    if faults:
        raise UserError("\n".join(faults), reason="bad-plan", hint="correct the file of deployments")
    return tuple(prepared)


def _wrong_parameters(found: Flow[..., Any], spec: DeploymentSpec) -> Iterator[str]:
    unknown = sorted(set(spec.parameters) - set(found.parameters.properties))
    if unknown:
        yield f"parameters: {found.name} takes no {', '.join(unknown)}"
        return
    for schedule in spec.schedules:
        try:
            with _without_its_log():
                found.validate_parameters({**spec.parameters, **schedule.parameters})
        except (ParameterTypeError, SignatureMismatchError) as error:
            yield f"schedule {schedule.slug}: {' '.join(str(error).split())}"


@contextmanager
def _without_its_log() -> Iterator[None]:
    """Prefect logs wrong parameters beside raising them; we tell them once."""
    log = logging.getLogger("prefect.flows")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _schedule(spec: ScheduleSpec) -> DeploymentScheduleCreate:
    when: CronSchedule | IntervalSchedule | RRuleSchedule
    if spec.cron is not None:
        when = CronSchedule(cron=spec.cron, timezone=spec.timezone)
    elif spec.rrule is not None:
        when = RRuleSchedule(rrule=spec.rrule, timezone=spec.timezone)
    else:
        when = IntervalSchedule.model_validate({"interval": spec.interval, "timezone": spec.timezone})
    return DeploymentScheduleCreate(
        schedule=when, active=spec.active, parameters=spec.parameters, slug=spec.slug
    )


def _with_choices(schema: dict[str, Any], source_names: Sequence[str]) -> dict[str, Any]:
    if not source_names:
        return schema
    for name in ("source", "sources"):
        kind = schema["properties"].get(name, {})
        for variant in (kind, *kind.get("anyOf", ())):
            for text in (variant, variant.get("items", {})):
                if text.get("type") == "string":
                    text["enum"] = list(source_names)
    return schema


async def apply(prepared: Sequence[Prepared], settings: Settings, place: Place) -> Applied:
    """Make the server's deployments and automations what was prepared. Doing it again changes nothing."""
    applied = Applied()
    async with get_client() as client:
        for name in dict.fromkeys(item.spec.work_pool.name for item in prepared):
            await _ensure_pool(client, name)
        for item in prepared:
            await _apply_one(client, item, place, applied)
        ours = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
        keep = {(item.flow.name, item.spec.name) for item in prepared}
        for there in await _all_deployments(client, ours):
            flow = await client.read_flow(there.flow_id)
            if (flow.name, there.name) not in keep:
                await client.delete_deployment(there.id)
                applied.removed.append(f"{flow.name}/{there.name}")
        block, applied.alerts_filled_in = await alert_block(client, settings)
        applied.automations_changed, applied.automations_removed = await apply_automations(
            client, wanted(block, settings.alert_hours)
        )
    return applied


async def _all_deployments(client: PrefectClient, ours: DeploymentFilter) -> list[DeploymentResponse]:
    found: list[DeploymentResponse] = []
    while page := await client.read_deployments(deployment_filter=ours, limit=100, offset=len(found)):
        found.extend(page)
    return found


async def _ensure_pool(client: PrefectClient, name: str) -> None:
    try:
        await client.read_work_pool(name)
    except ObjectNotFound:
        await client.create_work_pool(
            WorkPoolCreate(
                name=name,
                type=ProcessWorker.type,
                base_job_template=ProcessWorker.get_default_base_job_template(),
                concurrency_limit=RUNS_AT_ONCE,
            )
        )


async def _apply_one(client: PrefectClient, item: Prepared, place: Place, applied: Applied) -> None:
    spec = item.spec
    title = f"{item.flow.name}/{spec.name}"
    try:
        there = await client.read_deployment_by_name(title)
    except ObjectNotFound:
        there = None
    schedules = [_as_paused(schedule, there) for schedule in item.schedules]
    if there is not None and _facts(there) == _wanted_facts(item, place, schedules):
        applied.unchanged.append(title)
        return
    limit = spec.concurrency_limit
    # Posting a deployment that is there replaces it, with all its schedules.
    await client.create_deployment(
        flow_id=await client.create_flow(item.flow),
        name=spec.name,
        description=_description(item),
        entrypoint=spec.entrypoint,
        tags=list(spec.tags),
        parameters=spec.parameters,
        parameter_openapi_schema=dict(item.schema),
        enforce_parameter_schema=True,
        schedules=schedules,
        concurrency_limit=limit.limit if limit else None,
        concurrency_options=_options(limit.collision_strategy) if limit else None,
        work_pool_name=spec.work_pool.name,
        work_queue_name=spec.work_pool.work_queue_name,
        job_variables=_job_variables(spec, place),
        pull_steps=[],
    )
    (applied.changed if there is not None else applied.made).append(title)


def _options(strategy: str) -> ConcurrencyOptions:
    return ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy(strategy))


def _as_paused(
    schedule: DeploymentScheduleCreate, there: DeploymentResponse | None
) -> DeploymentScheduleCreate:
    """The schedule, switched off if it is on the server: what a user has paused stays so."""
    paused = there is not None and any(
        known.slug == schedule.slug and not known.active for known in there.schedules
    )
    return schedule.model_copy(update={"active": False}) if paused else schedule


def _description(item: Prepared) -> str:
    return item.spec.description or (item.flow.description or "").split("Args:")[0].strip()


def _job_variables(spec: DeploymentSpec, place: Place) -> dict[str, Any]:
    variables: dict[str, Any] = {"working_dir": str(place.working_dir)}
    if place.python:
        # Named, the command spares each run a second start of Python that looks for one.
        variables["command"] = f"{place.python} -m flows.scheduled.start"
    return {**variables, **spec.work_pool.job_variables}


def _facts(there: DeploymentResponse) -> dict[str, Any]:
    limit = there.global_concurrency_limit
    return {
        "description": there.description or "",
        "entrypoint": there.entrypoint,
        "tags": sorted(there.tags),
        "parameters": there.parameters,
        "schema": there.parameter_openapi_schema,
        "enforced": there.enforce_parameter_schema,
        "limit": (limit.limit, there.concurrency_options.collision_strategy.value)
        if limit is not None and there.concurrency_options is not None
        else None,
        "pool": there.work_pool_name,
        "job": there.job_variables,
        "schedules": _schedule_facts(there.schedules),
    }


def _wanted_facts(
    item: Prepared, place: Place, schedules: Sequence[DeploymentScheduleCreate]
) -> dict[str, Any]:
    spec = item.spec
    limit = spec.concurrency_limit
    return {
        "description": _description(item),
        "entrypoint": spec.entrypoint,
        "tags": sorted(spec.tags),
        "parameters": spec.parameters,
        "schema": dict(item.schema),
        "enforced": True,
        "limit": (limit.limit, limit.collision_strategy) if limit else None,
        "pool": spec.work_pool.name,
        "job": _job_variables(spec, place),
        "schedules": _schedule_facts(schedules),
    }


def _schedule_facts(schedules: Sequence[Any]) -> dict[str, Any]:
    return {
        str(schedule.slug): (
            schedule.schedule.model_dump(mode="json", exclude={"anchor_date"}),
            schedule.active,
            schedule.parameters,
        )
        for schedule in schedules
    }
