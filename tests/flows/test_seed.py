"""Import of seed folders: what is taken, what is told, and that it can be done again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from deployments.sample import SEEDS
from flows.seed import SeedReport, import_seeds
from parsers.errors import SeedError
from storage import Ending, Store
from storage.retraction import retract
from tests.conftest import ManualClock

TEXT = "Ngày 3-7, đơn vị tổ chức hội nghị sơ kết. " * 12


def bring(store: Store, folder: Path, clock: ManualClock) -> SeedReport:
    return import_seeds(store, folder, clock=clock, rng=random.Random(clock.now().timestamp()))


def seed(folder: Path, number: int, text: str | bytes, upstream: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{number:03d}_{upstream or f'{number:016x}'}.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_sample_seeds_become_version_one_of_kind_seed(store: Store, clock: ManualClock) -> None:
    report = bring(store, SEEDS, clock)
    assert report.problems == ()
    (version,) = store.versions()
    assert (version.id, version.kind, version.added) == (1, "seed", len(list(SEEDS.glob("*.txt"))))


def test_importing_again_changes_nothing(store: Store, clock: ManualClock) -> None:
    bring(store, SEEDS, clock)
    before = (store.versions(), store.runs())
    clock.advance(hours=1)
    report = bring(store, SEEDS, clock)
    assert report.result is None
    assert (store.versions(), store.runs()) == before


def test_raw_bytes_stay_retrievable(store: Store, clock: ManualClock) -> None:
    bring(store, SEEDS, clock)
    for path in SEEDS.glob("*.txt"):
        (document,) = store.history(f"seed:{path.stem.split('_')[1]}")
        assert document.capture_id is not None
        assert store.raw(document.capture_id) == path.read_bytes()


def test_bad_files_get_a_line_each_and_do_not_stop_the_import(
    store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    folder = tmp_path / "seeds"
    seed(folder, 0, TEXT)
    seed(folder, 1, "")
    seed(folder, 2, b"\xff\xfe\x00 broken \x9d")
    seed(folder, 3, TEXT)
    seed(folder, 4, TEXT + "khác", upstream=f"{0:016x}")
    (folder / "notes.md").write_text("not a seed")
    seed(folder, 5, TEXT).unlink()
    (folder / f"005_{5:016x}.txt").symlink_to(folder / "nowhere")
    report = bring(store, folder, clock)
    told = {name.split("_")[0]: reason for name, reason, _ in report.problems}
    assert told == {
        "001": "empty",
        "002": "not-utf8",
        "003": "same-text",
        "004": "duplicate-id",
        "005": "unreadable",
        "notes.md": "bad-name",
    }
    assert report.result is not None
    assert report.result.version is not None
    assert report.result.version.added == 1
    assert store.story("seed-file:notes.md").outcomes[0]["reason"] == "bad-name"


def test_changed_seed_becomes_a_revision(store: Store, clock: ManualClock, tmp_path: Path) -> None:
    folder = tmp_path / "seeds"
    seed(folder, 0, TEXT)
    bring(store, folder, clock)
    seed(folder, 0, TEXT + "\n\nĐoạn thêm.")
    clock.advance(hours=1)
    report = bring(store, folder, clock)
    assert report.result is not None
    assert report.result.version is not None
    assert (report.result.version.added, report.result.version.revised) == (0, 1)


def test_folder_that_is_not_there_is_told_with_what_to_do(
    store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    with pytest.raises(SeedError, match="cannot read the folder"):
        bring(store, tmp_path / "nowhere", clock)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SeedError, match="holds no seed document"):
        bring(store, tmp_path / "empty", clock)
    assert store.versions() == []


def test_retracted_seed_stays_out_and_its_new_bytes_are_not_even_kept(
    store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    folder = tmp_path / "seeds"
    seed(folder, 0, TEXT)
    bring(store, folder, clock)
    url = f"seed:{0:016x}"
    retract(store, [url], "test", purge=True, run_id="out", now=clock.now(), code_version="0")
    assert bring(store, folder, clock).result is None
    seed(folder, 0, TEXT + "\n\nĐoạn thêm.")
    clock.advance(hours=1)
    report = bring(store, folder, clock)
    assert report.result is not None
    assert [(end.ending, end.reason) for _, end in report.result.ends] == [(Ending.REJECTED, "retracted")]
    assert len(store.story(url).captures) == 1
