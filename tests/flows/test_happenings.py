"""What happened in a run, as values: once for what lasts, each time for what does not."""

from __future__ import annotations

from datetime import UTC, datetime

from flows.happenings import Kind, of_damage, of_run
from storage import Counts, RunResult, SourceTally, VersionRow

DRIFT = "drift: title: 100 % before, 0 % now (parser epi 2); its pages are set aside"
SILENT = "silent: quieter than its own rhythm of 90 articles a day allows; nothing new since then"
GAP = "http://a.example/feed.xml: gap: it shares no item with its last answer"


def result(*problems: str, version: VersionRow | None = None) -> RunResult:
    tally = SourceTally("a", Counts(), 3, 0, 0, tuple(problems), ())
    return RunResult(run_id="20260302T010000Z-1", version=version, tallies=(tally,), ends=())


def kinds(*problems: str, before: tuple[str, ...] = ()) -> list[Kind]:
    return [happening.kind for happening in of_run("store", result(*problems), {"a": before})]


def test_silence_and_drift_happen_when_they_begin() -> None:
    assert kinds(SILENT, DRIFT) == [Kind.SILENT, Kind.DRIFT]
    assert kinds(SILENT, DRIFT, before=(SILENT,)) == [Kind.DRIFT]
    assert kinds(SILENT, DRIFT, before=(DRIFT, SILENT)) == []


def test_gap_happens_each_time_and_other_problems_are_no_events() -> None:
    assert kinds(GAP, "http://a.example/feed.xml: timeout", before=(GAP,)) == [Kind.GAP]


def test_version_that_was_committed_is_told_with_its_numbers() -> None:
    version = VersionRow(
        id=3, parent_id=2, run_id="r", kind="ingest", message="", added=7, revised=1, retracted=0,
        documents=36, lo=1, hi=8, delta_root="", chain="c" * 64, zdict_sha256=None, formats="",
        code_version="", created_at=datetime(2026, 3, 2, tzinfo=UTC),
    )  # fmt: skip
    (told,) = of_run("store", result(version=version), {})
    assert (told.kind, told.resource) == (Kind.COMMITTED, "khotin.store.store")
    assert told.message == "version 3: 7 new, 1 revised"
    assert told.facts["documents"] == 36


def test_damage_names_the_first_findings() -> None:
    told = of_damage("store", [f"revision {number}: leaf" for number in range(9)])
    assert told.kind is Kind.DAMAGED
    assert told.message.startswith("the store is damaged in 9 places: revision 0: leaf; ")
    assert "revision 5" not in told.message
