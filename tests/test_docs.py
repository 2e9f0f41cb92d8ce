"""The documents are a contract: what they name exists, and what exists they name."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from parsers.article import RejectReason
from tests.command.processes import run_command

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
PACKAGES = ("parsers", "storage", "flows", "deployments")
# Reasons that only ever stand in `next poll, why`, or are put together from a status.
UNLISTED = {"polled", "nothing-answered"}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def reasons_in_code() -> set[str]:
    found = {reason.value for reason in RejectReason}
    for path in sources():
        text = path.read_text("utf-8")
        found |= set(re.findall(r"\breason\s*=\s*\"([a-z0-9-]+)\"", text))
        found |= set(re.findall(r"End\(\s*[\w.]+,\s*Ending\.\w+,\s*\"([a-z0-9-]+)\"", text))
        found |= set(re.findall(r"SeedProblem\(\s*[\w.]+,\s*\"([a-z0-9-]+)\"", text))
    return found - UNLISTED


@pytest.mark.parametrize("reason", sorted(reasons_in_code()))
def test_readme_explains_every_reason(reason: str) -> None:
    assert f"`{reason}`" in README


def test_architecture_names_every_module() -> None:
    # Migrations are named by their number and purpose, and there will be many.
    modules = [path for path in sources() if path.parent.name != "versions"]
    names = {path.stem for path in modules if path.name != "__init__.py"}
    missing = sorted(name for name in names if f"`{name}`" not in ARCHITECTURE)
    assert missing == []


def test_architecture_names_no_module_that_is_not_there() -> None:
    section = ARCHITECTURE.split("## Map")[1].split("## How")[0]
    there = {path.stem for path in sources()} | {
        "parse_article",
        "parse_seed",
        "open_store",
        "HEAD.json",
        "get",
    }
    told = set(re.findall(r"`([A-Za-z_.]+)`", section)) - there
    assert {name for name in told if "/" not in name and not name.endswith(".py")} == set()


def commands_in_readme() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    found = set()
    for line in lines:
        match = re.search(r"\bkhotin((?: [a-z]+)+)", line)
        if match:
            words = match[1].split()
            groups = {"sources", "duplicates", "index", "rejects", "topics"}
            found.add(" ".join(words[:2] if words[0] in groups else words[:1]))
    return sorted(found)


def test_readme_shows_the_commands() -> None:
    assert {"ingest", "seed", "log", "diff", "show", "export", "why", "sources list"} <= set(
        commands_in_readme()
    )


@pytest.mark.parametrize("command", commands_in_readme())
def test_every_command_of_the_readme_has_help_that_teaches(command: str) -> None:
    done = run_command([*command.split(), "--help"], os.environ, ROOT)
    assert done.returncode == 0, done.stderr
    assert "--json" in done.stdout


def test_readme_names_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    told = set(re.findall(r"\bmake ([a-z-]+)", README))
    assert told
    assert told <= targets


SOURCE, TOPIC, LISTINGS = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("listings", ["listings = []\n", LISTINGS], ids=["none", "of-tags"])
def test_source_file_in_the_readme_is_valid(tmp_path: Path, listings: str) -> None:
    from flows.sources import load_sources

    assert "listings = []\n" in SOURCE
    name = re.findall(r"^name = \"(.*)\"", SOURCE, flags=re.MULTILINE)[0]
    (tmp_path / f"{name}.toml").write_text(SOURCE.replace("listings = []\n", listings), "utf-8")
    (source,) = load_sources(tmp_path)
    assert source.is_article("https://vi-du.example/tieu-de-bai-post123.html")


def test_topic_file_in_the_readme_is_valid_and_judges(tmp_path: Path) -> None:
    from flows.topics import load_topics
    from parsers.topics import Judged, judge

    (tmp_path / "giao-thong.toml").write_text(TOPIC, "utf-8")
    (topic,) = load_topics(tmp_path)
    text = Judged("CSGT kiểm tra nồng độ cồn", None, ("Xử phạt 20 tài xế vi phạm nồng độ cồn.",))
    assert judge(topic, text).rules == ("nong-do-con",)
    assert not judge(topic, Judged("Phim về nồng độ cồn của CSGT", None, text.body)).matches
