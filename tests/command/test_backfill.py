"""`khotin backfill` as a user meets it, on the sample newsroom and on files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command.test_command import answer, khotin
from tests.flows.running import article_html
from tests.flows.warc_files import Told, write_warc

SINCE = ("--since", "2026-03-01", "--until", "2026-03-31", "--sample")


def test_backfill_of_the_sample_makes_a_version_a_day_and_nothing_the_second_time(tmp_path: Path) -> None:
    home = tmp_path / "data"
    first = answer(home, "backfill", "songthuong", *SINCE)
    assert [version["message"] for version in first["versions"]] == [
        f"backfill songthuong 2026-03-0{day}" for day in (5, 4, 3, 2)
    ]
    assert first["stored"] == sum(version["added"] for version in first["versions"])
    second = answer(home, "backfill", "songthuong", *SINCE)
    assert (second["versions"], second["discovered"], second["stopped"]) == ([], 0, None)
    assert second["known"] == first["discovered"]


def test_a_backfill_and_an_ingest_take_each_others_articles_as_known(tmp_path: Path) -> None:
    home = tmp_path / "data"
    assert khotin(home, "ingest", "--sample").returncode == 0
    filled = khotin(home, "backfill", "songthuong", *SINCE)
    assert filled.returncode == 0, filled.stderr
    assert "(backfill songthuong 2026-03-05)" in filled.stdout
    assert "2026-03-02" not in filled.stdout, "the first edition was there"


def test_warc_files_are_read_without_a_contact_and_a_broken_one_is_told(tmp_path: Path) -> None:
    url = "http://songthuong.example/tin-moi-post1.html"
    good = write_warc(tmp_path / "good.warc.gz", [Told(url, article_html(1))])
    bad = tmp_path / "bad.warc.gz"
    bad.write_bytes(good.read_bytes()[:-30])
    done = khotin(tmp_path / "data", "backfill", "--warc", str(bad), str(good), "--sample", "--json")
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    assert [file["problem"] is None for file in told["files"]] == [False, True]
    assert told["files"][1]["records"] == 1
    none = khotin(tmp_path / "data", "backfill", "--warc", str(tmp_path / "nowhere"), "--sample")
    assert none.returncode == 1
    assert "unreadable" in none.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["songthuong", "--sample"], "bad-input"),
        (["songthuong", "dongque", *SINCE], "bad-input"),
        (["nobody", *SINCE], "no-such-source"),
        (["songthuong", "--since", "yesterday", "--sample"], "bad-date"),
        (["songthuong", "--since", "2026-03-02", "--until", "2026-03-01", "--sample"], "bad-date"),
        (["--warc", "x.warc.gz", "--since", "2026-03-01", "--sample"], "bad-input"),
        (["nhandan", "--since", "2026-03-01"], "no-contact"),
    ],
)
def test_wrong_arguments_are_the_users_to_mend(tmp_path: Path, arguments: list[str], reason: str) -> None:
    done = khotin(tmp_path / "data", "backfill", *arguments)
    assert done.returncode == 2
    assert reason in done.stderr
