"""Exports as others read them: Hugging Face datasets, Croissant, DuckDB, Polars, the README's snippets."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from storage import open_store
from tests.conftest import ROOT
from tests.storage.exported import URL, export, grow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which data/exports holds version 3 in all forms."""
    place = tmp_path_factory.mktemp("readers")
    with open_store(place / "home", f"sqlite:///{place / 'home' / 'khotin.db'}") as store:
        grow(store)
        for name, form in (
            ("version-3.jsonl", "jsonl"),
            ("version-3.parquet", "parquet"),
            ("version-3-hf", "hf"),
        ):
            export(store, place / "data/exports" / name, form)
    return place


def run(folder: Path, code: str) -> str:
    """Run Python in a process of its own that may not go online; gives what it prints."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(folder / "hf")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_datasets_reads_the_folder_offline(folder: Path) -> None:
    pytest.importorskip("datasets", reason="the package datasets is not installed")
    code = """
from datasets import load_dataset
corpus = load_dataset("data/exports/version-3-hf", split="train")
print(corpus.num_rows, corpus.features["date"].dtype, sorted(corpus["id"])[0])
"""
    assert run(folder, code).splitlines() == [f"7 timestamp[us, tz=UTC] {URL.format(0)}"]


def test_croissant_file_is_valid_and_its_records_can_be_read(folder: Path) -> None:
    pytest.importorskip("mlcroissant", reason="the package mlcroissant is not installed")
    code = """
import mlcroissant
dataset = mlcroissant.Dataset(jsonld="data/exports/version-3-hf/croissant.json")
issues = dataset.metadata.ctx.issues
print(sorted(issues.errors), len(list(dataset.records("documents"))))
"""
    assert run(folder, code).splitlines()[-1] == "[] 7"


def test_duckdb_counts_by_source_and_filters_by_date(folder: Path) -> None:
    pytest.importorskip("duckdb", reason="the package duckdb is not installed")
    code = """
import duckdb
for path in ("version-3.parquet", "version-3.jsonl", "version-3-hf/data/*.parquet"):
    table = f"'data/exports/{path}'"
    print(duckdb.sql(f"SELECT source, count(*) FROM {table} GROUP BY source").fetchall(),
          duckdb.sql(f"SELECT count(*) FROM {table} WHERE date >= '2026-03-02 04:00:00+00'").fetchall())
"""
    assert run(folder, code).splitlines() == ["[('a', 7)] [(3,)]"] * 3


def test_polars_counts_by_source_and_filters_by_date(folder: Path) -> None:
    pytest.importorskip("polars", reason="the package polars is not installed")
    code = """
import polars as pl
corpus = pl.scan_parquet("data/exports/version-3.parquet")
print(corpus.group_by("source").len().collect().rows())
print(corpus.filter(pl.col("date") >= pl.datetime(2026, 3, 2, 4, time_zone="UTC")).collect().height)
print(pl.read_ndjson("data/exports/version-3.jsonl").height)
"""
    assert run(folder, code).splitlines() == ["[('a', 7)]", "3", "7"]


def snippets() -> list[str]:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), flags=re.DOTALL)
    return [block for block in blocks if "data/exports" in block]


@pytest.mark.parametrize("snippet", snippets())
def test_snippet_of_the_readme_runs_and_prints(folder: Path, snippet: str) -> None:
    for name in re.findall(r"^(?:import|from) (\w+)", snippet, flags=re.MULTILINE):
        pytest.importorskip(name, reason=f"the package {name} is not installed")
    assert run(folder, snippet).strip()


def test_card_shows_how_to_load_and_that_runs(folder: Path) -> None:
    pytest.importorskip("datasets", reason="the package datasets is not installed")
    card = (folder / "data/exports/version-3-hf/README.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    assert "Tựa bài" in run(folder, block.replace("path/to/this/folder", "data/exports/version-3-hf"))


def test_store_is_needed_by_no_reader(folder: Path) -> None:
    code = """
import sys
from pathlib import Path
from storage.verify_export import verify_export
def refuse(event, args):
    if event in ("sqlite3.connect", "socket.connect"):
        sys.exit("a database was opened")
sys.addaudithook(refuse)
print(verify_export(Path("data/exports/version-3-hf")).sound)
"""
    env_path = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{env_path}"
    try:
        assert run(folder, code) == "True\n"
    finally:
        os.environ["PYTHONPATH"] = env_path
