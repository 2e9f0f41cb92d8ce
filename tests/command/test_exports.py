"""`khotin export` and `khotin verify-export` as a user or a script meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command.test_command import answer, khotin


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("exports") / "data"
    done = khotin(place, "ingest", "--sample")
    assert done.returncode == 0, done.stderr
    return place


@pytest.mark.parametrize("form", ["jsonl", "parquet", "hf", "text"])
def test_each_form_is_written_verified_and_not_overwritten(home: Path, form: str) -> None:
    done = answer(home, "export", "--format", form)
    assert (done["form"], done["version"]) == (form, 2)
    told = answer(home, "verify-export", done["file"])
    assert (told["sound"], told["documents"], told["findings"]) == (True, done["documents"], [])
    assert told["chain"] == answer(home, "log")[0]["chain"]
    again = khotin(home, "export", "--format", form)
    assert again.returncode == 2
    assert "[export-exists]" in again.stderr
    assert answer(home, "export", "--format", form, "--force")["documents"] == done["documents"]


def test_damage_is_named_and_ends_with_one(home: Path) -> None:
    path = home.parent / "damaged.jsonl"
    answer(home, "export", str(path))
    lines = path.read_text("utf-8").splitlines(keepends=True)
    lines[4] = lines[4].replace('"title":"', '"title":"x', 1)
    path.write_text("".join(lines), "utf-8")
    done = khotin(home, "verify-export", str(path))
    assert done.returncode == 1
    assert "damaged.jsonl, line 5" in done.stdout
    told = khotin(home, "verify-export", str(path), "--json")
    assert told.returncode == 1
    assert [f["where"] for f in json.loads(told.stdout)["findings"]] == [
        "damaged.jsonl",
        "damaged.jsonl, line 5",
    ]


def test_what_cannot_be_done_is_told_in_a_line(home: Path) -> None:
    for args in (["-", "--format", "hf"], ["--at", "1", "--since", "2"], ["--at", "9"]):
        done = khotin(home, "export", *args)
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) <= 3
    missing = khotin(home, "verify-export", "nothing-there")
    assert (missing.returncode, "[not-found]" in missing.stderr) == (2, True)
