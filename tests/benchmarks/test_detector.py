"""The detector on generated text, and on the benchmark of real text where that is at hand."""

from __future__ import annotations

import gzip
import importlib.util
import random
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.dedup_adapter import run
from tests.benchmarks.dedup_scale import documents
from tests.benchmarks.detector import Detector, Judged


def test_planted_reprints_are_found_and_nothing_else_is_called_one(tmp_path: Path) -> None:
    detector = Detector(tmp_path)
    planted: dict[str, str] = {}
    judged: dict[str, Judged] = {}
    stream = documents(2_500)
    while batch := list(islice(stream, 500)):
        planted |= {document.name: str(original) for document, original in batch if original is not None}
        judged |= {found.name: found for found in detector.take([document for document, _ in batch])}
    detector.close()
    called = {name for name, found in judged.items() if found.relation == "reprint"}
    assert len(planted) > 100
    assert len(called & planted.keys()) > 0.98 * len(planted)
    assert all(judged[name].partner == planted[name] for name in called & planted.keys())
    # What else is called one is a reworded copy; nothing new and no member of a series is.
    others = {random.Random(~int(name)).random() for name in called - planted.keys()}
    assert all(0.12 <= drawn < 0.15 for drawn in others)


@pytest.fixture
def gold(shared: Path, tmp_path: Path) -> Any:
    """The scorer of the benchmark with its unpacked data."""
    folder = shared / "dedup"
    if not folder.is_dir():
        pytest.skip("the benchmark of near-duplicates, ../shared/dedup, is not here")
    spec = importlib.util.spec_from_file_location("score", folder / "score.py")
    assert spec is not None
    assert spec.loader is not None
    score: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    for path in (folder / "bench10k").iterdir():
        if path.suffix == ".gz":
            with gzip.open(path) as packed, (tmp_path / path.stem).open("wb") as plain:
                shutil.copyfileobj(packed, plain)
        else:
            shutil.copy(path, tmp_path)
    return score.Gold(tmp_path)


# The scorer, which is not ours, leaves its files to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_real_reprints_are_told_from_template_series_and_second_reports(gold: Any) -> None:
    scored = gold.score(list(run(gold.docs())))
    assert scored["precision"] >= 0.995
    assert scored["recall"] >= 0.97
    series = {name: told for name, told in scored["false_by_negative"].items() if name.startswith("tmpl_")}
    assert len(series) > 5
    assert all(told.startswith("0/") for told in series.values()), series
