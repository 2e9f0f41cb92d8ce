"""Topics: rules by which a text belongs beside the seeds, or does not, and why. Values and their judgement.

A topic matches a text if one of its rules holds and nothing stands in it that must not. Phrases are compared
folded (parsers/compare.py), whole syllables only, with abbreviations written out (parsers/syllables.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import orjson

from parsers.compare import fold_all
from parsers.phrases import PhraseFinder
from parsers.syllables import ABBREVIATIONS, Syllables, folded_syllables

OFF_TOPIC: Final = "off-topic"
"""The reason of a page that matches none of the topics of its source."""

TOPIC_FORMAT: Final = "khotin-topic-1"
"""Stands in every topic's version: what a file means may change only under another name."""

MIN_SLUG_SYLLABLES: Final = 4
"""An address of fewer syllables tells no title: `/video-moi-123.html`."""

_NUMBER: Final = re.compile(r"\d+|[a-z]{1,5}\d{3,}")


class Part(StrEnum):
    """Where a phrase may stand. `text` is lead and body."""

    TITLE = "title"
    LEAD = "lead"
    TEXT = "text"
    SECTION = "section"
    TAGS = "tags"


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases of which any may stand in any of the parts, `times` in all at least."""

    phrases: tuple[str, ...]
    parts: tuple[Part, ...] = (Part.TITLE, Part.TEXT)
    times: int = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """Holds if all of `must` stand, none of `must_not`, and `at_least` of `may`.

    `min_score`: the closeness (0 to 1) that a text must have, where it is known.
    """

    name: str
    must: tuple[Phrases, ...] = ()
    may: tuple[Phrases, ...] = ()
    at_least: int = 0
    must_not: tuple[Phrases, ...] = ()
    min_score: float = 0.0


@dataclass(frozen=True)
class Topic:
    """What belongs together. `anchors`: one of them stands in title or lead of whatever may match.

    `must_not` and `min_score` hold for all rules. `spellings` are abbreviations beside those that all topics
    know, by what they stand for.
    """

    name: str
    title: str
    rules: tuple[Rule, ...]
    anchors: tuple[str, ...] = ()
    must_not: tuple[Phrases, ...] = ()
    min_score: float = 0.0
    spellings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def version(self) -> str:
        """Eight hex digits that change with whatever a judgement depends on; the title is none of it."""
        told = [
            TOPIC_FORMAT,
            self.name,
            [_told(rule) for rule in self.rules],
            sorted(self.anchors),
            [_told_phrases(group) for group in self.must_not],
            self.min_score,
            dict(self.spellings),
        ]
        return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]

    @property
    def label(self) -> str:
        """Name and version: how verdicts name the topic."""
        return f"{self.name} {self.version}"

    @cached_property
    def finder(self) -> PhraseFinder:
        """Finds all phrases of the topic."""
        groups = [group for rule in self.rules for group in (*rule.must, *rule.may, *rule.must_not)]
        own = {folded_syllables(short): folded_syllables(long) for short, long in self.spellings.items()}
        known = {**ABBREVIATIONS, **{short[0]: long for short, long in own.items() if len(short) == 1}}
        phrases = [phrase for group in (*groups, *self.must_not) for phrase in group.phrases]
        return PhraseFinder([*phrases, *self.anchors], known)

    @cached_property
    def keys(self) -> dict[str, Syllables]:
        """What each phrase is to the finder."""
        groups = [group for rule in self.rules for group in (*rule.must, *rule.may, *rule.must_not)]
        phrases = {phrase for group in (*groups, *self.must_not) for phrase in group.phrases}
        return {phrase: self.finder.key(phrase) for phrase in (*phrases, *self.anchors)}


def _told(rule: Rule) -> list[object]:
    groups = [[_told_phrases(group) for group in told] for told in (rule.must, rule.may, rule.must_not)]
    return [rule.name, *groups, rule.at_least, rule.min_score]


def _told_phrases(group: Phrases) -> list[object]:
    return [sorted(group.phrases), sorted(part.value for part in group.parts), group.times]


@dataclass(frozen=True, slots=True)
class Judged:
    """A text as topics look at it; None: not known."""

    title: str | None = None
    lead: str | None = None
    body: tuple[str, ...] = ()
    section: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a topic says of a text. `why` is one sentence; `rules` hold, `found` are their phrases.

    `closeness` is the score (0 to 1) that was looked at, None if none was known.
    """

    topic: str
    version: str
    matches: bool
    why: str
    rules: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    closeness: float | None = None

    @property
    def told(self) -> str:
        """The verdict in one line, for the ledger."""
        score = "" if self.closeness is None else f"; closeness {self.closeness:.4f}"
        return f"topic {self.topic} {self.version}: {self.why}{score}"


class _Reading:
    """A text in which a topic's phrases were counted, part by part."""

    def __init__(self, topic: Topic, text: Judged) -> None:
        self._keys = topic.keys
        parts: list[tuple[Part, Sequence[str]]] = [
            (Part.TITLE, [text.title or ""]),
            (Part.LEAD, [text.lead or ""]),
            (Part.TEXT, text.body),
            (Part.SECTION, [text.section or ""]),
            (Part.TAGS, text.tags),
        ]
        folded, _ = fold_all([piece for _, pieces in parts for piece in pieces])
        find = topic.finder.find
        self._counts: dict[Part, dict[Syllables, int]] = {}
        start = 0
        for part, pieces in parts:
            own = folded[start : start + len(pieces)]
            start += len(pieces)
            # A phrase may run from one paragraph into the next, but not from tag to tag.
            texts = own if part is Part.TAGS else [b" ".join(own)]
            counts: dict[Syllables, int] = {}
            for one in texts:
                for key, times in find(one).items() if one else ():
                    counts[key] = counts.get(key, 0) + times
            self._counts[part] = counts

    def count(self, phrase: str, part: Part) -> int:
        key = self._keys[phrase]
        if part is Part.TEXT:
            return self._counts[Part.LEAD].get(key, 0) + self._counts[Part.TEXT].get(key, 0)
        return self._counts[part].get(key, 0)

    def stands(self, group: Phrases) -> list[str]:
        """Which phrases of a group stand where, as they are told; empty if they are fewer than asked for."""
        told: list[str] = []
        total = 0
        for part in group.parts:
            for phrase in group.phrases:
                times = self.count(phrase, part)
                if times:
                    total += times
                    told.append(f"“{phrase}” in {part.value}" + (f" ×{times}" if times > 1 else ""))
        return told if total >= group.times else []


def judge(topic: Topic, text: Judged, closeness: float | None = None) -> Verdict:
    """Say whether a whole text belongs to a topic, and why."""
    reading = _Reading(topic, text)

    def verdict(matches: bool, why: str, rules: Sequence[str] = (), found: Sequence[str] = ()) -> Verdict:
        return Verdict(
            topic.name, topic.version, matches, why, tuple(rules), tuple(dict.fromkeys(found)), closeness
        )

    for group in topic.must_not:
        told = reading.stands(group)
        if told:
            return verdict(False, f"{told[0]} must not stand there")
    held: dict[str, list[str]] = {}
    failed: list[str] = []
    for rule in topic.rules:
        found, missing = _holds(rule, reading)
        wanted = max(rule.min_score, topic.min_score)
        if missing is None and closeness is not None and closeness < wanted:
            missing = f"closeness is below {wanted:g}"
        if missing is None:
            held[rule.name] = found
        else:
            failed.append(f"{rule.name} ({missing})")
    if not held:
        return verdict(False, f"no rule holds: {'; '.join(failed)}")
    phrases = [phrase for told in held.values() for phrase in told]
    told_rules = ", ".join(held)
    return verdict(True, f"rule {told_rules}: {', '.join(dict.fromkeys(phrases))}", list(held), phrases)


def _holds(rule: Rule, reading: _Reading) -> tuple[list[str], str | None]:
    """What of a rule stands in a text, and what keeps it from holding; None: it holds."""
    found: list[str] = []
    for group in rule.must:
        told = reading.stands(group)
        if not told:
            return found, f"without {_named(group)}"
        found.extend(told)
    for group in rule.must_not:
        told = reading.stands(group)
        if told:
            return found, f"{told[0]} must not stand there"
    standing = [told for group in rule.may if (told := reading.stands(group))]
    if len(standing) < rule.at_least:
        return found, f"{len(standing)} of {rule.at_least} more"
    for told in standing:
        found.extend(told)
    return found, None


def _named(group: Phrases) -> str:
    more = f" or {len(group.phrases) - 1} more" if len(group.phrases) > 1 else ""
    where = " or ".join(part.value for part in group.parts)
    return f"“{group.phrases[0]}”{more} in {where}"


def foretell(topic: Topic, title: str | None, lead: str | None) -> Verdict | None:
    """Say from title and lead alone that a text does not belong to a topic; None: it may, read it.

    Off-topic is what has none of the topic's anchors, and what has in title or lead what must not stand
    there. A title alone is enough: sitemaps tell no lead.
    """
    if not title:
        return None
    reading = _Reading(topic, Judged(title, lead))
    for group in topic.must_not:
        seen = Phrases(
            group.phrases, tuple(p for p in group.parts if p in (Part.TITLE, Part.LEAD)), group.times
        )
        told = reading.stands(seen)
        if told:
            return Verdict(topic.name, topic.version, False, f"{told[0]} must not stand there")
    if not topic.anchors or reading.stands(Phrases(topic.anchors, (Part.TITLE, Part.LEAD))):
        return None
    where = "title and lead" if lead else "title"
    return Verdict(topic.name, topic.version, False, f"{where} have none of its anchors" if lead else
                   f"{where} has none of its anchors")  # fmt: skip


def best(verdicts: Iterable[Verdict]) -> Verdict:
    """Of what several topics say of one text: a match if there is one, else what the first says."""
    told = list(verdicts)
    return next((verdict for verdict in told if verdict.matches), told[0])


def title_of_address(url: str) -> str | None:
    """The title that an address spells out (`/cum-thi-dua-so-6-so-ket-post123.html`), None if it does not.

    Vietnamese papers write the folded title into the address; sitemaps often tell nothing else.
    """
    longest: list[str] = []
    for piece in urlsplit(url).path.split("/"):
        words = piece.rsplit(".", 1)[0].lower().split("-")
        while words and _NUMBER.fullmatch(words[-1]):
            words.pop()
        if len(words) > len(longest):
            longest = words
    return " ".join(longest) if len(longest) >= MIN_SLUG_SYLLABLES else None
