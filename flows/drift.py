"""Drift: does what a parser reads from a source's pages differ sharply from what it read before? Pure.

The rule. The pages of a run are compared with those of earlier runs, per parser and version: the run alone,
and, because small runs show it only together, the run with the runs before it back to 40 and to 120 pages.

A share (an article at all, each field of it) has drifted if all of these hold:

* Fisher's exact test, two-sided by doubling, gives p <= 1e-6. Before it the earlier counts and the new ones
  are divided by the dispersion of the earlier runs (Pearson's chi-square by degrees of freedom, at least 1):
  where runs always differed among themselves, as those of a night desk do, they count as fewer pages
  (Rao and Scott, Annals of Statistics 12, 1984).
* Cohen's h >= 0.8, his bound of a large effect (Statistical Power Analysis, 1988, chapter 6): from 100 to
  85 percent, from 50 to 89.

A distribution (text length, number of paragraphs, in the classes of parsers/shape.py) has drifted if the
Kolmogorov-Smirnov distance is >= 0.4 and its asymptotic p <= 1e-6, counts divided by the dispersion of the
share above the median; classes make the test stricter, never laxer.

There are at most 33 tests of a parser in a run (11 quantities, three windows): pages of the same kind as
before give a false alarm in fewer than 1 of 30,000 runs, and the bounds on the effect make it rarer still.
Nothing is said of a young source (fewer than 60 pages or 3 runs before) or of fewer than 8 new pages.

A source with `parser = "auto"` shows a redesign in another way: its family is no longer recognised and the
generic parser takes over. So the share of each family in the source's pages is tested too.

An alarm stays open, and the pages of its parser are set aside, until a run of at least 8 pages is like the
past again and unlike those set aside (p <= 1e-3), until the parser has another version, or until the pages
set aside were read again (flows/rejected.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.shapes import Reader, Tally, from_row, total
from parsers import generic
from parsers.shape import BODY, FIELDS, PARAGRAPH_BOUNDS, WORD_BOUNDS
from storage import ShapeRow

MIN_NEW_PAGES = 8
MIN_PAST_PAGES = 60
MIN_PAST_RUNS = 3
WINDOWS = (0, 40, 120)
"""Pages that are looked at together, at least; 0: those of the run alone."""
ALPHA = 1e-6
CLEAR_ALPHA = 1e-3
MIN_EFFECT = 0.8
MIN_DISTANCE = 0.4

LENGTH = "text length"
PARAGRAPHS = "paragraphs"
MARK_UP = "mark-up"
STILL_OPEN = "still open"


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed: the field, what it was and is, in words, and the parser whose pages show it.

    `set_aside` names the parser and version whose pages must not be appended: those that read them now.
    """

    field: str
    before: str
    now: str
    reader: Reader
    set_aside: Reader
    first_told: str = ""
    """Of an alarm that is still open: what was told of it in the run before."""

    def __str__(self) -> str:
        if self.first_told:
            return self.first_told
        parser, version = self.reader
        return f"{self.field}: {self.before} before, {self.now} now (parser {parser} {version})"


@dataclass(frozen=True, slots=True)
class _Past:
    """Earlier counts, newest first, each with whether they were set aside."""

    tallies: tuple[Tally, ...]
    drifted: tuple[bool, ...]

    def clean(self) -> tuple[Tally, ...]:
        return tuple(tally for tally, bad in zip(self.tallies, self.drifted, strict=True) if not bad)

    def open(self) -> tuple[Tally, ...]:
        """Those set aside since the last run that was as before."""
        count = next((n for n, bad in enumerate(self.drifted) if not bad), len(self.drifted))
        return self.tallies[:count]


def find_drift(run: Mapping[Reader, Tally], rows: Sequence[ShapeRow]) -> tuple[Drift, ...]:
    """The drifts that the pages of a run show: at most one for each parser whose pages are to be set aside.

    `rows` are those of the source, newest first.
    """
    found: dict[Reader, Drift] = {}
    for reader, new in run.items():
        own = [row for row in rows if (row.parser, row.parser_version) == reader]
        past = _Past(tuple(from_row(row) for row in own), tuple(bool(row.drift) for row in own))
        drift = _of_reader(reader, new, past)
        if drift is None and own and own[0].drift and not _cleared(new, past):
            drift = Drift(STILL_OPEN, "", "", reader, reader, own[0].drift)
        if drift is not None:
            found[reader] = drift
    taken_over = _taken_over(run, rows)
    if taken_over is not None:
        found.setdefault(taken_over.set_aside, taken_over)
    return tuple(found.values())


def differs(new: Tally, past: Sequence[Tally], alpha: float = ALPHA) -> tuple[str, str, str] | None:
    """The quantity that differs most clearly, what it was and what it is; None if none does sharply."""
    tested = [_share(BODY, new.articles, new.pages, [(t.articles, t.pages) for t in past], alpha)]
    for n, name in enumerate(FIELDS):
        runs = [(t.filled[n], t.articles) for t in past]
        tested.append(_share(name, new.filled[n], new.articles, runs, alpha))
    if total(past).articles and new.articles:
        tested.append(_distribution(LENGTH, new.words, [t.words for t in past], alpha))
        tested.append(_distribution(PARAGRAPHS, new.paragraphs, [t.paragraphs for t in past], alpha))
    sharp = [item for item in tested if item is not None]
    return min(sharp)[1:] if sharp else None


def _of_reader(reader: Reader, new: Tally, past: _Past) -> Drift | None:
    for window, before in _windows(new, past):
        found = differs(window, before)
        if found is not None:
            return Drift(*found, reader, reader)
    return None


def _windows(new: Tally, past: _Past) -> list[tuple[Tally, tuple[Tally, ...]]]:
    """The run alone and with the runs before it, each with what came before that; those too small left out.

    Runs that were set aside are no past, and in no window: what they show has been told.
    """
    clean = past.clean()
    found = []
    taken = 0
    window = new
    for pages in WINDOWS:
        while window.pages < pages and taken < len(clean):
            window += clean[taken]
            taken += 1
        before = clean[taken:]
        enough = sum(tally.pages for tally in before) >= MIN_PAST_PAGES and len(before) >= MIN_PAST_RUNS
        if window.pages >= MIN_NEW_PAGES and enough:
            found.append((window, before))
    return found


def _cleared(new: Tally, past: _Past) -> bool:
    """Whether a run that shows no drift ends the one that is open: it is unlike the pages set aside."""
    # As one: few good pages among those set aside must not count as runs that always differed.
    return new.pages >= MIN_NEW_PAGES and differs(new, (total(past.open()),), CLEAR_ALPHA) is not None


def _taken_over(run: Mapping[Reader, Tally], rows: Sequence[ShapeRow]) -> Drift | None:
    """A family that is no longer recognised, its pages now being read by the generic parser."""
    fallback = next((reader for reader in run if reader[0] == generic.NAME), None)
    if fallback is None:
        return None
    by_run: dict[str, list[ShapeRow]] = {}
    for row in rows:
        by_run.setdefault(row.run_id, []).append(row)
    drifted = tuple(any(row.drift for row in told) for told in by_run.values())
    now = [(parser, tally.pages) for (parser, _), tally in run.items()]
    # The rows are newest first: the last that is put in is the newest version of its parser.
    families = {row.parser: (row.parser, row.parser_version) for row in reversed(rows)}
    families.pop(generic.NAME, None)
    for family, reader in families.items():
        earlier = tuple(
            _recognised(family, [(row.parser, row.pages) for row in told]) for told in by_run.values()
        )
        for window, before in _windows(_recognised(family, now), _Past(earlier, drifted)):
            runs = [(tally.articles, tally.pages) for tally in before]
            told = _share(MARK_UP, window.articles, window.pages, runs, ALPHA)
            if (
                told is not None
                and window.articles * total(before).pages < total(before).articles * window.pages
            ):
                return Drift(*told[1:], reader, fallback)
    return None


def _recognised(family: str, pages: Sequence[tuple[str, int]]) -> Tally:
    """Counts in which an "article" is a page that the family's parser read."""
    return Tally(
        sum(number for _, number in pages), sum(number for parser, number in pages if parser == family)
    )


def _share(
    name: str, filled: int, pages: int, past: Sequence[tuple[int, int]], alpha: float
) -> tuple[float, str, str, str] | None:
    """p, name, what the share was and is, if it differs sharply; `past` holds (filled, pages) of each run."""
    filled_before, pages_before = sum(k for k, _ in past), sum(n for _, n in past)
    if not pages or not pages_before:
        return None
    if abs(_angle(filled, pages) - _angle(filled_before, pages_before)) < MIN_EFFECT:
        return None
    divisor = dispersion(past)
    p = fisher(
        *(round(count / divisor) for count in (filled, pages - filled)),
        *(round(count / divisor) for count in (filled_before, pages_before - filled_before)),
    )
    if p > alpha:
        return None
    return p, name, _percent(filled_before, pages_before), _percent(filled, pages)


def _angle(filled: int, pages: int) -> float:
    return 2 * math.asin(math.sqrt(filled / pages))


def _percent(filled: int, pages: int) -> str:
    return f"{100 * filled / pages:.0f} % of {pages} pages"


def dispersion(runs: Sequence[tuple[int, int]]) -> float:
    """How much more the shares of runs differ than by chance: chi-square by degrees of freedom, at least 1.

    `runs` holds (filled, pages) of each.
    """
    runs = [(k, n) for k, n in runs if n]
    filled, pages = sum(k for k, _ in runs), sum(n for _, n in runs)
    if len(runs) < 2 or filled in (0, pages):
        return 1.0
    share = filled / pages
    chi_square = sum((k - n * share) ** 2 / (n * share * (1 - share)) for k, n in runs)
    return max(1.0, chi_square / (len(runs) - 1))


def fisher(a: int, b: int, c: int, d: int) -> float:
    """Fisher's exact test of the table ((a, b), (c, d)): twice the smaller tail, at most 1."""
    row, column, whole = a + b, a + c, a + b + c + d
    low, high = max(0, row + column - whole), min(row, column)
    constant = _log_choose(whole, column)

    def chance(k: int) -> float:
        return math.exp(_log_choose(row, k) + _log_choose(whole - row, column - k) - constant)

    tail = min(math.fsum(map(chance, range(low, a + 1))), math.fsum(map(chance, range(a, high + 1))))
    return min(1.0, 2 * tail)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _distribution(
    name: str, new: Sequence[int], past: Sequence[Sequence[int]], alpha: float
) -> tuple[float, str, str, str] | None:
    """p, name, the middle class before and now, if the histograms differ sharply."""
    before = [sum(column) for column in zip(*past, strict=True)]
    pages_before, pages = sum(before), sum(new)
    distance = max(
        abs(sum(before[:n]) / pages_before - sum(new[:n]) / pages) for n in range(1, len(before) + 1)
    )
    if distance < MIN_DISTANCE:
        return None
    middle = _median(before)
    divisor = dispersion([(sum(runs[middle + 1 :]), sum(runs)) for runs in past])
    p = min(1.0, 2 * math.exp(-2 * distance**2 * pages_before * pages / (pages_before + pages) / divisor))
    if p > alpha:
        return None
    return p, name, _class(name, middle, pages_before), _class(name, _median(new), pages)


def _median(histogram: Sequence[int]) -> int:
    """The class in which the middle page is."""
    middle, seen = sum(histogram) / 2, 0
    for number, count in enumerate(histogram):
        seen += count
        if seen >= middle and seen:
            return number
    return 0


def _class(name: str, number: int, pages: int) -> str:
    bounds, unit = (WORD_BOUNDS, "syllables") if name == LENGTH else (PARAGRAPH_BOUNDS, "of them")
    low = bounds[number - 1] if number else 0
    high = str(bounds[number] - 1) if number < len(bounds) else ""
    span = f"{low} to {high}" if high else f"{low} or more"
    return f"median {span if str(low) != high else high} {unit} in {pages} pages"


__all__ = ["Drift", "differs", "dispersion", "find_drift", "fisher"]
