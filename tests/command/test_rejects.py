"""`khotin rejects` as a user or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage import open_store
from tests.command.test_command import answer, khotin
from tests.conftest import START


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the sample newsroom was ingested twice: some of its pages are no articles."""
    home = tmp_path_factory.mktemp("grown") / "data"
    for _ in range(2):
        done = khotin(home, "ingest", "--sample")
        assert done.returncode == 0, done.stderr
    return home


def test_list_counts_the_reasons_and_shows_the_pages(grown: Path) -> None:
    told = answer(grown, "rejects", "list")
    counts = {(row["source"], row["reason"]): row["pages"] for row in told["counts"]}
    assert counts
    assert sum(counts.values()) == len(told["pages"])
    source, reason = max(counts)
    some = answer(grown, "rejects", "list", "--source", source, "--reason", reason)["pages"]
    assert {(page["source"], page["reason"]) for page in some} == {(source, reason)}
    assert len(some) == counts[source, reason]
    assert answer(grown, "rejects", "list", "--since", "2999-01-01")["pages"] == []
    shown = khotin(grown, "rejects", "list").stdout
    assert f"{source}: {counts[source, reason]} {reason} in all" in shown


def test_show_tells_why_and_gives_the_raw_page(grown: Path) -> None:
    pages = answer(grown, "rejects", "list")["pages"]
    page = next(page for page in pages if page["capture_id"] is not None)
    shown = khotin(grown, "rejects", "show", page["url"])
    assert f"rejected ({page['reason']})" in shown.stdout
    assert answer(grown, "rejects", "show", page["url"])[0]["detail"] == page["detail"]
    raw = khotin(grown, "rejects", "show", page["url"], "--raw").stdout
    with open_store(grown, f"sqlite:///{grown / 'khotin.db'}") as store:
        assert raw.encode() == store.raw(page["capture_id"])


def test_retry_of_pages_that_are_no_articles_changes_nothing(grown: Path) -> None:
    pages = answer(grown, "rejects", "list")["pages"]
    versions = answer(grown, "log")
    name = pages[0]["source"]
    told = answer(grown, "rejects", "retry", "--source", name)
    assert told["version"] is None
    assert told["looked_at"] == len(told["still"]) == sum(page["source"] == name for page in pages)
    assert answer(grown, "log") == versions
    assert answer(grown, "rejects", "list")["pages"] == pages
    one = khotin(grown, "rejects", "retry", pages[0]["url"])
    assert "1 pages read again, 1 not taken" in one.stdout
    assert f"[{pages[0]['reason']}]" in one.stderr


@pytest.mark.parametrize(
    ("args", "reason", "hint"),
    [
        (["retry"], "bad-input", "--reason drift"),
        (["retry", "--accept", "--reason", "drift"], "bad-input", "--source alone"),
        (["show", "http://dongque.example/khong-co.htm"], "unknown-url", "rejects list"),
        (["retry", "http://dongque.example/khong-co.htm"], "unknown-url", "rejects list"),
        (["list", "--since", "hôm qua"], "bad-date", "YYYY-MM-DD"),
    ],
)
def test_users_mistake_is_told(grown: Path, args: list[str], reason: str, hint: str) -> None:
    done = khotin(grown, "rejects", *args)
    assert done.returncode == 2
    assert f"[{reason}]" in done.stderr
    assert hint in done.stderr


def test_open_drift_stands_in_the_list_of_sources_and_of_rejects(grown: Path) -> None:
    from storage import ShapeRow, SourcePart

    told = "lead: 100 % of 90 pages before, 0 % of 12 pages now (parser epi 1)"
    with open_store(grown, f"sqlite:///{grown / 'khotin.db'}") as store:
        row = ShapeRow("dongque", "generic", "1", "later", START.replace(year=2999), 1, "{}", told)
        store.begin_run("later", "ingest", "", START)
        store.commit_run("later", "ingest", "", [SourcePart("dongque", shapes=(row,))], START, "0")
    (listed,) = (row for row in answer(grown, "sources", "list", "--sample") if row["name"] == "dongque")
    assert listed["drift"] == [told]
    assert "drift: lead:" in " ".join(
        khotin(grown, "sources", "list", "--sample", COLUMNS="300").stdout.split()
    )
    assert json.loads(khotin(grown, "rejects", "list", "--json").stdout)["drift"] == {"dongque": [told]}
