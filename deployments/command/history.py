"""`khotin history`: every revision of one document."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

import typer

from deployments.command.app import JsonOption, app, load_settings, open_configured_store
from deployments.command.arguments import document_id
from deployments.command.output import clean, local_time, out, print_json, print_text_diff, table
from parsers.errors import NotFound
from storage import Change, Document, Store, VersionRow
from storage.stories import led_to

_OPS = {"add": "added", "revise": "revised", "retract": "retracted"}


@app.command(
    "history",
    help=(
        "List every revision of a document: version, time, what happened, title; with [bold]--text[/bold] "
        "how its text changed from each to the next.\n\n"
        "`khotin why URL` tells what became of an address run by run; this tells what stands in the corpus."
    ),
)
def history_command(
    url: Annotated[str, typer.Argument(help="Address of an article, or id of a seed.", metavar="URL")],
    text: Annotated[bool, typer.Option("--text", help="Show how the text changed.")] = False,
    as_json: JsonOption = False,
) -> None:
    with open_configured_store(load_settings(), create=False) as store:
        history = _history(store, document_id(url))
        wanted = {document.version_id for document in history}
        versions = {version.id: version for version in store.versions() if version.id in wanted}
    diffs = [""] + [_diff(old, new) for old, new in pairwise(history)]
    if as_json:
        rows = [_json(document, versions[document.version_id]) for document in history]
        print_json(
            [{**row, "text_diff": diff} if text else row for row, diff in zip(rows, diffs, strict=True)]
        )
        return
    out.print(f"[bold]{clean(history[-1].record.url)}[/bold]")
    if not text:
        listing = table(None, "rev", "version", "committed", "by", "op", "title", numbers=("rev", "version"))
        for document in history:
            listing.add_row(*_cells(document, versions[document.version_id]))
        out.print(listing)
        return
    for document, diff in zip(history, diffs, strict=True):
        rev, *cells = _cells(document, versions[document.version_id])
        out.print(f"revision {rev}: version {', '.join(cells)}", soft_wrap=True)
        print_text_diff(diff)


def _history(store: Store, url: str) -> list[Document]:
    """The revisions of the document at an address, or of the one that the page there gave."""
    found = store.history(url)
    if not found:
        with store.reading() as connection:
            document = led_to(connection, url)
        found = store.history(document) if document else []
    if not found:
        raise NotFound(
            f"{url} was never in the corpus",
            reason="no-such-document",
            hint=f"`khotin why {url}` tells what became of it",
        )
    return found


def _title(document: Document) -> str:
    record = document.record
    if record.retraction is not None:
        return f"{'purged: ' if record.retraction.purge else ''}{record.retraction.reason}"
    return "(purged)" if record.purged else record.title or "(no title)"


def _cells(document: Document, version: VersionRow) -> tuple[str, ...]:
    return (
        str(document.rev),
        str(document.version_id),
        local_time(version.created_at),
        version.kind,
        _OPS[document.op],
        clean(_title(document)),
    )


def _diff(old: Document, new: Document) -> str:
    if new.op == "retract":
        return ""
    return Change("revised", old, new).text_diff()


def _json(document: Document, version: VersionRow) -> dict[str, Any]:
    record = document.record
    return {
        "url": record.url,
        "rev": document.rev,
        "op": document.op,
        "version": document.version_id,
        "kind": version.kind,
        "committed_at": version.created_at,
        "fetched_at": record.fetched_at,
        "title": record.title,
        "parser": f"{record.parser} {record.parser_version}",
        "purged": record.purged,
        "retraction": None
        if record.retraction is None
        else {"reason": record.retraction.reason, "purge": record.retraction.purge},
        "leaf": document.leaf,
    }
