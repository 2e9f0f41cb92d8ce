"""The Typer application, and what all subcommands share: the `--json` option, the store, the sources."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.configured import configured_sources, configured_topics, open_configured_store, topics_for
from flows.settings import VERSION, load_settings

app = typer.Typer(
    name="khotin",
    help=(
        "A versioned corpus of Vietnamese news that keeps growing by itself.\n\n"
        "Try it without internet: [bold]khotin ingest --sample[/bold], twice; then "
        "[bold]khotin log[/bold] and [bold]khotin diff 1 2[/bold].\n\n"
        "Everything lives in KHOTIN_HOME (./data unless set). Exit codes: 0 done, 1 failed, 2 bad input, "
        "3 done in part (some source failed or drifted)."
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of tables.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"khotin {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


__all__ = [
    "JsonOption",
    "app",
    "configured_sources",
    "configured_topics",
    "load_settings",
    "open_configured_store",
    "topics_for",
]
