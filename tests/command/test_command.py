"""The command as a user or a script meets it: real processes, their output and exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployments.sample import SEEDS
from deployments.sample.press import LAST_EDITION
from storage import SourcePart, open_store
from tests.command.processes import run_command
from tests.conftest import START

KHOTIN = [sys.executable, "-c", "from deployments.command import main; main()"]


def khotin(home: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("KHOTIN_", "PREFECT_", "COLUMNS"))}
    clean |= {"KHOTIN_HOME": str(home), "PREFECT_HOME": str(home.parent / "no-prefect"), **env}
    return run_command(args, clean, home.parent)


def answer(home: Path, *args: str) -> Any:
    done = khotin(home, *args, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the sample newsroom was ingested twice."""
    home = tmp_path_factory.mktemp("grown") / "data"
    for _ in range(2):
        done = khotin(home, "ingest", "--sample")
        assert done.returncode == 0, done.stderr
    return home


def test_each_sample_ingest_serves_the_next_edition_and_tells_its_sum(tmp_path: Path) -> None:
    home = tmp_path / "data"
    for edition in [*range(1, LAST_EDITION + 1), LAST_EDITION]:
        report = answer(home, "ingest", "--sample")
        assert report["edition"] == edition
        for source in report["sources"]:
            parts = ("stored", "revised", "duplicate", "rejected", "unchanged", "deferred", "failed")
            assert source["discovered"] == sum(source[part] for part in parts)
    assert report["version"] is None
    assert [v["kind"] for v in answer(home, "log")][::-1] == ["seed", *["ingest"] * LAST_EDITION]


def test_ingest_says_how_it_runs_and_ends_with_a_table(tmp_path: Path) -> None:
    done = khotin(tmp_path / "data", "ingest", "--sample")
    assert "running directly" in done.stderr
    header = next(line for line in done.stdout.splitlines() if "discovered" in line)
    assert header.split() == ["source", "discovered", "stored", "revised", "duplicate", "rejected",
                              "unchanged", "deferred", "failed"]  # fmt: skip
    assert "version 2" in done.stdout


@pytest.mark.parametrize("columns", ["80", "200"])
def test_table_of_a_run_is_whole_on_narrow_and_wide_terminals(tmp_path: Path, columns: str) -> None:
    done = khotin(tmp_path / "data", "ingest", "--sample", COLUMNS=columns)
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("songthuong", "all"))]
    assert [len(row) for row in rows] == [9, 9]
    for row in rows:
        assert int(row[1]) == sum(map(int, row[2:]))


def test_diff_tells_what_an_edition_brought(grown: Path) -> None:
    changes = answer(grown, "diff", "2", "3")
    kinds = {change["kind"] for change in changes}
    assert kinds == {"added", "revised"}
    revised = next(change for change in changes if change["kind"] == "revised")
    assert "+title: " in revised["text_diff"] or "+lead: " in revised["text_diff"]
    told = khotin(grown, "diff", "2", "3").stdout
    assert "1 revised" in told
    assert len(answer(grown, "diff", "0", "1")) == len(list(SEEDS.glob("*.txt")))
    backwards = answer(grown, "diff", "3", "2")
    assert {c["kind"] for c in backwards} == {"retracted", "revised"}


def test_show_gives_a_version_or_a_document_as_of_a_version(grown: Path) -> None:
    assert answer(grown, "show")["version"]["id"] == 3
    url = next(c["url"] for c in answer(grown, "diff", "2", "3") if c["kind"] == "revised")
    new, old = answer(grown, "show", url), answer(grown, "show", url, "--at", "2")
    assert (new["rev"], old["rev"]) == (2, 1)
    assert new["text"] != old["text"]
    assert khotin(grown, "show", url, "--raw").stdout.lstrip().lower().startswith("<!doctype html")


def test_raw_bytes_of_a_seed_are_given_back(grown: Path) -> None:
    path = sorted(SEEDS.glob("*.txt"))[0]
    done = khotin(grown, "show", f"seed:{path.stem.split('_')[1]}", "--raw")
    assert done.stdout.encode() == path.read_bytes()


def test_why_tells_the_story_of_a_duplicate_with_its_partner(grown: Path) -> None:
    ends = answer(grown, "log", "--runs")
    assert ends[0]["sources"]
    report = khotin(grown, "ingest", "--sample", "--edition", "3", "--json")
    duplicate = next(e for e in json.loads(report.stdout)["ends"] if e["outcome"] == "duplicate")
    told = khotin(grown, "why", duplicate["url"]).stdout
    assert "duplicate" in told
    assert duplicate["partner_url"] in told.replace("\n", "")


def test_export_is_whole_and_one_json_object_a_line(grown: Path) -> None:
    done = answer(grown, "export", "--at", "3")
    lines = Path(grown.parent, done["file"]).read_text("utf-8").splitlines()
    assert len(lines) == done["documents"] == answer(grown, "show", "3")["version"]["documents"]
    first = json.loads(lines[0])
    assert {"id", "text", "url", "date", "language", "language_script", "leaf"} <= first.keys()
    streamed = khotin(grown, "export", "-", "--at", "3").stdout.splitlines()
    assert streamed == lines
    delta = khotin(grown, "export", "-", "--at", "3", "--since", "2").stdout.splitlines()
    assert len(delta) == len(answer(grown, "diff", "2", "3"))


def test_sources_list_tells_when_and_why(grown: Path) -> None:
    sample = {row["name"]: row for row in answer(grown, "sources", "list", "--sample")}
    assert sample["songthuong"]["poll"]["polled_at"]
    assert sample["songthuong"]["poll"]["reason"] == "always"
    assert sample["songthuong"]["rhythm"]["settled"] is False
    assert {state["reason"] for state in sample["songthuong"]["endpoints"]} == {"always"}
    assert "always: due in every run" in khotin(grown, "sources", "list", "--sample", COLUMNS="200").stdout
    live = {row["name"]: row for row in answer(grown, "sources", "list")}
    assert live["nhandan"]["poll"] is None
    assert live["laodong"]["enabled"] is False


def test_sources_problems_tells_what_earlier_runs_met(grown: Path, tmp_path: Path) -> None:
    grown = shutil.copytree(grown, tmp_path / "data")
    assert answer(grown, "sources", "problems") == []
    assert "no problems" in khotin(grown, "sources", "problems").stdout
    with open_store(grown, f"sqlite:///{grown / 'khotin.db'}") as store:
        store.begin_run("r", "ingest", "", START)
        part = SourcePart("songthuong", problems=("http://x/feed: gap: lost", "silent: \x1b[31mquiet"))
        store.commit_run("r", "ingest", "", [part], START, "0")
    rows = answer(grown, "sources", "problems", "--source", "songthuong")
    assert [row["problem"].split(": ")[0] for row in rows] == ["http://x/feed", "silent"]
    assert answer(grown, "sources", "problems", "--source", "dongque") == []
    told = khotin(grown, "sources", "problems", "-n", "9")
    assert (told.returncode, "\x1b" in told.stdout) == (0, False)
    assert "songthuong: http://x/feed: gap: lost" in told.stdout
    wrong = khotin(grown, "sources", "problems", "--source", "none")
    assert (wrong.returncode, "no-such-source" in wrong.stderr) == (2, True)


def test_seed_command_imports_once(tmp_path: Path) -> None:
    home = tmp_path / "data"
    assert answer(home, "seed", str(SEEDS))["version"]["kind"] == "seed"
    assert answer(home, "seed", str(SEEDS))["version"] is None


@pytest.mark.parametrize(
    ("args", "env", "reason", "says"),
    [
        (["diff", "1", "99"], {}, "no-such-version", "versions 1 to"),
        (["show", "http://songthuong.example/none-post1.html"], {}, "no-such-document", "khotin why"),
        (["why", "http://songthuong.example/none-post1.html"], {}, "unknown-url", "sources list"),
        (["show", "99999999999999999999"], {}, "no-such-version", "versions 1 to"),
        (["show", "\u00b2"], {}, "bad-url", "whole address"),
        (["ingest", "--edition", "2"], {}, "bad-input", "--sample"),
        (["ingest"], {"KHOTIN_CONTACT": "a@b.example"}, "sample-store", "folder of its own"),
        (["log"], {"KHOTIN_DATABASE_URL": "postgresql://u:secret@h:abc/db"}, "bad-database-url", ""),
        (["log"], {"KHOTIN_HOME": "elsewhere"}, "no-store", "KHOTIN_HOME"),
        (["why", "javascript:alert(1)"], {}, "bad-scheme", ""),
        (["ingest"], {}, "no-contact", "KHOTIN_CONTACT"),
        (["ingest", "--sample", "--source", "nope"], {}, "no-such-source", "songthuong"),
        (["ingest", "--source", "laodong"], {"KHOTIN_CONTACT": "a@b.example"}, "source-disabled", ""),
        (["log"], {"KHOTIN_DATABASE_URL": "mysql://x/y"}, "bad-database-url", "postgresql://"),
        (["log"], {"KHOTIN_DATABASE_URL": "postgresql://127.0.0.1:9/x"}, "store-unreachable", "check"),
        (["ingest"], {"KHOTIN_CONTACT": "nobody"}, "bad-settings", "KHOTIN_CONTACT"),
        (["seed", "no/such/folder"], {}, "bad-seed-folder", "NNN_"),
    ],
)  # fmt: skip
def test_users_mistake_gets_a_short_error_that_says_what_to_do(
    grown: Path, args: list[str], env: dict[str, str], reason: str, says: str
) -> None:
    done = khotin(grown, *args, **env)
    assert done.returncode == (1 if reason == "store-unreachable" else 2), done.stderr
    assert f"[{reason}]" in done.stderr
    assert says in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 4
    assert "secret" not in done.stderr


def test_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    done = khotin(tmp_path / "data", "seed", str(SEEDS))
    assert done.returncode == 2
    assert "[home-not-writable]" in done.stderr


def test_wrong_source_file_is_told_with_file_and_key(tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "a.toml").write_text('name = "a"\npolls = 3\n')
    done = khotin(tmp_path / "data", "sources", "list", KHOTIN_SOURCES=str(folder))
    assert done.returncode == 2
    assert "a.toml" in done.stderr
    assert "polls" in done.stderr


def test_source_that_cannot_be_reached_ends_with_exit_code_1(tmp_path: Path) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    # RFC 6761: no name under .invalid is ever resolved.
    (folder / "a.toml").write_text(
        'name = "a"\ntitle = "A"\nhome = "http://a.invalid/"\nfeeds = ["http://a.invalid/rss"]\n'
        "article_pattern = '^http://a\\.invalid/'\n"
    )
    env = {"KHOTIN_SOURCES": str(folder), "KHOTIN_CONTACT": "a@b.example"}
    done = khotin(tmp_path / "data", "ingest", **env)
    assert done.returncode == 1
    assert "dns-failed" in done.stderr
    waits = khotin(tmp_path / "data", "ingest", **env)
    assert waits.returncode == 0
    assert "no source is due" in waits.stdout


def test_text_of_pages_cannot_write_to_the_terminal() -> None:
    from deployments.command.output import clean

    assert "\x1b" not in clean("tin \x1b[31mđỏ\x07")
    assert clean("[red]x[/red]") == "\\[red]x\\[/red]"


def test_sigterm_ends_a_run_like_ctrl_c_and_the_next_run_goes_on(tmp_path: Path) -> None:
    home = tmp_path / "data"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("KHOTIN_", "PREFECT_"))}
    env |= {"KHOTIN_HOME": str(home), "PREFECT_HOME": str(tmp_path / "no-prefect")}
    with subprocess.Popen(
        [*KHOTIN, "ingest", "--sample"],
        env=env,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "running directly" in line:
                break
        run.send_signal(signal.SIGTERM)
        told = run.stderr.read()
    assert run.returncode in (130, 0), told  # 0: it was quicker than the signal
    if run.returncode == 130:
        assert "stopped" in told
    assert khotin(home, "ingest", "--sample").returncode == 0
    assert {row["state"] for row in answer(home, "log", "--runs")} <= {"committed", "nothing", "failed"}


def test_sample_is_kept_out_of_a_corpus_that_is_none(tmp_path: Path) -> None:
    home = tmp_path / "data"
    assert khotin(home, "seed", str(SEEDS)).returncode == 0
    done = khotin(home, "ingest", "--sample")
    assert done.returncode == 2
    assert "[not-a-sample-store]" in done.stderr


def test_folder_without_source_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    done = khotin(tmp_path / "data", "sources", "list", KHOTIN_SOURCES=str(tmp_path / "sources"))
    assert done.returncode == 2
    assert "no source file" in done.stderr
