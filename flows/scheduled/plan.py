"""The plan of deployments, as it stands in deployments/prefect.yaml: read strictly.

The file has the keys of Prefect's own deployment files. Prefect passes over keys that it does not know, so a
misspelt one would go unnoticed: here it is an error, like a key that stands there twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from parsers.errors import UserError

TAG = "khotin"
"""The tag of all that is ours on a server: what has it and is not in the plan is removed."""

_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScheduleSpec(_Strict):
    """When a deployment runs by itself; `slug` is what the schedule is known by."""

    slug: _Name
    timezone: str
    cron: str | None = None
    interval: int | None = Field(default=None, ge=1)
    """Seconds."""
    rrule: str | None = None
    active: bool = True
    parameters: dict[str, Any] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no time zone") from error
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> ScheduleSpec:
        if sum(value is not None for value in (self.cron, self.interval, self.rrule)) != 1:
            raise ValueError("one of cron, interval and rrule must be given, and only one")
        return self


class LimitSpec(_Strict):
    """How many runs of a deployment may go on at once, and what becomes of one more."""

    limit: int = Field(ge=1)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class PoolSpec(_Strict):
    """The work pool of a deployment, and what its runs are told."""

    name: _Name
    work_queue_name: _Name | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)


class DeploymentSpec(_Strict):
    """One deployment: a flow, its parameters, and when it runs."""

    name: _Name
    entrypoint: str = Field(pattern=r"^[a-z_.]+\.[a-z_]+$")
    description: str = ""
    tags: tuple[str, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    schedules: tuple[ScheduleSpec, ...] = ()
    concurrency_limit: LimitSpec | None = None
    work_pool: PoolSpec

    @model_validator(mode="after")
    def _ours(self) -> DeploymentSpec:
        if TAG not in self.tags:
            raise ValueError(
                f"the tag {TAG!r} must be among tags: by it `khotin deploy` knows what is its own"
            )
        slugs = [schedule.slug for schedule in self.schedules]
        if len(set(slugs)) < len(slugs):
            raise ValueError("two schedules have the same slug")
        return self


class Plan(_Strict):
    """All deployments."""

    name: str = "khotin"
    definitions: Any = None
    """Anchors that the rest of the file refers to."""
    deployments: tuple[DeploymentSpec, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names(self) -> Plan:
        names = [spec.name for spec in self.deployments]
        if len(set(names)) < len(names):
            raise ValueError("two deployments have the same name")
        return self


class _NoTwins(yaml.SafeLoader):  # type: ignore[misc]
    """Refuses a key that stands twice in one mapping, where YAML would keep the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twins = {str(key) for key in keys if keys.count(key) > 1 and key != "<<"}
        if twins:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {min(twins)!r} stands there twice", node.start_mark
            )
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


def load_plan(path: Path) -> Plan:
    """Read a plan. Raises UserError (`bad-plan`) with a line for each fault, naming its place."""
    try:
        return Plan.model_validate(yaml.load(path.read_text("utf-8"), Loader=_NoTwins))  # noqa: S506
    except OSError as error:
        raise _bad([f"{path}: cannot be read: {error.strerror}"]) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise _bad([f"{path.name}: {' '.join(str(error).split())}"]) from error
    except ValidationError as error:
        faults = [
            f"{path.name}: {'.'.join(map(str, detail['loc'])) or 'file'}: "
            f"{detail['msg'].removeprefix('Value error, ')}"
            for detail in error.errors(include_url=False)
        ]
        raise _bad(faults) from error


def _bad(faults: list[str]) -> UserError:
    return UserError("\n".join(faults), reason="bad-plan", hint="correct the file of deployments")


def for_sample(plan: Plan) -> Plan:
    """The plan for the sample newsroom: the main job every minute, so that something can be seen soon."""
    every_minute = ScheduleSpec(slug="every-minute", timezone="Asia/Ho_Chi_Minh", cron="* * * * *")
    return plan.model_copy(
        update={
            "deployments": tuple(
                spec.model_copy(update={"schedules": (every_minute,)}) if spec.name == "ingest" else spec
                for spec in plan.deployments
            )
        }
    )
