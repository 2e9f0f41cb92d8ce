"""`khotin verify`: is everything still what was stored?"""

from __future__ import annotations

from typing import Annotated

import typer

from deployments.command.app import JsonOption, app, load_settings
from deployments.command.output import ExitCode, clean, out, print_json, table
from deployments.command.progress import counted
from storage.verify import Verification, store_to_verify, verify_store


@app.command(
    "verify",
    help=(
        "Hash everything anew and compare: bodies, leaves, Merkle roots, the chain of versions, HEAD.json, "
        "the raw pages, the database file and its append-only guards. Each damaged row is named on a line of "
        "its own.\n\nNothing is changed, runs may go on beside it. Exit code 0: sound, 1: damaged. "
        "Restore what is damaged from a backup."
    ),
)
def verify_command(
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Also fold every text anew for its comparison keys and word count (slow)."
        ),
    ] = False,
    archive: Annotated[
        bool,
        typer.Option("--archive/--no-archive", help="Also read every raw page of the archive."),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    with (
        store_to_verify(settings.home, settings.store_url) as store,
        counted("verifying", quiet=as_json) as advance,
    ):
        result = verify_store(store, archive=archive, deep=deep, advance=advance)
    if as_json:
        print_json({**{name: getattr(result, name) for name in result.__slots__}, "sound": result.sound})
    else:
        _tell(result)
    if not result.sound:
        raise typer.Exit(int(ExitCode.FAILED))


def _tell(result: Verification) -> None:
    columns = ("versions", "revisions", "captures", "findings")
    listing = table(None, *columns, numbers=columns)
    numbers = (result.versions, result.revisions, result.captures, len(result.findings))
    listing.add_row(*map(str, numbers))
    out.print(listing)
    for finding in result.findings:
        out.print(f"[red]damaged[/red] {clean(str(finding))}", soft_wrap=True)
    for note in result.notes:
        out.print(f"[dim]note: {clean(note)}[/dim]", soft_wrap=True)
    if not result.sound:
        out.print("[red]the store is damaged[/red]: keep it as it is, and restore a backup")
        return
    left_out = [] if result.archive else ["raw pages (--archive)"]
    left_out += [] if result.deep else ["comparison keys (--deep)"]
    told = f"; not looked at: {', '.join(left_out)}" if left_out else ""
    out.print(f"[green]sound[/green]{told}")
