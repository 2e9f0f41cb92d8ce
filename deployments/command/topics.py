"""`khotin topics`: what belongs, tried out on a text and on the corpus; the closeness model."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.command.app import (
    JsonOption,
    app,
    configured_sources,
    configured_topics,
    load_settings,
    open_configured_store,
)
from deployments.command.arguments import document_id
from deployments.command.output import clean, err, local_time, out, print_json, table
from deployments.command.progress import counted, steps
from deployments.sample import SOURCES
from flows.clock import SystemClock
from flows.gate import gates_of
from flows.settings import Settings
from flows.sources import Source, load_sources
from flows.topic_looks import Look, look, text_of_file, text_of_url
from flows.topic_scan import Reconsidered, Scanned, fit_closeness, reconsider, scan
from flows.topics import chosen_topics, load_topic
from parsers.errors import NotFound
from parsers.topics import Topic
from storage import Store
from storage.closeness import StoredModel

topics_app = typer.Typer(
    help="What belongs beside the seeds: topics, and closeness to the seeds.", no_args_is_help=True
)
app.add_typer(topics_app, name="topics")

_TOLD = 20
_Topic = Annotated[
    list[str] | None,
    typer.Option("--topic", "-t", help="Only this topic; may be repeated.", metavar="NAME"),
]


@topics_app.command("list", help="List the topics, the sources that keep to them, and the closeness model.")
def list_command(as_json: JsonOption = False) -> None:
    settings = load_settings()
    topics = configured_topics(settings)
    sources = configured_sources(settings)
    stored = _model(settings)
    keeping = {
        topic.name: [
            s.name for s in sources if s.keep == "topic" and topic.name in (s.topics or [topic.name])
        ]
        for topic in topics
    }
    if as_json:
        print_json(
            {
                "topics": [
                    {
                        "name": topic.name,
                        "version": topic.version,
                        "title": topic.title,
                        "rules": [rule.name for rule in topic.rules],
                        "sources": keeping[topic.name],
                    }
                    for topic in topics
                ],
                "closeness_model": _model_json(stored),
            }
        )
        return
    listing = table(None, "topic", "version", "title", "rules", "kept to by")
    for topic in topics:
        rules = ", ".join(rule.name for rule in topic.rules)
        listing.add_row(
            topic.name,
            topic.version,
            clean(topic.title),
            rules,
            ", ".join(keeping[topic.name]) or "no source",
        )
    out.print(listing)
    out.print(_model_told(stored))


def _model(settings: Settings) -> StoredModel | None:
    """The newest closeness model of the store, None if there is none or no store."""
    try:
        with open_configured_store(settings, create=False) as store:
            return store.closeness_model()
    except NotFound as error:
        if error.reason != "no-store":
            raise
        return None


def _model_json(stored: StoredModel | None) -> dict[str, Any] | None:
    if stored is None:
        return None
    model = stored.model
    return {
        "id": stored.id,
        "sha256": stored.sha256,
        "created_at": stored.created_at,
        "seeds_version": stored.seeds_version,
        "seeds": model.seeds,
        "background": model.background,
        "terms": len(model.terms),
    }


def _model_told(stored: StoredModel | None) -> str:
    if stored is None:
        return "no closeness model: `khotin topics fit` makes one from the seeds and what was ingested"
    model = stored.model
    return (
        f"closeness model {stored.id} of {local_time(stored.created_at)}: {model.seeds} seeds of version "
        f"{stored.seeds_version} against {model.background} other texts, {len(model.terms)} terms"
    )


@topics_app.command(
    "test",
    help=(
        "Judge texts: files (seed files, saved pages, plain text with the title first), or addresses of "
        "documents and of rejected pages in the store. Tells the rules that hold, the phrases that stand "
        "there, the closeness to the seeds and its terms, and whether the page would have been fetched."
    ),
)
def try_command(
    texts: Annotated[list[str], typer.Argument(help="Addresses or files.", metavar="URL-or-FILE...")],
    topic: _Topic = None,
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    topics = _chosen(configured_topics(settings), topic)
    stored = _model(settings)
    model = None if stored is None else stored.model
    looks: list[Look] = []
    for name in texts:
        path = Path(name)
        if path.is_file():
            looks.append(look(name, text_of_file(path), topics, model))
            continue
        if "://" not in name and not name.startswith("seed:"):
            raise NotFound(f"there is no file {name}", hint="name a file, or a whole address: https://...")
        with open_configured_store(settings, create=False) as store:
            sources = {source.name: source for source in _sources(store, settings)}
            text, whole = text_of_url(store, document_id(name), sources, SystemClock().now())
        looks.append(look(name, text, topics, model, whole=whole))
    if as_json:
        print_json([_look_json(one) for one in looks])
        return
    for one in looks:
        _tell_look(one)
    if stored is None:
        err.print(_model_told(stored))


def _chosen(topics: tuple[Topic, ...], names: list[str] | None) -> tuple[Topic, ...]:
    chosen = chosen_topics(topics, tuple(names or ()))
    if not chosen:
        raise NotFound(
            "there is no topic", reason="no-such-topic", hint="a topic is a file NAME.toml in KHOTIN_TOPICS"
        )
    return chosen


def _sources(store: Store, settings: Settings) -> tuple[Source, ...]:
    return load_sources(SOURCES) if store.is_sample else configured_sources(settings)


def _look_json(one: Look) -> dict[str, Any]:
    return {
        "text": one.name,
        "title": one.text.title,
        "whole": one.whole,
        "closeness": one.closeness,
        "terms": one.shares,
        "topics": one.verdicts,
        "told_off_topic": [verdict for verdict in one.before if verdict is not None],
    }


def _tell_look(one: Look) -> None:
    out.print(f"[bold]{clean(one.name)}[/bold]")
    if one.text.title:
        out.print(f"  {clean(one.text.title)}", soft_wrap=True)
    for verdict in one.verdicts:
        word = "[green]matches[/green]" if verdict.matches else "[yellow]does not match[/yellow]"
        out.print(f"  {word} {verdict.topic}: {clean(verdict.why)}", soft_wrap=True)
    for before in one.before:
        if before is not None:
            out.print(
                f"  [yellow]not fetched[/yellow] for {before.topic} if no more is told: {clean(before.why)}",
                soft_wrap=True,
            )
    if one.closeness is not None:
        terms = ", ".join(f"{clean(share.term)} {share.score:.3f}" for share in one.shares)
        out.print(f"  closeness {one.closeness:.4f}: {terms}", soft_wrap=True)


@topics_app.command(
    "scan",
    help=(
        "Judge the stored corpus by the topics, or by a changed one ([bold]--with FILE[/bold]): what "
        "matches, and what would. Nothing is changed."
    ),
)
def scan_command(
    topic: _Topic = None,
    changed: Annotated[
        Path | None,
        typer.Option("--with", help="A changed topic file: tell what it decides otherwise.", metavar="FILE"),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="Version; default: the newest.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="So many documents in the table.")] = 50,
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    topics = _chosen(configured_topics(settings), topic)
    other: tuple[Topic, ...] = ()
    if changed is not None:
        new = load_topic(changed)
        topics = tuple(t for t in topics if t.name == new.name) or topics
        other = tuple(new if t.name == new.name else t for t in topics)
        if new not in other:
            other = (*other, new)
    listed: list[Scanned] = []
    counts: Counter[tuple[str, str]] = Counter()

    def take(found: Scanned) -> None:
        counts[found.source, _word(found)] += 1
        # Without a change the documents that do not match are what wants a look.
        if found.differs if other else not found.verdict.matches:
            listed.append(found)

    with open_configured_store(settings, create=False) as store:
        version = store.version(at)
        with steps("scan", quiet=as_json, total=version.documents) as advance:
            scan(store, version, topics, other, take=take, advance=advance)
    if as_json:
        print_json(
            {
                "version": version.id,
                "topics": [t.label for t in topics],
                "changed": [t.label for t in other],
                "counts": [
                    {"source": source, "verdict": word, "documents": count}
                    for (source, word), count in sorted(counts.items())
                ],
                "documents": listed,
            }
        )
        return
    listing = table(None, "source", "document", "verdict", "why")
    for found in listed[:limit]:
        told = found.changed or found.verdict
        listing.add_row(clean(found.source), clean(found.title or found.url), _word(found), clean(told.why))
    if listed:
        out.print(listing)
    if len(listed) > limit:
        out.print(f"and {len(listed) - limit} more; --limit shows them")
    sums = table(None, "source", *_words(other), numbers=_words(other))
    for source in sorted({name for name, _ in counts}):
        sums.add_row(clean(source), *(str(counts[source, word]) for word in _words(other)))
    sums.add_row(
        "all", *(str(sum(counts[key] for key in counts if key[1] == word)) for word in _words(other))
    )
    out.print(sums)
    out.print(f"version {version.id} by {', '.join(t.label for t in other or topics)}; nothing was changed")


def _words(changed: tuple[Topic, ...]) -> tuple[str, ...]:
    if changed:
        return ("matches", "would match", "would not match", "does not match")
    return ("matches", "does not match")


def _word(found: Scanned) -> str:
    if found.differs:
        return "would not match" if found.verdict.matches else "would match"
    return "matches" if found.verdict.matches else "does not match"


@topics_app.command(
    "reconsider",
    help=(
        "Judge the off-topic pages again after a topic was changed. Those in the archive are read again, and "
        "appended if they match now (a version of kind [bold]reparse[/bold]); of those that were never "
        "fetched the next run fetches what their titles leave open."
    ),
)
def reconsider_command(
    source: Annotated[str, typer.Option("--source", "-s", help="Only of this source.", metavar="NAME")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Also what today's topics judged already: after a new model.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell which pages would be looked at.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    settings = load_settings()
    with open_configured_store(settings, create=False) as store:
        known = {item.name: item for item in _sources(store, settings)}
        if source and source not in known:
            raise NotFound(
                f"there is no source {source!r}",
                reason="no-such-source",
                hint="`khotin sources list` shows the sources",
            )
        chosen = {name: item for name, item in known.items() if source in ("", name)}
        gates = gates_of(list(chosen.values()), configured_topics(settings), store)
        report = reconsider(
            store,
            chosen,
            gates,
            clock=SystemClock(),
            rng=random.Random(),
            everything=everything,
            dry_run=dry_run,
        )
    if as_json:
        print_json(_reconsidered_json(report, dry_run=dry_run))
        return
    _tell_reconsidered(report, dry_run=dry_run)


def _reconsidered_json(report: Reconsidered, *, dry_run: bool) -> dict[str, Any]:
    result = report.read.result if report.read else None
    return {
        "dry_run": dry_run,
        "looked_at": report.looked_at,
        "same": report.same,
        "off": report.off,
        "to_fetch": report.to_fetch,
        "to_read": report.to_read,
        "still": report.read.still if report.read else (),
        "version": result.version if result else None,
    }


def _tell_reconsidered(report: Reconsidered, *, dry_run: bool) -> None:
    out.print(
        f"{report.looked_at} off-topic pages: {report.same} judged by today's topics already, {report.off} "
        f"stay off-topic by their titles, {len(report.to_read)} in the archive, {len(report.to_fetch)} to "
        "fetch"
    )
    if dry_run:
        for url in (*report.to_read, *report.to_fetch)[:_TOLD]:
            out.print(f"  {clean(url)}", soft_wrap=True)
        out.print("nothing was changed")
        return
    if report.read is not None:
        version = report.read.result.version if report.read.result else None
        if version is None:
            out.print("nothing new in the archive: no version committed")
        else:
            out.print(f"[green]version {version.id}[/green]: {version.added} new, {version.revised} revised")
    if report.to_fetch:
        out.print("the next run of their sources fetches the others: `khotin ingest --force`")


@topics_app.command(
    "fit",
    help=(
        "Fit the closeness model: the seeds against a sample of what was ingested. It becomes a new version "
        "of the model, by which all documents are scored, and every new one from then on. No text is touched."
    ),
)
def fit_command(as_json: JsonOption = False) -> None:
    settings = load_settings()
    with open_configured_store(settings, create=False) as store:
        sources = {item.name: item for item in _sources(store, settings)}
        with counted("scores", quiet=as_json) as advance:
            fitted = fit_closeness(
                store, sources, configured_topics(settings), clock=SystemClock(), advance=advance
            )
    if as_json:
        print_json(
            {**(_model_json(fitted.stored) or {}), "new": fitted.new, "documents_scored": fitted.scored}
        )
        return
    out.print(_model_told(fitted.stored))
    if not fitted.new:
        out.print("the same seeds and background as before: no new model")
    out.print(f"{fitted.scored} revisions scored")
