"""Articles written for the measurement of topics, before any rule was: `known` and `held_out`, by label.

`topic`: about what the seeds are about. Its neighbours: `police` (other news of the police) and `emulation`
(emulation movements of others). `far`: everything else. Rules and closeness may be adjusted by the known
ones; the held-out ones are only ever measured. A file holds articles one after another, each behind a line
`=== name | label`: its title, its lead, its paragraphs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from parsers.compare import fold_all
from parsers.topics import Judged

FOLDER = Path(__file__).parent
LABELS = ("topic", "police", "emulation", "far")


@dataclass(frozen=True)
class Sample:
    """One article."""

    name: str
    label: str
    text: Judged

    @property
    def folded(self) -> bytes:
        """Title and text as the closeness model reads them."""
        return folded(self.text)


def folded(text: Judged) -> bytes:
    parts = fold_all([text.title or "", text.lead or "", *text.body])[0]
    return b" ".join(part for part in parts if part)


def samples(part: str) -> tuple[Sample, ...]:
    """The articles that are `known` or `held_out`."""
    found: list[Sample] = []
    for path in sorted(FOLDER.glob(f"{part}_*.txt")):
        for block in re.split(r"^=== ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            head, _, body = block.partition("\n")
            name, _, label = head.partition(" | ")
            title, lead, *rest = (line.strip() for line in body.splitlines() if line.strip())
            found.append(Sample(name, label.strip(), Judged(title, lead, tuple(rest))))
    return tuple(found)
