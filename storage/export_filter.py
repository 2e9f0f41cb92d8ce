"""Which documents of a version an export takes: those of some topics, those that are close to the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from parsers.errors import NotFound
from parsers.topics import Judged, Topic, judge
from storage.closeness import StoredModel
from storage.records import Record


@dataclass(frozen=True, slots=True)
class ExportFilter:
    """Takes a document that matches one of the topics (any, if there are none) and has the score at least.

    A topic judges what is stored by its rules of today, whatever was kept or not when it was ingested.
    """

    topics: tuple[Topic, ...] = ()
    min_score: float | None = None

    @property
    def open(self) -> bool:
        """Whether everything is taken."""
        return not self.topics and self.min_score is None

    def takes(self, record: Record, score: float | None) -> bool:
        """Whether a record is exported; `score` is its closeness, None if it has none."""
        if self.min_score is not None and (score is None or score < self.min_score):
            return False
        if not self.topics:
            return True
        body = tuple(paragraph.text for paragraph in record.paragraphs)
        text = Judged(record.title, record.lead, body, record.section, record.tags)
        return any(judge(topic, text, score).matches for topic in self.topics)

    def require(self, model: StoredModel | None) -> None:
        """Raises NotFound if a score is asked for and there is no model to give one."""
        if self.min_score is not None and model is None:
            raise NotFound(
                "no document has a score: there is no closeness model",
                reason="no-closeness-model",
                hint="`khotin topics fit` makes one from the seeds and what was ingested",
            )

    def facts(self) -> dict[str, Any] | None:
        """The filter as a JSON object, for the manifest; None if everything is taken."""
        if self.open:
            return None
        topics: Sequence[dict[str, str]] = [{"name": t.name, "version": t.version} for t in self.topics]
        return {"topics": topics, "min_score": self.min_score}


def model_facts(stored: StoredModel | None) -> dict[str, Any] | None:
    """The model that gave the scores as a JSON object, for the manifest."""
    return None if stored is None else {"id": stored.id, "sha256": stored.sha256}
