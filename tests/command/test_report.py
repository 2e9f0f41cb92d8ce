"""`khotin report` and `khotin sources health`, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command.test_command import khotin


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home into which one edition of the sample newsroom was ingested."""
    home = tmp_path_factory.mktemp("report") / "data"
    done = khotin(home, "ingest", "--sample")
    assert done.returncode == 0, done.stderr
    return home


def test_report_is_markdown_json_and_a_page(grown: Path) -> None:
    text = khotin(grown, "report").stdout
    assert text.startswith("# sample edition 1\n")
    assert "| source | discovered | stored |" in text
    told = json.loads(khotin(grown, "report", "--json").stdout)
    assert told["version"]["id"] == 2
    assert {row["source"] for row in told["sources"]} == {"binhminh", "dongque", "songthuong", "all"}
    assert f"(<{told['articles'][0]['url']}>)" in text
    again = khotin(grown, "report", told["run_id"])
    assert again.stdout == text
    page = grown.parent / "pages" / "run.html"
    for _ in range(2):  # its own page is replaced
        done = khotin(grown, "report", "--html", str(page))
        assert done.returncode == 0, done.stderr
    assert told["articles"][0]["title"] in page.read_text("utf-8")


def test_health_is_a_table_json_and_a_page_with_pictures(grown: Path) -> None:
    told = khotin(grown, "sources", "health")
    assert told.returncode == 0, told.stderr
    assert "nothing is wrong" in told.stdout
    found = json.loads(khotin(grown, "sources", "health", "--json").stdout)
    assert [source["state"] for source in found["sources"]] == ["ok"] * 3
    assert found["findings"] == []
    page = grown.parent / "pages" / "health.html"
    assert khotin(grown, "sources", "health", "--html", str(page)).returncode == 0
    text = page.read_text("utf-8")
    assert text.count("<svg") == 2
    assert "src=" not in text


def test_what_is_no_page_of_ours_is_left_alone(grown: Path) -> None:
    mine = grown.parent / "mine.html"
    mine.write_text("<!doctype html>my own")
    done = khotin(grown, "report", "--html", str(mine))
    assert done.returncode == 2
    assert "target-exists" in done.stderr
    assert mine.read_text() == "<!doctype html>my own"
    folder = khotin(grown, "sources", "health", "--html", str(grown))
    assert "target-exists" in folder.stderr


def test_run_that_is_not_there_is_told(grown: Path) -> None:
    done = khotin(grown, "report", "20260101T000000Z-00000000")
    assert done.returncode == 2
    assert "no-such-run" in done.stderr
    assert "khotin log --runs" in done.stderr
