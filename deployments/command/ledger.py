"""`khotin why` and `khotin sources list`: what became of a URL, and how the sources do."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from deployments.command.app import (
    JsonOption,
    app,
    configured_sources,
    load_settings,
    open_configured_store,
)
from deployments.command.arguments import document_id
from deployments.command.output import clean, local_time, out, print_json, table
from deployments.sample import SOURCES
from flows.sources import Source, load_sources
from storage import SourcePoll, Story

sources_app = typer.Typer(help="Look at the sources.", no_args_is_help=True)
app.add_typer(sources_app, name="sources")


@app.command(
    "why", help="Tell what became of a URL, run by run: stored, revised, duplicate of what, rejected why."
)
def why_command(
    url: Annotated[str, typer.Argument(help="Address of an article as met, or id of a seed.", metavar="URL")],
    as_json: JsonOption = False,
) -> None:
    identity = document_id(url)
    with open_configured_store(load_settings(), create=False) as store:
        story = store.story(identity)
    if as_json:
        print_json(_story_json(story))
    else:
        _tell_story(story)


def _story_json(story: Story) -> dict[str, Any]:
    return {
        "url": story.url,
        "pages": story.pages,
        "outcomes": story.outcomes,
        "captures": story.captures,
        "kin": story.kin,
        "rulings": story.rulings,
        "revisions": [
            {"version": d.version_id, "rev": d.rev, "op": d.op, "title": d.record.title, "leaf": d.leaf}
            for d in story.documents
        ],
    }


def _tell_story(story: Story) -> None:
    out.print(f"[bold]{clean(story.url)}[/bold]")
    for page in story.pages:
        out.print(
            f"source {clean(page['source'])}, met {page['times_seen']} times, "
            f"first {local_time(page['first_seen_at'])}, last {local_time(page['last_seen_at'])}"
        )
    for row in story.outcomes:
        partner = f" of {clean(row['partner_url'])}" if row["partner_url"] else ""
        detail = f": {clean(row['detail'])}" if row["detail"] else ""
        ending = f"[bold]{row['outcome']}[/bold] ({clean(row['reason'])})"
        out.print(f"{local_time(row['at'])}  {ending}{partner}{detail}", soft_wrap=True)
        found = f"  found in {clean(row['found_in'])}" if row["found_in"] else ""
        status = f", HTTP {row['status']}" if row["status"] else ""
        out.print(f"    [dim]run {row['run_id']}{found}{status}[/dim]")
    for row in story.rulings:
        of = f" of {clean(row['partner_url'])}" if row["partner_url"] else ""
        out.print(
            f"{local_time(row['at'])}  ruled: {row['verdict']}{of}: {clean(row['reason'])}", soft_wrap=True
        )
    for document in story.documents:
        out.print(
            f"version {document.version_id}: revision {document.rev} ({document.op}) "
            f"{clean(document.record.title)}"
        )
    for capture in story.captures:
        out.print(
            f"[dim]raw {capture['kind']} of {local_time(capture['fetched_at'])}: {clean(capture['file'])} "
            f"at byte {capture['offset']}, {capture['payload_length']} bytes[/dim]"
        )


@sources_app.command("list", help="List the sources: when each was polled, when it is due, and why.")
def sources_list_command(
    sample: Annotated[bool, typer.Option("--sample", help="The sources of the sample newsroom.")] = False,
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    sources = load_sources(SOURCES) if sample else configured_sources(settings)
    with open_configured_store(settings) as store:
        polls = store.polls()
    if as_json:
        print_json([_source_json(source, polls.get(source.name)) for source in sources])
        return
    listing = table(
        None, "source", "title", "parser", "feeds", "sitemaps", "listings", "polled", "next poll", "why",
        numbers=("feeds", "sitemaps", "listings"),
    )  # fmt: skip
    for source in sources:
        poll = polls.get(source.name) or SourcePoll(source.name)
        listing.add_row(
            source.name,
            clean(source.title),
            source.parser,
            str(len(source.feeds)),
            str(len(source.sitemaps)),
            str(len(source.listings)),
            local_time(poll.polled_at) or "never",
            (local_time(poll.next_poll_at) or "now") if source.enabled else "disabled",
            _why(source, poll),
        )
    out.print(listing)


def _why(source: Source, poll: SourcePoll) -> str:
    if not source.enabled:
        return clean(source.notes.strip().splitlines()[0]) if source.notes.strip() else "enabled = false"
    if poll.polled_at is None:
        return "never polled"
    if poll.failures:
        return f"{poll.reason}, {poll.failures} times in a row"
    return f"every {source.poll_minutes} min"


def _source_json(source: Source, poll: SourcePoll | None) -> dict[str, Any]:
    return {
        "name": source.name,
        "title": source.title,
        "enabled": source.enabled,
        "parser": source.parser,
        "feeds": source.feeds,
        "sitemaps": source.sitemaps,
        "listings": source.listings,
        "poll": poll,
    }
