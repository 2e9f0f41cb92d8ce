"""`khotin up`: everything that a corpus needs to grow by itself, with one command."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from deployments.command.app import JsonOption, app, load_settings
from deployments.command.deploy import PLAN, deploy, tell_applied
from deployments.command.output import clean, err, out
from deployments.operation.only_one import only_one
from deployments.operation.surroundings import Addresses
from deployments.operation.up import Operation, run

PORT = 4200


@app.command(
    "up",
    help=(
        "Start a Prefect server with its UI, put deployments, schedules and automations onto it, and start "
        "a worker that runs them; Ctrl-C ends it all.\n\nThe server keeps its database and the logs in the "
        "folder prefect of KHOTIN_HOME. A second [bold]khotin up[/bold] says where the first one runs.\n\n"
        "Try it without internet: [bold]khotin up --sample[/bold]."
    ),
)
def up_command(
    sample: Annotated[
        bool,
        typer.Option("--sample", help="Run on the made-up press that comes with khotin, every minute."),
    ] = False,
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port of the server and its UI.")
    ] = PORT,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            help="Address that the server listens on. It asks nobody who they are: leave it on this machine, "
            "or put a proxy with a password before it.",
            metavar="ADDRESS",
        ),
    ] = "127.0.0.1",
    file: Annotated[
        Path | None,
        typer.Option("--file", help="A plan of your own, like deployments/prefect.yaml.", metavar="FILE"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    where = Addresses(host, port)
    facts = {"pid": os.getpid(), "ui": where.ui, "api": where.api}
    plan = (file or PLAN).absolute()

    async def deployed() -> Any:
        # The settings anew: what the operation has put into the environment counts.
        return await deploy(load_settings(), plan, working_dir=Path.cwd(), python=sys.executable)

    with only_one(settings.home, facts) as other:
        if other is not None:
            if as_json:
                _json_line("runs-already", other)
            else:
                out.print(f"khotin already runs here (process {other.get('pid')}): {other.get('ui')}")
            return
        operation = Operation(
            settings=settings,
            where=where,
            sample=sample,
            load=lambda: importlib.import_module("flows.scheduled.deploying"),
            deploy=deployed,
        )
        asyncio.run(run(operation, _json_line if as_json else _Words().tell))


def _json_line(word: str, facts: dict[str, Any]) -> None:
    """One JSON object a line, for scripts."""
    told = {name: _plain(value) for name, value in facts.items()}
    sys.stdout.buffer.write(orjson.dumps({"event": word, **told}, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def _plain(value: Any) -> Any:
    slots = getattr(type(value), "__slots__", None)
    return {name: getattr(value, name) for name in slots} if slots else value


class _Words:
    """Tells a person how it goes."""

    def __init__(self) -> None:
        self._scheduled = 0

    def tell(self, word: str, facts: dict[str, Any]) -> None:
        """Say what happened, in a line."""
        if word == "starting":
            out.print("starting Prefect's server, which takes some 15 seconds")
        elif word == "buried":
            out.print(f"{facts['runs']} runs that had been left behind are marked as crashed")
        elif word == "deployed":
            tell_applied(facts["applied"])
        elif word == "ready":
            out.print(f"[green]up[/green]: {facts['ui']}  (Ctrl-C ends it)")
        elif word == "run":
            self._tell_run(facts)
        elif word == "stopping":
            err.print("stopping: runs that go on are ended, what they fetched is kept")
        elif word == "stopped":
            err.print("stopped")

    def _tell_run(self, facts: dict[str, Any]) -> None:
        color = "green" if facts["state"] in ("Completed", "NoNewArticles") else "yellow"
        first = ""
        if facts["scheduled"]:
            self._scheduled += 1
            if self._scheduled == 1:
                first = f"  [dim]the first scheduled run, {facts['since_start']:.0f} s after the start[/dim]"
        state = f"[{color}]{clean(facts['state'])}[/{color}]"
        out.print(f"{clean(facts['name'])}: {state} {clean(facts['message'])}{first}")
