"""Topic files: one TOML file a topic, checked like a source file, made into a value of parsers/topics.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from flows.toml_files import load_folder, read_file
from parsers.errors import NotFound, TopicFileError
from parsers.syllables import folded_syllables
from parsers.topics import Part, Phrases, Rule, Topic

MAX_PHRASE_SYLLABLES: Final = 12
"""A longer phrase is a sentence: it would stand in the text that it was taken from, and in no other."""

_Name = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")]
_Score = Annotated[float, Field(ge=0.0, le=1.0)]
_Phrase = Annotated[str, Field(min_length=1, max_length=200)]


def _checked(phrases: tuple[str, ...]) -> tuple[str, ...]:
    for phrase in phrases:
        syllables = len(folded_syllables(phrase))
        if not 1 <= syllables <= MAX_PHRASE_SYLLABLES:
            raise ValueError(f"{phrase!r} has {syllables} syllables: write 1 to {MAX_PHRASE_SYLLABLES}")
    return phrases


class PhrasesFile(BaseModel):
    """Phrases of which any may stand, as a topic file has them."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    phrases: Annotated[tuple[_Phrase, ...], Field(min_length=1, max_length=500)]
    parts: Annotated[tuple[Part, ...], Field(min_length=1, alias="in")] = (Part.TITLE, Part.TEXT)
    """Where: `title`, `lead`, `text` (lead and body), `section`, `tags`."""
    times: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    """So often in all at least."""

    @field_validator("phrases")
    @classmethod
    def _short(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _checked(value)

    def value(self) -> Phrases:
        # A lead is counted once, whether it was named itself or as a part of the text.
        parts = tuple(dict.fromkeys(self.parts))
        if Part.TEXT in parts:
            parts = tuple(part for part in parts if part is not Part.LEAD)
        return Phrases(self.phrases, parts, self.times)


class RuleFile(BaseModel):
    """One rule, as a topic file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Name
    must: tuple[PhrasesFile, ...] = ()
    """All of these."""
    may: tuple[PhrasesFile, ...] = ()
    """Of these `at_least` so many."""
    at_least: Annotated[int, Field(strict=True, ge=0)] = 0
    must_not: tuple[PhrasesFile, ...] = ()
    """None of these."""
    min_score: _Score = 0.0
    """The closeness to the seeds that a text must have, where it is known."""

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if self.at_least > len(self.may):
            raise ValueError(f"at_least is {self.at_least}, but there are {len(self.may)} in may")
        if not self.must and not self.at_least and not self.min_score:
            raise ValueError("a rule needs must, may with at_least, or min_score: else it fits every text")
        return self

    def value(self) -> Rule:
        return Rule(
            self.name,
            tuple(group.value() for group in self.must),
            tuple(group.value() for group in self.may),
            self.at_least,
            tuple(group.value() for group in self.must_not),
            self.min_score,
        )


class TopicFile(BaseModel):
    """One topic, as its file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Name
    """Lower-case letters, digits and hyphens, at most 40; the stem of the file."""
    title: Annotated[str, Field(min_length=1, max_length=200)]
    rules: Annotated[tuple[RuleFile, ...], Field(min_length=1)]
    """A text belongs to the topic if one of them holds."""
    anchors: Annotated[tuple[_Phrase, ...], Field(max_length=500)] = ()
    """One of these stands in title or lead of whatever may match; empty: every page is fetched and read."""
    must_not: tuple[PhrasesFile, ...] = ()
    """None of these, whatever the rules say."""
    min_score: _Score = 0.0
    """For all rules."""
    spellings: dict[str, str] = {}
    """Abbreviations, and what they stand for."""
    notes: str = ""

    @field_validator("anchors")
    @classmethod
    def _short(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _checked(value)

    @field_validator("spellings")
    @classmethod
    def _one_for_several(cls, value: dict[str, str]) -> dict[str, str]:
        for short, long in value.items():
            if len(folded_syllables(short)) != 1 or not folded_syllables(long):
                raise ValueError(f"{short!r}: write one word without spaces, and the words it stands for")
        return value

    @field_validator("rules")
    @classmethod
    def _named_once(cls, value: tuple[RuleFile, ...]) -> tuple[RuleFile, ...]:
        names = [rule.name for rule in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"there are two rules {name!r}")
        return value

    def value(self) -> Topic:
        """The topic as it judges texts."""
        return Topic(
            self.name,
            self.title,
            tuple(rule.value() for rule in self.rules),
            self.anchors,
            tuple(group.value() for group in self.must_not),
            self.min_score,
            self.spellings,
        )


def load_topics(folder: Path) -> tuple[Topic, ...]:
    """The topics of all `*.toml` files in the folder, sorted by name. Raises TopicFileError."""
    return tuple(file.value() for file in load_folder(folder, TopicFile, "topic", TopicFileError))


def load_topic(path: Path) -> Topic:
    """The topic in one file, wherever it stands and whatever its name. Raises TopicFileError."""
    found = read_file(path, TopicFile, "topic", any_name=True)
    if isinstance(found, TopicFile):
        return found.value()
    raise TopicFileError("\n".join(f"{path.name}: {told}" for told in found))


def chosen_topics(topics: tuple[Topic, ...], names: tuple[str, ...]) -> tuple[Topic, ...]:
    """The topics with these names, all if none is named. Raises NotFound for one that is not there."""
    known = {topic.name: topic for topic in topics}
    for name in names:
        if name not in known:
            there = f"there are: {', '.join(sorted(known))}" if known else "there is no topic file"
            raise NotFound(f"there is no topic {name!r}", reason="no-such-topic", hint=there)
    return tuple(known[name] for name in dict.fromkeys(names)) if names else topics
