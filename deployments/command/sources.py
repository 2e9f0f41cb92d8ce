"""`khotin sources`: when each source is asked next and why, and what was wrong with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from deployments.command.app import (
    JsonOption,
    app,
    configured_sources,
    load_settings,
    open_configured_store,
)
from deployments.command.output import clean, local_time, out, print_json, table
from deployments.sample import SOURCES
from flows.quarantine import open_drifts
from flows.rhythm import Rhythm, from_text, silence_of
from flows.sources import Source, load_sources
from parsers.errors import NotFound
from storage import EndpointState, RunRow, SourcePoll, Store

sources_app = typer.Typer(help="Look at the sources.", no_args_is_help=True)
app.add_typer(sources_app, name="sources")

_SampleOption = Annotated[bool, typer.Option("--sample", help="The sources of the sample newsroom.")]


@sources_app.command("list", help="List the sources: when each was polled, when it is due, and why.")
def list_command(sample: _SampleOption = False, as_json: JsonOption = False) -> None:
    settings = load_settings()
    sources = load_sources(SOURCES) if sample else configured_sources(settings)
    with open_configured_store(settings) as store:
        polls = store.polls()
        endpoints = {source.name: _configured(store, source) for source in sources}
        drifts = open_drifts(store.shapes())
    if as_json:
        print_json(
            [
                {
                    **_json(source, polls.get(source.name), endpoints[source.name]),
                    "drift": drifts.get(source.name, ()),
                }
                for source in sources
            ]
        )
        return
    listing = table(
        None, "source", "title", "feeds", "sitemaps", "listings", "a day", "polled", "next poll", "why",
        numbers=("feeds", "sitemaps", "listings", "a day", "polled", "next poll"),
    )  # fmt: skip
    for source in sources:
        poll = polls.get(source.name) or SourcePoll(source.name)
        rhythm = from_text(poll.rhythm)
        listing.add_row(
            source.name,
            clean(source.title),
            str(len(source.feeds)),
            str(len(source.sitemaps)),
            str(len(source.listings)),
            f"{rhythm.mean * 24:.0f}" if rhythm is not None and rhythm.settled else "",
            local_time(poll.polled_at) or "never",
            (local_time(poll.next_poll_at) or "now") if source.enabled else "disabled",
            _why(source, poll, rhythm, endpoints[source.name], drifts.get(source.name, ())),
        )
    out.print(listing)


def _configured(store: Store, source: Source) -> dict[str, EndpointState]:
    known = store.endpoints(source.name)
    addresses = (*source.feeds, *source.sitemaps, *source.listings)
    return {url: known[url] for url in addresses if url in known}


def _why(
    source: Source,
    poll: SourcePoll,
    rhythm: Rhythm | None,
    endpoints: dict[str, EndpointState],
    drifts: tuple[str, ...],
) -> str:
    if not source.enabled:
        return clean(source.notes.strip().splitlines()[0]) if source.notes.strip() else "enabled = false"
    if poll.polled_at is None:
        return "never polled"
    told = [f"{poll.reason}: {poll.why}" if poll.why else poll.reason]
    if poll.failures > 1:
        told.append(f"{poll.failures} times in a row")
    if any(state.gap_since is not None for state in endpoints.values()):
        told.append("gap: not looked into yet")
    quiet = silence_of(rhythm)
    if quiet is not None:
        told.append(quiet)
    told.extend(f"drift: {drift}" for drift in drifts)
    return clean("; ".join(told))


def _json(source: Source, poll: SourcePoll | None, endpoints: dict[str, EndpointState]) -> dict[str, Any]:
    rhythm = from_text(poll.rhythm) if poll is not None else None
    return {
        "name": source.name,
        "title": source.title,
        "enabled": source.enabled,
        "parser": source.parser,
        "feeds": source.feeds,
        "sitemaps": source.sitemaps,
        "listings": source.listings,
        "poll": _poll_json(poll),
        "rhythm": _rhythm_json(rhythm),
        "endpoints": [_endpoint_json(state) for state in endpoints.values()],
    }


def _poll_json(poll: SourcePoll | None) -> dict[str, Any] | None:
    if poll is None:
        return None
    return {name: getattr(poll, name) for name in SourcePoll.__slots__ if name != "rhythm"}


def _rhythm_json(rhythm: Rhythm | None) -> dict[str, Any] | None:
    if rhythm is None:
        return None
    return {
        "settled": rhythm.settled,
        "articles_per_day": round(rhythm.mean * 24, 2),
        "watched_since": rhythm.since,
        "newest": rhythm.newest,
        "silent": silence_of(rhythm),
    }


def _endpoint_json(state: EndpointState) -> dict[str, Any]:
    reason, _, why = state.why.partition(": ")
    return {
        "url": state.url,
        "kind": state.kind,
        "status": state.status,
        "last": state.reason,
        "failures": state.failures,
        "checked_at": state.checked_at,
        "answered_at": state.answered_at,
        "changed_at": state.changed_at,
        "next_check_at": state.next_check_at,
        "reason": reason,
        "why": why,
        "gap_since": state.gap_since,
    }


@sources_app.command(
    "problems",
    help="What was wrong with the sources in the newest runs: feeds that failed, gaps, silence, drift.",
)
def problems_command(
    source: Annotated[
        str | None, typer.Option("--source", "-s", help="Only this source.", metavar="NAME")
    ] = None,
    runs: Annotated[int, typer.Option("--runs", "-n", min=1, max=10_000, help="So many runs back.")] = 50,
    as_json: JsonOption = False,
) -> None:
    with open_configured_store(load_settings(), create=False) as store:
        if source is not None and source not in store.polls():
            raise NotFound(
                f"no source {source!r} was ever polled",
                reason="no-such-source",
                hint="`khotin sources list` shows the sources",
            )
        found = [row for run in store.runs(runs) for row in _problems(run, source)]
    if as_json:
        names = ("at", "run_id", "source", "problem")
        print_json([dict(zip(names, row, strict=True)) for row in found])
        return
    if not found:
        out.print(f"no problems in the newest {runs} runs")
    for at, _, name, problem in found:
        out.print(f"{local_time(at)}  [yellow]{clean(name)}[/yellow]: {clean(problem)}", soft_wrap=True)


def _problems(run: RunRow, source: str | None) -> list[tuple[datetime, str, str, str]]:
    return [
        (run.started_at, run.run_id, tally.source, problem)
        for tally in run.tallies
        if source in (None, tally.source)
        for problem in tally.problems
    ]
