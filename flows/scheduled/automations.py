"""Automations: who is told of what, and what becomes of runs that nobody has heard of for a while.

All of them are known by their names, which begin with `khotin: `. What is ours and no longer wanted is
removed; one that a user has switched off stays off.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ActionTypes, ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import Automation, AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from flows.happenings import Kind
from flows.scheduled.plan import TAG
from flows.scheduled.states import (
    BUSY,
    DRY_RUN,
    FINDINGS,
    IN_PART,
    NO_NEW_ARTICLES,
    NOTHING_CHANGED,
    NOTHING_DUE,
    NOTHING_TO_PUBLISH,
)
from flows.settings import Settings
from parsers.errors import NotFound

PREFIX = "khotin: "
BLOCK = "khotin-alerts"
BLOCK_TYPE = "custom-webhook"
UNFILLED = "https://fill-me-in.invalid/"
"""The address in the block until a user puts theirs; names under .invalid never resolve (RFC 2606)."""

BEAT_SECONDS = 30
SILENCE_SECONDS = 90
"""A run gives a sign of life every 30 seconds: after three of them have not come it is taken for dead."""

_Labels = dict[str, str | list[str]]
_FAILED = ("Failed", "Crashed", "TimedOut")
_SUCCEEDED = ("Completed", NO_NEW_ARTICLES, NOTHING_DUE, BUSY, IN_PART)
_OTHER_ENDS = ("Cancelled", FINDINGS, NOTHING_TO_PUBLISH, NOTHING_CHANGED, DRY_RUN)


def _run_events(names: Iterable[str]) -> set[str]:
    # Prefect names the event after the name of the state, not after its type.
    return {f"prefect.flow-run.{name}" for name in names}


def wanted(block: UUID, alert_hours: float) -> tuple[AutomationCore, ...]:
    """All automations; alerts go to this notification block."""
    ours: dict[str, str | list[str]] = {
        "prefect.resource.id": f"prefect.tag.{TAG}",
        "prefect.resource.role": "tag",
    }
    main: dict[str, str | list[str]] = {"prefect.resource.name": "ingest", "prefect.resource.role": "flow"}

    def alert(subject: str, body: str) -> list[ActionTypes]:
        return [SendNotification(block_document_id=block, subject=f"khotin: {subject}", body=body)]

    def on(kind: Kind, name: str, description: str, subject: str) -> AutomationCore:
        return AutomationCore(
            name=PREFIX + name,
            description=description,
            trigger=EventTrigger(expect={kind.value}, posture=Posture.Reactive),
            actions=alert(subject, "{{ event.payload.message }}"),
        )

    return (
        AutomationCore(
            name=f"{PREFIX}a run failed",
            description="A run of a deployment failed, crashed or took too long.",
            trigger=EventTrigger(expect=_run_events(_FAILED), match_related=[ours], posture=Posture.Reactive),
            actions=alert(
                "run {{ flow_run.name }}: {{ flow_run.state.name }}",
                "{{ flow_run.state.message }}\n{{ flow_run | ui_url }}",
            ),
        ),
        on(
            Kind.SILENT,
            "a source is silent",
            "A source brings much less than its own rhythm lets expect.",
            "{{ event.resource.name }} is silent",
        ),
        on(
            Kind.DRIFT,
            "a source has drifted",
            "The pages of a source changed sharply; they are set aside until somebody has looked.",
            "{{ event.resource.name }} has drifted",
        ),
        on(
            Kind.DAMAGED,
            "the store is damaged",
            "The regular check found damage in the store or in what was published.",
            "the store is damaged",
        ),
        AutomationCore(
            name=f"{PREFIX}no run for too long",
            description=f"No run of the main job has succeeded for {alert_hours:g} hours.",
            trigger=EventTrigger(
                expect=_run_events(_SUCCEEDED),
                match={"prefect.resource.id": "prefect.flow-run.*"},
                match_related=[main],
                posture=Posture.Proactive,
                within=timedelta(hours=alert_hours),
            ),
            actions=alert(
                f"no run has succeeded for {alert_hours:g} hours",
                "Does the worker run, and does the store answer?",
            ),
        ),
        AutomationCore(
            name=f"{PREFIX}runs that died",
            description=(
                f"A run that gave signs of life and has been quiet for {SILENCE_SECONDS} seconds is set to "
                "Crashed: its process is gone."
            ),
            trigger=EventTrigger(
                after={"prefect.flow-run.heartbeat"},
                # Another sign of life, or its end. A name forgotten here does no harm: an end is final.
                expect={"prefect.flow-run.heartbeat", *_run_events((*_FAILED, *_SUCCEEDED, *_OTHER_ENDS))},
                match={"prefect.resource.id": "prefect.flow-run.*"},
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                within=timedelta(seconds=SILENCE_SECONDS),
            ),
            actions=[
                ChangeFlowRunState(
                    state=StateType.CRASHED,
                    name="Crashed",
                    force=False,
                    message=f"no sign of life for {SILENCE_SECONDS} seconds",
                )
            ],
        ),
    )


async def alert_block(client: PrefectClient, settings: Settings) -> tuple[UUID, bool]:
    """The notification block that alerts go to, made if it is not there, and whether it is filled in.

    Raises NotFound for a block that the settings name and the server does not know.
    """
    block_type, _, name = settings.alert_block.partition("/")
    if name:
        try:
            found = await client.read_block_document_by_name(name, block_type)
        except ObjectNotFound as error:
            raise NotFound(
                f"the server has no block {settings.alert_block}",
                reason="no-alert-block",
                hint="make it in the UI under Blocks, or unset KHOTIN_ALERT_BLOCK",
            ) from error
        return found.id, True
    try:
        there = await client.read_block_document_by_name(BLOCK, BLOCK_TYPE)
    except ObjectNotFound:
        there = None
    url = settings.alert_webhook or (there.data.get("url") if there else None) or UNFILLED
    if there is None or there.data.get("url") != url:
        values: dict[str, Any] = {
            "name": "khotin alerts",
            "json_data": {"text": "{{subject}}\n{{body}}", "subject": "{{subject}}", "body": "{{body}}"},
        }
        # Only the address of a block that is there is ours to change.
        block = CustomWebhookNotificationBlock(**{**(there.data if there else values), "url": url})
        return await block.save(BLOCK, overwrite=True, client=client), url != UNFILLED
    return there.id, url != UNFILLED


async def apply_automations(
    client: PrefectClient, automations: Iterable[AutomationCore]
) -> tuple[list[str], list[str]]:
    """Make the server's automations of ours what is wanted; gives the names of those changed and removed."""
    there: dict[str, list[Automation]] = {}
    for found in await client.read_automations():
        if found.name.startswith(PREFIX):
            there.setdefault(found.name, []).append(found)
    changed: list[str] = []
    removed: list[str] = []
    for automation in automations:
        found_here = there.pop(automation.name, [])
        if not found_here:
            await client.create_automation(automation)
            changed.append(automation.name)
            continue
        known, *twins = found_here
        for twin in twins:
            await client.delete_automation(twin.id)
            removed.append(twin.name)
        kept = automation.model_copy(update={"enabled": known.enabled})
        if _bare(kept.model_dump(mode="json")) != _bare(known.model_dump(mode="json")):
            await client.update_automation(known.id, kept)
            changed.append(automation.name)
    for gone in (automation for twins in there.values() for automation in twins):
        await client.delete_automation(gone.id)
        removed.append(gone.name)
    return changed, removed


_OF_THE_SERVER = {
    "id",
    "created",
    "updated",
    "owner_resource",
    "tags",
    "actions_on_trigger",
    "actions_on_resolve",
}


def _bare(value: Any) -> Any:
    """A dumped automation without what the server adds, sets in order."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key not in _OF_THE_SERVER}
    if isinstance(value, list):
        items = [_bare(item) for item in value]
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    return value
