"""`khotin why`: what became of a URL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from deployments.command.app import (
    JsonOption,
    app,
    configured_topics,
    load_settings,
    open_configured_store,
)
from deployments.command.arguments import document_id
from deployments.command.output import clean, local_time, out, print_json
from flows.gate import judged_of
from flows.topic_looks import Look, look
from parsers.topics import Topic
from storage import Story
from storage.closeness import StoredModel
from storage.off_topic import TOLD


@app.command(
    "why", help="Tell what became of a URL, run by run: stored, revised, duplicate of what, rejected why."
)
def why_command(
    url: Annotated[str, typer.Argument(help="Address of an article as met, or id of a seed.", metavar="URL")],
    as_json: JsonOption = False,
) -> None:
    identity = document_id(url)
    settings = load_settings()
    with open_configured_store(settings, create=False) as store:
        story = store.story(identity)
        stored = store.closeness_model() if story.closeness else None
    belongs = _look(story, configured_topics(settings), stored)
    if as_json:
        print_json(_story_json(story, belongs))
    else:
        _tell_story(story)
        _tell_belonging(story, belongs)


def _look(story: Story, topics: Sequence[Topic], stored: StoredModel | None) -> Look | None:
    """What topics and closeness say of the document as it stands; None if there is none, or no text of it."""
    newest = story.documents[-1] if story.documents else None
    if newest is None or newest.op == "retract" or newest.purged:
        return None
    return look(story.url, judged_of(newest.record), topics, None if stored is None else stored.model)


def _story_json(story: Story, belongs: Look | None) -> dict[str, Any]:
    return {
        "url": story.url,
        "pages": story.pages,
        "outcomes": story.outcomes,
        "captures": story.captures,
        "kin": story.kin,
        "rulings": story.rulings,
        "off_topic": story.left_out,
        "closeness": story.closeness,
        "terms": belongs.shares if belongs else (),
        "topics": belongs.verdicts if belongs else (),
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
    if story.left_out:
        last = story.left_out[-1]
        score = "" if last.score is None else f", closeness {last.score:.4f} by model {last.model_id}"
        told = "title and lead" if last.stage == TOLD else "the page"
        out.print(f"off-topic, judged by {told}: {clean(last.title)}{score}", soft_wrap=True)
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


def _tell_belonging(story: Story, belongs: Look | None) -> None:
    """Which topics the document matches today, how close it is to the seeds, and by which terms."""
    if belongs is None:
        return
    for verdict in belongs.verdicts:
        if verdict.matches:
            out.print(f"topic [bold]{verdict.topic}[/bold]: {clean(verdict.why)}", soft_wrap=True)
    newest = story.documents[-1].revision_id
    for scored in story.closeness:
        if scored.revision_id == newest:
            out.print(f"closeness {scored.score:.4f} by model {scored.model_id}", soft_wrap=True)
    if belongs.shares:
        terms = ", ".join(f"{clean(share.term)} {share.score:.3f}" for share in belongs.shares)
        out.print(f"    [dim]terms: {terms}[/dim]", soft_wrap=True)
