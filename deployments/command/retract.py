"""`khotin retract`: take documents out of the corpus, and with `--purge` their texts for ever."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Annotated

import typer

from deployments.command.app import JsonOption, app, load_settings, open_configured_store
from deployments.command.arguments import document_id
from deployments.command.output import ExitCode, clean, err, out, print_json
from flows.clock import SystemClock
from flows.ingest import new_run_id
from flows.settings import CODE_VERSION
from parsers.errors import UserError
from storage.retraction import RetractionResult, retract


@app.command(
    "retract",
    help=(
        "Take documents out of the corpus, after a takedown demand. There is no way back.\n\n"
        "A new version hides them; older versions still show them, and they are never fetched again. With "
        "[bold]--purge[/bold] the text of all their revisions and their raw pages are erased as well, from "
        "every version; their hashes stay and still verify. If it is stopped, run the same command again.\n\n"
        "A purge does not reach backups and exports made before, and on PostgreSQL the old rows stay on the "
        "disk until the next VACUUM.\n\n"
        '[bold]khotin retract https://... --reason "court order of 2 March"[/bold]'
    ),
)
def retract_command(
    urls: Annotated[
        list[str] | None, typer.Argument(help="Addresses of articles, or ids of seeds.", metavar="URL...")
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Who demanded it and when; stays in the corpus.", metavar="TEXT")
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Text file with one URL a line; # begins a comment.", metavar="LIST"),
    ] = None,
    purge: Annotated[bool, typer.Option("--purge", help="Erase texts and raw pages for ever.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    documents = [document_id(url) for url in [*(urls or ()), *(_listed(file) if file else ())]]
    if not documents:
        raise UserError("no document is named", hint="khotin retract URL --reason TEXT, or --file LIST")
    if not reason.strip():
        raise UserError("a retraction needs a reason", reason="bad-reason", hint='add --reason "TEXT"')
    if not yes:
        _ask(len(set(documents)), purge=purge)
    clock = SystemClock()
    now = clock.now()
    with open_configured_store(load_settings(), create=False) as store:
        result = retract(
            store,
            documents,
            reason,
            purge=purge,
            run_id=new_run_id(now, random.Random()),
            now=now,
            code_version=CODE_VERSION,
        )
    if as_json:
        print_json(result)
    else:
        _tell(result, purge=purge)
    if result.purged.missing:
        raise typer.Exit(int(ExitCode.IN_PART))


def _listed(path: Path) -> list[str]:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UserError(f"cannot read {path}: {why}", hint="name a text file with one URL a line") from error
    # A URL may hold a #: only one after a space, or at the start of a line, begins a comment.
    cut = (f" {line}".split(" #")[0].strip() for line in lines)
    return [line for line in cut if line]


def _ask(count: int, *, purge: bool) -> None:
    what = f"{'retract and PURGE' if purge else 'retract'} {count} {'documents' if count > 1 else 'document'}"
    if not sys.stdin.isatty():
        raise UserError(
            f"not asked whether to {what}: this is no terminal",
            reason="not-confirmed",
            hint="add --yes",
        )
    if not typer.confirm(f"{what}, for ever?", err=True):
        raise UserError("nothing was retracted", reason="not-confirmed")


def _tell(result: RetractionResult, *, purge: bool) -> None:
    version = result.version
    if version is None:
        out.print("nothing new to retract: no version committed")
    else:
        out.print(
            f"[green]version {version.id}[/green]: {clean(version.message)}; "
            f"{version.documents} documents are left"
        )
    if purge:
        out.print(f"{result.purged.bodies} texts and {result.purged.pages} raw pages purged")
    for name in result.purged.missing:
        err.print(f"[yellow]not there[/yellow]: {clean(name)}, which held raw pages of these documents")
