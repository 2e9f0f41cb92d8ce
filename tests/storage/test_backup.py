"""Backups: whole, checked, taken while others write, and never half there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from parsers.errors import StoreDamaged, StoreError, UserError
from storage import Store, open_store
from storage.backup import DATABASE, PARTS, back_up
from storage.database import drop_guards
from tests.conftest import ROOT
from tests.storage.test_commit import commit, record
from tests.storage.test_copying import PAGE, fill, rows, short


def opened(folder: Path) -> Store:
    """The store that a restore from this folder gives."""
    return open_store(folder, f"sqlite:///{folder / DATABASE}")


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@contextmanager
def writer(store: Store, url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that goes on committing versions; it has committed one when this begins."""
    command = [sys.executable, "-m", "tests.storage.writing", str(store.home), url]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "1"
        yield process
        assert process.poll() is None, "it was writing all the time"
    finally:
        process.kill()
        process.communicate()


def test_backup_of_either_database_opens_as_a_store_of_its_own_and_reads_the_same(
    store: Store, tmp_path: Path
) -> None:
    fill(store)
    calls: list[None] = []
    made = back_up(store, tmp_path / "backup", advance=lambda: calls.append(None))
    assert made.version == store.version()
    assert made.revisions == store.version().hi
    assert (made.raw.files, made.raw.damaged, len(calls)) == (1, (), PARTS)
    moved = tmp_path / "elsewhere" / "restored"
    shutil.copytree(made.folder, moved)
    shutil.rmtree(store.home / "raw")
    with opened(moved) as restored:
        assert restored.store_id == store.store_id
        assert rows(restored) == rows(store)
        capture = restored.history("http://a.example/1")[0].capture_id
        assert capture is not None
        assert restored.raw(capture) == PAGE
        assert (moved / "HEAD.json").read_bytes() == (store.home / "HEAD.json").read_bytes()
        commit(restored, "next", short(500))
    assert left_in(made.folder) == {DATABASE, "HEAD.json", "raw"}


def test_backup_while_another_process_writes_is_one_state_with_all_its_pages(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    with writer(store, store_url) as process:
        made = [back_up(store, tmp_path / f"backup{n}") for n in range(3)]
        assert process.stdout is not None
        process.stdout.readline()
    final = {version.id: version for version in store.versions()}
    for backup in made:
        with opened(backup.folder) as restored:
            assert backup.version is not None
            assert restored.versions() == [final[n] for n in range(1, backup.version.id + 1)]
            assert backup.raw.damaged == ()
            assert backup.revisions == 20 * backup.version.id
            with restored.documents(restored.version()) as documents:
                for document in documents:
                    assert document.capture_id is not None
                    assert restored.raw(document.capture_id) == document.record.url.encode() * 40
    assert made[0].version.id < len(final)  # type: ignore[union-attr]


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3])
def test_backup_that_is_killed_leaves_nothing_under_its_name_or_all(
    store: Store, store_url: str, tmp_path: Path, delay: float
) -> None:
    commit(store, "r1", *(short(n) for n in range(3000)))
    target = tmp_path / "backups" / "b"
    code = (
        "import sys; from pathlib import Path; from storage import open_store; "
        "from storage.backup import back_up; home, url, to = sys.argv[1:]; "
        "back_up(open_store(Path(home), url), Path(to))"
    )
    command = [sys.executable, "-c", code, str(store.home), store_url, str(target)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        while not list(tmp_path.glob("backups/.b.*.part")):
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(delay)
    finally:
        process.send_signal(signal.SIGKILL)
    process.wait(60)
    if target.exists():  # it was faster than its killer: then it is whole
        with opened(target) as restored:
            assert restored.versions() == store.versions()
            assert sum(1 for _ in restored.changes(0, 1)) == 3000
    else:
        assert back_up(store, target).version == store.version()


def test_store_without_a_version_can_be_backed_up(store: Store, tmp_path: Path) -> None:
    made = back_up(store, tmp_path / "backup")
    assert (made.version, made.revisions) == (None, 0)
    with opened(made.folder) as restored:
        assert restored.store_id == store.store_id
        commit(restored, "r1", record())


def test_backup_never_overwrites(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    target.mkdir()
    with pytest.raises(UserError) as caught:
        back_up(store, target)
    assert caught.value.reason == "target-exists"
    assert list(target.iterdir()) == []


def test_backup_inside_the_home_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store.home)
    for target in (store.home / "backup", tmp_path / "link" / "backup"):
        with pytest.raises(UserError) as caught:
            back_up(store, target)
        assert caught.value.reason == "target-inside-home"
        assert not target.exists()


def test_damaged_revision_is_not_backed_up_silently(store: Store, tmp_path: Path) -> None:
    fill(store)
    with store.writing() as connection:
        drop_guards(connection)
        connection.execute(sql("UPDATE revision SET section = 'Khác' WHERE id = 3"))
    with pytest.raises(StoreDamaged, match="revision 3"):
        back_up(store, tmp_path / "backups" / "b")
    assert left_in(tmp_path / "backups") == set()


def test_missing_and_torn_raw_files_are_named_and_all_else_is_saved(store: Store, tmp_path: Path) -> None:
    fill(store)
    (warc,) = (store.home / "raw").rglob("*.warc.gz")
    name = warc.relative_to(store.home / "raw").as_posix()
    os.truncate(warc, warc.stat().st_size - 5)
    torn = back_up(store, tmp_path / "torn")
    assert torn.raw.damaged == (name,)
    assert (torn.folder / "raw" / name).read_bytes() == warc.read_bytes()
    warc.unlink()
    missing = back_up(store, tmp_path / "missing")
    assert (missing.raw.damaged, missing.raw.files) == ((name,), 0)
    with opened(missing.folder) as restored:
        assert restored.versions() == store.versions()


def test_linked_backup_has_the_same_bytes_and_outlives_the_original(store: Store, tmp_path: Path) -> None:
    fill(store)
    made = back_up(store, tmp_path / "backup", link=True)
    (ours,) = (store.home / "raw").rglob("*.warc.gz")
    (theirs,) = (made.folder / "raw").rglob("*.warc.gz")
    assert ours.samefile(theirs)
    shutil.rmtree(store.home / "raw")
    with opened(made.folder) as restored:
        capture = restored.history("http://a.example/1")[0].capture_id
        assert capture is not None
        assert restored.raw(capture) == PAGE


def test_tail_that_no_row_names_is_left_out(store: Store, tmp_path: Path) -> None:
    fill(store)
    (warc,) = (store.home / "raw").rglob("*.warc.gz")
    whole = warc.read_bytes()
    with warc.open("ab") as stream:
        stream.write(b"a record that a run has begun to wri")
    made = back_up(store, tmp_path / "backup")
    (theirs,) = (made.folder / "raw").rglob("*.warc.gz")
    assert theirs.read_bytes() == whole


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_is_told_and_leaves_nothing(store: Store, small_disk: Path) -> None:
    commit(store, "r1", *(short(n) for n in range(3000)))
    with pytest.raises(StoreError) as caught:
        back_up(store, small_disk / "backup")
    assert caught.value.reason == "backup-not-written"
    assert "full" in caught.value.message
    assert left_in(small_disk) == set()
