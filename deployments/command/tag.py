"""`khotin tag`: names for versions, given once and for ever."""

from __future__ import annotations

from typing import Annotated

import typer

from deployments.command.app import JsonOption, app, load_settings, open_configured_store
from deployments.command.output import clean, local_time, out, print_json, table
from flows.clock import SystemClock
from parsers.errors import UserError
from storage import Store
from storage.tags import LATEST, read_tags, resolve, write_tag


@app.command(
    "tag",
    help=(
        "Give a version a name, or list the names.\n\n"
        "A name stays with its version for ever. Wherever a command takes a VERSION, it takes a number, a "
        "tag, a date (YYYY-MM-DD: the last version committed on or before the end of that day in Vietnam), a "
        "time (2026-03-02T08:00:00+07:00) or `latest`.\n\n"
        "[bold]khotin tag release-1[/bold]; [bold]khotin tag first-week --at 2026-03-08[/bold]; "
        "[bold]khotin diff release-1 latest[/bold]"
    ),
)
def tag_command(
    name: Annotated[
        str,
        typer.Argument(
            help="Letters a to z, digits, dots, hyphens, underscores; no number and no date. "
            "Without a name the tags are listed.",
            metavar="[NAME]",
        ),
    ] = "",
    at: Annotated[
        str, typer.Option("--at", help="The version to name; default: the newest.", metavar="VERSION")
    ] = LATEST,
    message: Annotated[
        str, typer.Option("--message", "-m", help="What the tag is for.", metavar="TEXT")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    if not name and (message or at != LATEST):
        raise UserError("--at and --message go with a name", hint="khotin tag NAME --at VERSION")
    with open_configured_store(load_settings(), create=False) as store:
        if not name:
            _list(store, as_json=as_json)
            return
        with store.writing() as connection:
            made = write_tag(connection, name, resolve(connection, at), message, SystemClock().now())
    if as_json:
        print_json(made)
    else:
        out.print(f"[green]{clean(made.name)}[/green] is version {made.version_id}")


def _list(store: Store, *, as_json: bool) -> None:
    with store.reading() as connection:
        rows = read_tags(connection)
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print("no version has a tag yet; `khotin tag NAME` gives the newest one a name")
        return
    listing = table(None, "tag", "version", "given", "message", numbers=("version",))
    for row in rows:
        listing.add_row(clean(row.name), str(row.version_id), local_time(row.created_at), clean(row.message))
    out.print(listing)
