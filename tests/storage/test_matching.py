"""The best partner of a text among its candidates."""

from __future__ import annotations

import random
from collections.abc import Sequence

from parsers.compared import ComparedText
from parsers.relations import Relation
from parsers.shingles import sketches_of_all
from storage.likeness import View
from storage.matching import Matcher
from tests.parsers.test_relations import report, text

DAYS = range(1, 7)
REPORTS = {day: report(day, random.Random(day)) for day in DAYS}


def opened(asked: Sequence[ComparedText]) -> Matcher:
    """A matcher that knows a series of reports, one for each day, and is asked for other texts."""
    view = View([], 0)
    view.add(sketches_of_all([REPORTS[day].folded for day in DAYS]))
    matcher = Matcher(view, lambda ids: {revision_id: REPORTS[revision_id] for revision_id in ids})
    matcher.open(sketches_of_all([each.folded for each in asked]), asked)
    return matcher


def test_a_member_of_a_series_is_compared_with_one_of_the_others_only() -> None:
    matcher = opened([report(7, random.Random(7))])
    match = matcher.match(0)
    assert match is not None
    assert match.kinship.relation is Relation.SERIES
    assert matcher.compared == 1


def test_a_reprint_of_a_member_of_a_series_finds_its_original_among_them() -> None:
    for day in DAYS:
        original = REPORTS[day]
        copy = text(original.title.written, [original.folded.decode(), "Theo Báo Vàng"])
        match = opened([copy]).match(0)
        assert match is not None
        assert (match.revision_id, match.kinship.relation) == (day, Relation.REPRINT)


def test_a_revision_that_may_not_be_the_partner_is_passed_over() -> None:
    copy = text(REPORTS[3].title.written, [REPORTS[3].folded.decode(), "Theo Báo Vàng"])
    match = opened([copy]).match(0, but=frozenset({3}))
    assert match is not None
    assert match.kinship.relation is Relation.SERIES
