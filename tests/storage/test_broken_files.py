"""Files that are damaged, full or not to be written: what was committed is there or its loss is told."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from parsers.errors import KhotinError, StoreDamaged, StoreError
from storage import Store, open_store
from storage.archive import ArchiveWriter, Payload, read_payload
from storage.checkpoint import FILE_NAME
from tests.conftest import ROOT, START
from tests.storage.dying import Nursery
from tests.storage.editions import Contents, article, check_captures, check_sound, next_run, run, settle

KHOTIN = [sys.executable, "-c", "from deployments.command import main; main()"]


def sqlite(home: Path) -> str:
    return f"sqlite:///{home / 'khotin.db'}"


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a process that was killed after three commits, which stand in the WAL alone."""
    home = tmp_path_factory.mktemp("crashed") / "home"
    with Nursery() as nursery:
        assert nursery.kill_at("crash", home, sqlite(home), 1) == "crash"
    assert (home / "khotin.db-wal").stat().st_size > 100_000
    return home


def cut(wal: Path, rng: random.Random) -> None:
    os.truncate(wal, rng.randrange(wal.stat().st_size))


def flip(wal: Path, rng: random.Random) -> None:
    data = bytearray(wal.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    wal.write_bytes(data)


def zero(wal: Path, rng: random.Random) -> None:
    data = bytearray(wal.read_bytes())
    start = rng.randrange(len(data))
    size = min(rng.choice((16, 4096, 65536)), len(data) - start)
    data[start : start + size] = bytes(size)
    wal.write_bytes(data)


def delete(wal: Path, _rng: random.Random) -> None:
    wal.unlink()


@pytest.mark.parametrize(("damage", "times"), [(cut, 12), (flip, 12), (zero, 12), (delete, 1)])
def test_damaged_wal_gives_a_prefix_of_the_versions_and_a_lost_one_is_told(
    crashed: Path,
    tmp_path: Path,
    damage: Callable[[Path, random.Random], None],
    times: int,
    told: Callable[[str], None],
) -> None:
    rng = random.Random(f"wal-{damage.__name__}")
    whole = tmp_path / "whole"
    shutil.copytree(crashed, whole)
    with open_store(whole, sqlite(whole)) as store:
        versions = store.versions()
    assert len(versions) == 3
    seen: Counter[str] = Counter()
    for number in range(times):
        home = tmp_path / str(number)
        shutil.copytree(crashed, home)
        damage(home / "khotin.db-wal", rng)
        lost = ""
        try:
            open_store(home, sqlite(home)).close()
        except StoreDamaged as error:
            lost = error.reason
            # What a user does who accepts the loss: the checkpoint is moved away.
            (home / FILE_NAME).unlink()
        with open_store(home, sqlite(home)) as store:
            left = store.versions()
            assert left == versions[: len(left)]
            check_sound(store)
        assert lost == ("behind-checkpoint" if len(left) < len(versions) else "")
        seen[f"{len(left)} of 3 versions left"] += 1
        shutil.rmtree(home)
    told(f"WAL, {damage.__name__}: {times} damages, {dict(sorted(seen.items()))}")


# -- no room ------------------------------------------------------------


@contextmanager
def mounted(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A file system of this size of its own, in memory."""
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(options, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip("a file system can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)


def remount(folder: Path, options: str) -> None:
    command = ["mount", "-o", f"remount,{options}", str(folder)]
    subprocess.run(command, check=True, capture_output=True)


def khotin(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("KHOTIN_", "PREFECT_"))}
    clean |= {"KHOTIN_HOME": str(home), "PREFECT_HOME": str(home.parent / "no-prefect"), "TMPDIR": "/tmp"}
    return subprocess.run(
        [*KHOTIN, *args], cwd=ROOT, env=clean, capture_output=True, text=True, timeout=120, check=False
    )


NO_ROOM = {"store-failed", "archive-not-writable", "checkpoint-not-written", "home-not-writable"}


def test_full_disk_ends_a_run_with_a_named_error_and_more_room_mends_it(
    tmp_path: Path, told: Callable[[str], None]
) -> None:
    with open_store(tmp_path / "reference", sqlite(tmp_path / "reference")) as store:
        settle(store)
        next_run(store, "undisturbed")
        wanted = Contents.of(store)
    reasons: Counter[str] = Counter()
    with mounted(tmp_path / "small", 200) as disk:
        home = disk / "home"
        done = False
        for attempt, kilobytes in enumerate(range(300, 24_000, 500)):
            remount(disk, f"size={kilobytes}k")
            try:
                with open_store(home, sqlite(home)) as store:
                    before = store.versions()
                    try:
                        if len(before) < 3:
                            settle_from(store, len(before), attempt)
                        next_run(store, f"next-{attempt}")
                        done = True
                    finally:
                        after = store.versions()
                        assert after[: len(before)] == before, "the old state is whole"
                        check_sound(store)
                        check_captures(store)
            except KhotinError as error:
                reasons[error.reason] += 1
            if done:
                break
        assert done
        assert set(reasons) <= NO_ROOM
        assert sum(reasons.values()) > 3
        with open_store(home, sqlite(home)) as store:
            assert Contents.of(store).documents == wanted.documents
    told(f"disk full: {dict(reasons)} up to the run that came through with {kilobytes} KB")


def settle_from(store: Store, done: int, attempt: int) -> None:
    """The runs of `settle` that are not yet committed."""
    for number in range(done, 3):
        records = [article(source, n) for source in ("a", "b") for n in range(number * 4, number * 4 + 4)]
        run(store, f"settle-{number}-{attempt}", records, START)


def test_command_on_a_full_disk_tells_it_in_two_lines_and_goes_on_with_more_room(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", 300) as disk:
        for kilobytes in (300, 1200):
            remount(disk, f"size={kilobytes}k")
            done = khotin(disk / "home", "ingest", "--sample")
            assert "Traceback" not in done.stderr, done.stderr
            if kilobytes == 300:
                assert done.returncode in (1, 2)
                assert any(f"[{reason}]" in done.stderr for reason in NO_ROOM), done.stderr
        remount(disk, "size=100m")
        done = khotin(disk / "home", "ingest", "--sample")
        assert done.returncode == 0, done.stderr


def test_file_size_limit_is_a_full_disk_too(tmp_path: Path) -> None:
    """Where nothing can be mounted, a limit on the size of files raises the same kind of errors."""
    home = tmp_path / "home"
    with open_store(home, sqlite(home)) as store:
        settle(store)
        before = store.versions()
    child = os.fork()
    if child == 0:  # the limit is for good, so it is set in a process of its own
        told = b"nothing"
        try:
            size = (home / "khotin.db").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
            with open_store(home, sqlite(home)) as store:
                next_run(store, "limited")
        except KhotinError as error:
            told = error.reason.encode()
        finally:
            (tmp_path / "told").write_bytes(told)
            os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "told").read_text() in NO_ROOM
    with open_store(home, sqlite(home)) as store:
        assert store.versions() == before
        check_sound(store)
        next_run(store, "unlimited")
        assert len(store.versions()) == len(before) + 1


def test_read_only_home_is_told_in_two_lines(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", 100_000) as disk:
        home = disk / "home"
        with open_store(home, sqlite(home)) as store:
            settle(store)
        remount(disk, "ro")
        done = khotin(home, "ingest", "--sample")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr, done.stderr
        assert "[home-not-writable]" in done.stderr
        remount(disk, "rw")
        with open_store(home, sqlite(home)) as store:
            assert len(store.versions()) == 3


# -- the archive ------------------------------------------------------------


def test_write_that_the_disk_refused_does_not_shift_what_follows(tmp_path: Path) -> None:
    noise = random.Random(5).randbytes(300_000)
    with mounted(tmp_path / "small", 200) as disk, ArchiveWriter(disk, "run-12345678", START, "t") as archive:
        small = Payload("http://a.example/1", START, b"<p>a</p>", status=200)
        first = archive.write(small)
        archive.sync()
        with pytest.raises(StoreError) as caught:
            archive.write(Payload("http://a.example/2", START, noise, status=200))
        assert caught.value.reason == "archive-not-writable"
        remount(disk, "size=2000k")
        second = archive.write(Payload("http://a.example/3", START, b"<p>c</p>", status=200))
        archive.sync()
        for place, body in ((first, b"<p>a</p>"), (second, b"<p>c</p>")):
            got = read_payload(disk, place.file, place.offset, place.length, place.payload_sha256)
            assert got == body


# -- a statement that fails ------------------------------------------------------------

REFUSALS = {
    "sqlite": (
        "CREATE TRIGGER injected BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'injected'); END",
        "DROP TRIGGER injected",
    ),
    "postgresql": (
        "CREATE FUNCTION injected() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'injected'; END $$; "
        "CREATE TRIGGER injected BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION injected()",
        "DROP FUNCTION injected() CASCADE",
    ),
}


@pytest.mark.parametrize("table", ["version", "revision", "outcome", "page", "run_source", "endpoint"])
def test_statement_that_fails_rolls_the_whole_commit_back(store: Store, table: str) -> None:
    settle(store)
    before = store.versions()
    with store.writing() as connection:
        inject, remove = REFUSALS[connection.dialect.name]
        connection.execute(sql(inject.format(table=table)))
    with pytest.raises(StoreError, match="injected") as caught:
        next_run(store, "refused")
    assert caught.value.reason == "store-failed"
    assert store.versions() == before
    check_sound(store)
    store.fail_run("refused", str(caught.value), START)
    assert next(r.state for r in store.runs() if r.run_id == "refused") == "failed"
    with store.writing() as connection:
        connection.execute(sql(remove))
    assert next_run(store, "again").version is not None
    check_sound(store)


def test_run_id_that_is_there_already_is_refused_by_name(store: Store) -> None:
    next_run(store, "r1")
    with pytest.raises(StoreError) as caught:
        next_run(store, "r1")
    assert caught.value.reason == "run-not-open"
    assert len(store.versions()) == 1
    check_sound(store)
