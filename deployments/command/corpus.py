"""`khotin log`, `show` and `diff`: reading the corpus back."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from deployments.command.app import JsonOption, app, load_settings, open_configured_store
from deployments.command.arguments import document_id
from deployments.command.output import (
    clean,
    clean_lines,
    local_time,
    out,
    print_json,
    print_text_diff,
    table,
)
from parsers.errors import NotFound, UserError
from storage import Change, Document, Store, VersionRow
from storage.export import export_row
from storage.tags import LATEST, TagRow, names_a_version, read_tags

_NUMBERS = ("version", "added", "revised", "retracted", "documents")


@app.command("log", help="List the versions of the corpus, newest first; with [bold]--runs[/bold], the runs.")
def log_command(
    runs: Annotated[
        bool, typer.Option("--runs", help="List runs, also those that committed nothing.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 20,
    as_json: JsonOption = False,
) -> None:
    with open_configured_store(load_settings(), create=False) as store:
        if runs:
            _tell_runs(store, limit, as_json=as_json)
        else:
            with store.reading() as connection:
                tags = read_tags(connection)
            _tell_versions(store.versions()[::-1][:limit], tags, as_json=as_json)


def _tell_versions(versions: list[VersionRow], tags: list[TagRow], *, as_json: bool) -> None:
    names: dict[int, list[str]] = {}
    for tag in tags:
        names.setdefault(tag.version_id, []).append(tag.name)
    if as_json:
        fields = VersionRow.__slots__
        print_json(
            [{**{f: getattr(row, f) for f in fields}, "tags": names.get(row.id, [])} for row in versions]
        )
        return
    if not versions:
        out.print("the store holds no version yet; try `khotin ingest --sample`")
        return
    listing = table(None, "version", "kind", "committed", *_NUMBERS[1:], "message", "chain", numbers=_NUMBERS)
    for version in versions:
        listing.add_row(
            str(version.id),
            version.kind,
            local_time(version.created_at),
            str(version.added),
            str(version.revised),
            str(version.retracted),
            str(version.documents),
            clean(" ".join([*(f"[{name}]" for name in names.get(version.id, ())), version.message])),
            version.chain[:12],
        )
    out.print(listing)


def _tell_runs(store: Store, limit: int, *, as_json: bool) -> None:
    rows = store.runs(limit)
    if as_json:
        print_json(
            [
                {
                    **{name: getattr(row, name) for name in row.__slots__ if name != "tallies"},
                    "sources": [{"source": t.source, **t.counts.as_dict()} for t in row.tallies],
                }
                for row in rows
            ]
        )
        return
    columns = ("run", "kind", "started", "state", "version", "met", "new", "label")
    listing = table(None, *columns, numbers=("version", "met", "new"))
    for row in rows:
        listing.add_row(
            row.run_id,
            row.kind,
            local_time(row.started_at),
            row.state,
            str(row.version_id or ""),
            str(sum(tally.counts.discovered for tally in row.tallies)),
            str(sum(tally.counts.stored for tally in row.tallies)),
            clean(row.label or row.detail),
        )
    out.print(listing)


@app.command("show", help="Show a version (by number, tag or date), or a document (by URL) as of a version.")
def show_command(
    target: Annotated[
        str,
        typer.Argument(
            help="A version (number, tag, date YYYY-MM-DD, `latest`) or a URL; default: the newest version.",
            metavar="[TARGET]",
        ),
    ] = "",
    at: Annotated[
        str, typer.Option("--at", help="With a URL: as of this version.", metavar="VERSION")
    ] = LATEST,
    raw: Annotated[
        bool, typer.Option("--raw", help="With a URL: the raw bytes as they were fetched or imported.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    url = None if not target or names_a_version(target) else document_id(target)
    if url is None and (raw or at != LATEST):
        raise UserError("--raw and --at go with a URL", hint="khotin show URL --at VERSION")
    with open_configured_store(load_settings(), create=False) as store:
        if url is not None:
            _show_document(store, url, at, raw=raw, as_json=as_json)
        else:
            _show_version(store, store.version(target or LATEST), as_json=as_json)


def _show_version(store: Store, version: VersionRow, *, as_json: bool) -> None:
    per_source = store.documents_by_source(version)
    if as_json:
        print_json({"version": version, "documents_by_source": per_source})
        return
    facts = table(None, "", "")
    for name in VersionRow.__slots__:
        value = getattr(version, name)
        facts.add_row(name, local_time(value) if name == "created_at" else clean(str(value)))
    out.print(facts)
    told = ", ".join(f"{count} {clean(source)}" for source, count in per_source.items())
    out.print(f"documents by source: {told}")


def _show_document(store: Store, url: str, at: str, *, raw: bool, as_json: bool) -> None:
    version = store.version(at)
    document = store.document(url, version)
    if document is None:
        raise NotFound(
            f"{url} is not in version {version.id}",
            reason="no-such-document",
            hint=f"`khotin why {url}` tells what became of it",
        )
    if raw:
        if document.capture_id is None:
            raise NotFound(f"no raw page is kept of {url}", reason="no-capture")
        sys.stdout.buffer.write(store.raw(document.capture_id))
        sys.stdout.buffer.flush()
        return
    if document.record.purged:
        raise NotFound(
            f"the text of {url} was purged",
            reason="purged",
            hint=f"`khotin history {url}` tells when and why",
        )
    if as_json:
        history = [{"rev": d.rev, "op": d.op, "version": d.version_id} for d in store.history(url)]
        print_json({**export_row(document), "history": history})
        return
    _print_document(document)


def _print_document(document: Document) -> None:
    record = document.record
    out.print(f"[bold]{clean(record.title) or '(no title)'}[/bold]")
    date = local_time(record.published_at)
    about = [record.url, record.source, f"published {date}" if date else "", record.agency or ""]
    about += [", ".join(record.authors), record.section or ""]
    out.print(" · ".join(clean(part) for part in about if part))
    out.print(
        f"revision {document.rev} ({document.op}) in version {document.version_id}, leaf {document.leaf}"
    )
    out.print()
    if record.lead:
        out.print(f"[italic]{clean_lines(record.lead)}[/italic]\n")
    for paragraph in record.paragraphs:
        text = clean_lines(paragraph.text)
        out.print(f"[bold]{text}[/bold]\n" if paragraph.kind == "heading" else f"{text}\n")
    for caption in record.captions:
        out.print(f"[dim]caption: {clean(caption)}[/dim]")


@app.command("diff", help="What changed from one version to another: added, revised (with text), retracted.")
def diff_command(
    old: Annotated[
        str,
        typer.Argument(
            help="Version to start from (number, tag, date or `latest`); 0 is the empty corpus.",
            metavar="OLD",
        ),
    ],
    new: Annotated[str, typer.Argument(help="Version to compare with.", metavar="NEW")],
    text: Annotated[
        bool, typer.Option("--text/--no-text", help="Show how the text of revised documents changed.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    with open_configured_store(load_settings(), create=False) as store:
        changes = store.changes(old, new)
    if as_json:
        print_json([_change_json(change) for change in changes])
        return
    counts = dict.fromkeys(("added", "revised", "retracted"), 0)
    for change in changes:
        counts[change.kind] += 1
        document = change.new or change.old
        if document is None:
            continue
        mark = {"added": "[green]+[/green]", "revised": "[yellow]~[/yellow]", "retracted": "[red]-[/red]"}
        title = clean(document.record.title) or "(no title)"
        out.print(f"{mark[change.kind]} {title}  [dim]{clean(document.record.url)}[/dim]", soft_wrap=True)
        if text and change.kind == "revised":
            print_text_diff(change.text_diff())
    out.print(", ".join(f"{count} {kind}" for kind, count in counts.items()))


def _change_json(change: Change) -> dict[str, Any]:
    document = change.new or change.old
    return {
        "kind": change.kind,
        "url": document.record.url if document else None,
        "title": document.record.title if document else None,
        "old_leaf": change.old.leaf if change.old else None,
        "new_leaf": change.new.leaf if change.new else None,
        "text_diff": change.text_diff() if change.kind == "revised" else None,
    }
