"""What a run works with according to the settings: the store, the sources, and the way to the hosts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from flows.clock import SystemClock
from flows.fetching import FetchConfig
from flows.ingest import Environment
from flows.settings import Settings
from flows.sources import Source, load_sources
from flows.topics import load_topics
from flows.workbench import Progress, Silent
from parsers.errors import NotFound, SourceFileError, UserError
from parsers.topics import Topic
from storage import Store, open_store

SHIPPED_SOURCES = Path(__file__).resolve().parents[1] / "deployments" / "sources"
"""The files of the live sources that come with khotin: data, no module."""
SHIPPED_TOPICS = SHIPPED_SOURCES.parent / "topics"
SAMPLE_LABEL = "sample edition"


def open_configured_store(settings: Settings, *, create: bool = True) -> Store:
    """Open the store that the settings name; only what writes may make one."""
    return open_store(settings.home, settings.store_url, create=create)


def configured_sources(settings: Settings) -> tuple[Source, ...]:
    """The live sources: those of KHOTIN_SOURCES, or those that come with khotin."""
    folder = settings.sources or SHIPPED_SOURCES
    sources = load_sources(folder)
    if not sources:
        raise SourceFileError(
            f"there is no source file in {folder}", hint="a source is a file NAME.toml; README: Add a source"
        )
    return sources


def configured_topics(settings: Settings) -> tuple[Topic, ...]:
    """The topics: those of KHOTIN_TOPICS, or those that come with khotin."""
    return load_topics(settings.topics or SHIPPED_TOPICS)


def topics_for(settings: Settings, sources: Sequence[Source]) -> tuple[Topic, ...]:
    """The topics, if one of the sources keeps to topics: the others do not look at their files."""
    return configured_topics(settings) if any(source.keep == "topic" for source in sources) else ()


def chosen_sources(sources: Sequence[Source], names: Sequence[str]) -> tuple[Source, ...]:
    """The sources with these names, all if there are none. Raises NotFound for one that is not there."""
    if not names:
        return tuple(sources)
    known = {source.name: source for source in sources}
    for name in names:
        if name not in known:
            raise NotFound(
                f"there is no source {name!r}",
                reason="no-such-source",
                hint=f"there are: {', '.join(sorted(known))}",
            )
        if not known[name].enabled:
            raise NotFound(
                f"source {name!r} is disabled",
                reason="source-disabled",
                hint=known[name].notes or "set enabled = true in its file",
            )
    return tuple(known[name] for name in dict.fromkeys(names))


def claim_store(store: Store, settings: Settings, *, sample: bool) -> None:
    """Make sure that the sample and a real corpus do not share a store. Raises UserError."""
    if sample:
        store.mark_sample()
    elif store.is_sample:
        raise UserError(
            f"the store in {settings.home} holds the made-up press of the sample newsroom",
            reason="sample-store",
            hint="set KHOTIN_HOME to a folder of its own for the real corpus",
        )


def configured_environment(
    settings: Settings, store: Store, sources: Sequence[Source], progress: Progress | None = None
) -> Environment:
    """What a run by these settings goes on in. Raises UserError without a contact for live sources.

    With a sample newsroom (`KHOTIN_SAMPLE_NEWSROOM`) all hosts of the sources are reached there.
    """
    newsroom = settings.sample_address
    return Environment(
        store=store,
        fetch_config=FetchConfig(user_agent=settings.user_agent(live=newsroom is None)),
        clock=SystemClock(),
        rng=random.Random(),
        routes={host: newsroom for source in sources for host in source.hosts} if newsroom else {},
        progress=progress or Silent(),
        topics=topics_for(settings, sources),
    )
