"""The gate of a source with `keep = "topic"`: what of it belongs to a topic, before and after fetching. Pure.

Title and lead, as a feed told them or as the address spells them out, decide first, so that most of what does
not belong is never fetched; whatever they leave open is judged once it was read. What is turned away ends as
`rejected (off-topic)` and is not looked at again until one of the topics changes. Documents that the corpus
has stay in it: they get their revisions, whatever these say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from flows.selection import Found
from flows.sources import Source
from flows.topics import chosen_topics
from parsers.closeness import STEPS, ClosenessModel
from parsers.compare import fold_all
from parsers.errors import NotFound
from parsers.topics import OFF_TOPIC, Judged, Topic, Verdict, best, foretell, judge, title_of_address
from storage import End, Ending, LeftOut, Offer, PageState, Record, Store
from storage.off_topic import READ, TOLD


@dataclass(frozen=True, slots=True)
class Scale:
    """The closeness model that texts are measured by, and its number in the store."""

    model_id: int
    model: ClosenessModel

    def of_record(self, record: Record) -> float:
        """The closeness of a record: what the store will note for it."""
        return self.model.score(record.folded)

    def of_told(self, title: str, lead: str | None) -> float:
        """The closeness of title and lead alone."""
        return self.model.score(b" ".join(part for part in fold_all([title, lead or ""])[0] if part))


def judged_of(record: Record) -> Judged:
    """A record as topics look at it."""
    body = tuple(paragraph.text for paragraph in record.paragraphs)
    return Judged(record.title, record.lead, body, record.section, record.tags)


@dataclass(frozen=True, slots=True)
class Turned:
    """What the gate turned away, by URL, and what is to be recorded of it."""

    ends: Mapping[str, End]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Passed:
    """The offers that may be appended; the ends of the others, and what is to be recorded of them."""

    offers: tuple[Offer, ...]
    ends: tuple[End, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """The topics of which a source keeps what belongs to one; without any it keeps all."""

    source: str
    topics: tuple[Topic, ...] = ()
    scale: Scale | None = None

    @property
    def open(self) -> bool:
        """Whether everything passes."""
        return not self.topics

    @property
    def label(self) -> str:
        """Names and versions of the topics: what was turned away under another may be judged again."""
        return ", ".join(topic.label for topic in self.topics)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is told of the source: that a topic asks for a score, and none is known."""
        if self.scale is not None:
            return ()
        asking = [t.name for t in self.topics if t.min_score or any(rule.min_score for rule in t.rules)]
        if not asking:
            return ()
        return (
            f"topic {', '.join(asking)}: min_score is not looked at without a model: `khotin topics fit`",
        )

    def judge(self, record: Record, *, closeness: float | None = None) -> Verdict:
        """What the topics say of a record."""
        if closeness is None and self.scale is not None:
            closeness = self.scale.of_record(record)
        text = judged_of(record)
        return best(judge(topic, text, closeness) for topic in self.topics)

    def foretell(self, title: str | None, lead: str | None) -> Verdict | None:
        """Why none of the topics can match, from title and lead alone; None: one may."""
        verdicts = [foretell(topic, title, lead) for topic in self.topics]
        told = [verdict for verdict in verdicts if verdict is not None]
        return told[0] if told and len(told) == len(verdicts) else None

    def before(
        self, found: Iterable[Found], pages: Mapping[str, PageState], earlier: Mapping[str, LeftOut]
    ) -> Turned:
        """Turn away what title and lead tell to be off-topic.

        `pages` is what is known of the URLs, `earlier` what was said of those that are off-topic already.
        Left to `flows.selection` are those that are known documents, or waited for (`retry_at`).
        """
        ends: dict[str, End] = {}
        left_out: list[LeftOut] = []
        for item in () if self.open else found:
            page = pages.get(item.url)
            if item.look or item.record_url or (page is not None and page.record_url is not None):
                continue
            if page is not None and page.reason == OFF_TOPIC:
                before = earlier.get(item.url)
                if page.retry_at is not None:
                    continue
                if before is not None and before.topics == self.label:
                    ends[item.url] = End(item.met, Ending.UNCHANGED, OFF_TOPIC, skipped=True)
                    continue
                item = _with_told(item, before)
            title = item.title or title_of_address(item.url)
            verdict = self.foretell(title, item.lead)
            if verdict is None or title is None:
                continue
            score = None if self.scale is None else self.scale.of_told(title, item.lead)
            told = replace(verdict, closeness=score).told
            ends[item.url] = End(item.met, Ending.REJECTED, OFF_TOPIC, told)
            left_out.append(self._left_out(item.url, TOLD, title, item.lead, score))
        return Turned(ends, tuple(left_out))

    def after(self, offers: Sequence[Offer], known: frozenset[str]) -> Passed:
        """Judge what was read; `known` are the addresses of pages whose documents the corpus has."""
        if self.open:
            return Passed(tuple(offers), (), ())
        kept: list[Offer] = []
        ends: list[End] = []
        left_out: list[LeftOut] = []
        for offer in offers:
            record = offer.record
            verdict = self.judge(record)
            if verdict.matches:
                kept.append(replace(offer, why=verdict.told))
            elif offer.met.url in known or offer.replaces is not None:
                kept.append(offer)
            else:
                ends.append(End(offer.met, Ending.REJECTED, OFF_TOPIC, verdict.told))
                left_out.append(
                    self._left_out(offer.met.url, READ, record.title, record.lead, verdict.closeness)
                )
        return Passed(tuple(kept), tuple(ends), tuple(left_out))

    def _left_out(
        self, url: str, stage: str, title: str | None, lead: str | None, score: float | None
    ) -> LeftOut:
        model_id = None if self.scale is None else self.scale.model_id
        shown = None if score is None else round(score * STEPS) / STEPS
        return LeftOut(url, self.source, self.label, stage, title, lead, shown, model_id)


def _with_told(item: Found, before: LeftOut | None) -> Found:
    """What is told of a page now, or else what was judged of it before."""
    if before is None or item.title:
        return item
    return replace(item, title=before.title, lead=item.lead or before.lead)


def recorded(left_out: Iterable[LeftOut], ends: Iterable[End]) -> tuple[LeftOut, ...]:
    """What of `left_out` has its own end among `ends`: the others ended otherwise."""
    urls = {end.met.url for end in ends if end.reason == OFF_TOPIC and not end.skipped}
    return tuple(row for row in left_out if row.url in urls)


def known_documents(pages: Mapping[str, PageState]) -> frozenset[str]:
    """The addresses of pages that gave a document."""
    return frozenset(url for url, page in pages.items() if page.record_url is not None)


def gates_of(sources: Sequence[Source], topics: tuple[Topic, ...], store: Store) -> dict[str, Gate]:
    """The gate of each source that keeps to topics, by name.

    Raises NotFound for a source whose topics are not there: it would keep nothing, or everything.
    """
    picky = [source for source in sources if source.keep == "topic"]
    if not picky:
        return {}
    stored = store.closeness_model()
    scale = None if stored is None else Scale(stored.id, stored.model)
    gates: dict[str, Gate] = {}
    for source in picky:
        try:
            chosen = chosen_topics(topics, source.topics)
        except NotFound as error:
            raise NotFound(
                f"source {source.name}: {error.message}", reason=error.reason, hint=error.hint
            ) from error
        if not chosen:
            raise NotFound(
                f"source {source.name} keeps what belongs to a topic, and there is none",
                reason="no-such-topic",
                hint='put a topic file into KHOTIN_TOPICS, or set keep = "all"',
            )
        gates[source.name] = Gate(source.name, chosen, scale)
    return gates
