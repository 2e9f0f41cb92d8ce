"""`khotin backup` and `copy`: a second place for the corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployments.command.app import JsonOption, app, load_settings, open_configured_store
from deployments.command.output import ExitCode, clean, err, out, print_json
from deployments.command.progress import steps
from storage.backup import PARTS, back_up
from storage.copying import copy_store, count_batches
from storage.raw_files import RawCopy


@app.command(
    "backup",
    help=(
        "Back up the whole store into a new folder, while runs go on.\n\n"
        "The folder holds the database as one SQLite file (also of a store on PostgreSQL), HEAD.json and "
        "the raw pages; it was checked before it got its name. To restore, set KHOTIN_HOME to it, or to a "
        "copy of it; to go back to PostgreSQL from there, use [bold]khotin copy[/bold].\n\n"
        "Example: [bold]khotin backup /mnt/backup/khotin-2026-03-02[/bold]"
    ),
)
def backup_command(
    folder: Annotated[Path, typer.Argument(help="Folder to make; it must not exist yet.", metavar="FOLDER")],
    link: Annotated[
        bool,
        typer.Option(
            "--link",
            help="Hard-link the raw pages instead of copying them: fast, takes no room, but both are then "
            "the same bytes on the same disk.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    with (
        open_configured_store(load_settings(), create=False) as store,
        steps("backup", quiet=as_json, total=PARTS) as advance,
    ):
        made = back_up(store, folder, link=link, advance=advance)
    number = made.version.id if made.version else None
    if as_json:
        print_json(
            {
                "folder": str(made.folder),
                "version": number,
                "chain": made.version.chain if made.version else None,
                "revisions": made.revisions,
                "raw": made.raw,
            }
        )
    else:
        held = f"version {number}, {made.revisions} revisions" if number else "no version yet"
        out.print(f"{clean(str(made.folder))}: {held}, {_told(made.raw)}", soft_wrap=True)
        out.print(
            f"to restore: KHOTIN_HOME={clean(str(made.folder))} and no KHOTIN_DATABASE_URL", soft_wrap=True
        )
    _end(made.raw)


@app.command(
    "copy",
    help=(
        "Copy the store into an empty database: SQLite to PostgreSQL, back, or to another of its kind.\n\n"
        "Ids, hashes and the store's own id stay the same. What runs commit meanwhile is not in the copy: "
        "stop them first, then set KHOTIN_DATABASE_URL to the new database.\n\n"
        "Example: [bold]khotin copy postgresql://khotin@db/khotin[/bold]"
    ),
)
def copy_command(
    to_url: Annotated[
        str,
        typer.Argument(help="sqlite:///path/to/khotin.db or postgresql://user@host/db", metavar="TO_URL"),
    ],
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Also copy the raw pages and HEAD.json into this new KHOTIN_HOME."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    with open_configured_store(settings, create=False) as store:
        total = count_batches(store)
        with steps("copy", quiet=as_json, total=total) as advance:
            done = copy_store(store, to_url, home, advance=advance)
    if as_json:
        print_json(
            {
                "version": done.version.id if done.version else None,
                "chain": done.version.chain if done.version else None,
                "rows": done.rows,
                "home": str(home or settings.home),
                "raw": done.raw,
            }
        )
    else:
        held = f"version {done.version.id}" if done.version else "no version yet"
        raw = f", {_told(done.raw)}" if done.raw else ""
        out.print(f"{held}, {sum(done.rows.values())} rows in {len(done.rows)} tables{raw}")
        where = f"set KHOTIN_HOME to {home}" if home else f"KHOTIN_HOME stays {settings.home}"
        out.print(f"now set KHOTIN_DATABASE_URL to the new database; {clean(where)}", soft_wrap=True)
    _end(done.raw)


def _told(raw: RawCopy) -> str:
    return f"{raw.files} raw files ({raw.size / 1e6:.1f} MB)"


def _end(raw: RawCopy | None) -> None:
    if raw is None or not raw.damaged:
        return
    for name in raw.damaged:
        err.print(f"[yellow]raw file missing or cut off[/yellow] {clean(name)}", soft_wrap=True)
    err.print("all else was taken along; restore these files from an older backup", soft_wrap=True)
    raise typer.Exit(int(ExitCode.IN_PART))
