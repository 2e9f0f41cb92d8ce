"""Topics over the stored corpus: what would match, before anything changes; off-topic pages looked at again;
the closeness model fitted."""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flows.clock import Clock
from flows.gate import Gate, judged_of
from flows.rejected import RetryReport, records_of, retry_rejected
from flows.settings import CODE_VERSION
from flows.sources import Source
from parsers.closeness import ClosenessModel, fit
from parsers.errors import UserError
from parsers.topics import OFF_TOPIC, Topic, Verdict, best, judge, title_of_address
from storage import Document, Record, Rejected, Store, VersionRow
from storage.closeness import StoredModel, read_scores
from storage.off_topic import look_again
from storage.scoring import add_model, score_new

BACKGROUND: Final = 5_000
"""Documents of the background that a model is fitted on at most."""
FROM_ARCHIVE: Final = 500
"""Pages of the archive that are read for it at most: that takes some milliseconds each."""
LEAST_BACKGROUND: Final = 20
"""Fewer tell nothing of what is common in the news."""

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Scanned:
    """One document of the corpus: what the topics say of it, and what the changed ones would say."""

    url: str
    source: str
    record_kind: str
    title: str
    verdict: Verdict
    changed: Verdict | None = None

    @property
    def differs(self) -> bool:
        """Whether the change decides otherwise."""
        return self.changed is not None and self.changed.matches != self.verdict.matches


def scan(
    store: Store,
    version: VersionRow,
    topics: Sequence[Topic],
    changed: Sequence[Topic] = (),
    *,
    take: Callable[[Scanned], None],
    advance: Callable[[], None] = lambda: None,
) -> None:
    """Judge each document of a version, by `topics` and by `changed` if there are any; nothing is written."""
    stored = store.closeness_model()
    with store.documents(version) as documents:
        batch: list[Document] = []
        for document in documents:
            batch.append(document)
            if len(batch) == _BATCH:
                _scan(store, stored, batch, topics, changed, take, advance)
                batch = []
        _scan(store, stored, batch, topics, changed, take, advance)


def _scan(
    store: Store,
    stored: StoredModel | None,
    batch: Sequence[Document],
    topics: Sequence[Topic],
    changed: Sequence[Topic],
    take: Callable[[Scanned], None],
    advance: Callable[[], None],
) -> None:
    scores: Mapping[int, float] = {}
    if stored is not None:
        with store.reading() as connection:
            scores = read_scores(connection, stored.id, [d.revision_id for d in batch])
    for document in batch:
        if not document.purged:
            record, score = document.record, scores.get(document.revision_id)
            text = judged_of(record)
            now = best(judge(topic, text, score) for topic in topics)
            then = best(judge(topic, text, score) for topic in changed) if changed else None
            take(Scanned(record.url, record.source, record.record_kind, record.title, now, then))
        advance()


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """What became of the off-topic pages of the sources: `same` were judged by today's topics already.

    Those `to_read` stand in the archive, and `read` is what reading them came to (None: nothing was done);
    those `to_fetch` are fetched by the next run; `off` stay off-topic by what is told of them.
    """

    looked_at: int
    same: int
    off: int
    to_read: tuple[str, ...]
    to_fetch: tuple[str, ...]
    read: RetryReport | None


def reconsider(
    store: Store,
    sources: Mapping[str, Source],
    gates: Mapping[str, Gate],
    *,
    clock: Clock,
    rng: random.Random,
    everything: bool = False,
    dry_run: bool = False,
) -> Reconsidered:
    """Judge the off-topic pages of all sources by today's topics: those judged by others, or `everything`.

    Pages that were read are read again from the archive, and appended if they match now. Of the others the
    next run fetches what title and lead leave open; of a source that keeps everything now, all.
    """
    same = off = looked_at = 0
    to_read: list[Rejected] = []
    to_fetch: dict[str, list[str]] = {}
    for name in sorted(sources):
        gate = gates.get(name) or Gate(name)
        pages = store.rejected(source=name, reason=OFF_TOPIC)
        earlier = store.off_topic(name, [page.url for page in pages])
        looked_at += len(pages)
        for page in pages:
            before = earlier.get(page.url)
            if not everything and before is not None and before.topics == gate.label:
                same += 1
            elif page.capture_id is not None:
                to_read.append(page)
            else:
                title = before.title if before is not None and before.title else title_of_address(page.url)
                if gate.open or gate.foretell(title, before.lead if before is not None else None) is None:
                    to_fetch.setdefault(name, []).append(page.url)
                else:
                    off += 1
    read = None
    if not dry_run:
        with store.writing() as connection:
            for name, urls in to_fetch.items():
                look_again(connection, name, urls, clock.now())
        if to_read:
            read = retry_rejected(store, sources, to_read, clock=clock, rng=rng, gates=gates)
    waiting = tuple(url for urls in to_fetch.values() for url in urls)
    return Reconsidered(looked_at, same, off, tuple(page.url for page in to_read), waiting, read)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model as it was stored, whether it is new, and how many revisions were scored by it."""

    stored: StoredModel
    new: bool
    scored: int


def fit_closeness(
    store: Store,
    sources: Mapping[str, Source],
    topics: Sequence[Topic],
    *,
    clock: Clock,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> Fitted:
    """Fit the closeness model on the seeds of the newest version against a background, and score the corpus.

    The background are articles of that version, and pages that were off-topic once they were read, from the
    archive: without them a corpus that keeps to its topics would have none. What matches a topic is left out
    of it, for it is what the model must tell from the rest. Of too many the hashes of their addresses choose:
    the same for the same corpus. Raises UserError if there are no seeds or too few articles.
    """
    version = store.version()
    seeds: list[bytes] = []
    background = _Sample(BACKGROUND, topics)
    with store.documents(version) as documents:
        for document in documents:
            if document.purged:
                continue
            if document.record.record_kind == "seed":
                seeds.append(document.record.folded)
            else:
                background.take(document.record)
    pages = [page for page in store.rejected(reason=OFF_TOPIC) if page.capture_id is not None]
    pages = sorted(pages, key=lambda page: _place(page.url))[:FROM_ARCHIVE]
    for record in records_of(store, sources, pages, clock.now()):
        background.take(record)
    model = _fitted(seeds, background.texts())
    stored, new = add_model(store, model, version.id, clock.now(), CODE_VERSION)
    return Fitted(stored, new, score_new(store, stored, advance=advance))


def _place(url: str) -> int:
    return int.from_bytes(hashlib.sha256(url.encode()).digest()[:8], "big")


class _Sample:
    """The texts of the records with the least places, of those that match no topic."""

    def __init__(self, most: int, topics: Sequence[Topic]) -> None:
        self._most = most
        self._topics = topics
        self._kept: list[tuple[int, bytes]] = []

    def take(self, record: Record) -> None:
        # The heap has its least item first: here the one whose place is the greatest.
        place = -_place(record.url)
        full = len(self._kept) == self._most
        if full and place <= self._kept[0][0]:
            return
        text = judged_of(record)
        if any(judge(topic, text).matches for topic in self._topics):
            return
        put = heapq.heapreplace if full else heapq.heappush
        put(self._kept, (place, record.folded))

    def texts(self) -> list[bytes]:
        return [text for _, text in sorted(self._kept, reverse=True)]


def _fitted(seeds: Sequence[bytes], background: Sequence[bytes]) -> ClosenessModel:
    if not seeds:
        raise UserError(
            "there are no seeds to be close to", reason="no-seeds", hint="import some: `khotin seed DIR`"
        )
    if len(background) < LEAST_BACKGROUND:
        raise UserError(
            f"{len(background)} articles that match no topic are too few to tell what is common in the news",
            reason="no-background",
            hint=f"let `khotin ingest` bring {LEAST_BACKGROUND} or more, from a source that keeps all",
        )
    try:
        return fit(seeds, background)
    except ValueError as error:
        raise UserError(
            f"no model can be fitted: {error}", reason="no-background", hint="ingest more, then fit again"
        ) from error
