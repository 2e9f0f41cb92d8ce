"""`khotin tag`, `history`, `retract` and `reparse` as a user or a script meets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command.test_command import answer, khotin


@pytest.fixture
def grown(tmp_path: Path) -> Path:
    """A home in which the sample newsroom was ingested twice: seeds and two editions."""
    home = tmp_path / "data"
    for _ in range(2):
        assert khotin(home, "ingest", "--sample").returncode == 0
    return home


def revised_url(home: Path) -> str:
    return str(next(c["url"] for c in answer(home, "diff", "2", "3") if c["kind"] == "revised"))


def test_tag_names_a_version_that_other_commands_take(grown: Path) -> None:
    assert khotin(grown, "tag").stdout.startswith("no version has a tag yet")
    made = answer(grown, "tag", "release-1", "--at", "2", "-m", "first")
    assert (made["name"], made["version_id"], made["message"]) == ("release-1", 2, "first")
    assert [row["name"] for row in answer(grown, "tag")] == ["release-1"]
    assert "release-1" in khotin(grown, "tag").stdout
    assert answer(grown, "show", "release-1")["version"]["id"] == 2
    assert answer(grown, "diff", "release-1", "latest") == answer(grown, "diff", "2", "3")
    assert [row["tags"] for row in answer(grown, "log")] == [[], ["release-1"], []]
    url = revised_url(grown)
    assert answer(grown, "show", url, "--at", "release-1")["rev"] == 1
    assert answer(grown, "show", url, "--at", "2999-12-31")["rev"] == 2


def test_history_lists_revisions_and_how_the_text_changed(grown: Path) -> None:
    url = revised_url(grown)
    first, second = answer(grown, "history", url, "--text")
    assert (first["rev"], first["op"], first["version"], first["text_diff"]) == (1, "add", 2, "")
    assert (second["rev"], second["op"], second["version"]) == (2, "revise", 3)
    assert "+title: " in second["text_diff"]
    told = khotin(grown, "history", url, "--text").stdout
    assert "+title: " in told
    assert "revised" in khotin(grown, "history", url).stdout


def test_retract_hides_and_purge_erases_with_a_list_of_addresses(grown: Path) -> None:
    changes = {change["kind"]: change["url"] for change in answer(grown, "diff", "2", "3")}
    url, other = changes["revised"], changes["added"]
    done = answer(grown, "retract", url, "--reason", "order 1", "--yes")
    assert (done["version"]["kind"], done["version"]["retracted"]) == ("retract", 1)
    assert khotin(grown, "show", url).returncode == 2
    assert answer(grown, "show", url, "--at", "3")["rev"] == 2
    listed = grown.parent / "list.txt"
    listed.write_text(f"# takedown\n{url}\n{other}   # the other\n\n")
    done = answer(grown, "retract", "--file", str(listed), "--reason", "order 2", "--purge", "--yes")
    assert done["purged"]["bodies"] == 3
    assert "2 documents retracted and purged" in done["version"]["message"]
    gone = khotin(grown, "show", url, "--at", "3")
    assert (gone.returncode, "[purged]" in gone.stderr) == (2, True)
    assert "[purged]" in khotin(grown, "show", url, "--at", "3", "--raw").stderr
    told = [row["retraction"] for row in answer(grown, "history", url)]
    assert told == [
        None, None, {"reason": "order 1", "purge": False}, {"reason": "order 2", "purge": True}
    ]  # fmt: skip
    again = khotin(grown, "retract", "--file", str(listed), "--reason", "order 2", "--purge", "--yes")
    assert (again.returncode, "no version committed" in again.stdout) == (0, True)
    assert "(purged)" in khotin(grown, "history", url).stdout
    assert khotin(grown, "ingest", "--sample", "--force").returncode == 0
    assert answer(grown, "history", url)[-1]["op"] == "retract"


def test_reparse_says_that_nothing_changed(grown: Path) -> None:
    report = answer(grown, "reparse", "--dry-run")
    assert (report["dry_run"], report["changed"], report["looked_at"]) == (True, 0, report["unchanged"])
    told = khotin(grown, "reparse", "--source", "dongque")
    assert (told.returncode, "no version committed" in told.stdout) == (0, True)
    assert len(answer(grown, "log")) == 3


@pytest.mark.parametrize(
    ("args", "reason", "says"),
    [
        (["tag", "7"], "bad-tag", "release-1"),
        (["tag", "--at", "1"], "bad-input", "khotin tag NAME"),
        (["show", "nothing"], "no-such-tag", "khotin tag"),
        (["diff", "1", "2020-01-01"], "no-such-version", "version 1 is of"),
        (["show", "2026-13-01"], "bad-date", "YYYY-MM-DD"),
        (["history", "http://a.example/none"], "no-such-document", "khotin why"),
        (["retract", "http://a.example/none", "--reason", "x", "--yes"], "no-such-document", "khotin why"),
        (["retract", "--reason", "x", "--yes"], "bad-input", "--file LIST"),
        (["retract", "http://a.example/none", "--yes"], "bad-reason", "--reason"),
        (["retract", "http://a.example/none", "--reason", "x"], "not-confirmed", "--yes"),
        (["retract", "--file", "no/such", "--reason", "x", "--yes"], "bad-input", "one URL a line"),
        (["reparse", "--source", "nope"], "no-such-source", "seed"),
        (["reparse", "--since", "yesterday"], "bad-date", "YYYY-MM-DD"),
    ],
)  # fmt: skip
def test_users_mistake_is_told_with_what_to_do(seeded: Path, args: list[str], reason: str, says: str) -> None:
    done = khotin(seeded, *args)
    assert done.returncode == 2, done.stderr
    assert f"[{reason}]" in done.stderr
    assert says in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample seeds only."""
    from deployments.sample import SEEDS

    home = tmp_path_factory.mktemp("seeded") / "data"
    assert khotin(home, "seed", str(SEEDS)).returncode == 0
    return home
