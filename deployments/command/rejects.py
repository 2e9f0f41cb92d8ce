"""`khotin rejects`: the pages that gave no record, why, and reading them again."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Annotated, Any

import typer

from deployments.command.app import (
    JsonOption,
    app,
    configured_sources,
    load_settings,
    open_configured_store,
    topics_for,
)
from deployments.command.arguments import document_id
from deployments.command.output import ExitCode, clean, err, local_time, out, print_json, table
from deployments.command.progress import steps
from deployments.sample import SOURCES
from flows.clock import SystemClock
from flows.gate import gates_of
from flows.quarantine import DRIFT, open_drifts
from flows.rejected import RetryReport, retry_rejected
from flows.sources import load_sources
from parsers.errors import NotFound, UserError
from storage import Rejected, Store
from storage.tags import read_moment

rejects_app = typer.Typer(
    help="Look at the rejected pages, and read them again with today's parsers.", no_args_is_help=True
)
app.add_typer(rejects_app, name="rejects")

_TOLD = 20
_Source = Annotated[str, typer.Option("--source", "-s", help="Only pages of this source.", metavar="NAME")]
_Reason = Annotated[str, typer.Option("--reason", "-r", help="Only with this reason.", metavar="CODE")]
_Since = Annotated[
    str, typer.Option("--since", help="Only rejected on this day or later: YYYY-MM-DD.", metavar="DATE")
]


@rejects_app.command("list", help="List the pages that are rejected, newest first, and count their reasons.")
def list_command(
    source: _Source = "",
    reason: _Reason = "",
    since: _Since = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="So many pages at most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    moment = _moment(since)
    with open_configured_store(load_settings(), create=False) as store:
        pages = store.rejected(source=source or None, reason=reason or None, since=moment, limit=limit)
        counts = store.count_rejected()
        drifts = open_drifts(store.shapes())
    if as_json:
        print_json(
            {
                "counts": [
                    {"source": name, "reason": code, "pages": count}
                    for (name, code), count in sorted(counts.items())
                ],
                "drift": drifts,
                "pages": pages,
            }
        )
        return
    listing = table(None, "when", "source", "reason", "page", numbers=("when",))
    for page in pages:
        listing.add_row(local_time(page.at), clean(page.source), clean(page.reason), clean(page.url))
    out.print(listing)
    for (name, code), count in sorted(counts.items()):
        if source in ("", name) and reason in ("", code):
            out.print(f"{clean(name)}: {count} {clean(code)} in all")
    for name, told in drifts.items():
        for drift in told if source in ("", name) else ():
            out.print(f"[yellow]{clean(name)}[/yellow]: drift: {clean(drift)}", soft_wrap=True)


@rejects_app.command("show", help="Show why a page was rejected, and what today's parsers are given of it.")
def show_command(
    url: Annotated[str, typer.Argument(help="Address of the page as met.", metavar="URL")],
    raw: Annotated[bool, typer.Option("--raw", help="Print the raw page to standard output.")] = False,
    as_json: JsonOption = False,
) -> None:
    with open_configured_store(load_settings(), create=False) as store:
        pages = _named(store, [url])
        if raw:
            _print_raw(store, pages)
            return
    if as_json:
        print_json(pages)
        return
    for page in pages:
        out.print(f"[bold]{clean(page.url)}[/bold]")
        out.print(f"{local_time(page.at)}  {clean(page.source)}: rejected ({clean(page.reason)})")
        if page.detail:
            out.print(f"    {clean(page.detail)}", soft_wrap=True)
        if page.record_url:
            out.print(f"    its document stays as it was: {clean(page.record_url)}", soft_wrap=True)
        out.print(
            "    its raw page is kept: --raw prints it" if page.capture_id else "    no raw page is kept"
        )


def _print_raw(store: Store, pages: list[Rejected]) -> None:
    capture = next((page.capture_id for page in pages if page.capture_id is not None), None)
    if capture is None:
        raise NotFound(
            f"no raw page is kept of {pages[0].url}",
            reason="no-capture",
            hint="it was never fetched; `khotin rejects show` tells why",
        )
    typer.get_binary_stream("stdout").write(store.raw(capture))


@rejects_app.command(
    "retry",
    help=(
        "Read rejected pages again, from the archive and with today's parsers; commit what is an article now "
        "as a version of kind [bold]reparse[/bold].\n\n"
        "Nothing is fetched. After a drift: mend the parser and raise its version, then retry. If the pages "
        "are right as they are, [bold]--accept[/bold] appends them and compares later runs with them."
    ),
)
def retry_command(
    urls: Annotated[
        list[str] | None,
        typer.Argument(help="Pages; without any, those that the options name.", metavar="URL..."),
    ] = None,
    source: _Source = "",
    reason: _Reason = "",
    since: _Since = "",
    accept: Annotated[
        bool, typer.Option("--accept", help="With --source: take the new shape of its pages as right.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    if not (urls or source or reason):
        raise UserError("name pages, a --source or a --reason", hint=f"khotin rejects retry --reason {DRIFT}")
    if accept and (urls or since or not source or reason not in ("", DRIFT)):
        raise UserError(
            "--accept goes with --source alone",
            hint="the shape of a source is that of all its pages that were set aside",
        )
    moment = _moment(since)
    settings = load_settings()
    with open_configured_store(settings, create=False) as store:
        sources = load_sources(SOURCES) if store.is_sample else configured_sources(settings)
        if urls:
            chosen = [
                page
                for page in _named(store, urls)
                if source in ("", page.source) and reason in ("", page.reason)
            ]
        else:
            code = DRIFT if accept else reason
            chosen = store.rejected(source=source or None, reason=code or None, since=moment)
        with steps("rejects", quiet=as_json, total=len(chosen)) as advance:
            report = retry_rejected(
                store,
                {item.name: item for item in sources},
                chosen,
                clock=SystemClock(),
                rng=random.Random(),
                accept=accept,
                gates=gates_of(sources, topics_for(settings, sources), store),
                advance=advance,
            )
    if as_json:
        print_json(_json(report))
    else:
        _tell(report)
    if report.drifts:
        raise typer.Exit(int(ExitCode.IN_PART))


def _moment(since: str) -> datetime | None:
    moment = read_moment(since) if since else None
    if since and moment is None:
        raise UserError(f"--since {since!r} is no date", reason="bad-date", hint="write YYYY-MM-DD")
    return moment


def _named(store: Store, urls: list[str]) -> list[Rejected]:
    """The rejected pages at these addresses. Raises NotFound for one that is not rejected."""
    wanted = [document_id(url) for url in urls]
    pages = store.rejected(urls=wanted)
    missing = sorted(set(wanted) - {page.url for page in pages})
    if missing:
        raise NotFound(
            f"{missing[0]} is not among the rejected pages",
            reason="unknown-url",
            hint="`khotin rejects list` shows them; `khotin why URL` tells what became of a page",
        )
    return pages


def _tell(report: RetryReport) -> None:
    for item in report.still[:_TOLD]:
        detail = f" {clean(item.detail)}" if item.detail else ""
        err.print(f"[yellow]not taken[/yellow] {clean(item.url)} \\[{item.reason}]{detail}", soft_wrap=True)
    if len(report.still) > _TOLD:
        err.print(f"and {len(report.still) - _TOLD} more that were not taken")
    for name, drifts in report.drifts.items():
        for drift in drifts:
            err.print(f"[yellow]{clean(name)}[/yellow]: still drift: {clean(drift)}", soft_wrap=True)
    out.print(f"{report.looked_at} pages read again, {len(report.still)} not taken")
    version = report.result.version if report.result else None
    if version is None:
        out.print("nothing new: no version committed")
    else:
        out.print(f"[green]version {version.id}[/green]: {version.added} new, {version.revised} revised")


def _json(report: RetryReport) -> dict[str, Any]:
    result = report.result
    return {
        "looked_at": report.looked_at,
        "still": report.still,
        "drift": report.drifts,
        "version": result.version if result else None,
        "ends": [
            {"source": name, "url": end.met.url, "outcome": end.ending.value, "reason": end.reason}
            for name, end in (result.ends if result else ())
        ],
    }
