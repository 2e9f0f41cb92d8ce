"""What a drift does to a run: its pages are set aside, the run is marked, and the counts are kept. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flows.drift import Drift, find_drift
from flows.shapes import tallies, to_row
from parsers.article import RejectReason
from parsers.shape import Shape
from storage import End, Ending, Offer, ShapeRow

DRIFT = RejectReason.DRIFT.value


@dataclass(frozen=True, slots=True)
class Judged:
    """The offers that may be appended, the ends of those set aside, the drifts, and the counts to keep."""

    offers: tuple[Offer, ...]
    ends: tuple[End, ...]
    drifts: tuple[Drift, ...]
    rows: tuple[ShapeRow, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """What is told of the source, one line for each drift."""
        return tuple(
            f"{DRIFT}: {drift}; its pages are set aside: `khotin rejects` shows them and reads them again"
            for drift in self.drifts
        )


def judge(
    source: str,
    offers: Iterable[Offer],
    shapes: Mapping[str, Shape],
    past: Sequence[ShapeRow],
    run_id: str,
    now: datetime,
) -> Judged:
    """Compare what a run read from a source with what was read before, and set aside what has drifted.

    `shapes` are those of all pages that were read, by URL; `past` the rows of the source, newest first.
    """
    counted = tallies(shapes.values())
    drifts = find_drift(counted, past)
    told = {drift.set_aside: str(drift) for drift in drifts}
    kept: list[Offer] = []
    ends: list[End] = []
    for offer in offers:
        drift = told.get((offer.record.parser, offer.record.parser_version))
        if drift is None:
            kept.append(offer)
        else:
            ends.append(End(offer.met, Ending.REJECTED, DRIFT, drift))
    rows = [
        to_row(source, reader, run_id, now, tally, told.get(reader, "")) for reader, tally in counted.items()
    ]
    return Judged(tuple(kept), tuple(ends), drifts, tuple(rows))


def open_drifts(rows: Iterable[ShapeRow]) -> dict[str, tuple[str, ...]]:
    """What sets pages aside now, by source; `rows` are newest first."""
    newest: dict[tuple[str, str, str], ShapeRow] = {}
    last: dict[tuple[str, str], str] = {}
    for row in rows:
        newest.setdefault((row.source, row.parser, row.parser_version), row)
        last.setdefault((row.source, row.parser), row.parser_version)
    found: dict[str, tuple[str, ...]] = {}
    for (source, parser, version), row in newest.items():
        # The pages of a version before wait to be read again, but no more are set aside for it.
        if row.drift and last[source, parser] == version:
            found[source] = (*found.get(source, ()), row.drift)
    return found
