"""The rule of drift: silent on pages of the same kind, loud on a sharp change, patient with the young."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.drift import LENGTH, MARK_UP, PARAGRAPHS, Drift, dispersion, find_drift, fisher
from flows.shapes import from_row, tallies, to_row
from parsers.shape import BODY, FIELDS, Shape
from storage import ShapeRow
from tests.conftest import START

EPI, GENERIC = ("epi", "1"), ("generic", "1")
Rates = dict[str, float]
USUAL: Rates = {"title": 1.0, "lead": 0.97, "authors": 0.8, "agency": 0.3, "date": 1.0, "section": 0.9,
                "tags": 0.6, "captions": 0.7}  # fmt: skip


def page(
    rng: random.Random,
    rates: Rates,
    *,
    body: float = 1.0,
    length: int = 0,
    reader: tuple[str, str] = EPI,
) -> Shape:
    if rng.random() > body:
        return Shape(*reader, frozenset())
    filled = {name for name in FIELDS if rng.random() < rates[name]}
    middle = min(13, max(0, round(rng.gauss(5 + length, 1.5))))
    return Shape(*reader, frozenset({BODY, *filled}), middle, max(0, middle - 1))


def pages(rng: random.Random, count: int, rates: Rates | None = None, **rest: object) -> list[Shape]:
    return [page(rng, rates or USUAL, **rest) for _ in range(count)]  # type: ignore[arg-type]


class History:
    """Runs of one source, each judged by those before it."""

    def __init__(self) -> None:
        self.rows: list[ShapeRow] = []
        self.runs = 0

    def run(self, shapes: list[Shape]) -> tuple[Drift, ...]:
        counted = tallies(shapes)
        drifts = find_drift(counted, self.rows)
        told = {drift.set_aside: str(drift) for drift in drifts}
        self.runs += 1
        at = START + timedelta(hours=self.runs)
        new = [to_row("a", k, f"r{self.runs}", at, t, told.get(k, "")) for k, t in counted.items()]
        self.rows = new + self.rows
        return drifts


def grown(rng: random.Random, runs: int = 10, size: int = 30, rates: Rates | None = None) -> History:
    history = History()
    for _ in range(runs):
        assert history.run(pages(rng, size, rates)) == ()
    return history


def test_counts_are_stored_as_they_are() -> None:
    rng = random.Random(1)
    (tally,) = tallies(pages(rng, 50, body=0.9)).values()
    assert from_row(to_row("a", EPI, "r", START, tally, "")) == tally
    assert tally.articles < tally.pages == 50
    assert sum(tally.words) == sum(tally.paragraphs) == tally.articles


def test_fisher_gives_the_textbook_value() -> None:
    # The lady tasting tea (Fisher 1935): 3 of 4 cups right has a one-sided chance of 17/70.
    assert fisher(3, 1, 1, 3) == pytest.approx(2 * 17 / 70)
    assert fisher(8, 0, 0, 8) == pytest.approx(2 / 12870)
    assert fisher(5, 5, 5, 5) == 1.0


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=2))
@settings(max_examples=60, deadline=None)
def test_fisher_is_a_probability_and_knows_no_order(table: list[tuple[int, int]]) -> None:
    (a, b), (c, d) = table
    p = fisher(a, b, c, d)
    assert 0 <= p <= 1
    assert p == pytest.approx(fisher(c, d, a, b))
    assert p == pytest.approx(fisher(b, a, d, c))


def test_pages_of_the_same_kind_give_no_alarm_in_a_thousand_runs() -> None:
    """By the bound of the rule, 1 in 30,000 runs, a thousand give an alarm with 3 percent."""
    rng = random.Random(20260302)
    alarms = 0
    for _ in range(25):
        history = History()
        base = {name: rng.random() for name in FIELDS}
        body = rng.choice((0.7, 0.95, 1.0))
        for _ in range(40):
            alarms += len(history.run(pages(rng, rng.choice((1, 3, 12, 40)), base, body=body)))
    assert alarms == 0


def test_runs_that_always_differed_among_themselves_give_no_alarm() -> None:
    """A desk that works by day signs its articles, the one at night does not."""
    rng = random.Random(5)
    day, night = USUAL | {"authors": 0.95}, USUAL | {"authors": 0.05}
    rows: list[ShapeRow] = []
    for number in range(20):
        for reader, tally in tallies(pages(rng, 30, (day, night)[number % 2])).items():
            rows.insert(0, to_row("a", reader, f"r{number}", START + timedelta(hours=number), tally, ""))
    assert dispersion([(from_row(row).filled[2], 30) for row in rows]) > 10
    for rates in (day, night):
        assert find_drift(tallies(pages(rng, 30, rates)), rows) == ()


@pytest.mark.parametrize("field", FIELDS)
@given(seed=st.integers(0, 10**6), size=st.integers(12, 60))
@settings(max_examples=8, deadline=None)
def test_field_that_is_lost_or_appears_is_named(field: str, seed: int, size: int) -> None:
    rng = random.Random(seed)
    for before, now in ((1.0, 0.0), (0.0, 1.0)):
        history = History()
        for _ in range(5):
            history.run(pages(rng, 40, USUAL | {field: before}))
        (drift,) = history.run(pages(rng, size, USUAL | {field: now}))
        assert drift.field == field
        assert drift.reader == drift.set_aside == EPI
        assert str(drift).startswith(f"{field}: {100 * before:.0f} % of 200 pages before, ")
        assert str(drift).endswith(f"{100 * now:.0f} % of {size} pages now (parser epi 1)")


def test_pages_that_give_no_article_any_more_are_told_as_the_body() -> None:
    rng = random.Random(2)
    (drift,) = grown(rng).run(pages(rng, 10, body=0.0))
    assert drift.field == BODY


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda shape: replace(shape, words=0), LENGTH),
        (lambda shape: replace(shape, words=min(14, shape.words + 5)), LENGTH),
        (lambda shape: replace(shape, paragraphs=1), PARAGRAPHS),
    ],
)
def test_text_that_is_cut_or_swollen_is_told(change: Callable[[Shape], Shape], named: str) -> None:
    rng = random.Random(3)
    (drift,) = grown(rng).run([change(shape) for shape in pages(rng, 30)])
    assert drift.field == named


def test_small_runs_show_a_change_together() -> None:
    rng = random.Random(4)
    history = grown(rng, runs=60, size=3)
    broken = USUAL | {"date": 0.0}
    told = [history.run(pages(rng, 2, broken)) for _ in range(12)]
    assert told[0] == ()
    assert next(drift.field for drifts in told for drift in drifts) == "date"
    first = next(number for number, drifts in enumerate(told) if drifts)
    assert 2 * (first + 1) <= 16, "it takes about as many pages as one run would need"
    assert all(told[first:]), "and stays open"


def test_young_sources_and_tiny_runs_give_no_alarm() -> None:
    rng = random.Random(6)
    lost = USUAL | {"title": 0.0, "date": 0.0}
    assert grown(rng, runs=2, size=40).run(pages(rng, 40, lost)) == (), "two runs only"
    assert grown(rng, runs=5, size=10).run(pages(rng, 40, lost)) == (), "fifty pages only"
    assert grown(rng, runs=1, size=500).run(pages(rng, 40, lost)) == ()
    assert grown(rng).run(pages(rng, 4, lost)) == ()


def test_another_parser_or_version_is_not_compared() -> None:
    rng = random.Random(7)
    history = grown(rng)
    assert history.run(pages(rng, 40, USUAL | {"lead": 0.0}, reader=("epi", "2"))) == ()


def test_alarm_stays_open_until_pages_are_as_before() -> None:
    rng = random.Random(8)
    history = grown(rng)
    broken = USUAL | {"lead": 0.0}
    (first,) = history.run(pages(rng, 30, broken))
    (again,) = history.run(pages(rng, 2, broken))
    assert str(again) == str(first)
    (few,) = history.run(pages(rng, 2))
    assert str(few) == str(first), "two pages end no alarm"
    assert history.run(pages(rng, 30)) == ()
    assert history.run(pages(rng, 2)) == ()


def test_family_that_is_no_longer_recognised_sets_the_generic_pages_aside() -> None:
    rng = random.Random(9)
    history = grown(rng)
    (drift,) = history.run(pages(rng, 3) + pages(rng, 20, reader=GENERIC))
    assert (drift.field, drift.reader, drift.set_aside) == (MARK_UP, EPI, GENERIC)


def test_pages_that_the_generic_parser_always_read_give_no_alarm() -> None:
    rng = random.Random(10)
    history = History()
    for _ in range(12):
        assert history.run(pages(rng, 20) + pages(rng, 15, reader=GENERIC)) == ()
