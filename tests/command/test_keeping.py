"""`khotin backup` and `khotin copy` as a user meets them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deployments.command.output import ExitCode
from tests.command.test_command import KHOTIN, answer, khotin
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("ingested") / "data"
    done = khotin(home, "ingest", "--sample")
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def home(ingested: Path, tmp_path: Path) -> Path:
    """A home in which the sample newsroom was ingested once."""
    return shutil.copytree(ingested, tmp_path / "data")


def test_backup_is_a_home_of_its_own(home: Path, tmp_path: Path) -> None:
    made = answer(home, "backup", "backups/one")
    assert made["version"] == 2
    assert made["raw"]["damaged"] == []
    folder = Path(made["folder"])
    assert folder == tmp_path / "backups" / "one"
    assert answer(folder, "log") == answer(home, "log")
    url = answer(home, "diff", "1", "2")[0]["url"]
    assert khotin(folder, "show", url, "--raw").stdout == khotin(home, "show", url, "--raw").stdout
    assert answer(folder, "ingest", "--sample")["version"]["id"] == 3


def test_backup_says_how_to_restore(home: Path, tmp_path: Path) -> None:
    done = khotin(home, "backup", "one")
    assert done.returncode == 0
    assert "version 2, 30 revisions" in done.stdout
    assert f"KHOTIN_HOME={tmp_path / 'one'}" in done.stdout


def test_backup_during_a_running_ingest_is_whole(home: Path, tmp_path: Path) -> None:
    env = {"KHOTIN_HOME": str(home), "PREFECT_HOME": str(tmp_path / "p"), "PATH": "/usr/bin:/bin"}
    command = [*KHOTIN, "ingest", "--sample"]
    env["PYTHONPATH"] = str(ROOT)
    running = subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    numbers: list[int] = []
    while running.poll() is None:
        made = answer(home, "backup", f"b{len(numbers)}")
        numbers.append(made["version"])
        assert answer(Path(made["folder"]), "log")[0]["chain"] == made["chain"]
    assert running.communicate() is not None
    assert running.returncode == 0
    assert set(numbers) <= {2, 3}
    assert numbers


def test_backup_of_postgresql_reads_as_an_sqlite_store(tmp_path: Path, postgres_url: str) -> None:
    home = tmp_path / "data"
    assert khotin(home, "ingest", "--sample", KHOTIN_DATABASE_URL=postgres_url).returncode == 0
    done = khotin(home, "backup", "one", "--json", KHOTIN_DATABASE_URL=postgres_url)
    assert done.returncode == 0, done.stderr
    there = khotin(home, "export", "-", KHOTIN_DATABASE_URL=postgres_url).stdout
    assert khotin(tmp_path / "one", "export", "-").stdout == there
    assert len(there.splitlines()) == 30


def test_backup_without_all_raw_files_ends_with_exit_code_3_and_names_them(home: Path) -> None:
    lost = sorted((home / "raw").rglob("*.warc.gz"))[0]
    lost.unlink()
    done = khotin(home, "backup", "one")
    assert done.returncode == ExitCode.IN_PART
    assert lost.name in done.stderr
    assert "Traceback" not in done.stderr


def test_copy_to_postgresql_goes_on_as_the_same_store(home: Path, postgres_url: str) -> None:
    copied = answer(home, "copy", postgres_url)
    assert copied["rows"]["version"] == 2
    told = khotin(home, "log", "--json", KHOTIN_DATABASE_URL=postgres_url)
    assert json.loads(told.stdout) == answer(home, "log")
    done = khotin(home, "ingest", "--sample", "--json", KHOTIN_DATABASE_URL=postgres_url)
    assert json.loads(done.stdout)["version"]["id"] == 3
    left = khotin(home, "log")
    assert left.returncode == ExitCode.FAILED
    assert "[behind-checkpoint]" in left.stderr, "nobody goes on with the old database by mistake"


def test_copy_with_home_takes_the_raw_pages_along(home: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    done = khotin(home, "copy", f"sqlite:///{new / 'khotin.db'}", "--home", str(new))
    assert done.returncode == 0, done.stderr
    assert f"KHOTIN_HOME to {new}" in done.stdout
    assert answer(new, "log") == answer(home, "log")
    url = answer(new, "diff", "1", "2")[0]["url"]
    assert khotin(new, "show", url, "--raw").stdout == khotin(home, "show", url, "--raw").stdout


@pytest.mark.parametrize(
    ("args", "reason", "says"),
    [
        (["backup", "data"], "target-exists", "date"),
        (["backup", "data/b"], "target-inside-home", "outside"),
        (["backup", "/proc/b"], "backup-not-written", "name a folder"),
        (["copy", "mysql://x/y"], "bad-database-url", "postgresql://"),
        (["copy", "sqlite:///data/khotin.db"], "target-not-empty", "new database"),
        (["copy", "sqlite:///new.db", "--home", "data"], "target-exists", "leave --home out"),
        (["copy", "postgresql://127.0.0.1:9/x"], "store-unreachable", "check"),
    ],
)
def test_mistake_gets_a_short_error_that_says_what_to_do(
    home: Path, args: list[str], reason: str, says: str
) -> None:
    done = khotin(home, *args)
    assert done.returncode == (1 if reason in ("store-unreachable", "backup-not-written") else 2)
    assert f"[{reason}]" in done.stderr
    assert says in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert answer(home, "log")[0]["id"] == 2


def test_wheel_holds_the_migrations(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("env.py", "script.py.mako", "versions/0001_first.py"):
        assert f"storage/migrations/{name}" in names
