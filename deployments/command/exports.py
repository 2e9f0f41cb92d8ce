"""`khotin export` and `khotin verify-export`: getting the corpus out, and checking what came out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.command.app import (
    JsonOption,
    app,
    configured_topics,
    load_settings,
    open_configured_store,
)
from deployments.command.output import ExitCode, clean, err, out, print_json
from deployments.command.progress import steps
from flows.topics import chosen_topics
from parsers.errors import UserError
from storage.export import SUFFIXES, ExportReport, Form, export_corpus, write_jsonl
from storage.export_filter import ExportFilter
from storage.verify_export import ExportVerification, verify_export


@app.command(
    "export",
    help=(
        "Write the corpus as of a version.\n\n"
        "[bold]jsonl[/bold]: one JSON object a line. [bold]parquet[/bold]: one Parquet file. "
        "[bold]hf[/bold]: a folder that datasets.load_dataset reads, with dataset card and Croissant file. "
        "[bold]text[/bold]: a folder of seed files that khotin seed imports again.\n\n"
        "The target appears under its name when it is whole, with a manifest that "
        "[bold]khotin verify-export[/bold] checks it by."
    ),
)
def export_command(
    target: Annotated[
        str,
        typer.Argument(
            help="File or folder to write, - for JSON Lines on standard output; "
            "default: version-N in the folder exports of KHOTIN_HOME.",
            metavar="[TARGET]",
        ),
    ] = "",
    at: Annotated[
        str | None, typer.Option("--at", help="Version to export; default: the newest.", metavar="VERSION")
    ] = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="Form of the export.")] = Form.JSONL,
    since: Annotated[
        str | None,
        typer.Option("--since", help="Only what was added or revised after this version.", metavar="VERSION"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the target if it is there (a folder only if an export).")
    ] = False,
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", help="Only what matches this topic; may be repeated.", metavar="NAME"),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option("--min-score", min=0.0, max=1.0, help="Only what is so close to the seeds."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    chosen = chosen_topics(configured_topics(settings), tuple(topic)) if topic else ()
    wanted = ExportFilter(chosen, min_score)
    with open_configured_store(settings, create=False) as store:
        version = store.version(at)
        base = store.version(since) if since is not None else None
        if base is not None and base.id > version.id:
            raise UserError(f"version {base.id} is newer than version {version.id}", hint="swap them")
        if target == "-":
            if as_json or form is not Form.JSONL:
                raise UserError("only JSON Lines go to standard output, and no --json", hint="name a file")
            write_jsonl(store, version, sys.stdout.buffer, since=base, wanted=wanted)
            sys.stdout.buffer.flush()
            return
        delta = f"-since-{base.id}" if base else ""
        name = f"version-{version.id}{delta}{_filter(wanted)}{SUFFIXES[form]}"
        path = Path(target) if target else settings.home / "exports" / name
        # How many documents a delta has is known when they are counted.
        total = version.documents if base is None and wanted.open else None
        with steps("export", quiet=as_json, total=total) as advance:
            report = export_corpus(
                store, version, path, form, since=base, wanted=wanted, force=force, advance=advance
            )
    if as_json:
        print_json(_report_json(report))
    else:
        _tell_report(report)


def _filter(wanted: ExportFilter) -> str:
    """What a filter adds to the name of an export."""
    score = "" if wanted.min_score is None else f"-score-{wanted.min_score:g}"
    return "".join(f"-{topic.name}" for topic in wanted.topics) + score


def _report_json(report: ExportReport) -> dict[str, Any]:
    told = {name: getattr(report, name) for name in report.__slots__ if name != "target"}
    return {"file": str(report.target), **told}


def _tell_report(report: ExportReport) -> None:
    since = f" since version {report.since}" if report.since else ""
    where = clean(str(report.target))
    err.print(f"{report.documents} documents of version {report.version}{since} written to {where}")
    if report.purged:
        err.print(f"{report.purged} documents left out: their text was purged")
    if report.filtered:
        err.print(f"{report.filtered} documents left out: the filter does not take them")
    if report.retracted:
        err.print(f"{report.retracted} documents retracted since; the manifest names them")
    changed = {name: count for name, count in report.fidelity.items() if name != "whole" and count}
    for name, count in changed.items():
        err.print(f"{count} files are read back {name}: .khotin/files.jsonl names them")


@app.command(
    "verify-export",
    help=(
        "Check an export without the database: hash every document again, compare with the manifest.\n\n"
        "Names each damaged line, row or file. Exit code 1 if there is any. Compare the chain it tells with "
        "[bold]khotin log[/bold]: it stands for all that the corpus was at that version."
    ),
)
def verify_export_command(
    path: Annotated[Path, typer.Argument(help="File or folder that khotin export wrote.")],
    as_json: JsonOption = False,
) -> None:
    with steps("verify", quiet=as_json) as advance:
        found = verify_export(path, advance=advance)
    if as_json:
        told = {name: getattr(found, name) for name in found.__slots__ if name != "path"}
        print_json({"path": str(found.path), "sound": found.sound, **told})
    else:
        _tell_verification(found)
    if not found.sound:
        raise typer.Exit(ExitCode.FAILED)


def _tell_verification(found: ExportVerification) -> None:
    for finding in found.findings:
        document = f" ({clean(finding.document)})" if finding.document else ""
        out.print(
            f"[red]damaged[/red] {clean(finding.where)}{document}: {clean(finding.what)}", soft_wrap=True
        )
    for note in found.notes:
        out.print(f"[yellow]note[/yellow] {clean(note)}", soft_wrap=True)
    since = f" since version {found.since}" if found.since else ""
    origin = f", version {found.version}{since}, chain {found.chain}" if found.version else ""
    verdict = "sound" if found.sound else f"{len(found.findings)} damaged places"
    out.print(f"{verdict}: {found.documents} documents{clean(origin)}", soft_wrap=True)
