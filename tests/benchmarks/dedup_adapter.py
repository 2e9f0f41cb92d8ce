"""The detector for the scorer of near-duplicate benchmarks: `score.py FOLDER call dedup_adapter:run`.

`run` takes documents in order of arrival and gives (id, id of its match, relation). A duplicate, a reprint
and what is near are `dup`; a document at a known address that shares its text is a `revision`; an excerpt or
a merged text is `part`; of what is new, or of a series, nothing is given.
"""

from __future__ import annotations

import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from parsers.relations import Relation
from tests.benchmarks.detector import Arrived, Detector

BATCH = 1_000
_NAMES = {Relation.DUPLICATE: "dup", Relation.REPRINT: "dup", Relation.NEAR: "dup", Relation.PART: "part"}


def run(docs: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Judge documents with the keys `id`, `url`, `title` and `text`."""
    with tempfile.TemporaryDirectory() as folder:
        detector = Detector(Path(folder))
        batch: list[Arrived] = []
        for doc in docs:
            # Parsers give composed text (parsers.text.clean).
            title, text = (unicodedata.normalize("NFC", doc[name]) for name in ("title", "text"))
            batch.append(Arrived(doc["id"], doc["url"], title, tuple(text.split("\n\n"))))
            if len(batch) == BATCH:
                yield from _judged(detector, batch)
                batch = []
        if batch:
            yield from _judged(detector, batch)
        parts = {name: round(seconds, 2) for name, seconds in detector.seconds.items()}
        total = sum(detector.seconds.values())
        print(f"# CPU {total:.1f} s, of which {parts}; {detector.compared} pairs compared", file=sys.stderr)
        detector.close()


def _judged(detector: Detector, batch: list[Arrived]) -> Iterator[tuple[str, str, str]]:
    for found in detector.take(batch):
        relation = _NAMES.get(Relation(found.relation)) if found.relation != "revision" else "revision"
        if relation is not None:
            yield found.name, found.partner, relation
