"""`khotin deploy`: the plan of deployments and the automations, put onto a Prefect server."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.command.app import JsonOption, app, configured_sources, load_settings
from deployments.command.output import clean, err, out, print_json
from flows.prefect_runner import prefect_api_url, require_api
from flows.settings import Settings
from parsers.errors import UserError

if TYPE_CHECKING:
    from flows.scheduled.deploying import Applied

PLAN = Path(__file__).resolve().parents[1] / "prefect.yaml"


@app.command(
    "deploy",
    help=(
        "Put the deployments, their schedules and the automations onto the Prefect server of PREFECT_API_URL "
        "and remove those that are gone from the plan.\n\nDoing it again changes nothing. What you paused in "
        "the UI stays paused. See first whether a plan is right: [bold]khotin deploy --check[/bold]."
    ),
)
def deploy_command(
    file: Annotated[
        Path | None,
        typer.Option("--file", help="A plan of your own, like deployments/prefect.yaml.", metavar="FILE"),
    ] = None,
    working_dir: Annotated[
        Path | None,
        typer.Option(
            "--working-dir",
            help="The folder in which workers run flows; KHOTIN_HOME counts from there (default: this one).",
            metavar="DIR",
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            "--python",
            help="The Python that runs flows (default: this one); '' for that of each worker.",
            metavar="FILE",
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check the plan, without a server.")] = False,
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    if not check and prefect_api_url() is None:
        raise UserError(
            "no Prefect server is configured",
            reason="no-prefect-api",
            hint="set PREFECT_API_URL, as in http://127.0.0.1:4200/api, or let `khotin up` start one",
        )
    applied = asyncio.run(
        deploy(
            settings,
            file or PLAN,
            working_dir=(working_dir or Path.cwd()).absolute(),
            python=sys.executable if python is None else python,
            only_check=check,
        )
    )
    if as_json:
        print_json({"checked": True} if applied is None else applied)
    elif applied is None:
        out.print("the plan is right")
    else:
        tell_applied(applied)


async def deploy(
    settings: Settings, file: Path, *, working_dir: Path, python: str, only_check: bool = False
) -> Applied | None:
    """Check the plan in a file, and apply it to the server that Prefect's settings name."""
    from flows.scheduled.deploying import Place, apply, prepare
    from flows.scheduled.plan import for_sample, load_plan

    plan = load_plan(file)
    if settings.sample_newsroom:
        plan = for_sample(plan)
    names = [source.name for source in configured_sources(settings) if source.enabled]
    prepared = prepare(plan, names)
    if only_check:
        return None
    await require_api()
    return await apply(prepared, settings, Place(working_dir, python))


def tell_applied(applied: Applied) -> None:
    """What was done, in a line or two each."""
    for word, names in (
        ("made", applied.made),
        ("changed", applied.changed),
        ("removed", applied.removed),
        ("changed", applied.automations_changed),
        ("removed", applied.automations_removed),
    ):
        if names:
            out.print(f"{word}: {clean(', '.join(names))}")
    count = len(applied.made) + len(applied.changed) + len(applied.unchanged)
    out.print(f"{count} deployments, {len(applied.unchanged)} of them as they were")
    if not applied.alerts_filled_in:
        err.print(
            "[yellow]alerts go nowhere yet[/yellow]: set KHOTIN_ALERT_WEBHOOK, or fill in the block "
            "khotin-alerts in the UI"
        )
