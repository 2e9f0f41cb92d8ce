"""The Typer application, and what all subcommands share: the `--json` option, the store, the sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from flows.settings import VERSION, Settings, load_settings
from flows.sources import Source, load_sources
from flows.topics import load_topics
from parsers.errors import SourceFileError
from parsers.topics import Topic
from storage import Store, open_store

SHIPPED_SOURCES = Path(__file__).resolve().parents[1] / "sources"
SHIPPED_TOPICS = Path(__file__).resolve().parents[1] / "topics"

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


def open_configured_store(settings: Settings, *, create: bool = True) -> Store:
    """The store that the settings name; only commands that write may make one."""
    return open_store(settings.home, settings.store_url, create=create)


def configured_sources(settings: Settings) -> tuple[Source, ...]:
    """The live sources: those of KHOTIN_SOURCES, or those that come with khotin."""
    folder = settings.sources or SHIPPED_SOURCES
    sources = load_sources(folder)
    if not sources:
        raise SourceFileError(
            f"there is no source file in {folder}", hint="a source is a file NAME.toml; README: Add a source"
        )
    return sources


def configured_topics(settings: Settings) -> tuple[Topic, ...]:
    """The topics: those of KHOTIN_TOPICS, or those that come with khotin."""
    return load_topics(settings.topics or SHIPPED_TOPICS)


def topics_for(settings: Settings, sources: Sequence[Source]) -> tuple[Topic, ...]:
    """The topics, if one of the sources keeps to topics: the others do not look at their files."""
    return configured_topics(settings) if any(source.keep == "topic" for source in sources) else ()


__all__ = [
    "JsonOption",
    "app",
    "configured_sources",
    "configured_topics",
    "load_settings",
    "open_configured_store",
    "topics_for",
]
