"""Processes that die by SIGKILL at one chosen point of their work, one after another from one nursery.

    python -m tests.storage.dying

reads lines of JSON (`home`, `url`, `job`, `point`) from standard input. For each it forks a process that does
the job and dies at point number `point`, and answers with a line: whether it died, and the name of the point.
A fork costs a hundredth of what a new interpreter does, so that a job can be killed at all of its points.

Points are: before every statement, before and after every COMMIT, at the start, in the middle and at the end
of every COPY, and before every opening and renaming of the archive's files and of HEAD.json.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

from storage import open_store
from storage.likeness import FAN
from tests.conftest import ROOT
from tests.storage.editions import next_run, settle


class Countdown:
    """Counts points, and kills this process at the one that was chosen."""

    def __init__(self, fatal: int, report: int) -> None:
        self._left = fatal
        self._report = report
        self.armed = False
        self.files_only = False

    def reach(self, name: str) -> None:
        if not self.armed:
            return
        self._left -= 1
        if self._left == 0:
            os.write(self._report, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)


def watch(countdown: Countdown) -> None:
    """Have the countdown told of every point of this process from now on."""

    def _statement(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not countdown.files_only:
            countdown.reach(" ".join(statement.split()[:3]))

    event.listen(Engine, "before_cursor_execute", _statement)

    def _file(name: str, args: tuple[Any, ...]) -> None:
        if name in ("open", "os.rename", "os.remove") and isinstance(args[0], str | os.PathLike):
            path = os.fspath(args[0])
            if "HEAD" in path or "/raw" in path or "/home" in path:
                countdown.reach(f"{name} {Path(path).suffix or 'folder'}")

    sys.addaudithook(_file)
    commit: Any = DefaultDialect.do_commit

    def _commit(self: Any, connection: Any) -> None:
        countdown.reach("before COMMIT")
        commit(self, connection)
        countdown.reach("after COMMIT")

    DefaultDialect.do_commit = _commit  # type: ignore[method-assign]
    copy: Any = psycopg.Cursor.copy

    @contextmanager
    def _copy(self: Any, statement: Any, *args: Any) -> Iterator[Any]:
        countdown.reach("before COPY")
        with copy(self, statement, *args) as stream:
            write, rows = stream.write_row, 0

            def _write(row: Any) -> None:
                nonlocal rows
                rows += 1
                if rows == 5:
                    countdown.reach("in COPY")
                write(row)

            stream.write_row = _write
            yield stream
            countdown.reach("at the end of COPY")
        countdown.reach("after COPY")

    psycopg.Cursor.copy = _copy  # type: ignore[method-assign,assignment]


def do(job: str, home: str, url: str, countdown: Countdown) -> None:
    """`open`: open the store. `run`: the next run on a settled store. `crash`: settle it and die.

    `index`: let the index take in one revision after the other; points are those of its files.
    """
    countdown.armed = job == "open"
    with open_store(Path(home), url) as store:
        if job == "crash":
            settle(store)
            countdown.armed = True
            countdown.reach("crash")
        if job == "index":
            countdown.armed = countdown.files_only = True
            with store.reading() as connection:
                for hi in range(1, FAN + 5):
                    store.likeness.catch_up(connection, hi, smallest=1)
            countdown.armed = False
        if job == "run":
            countdown.armed = True
            next_run(store, "killed")
            countdown.armed = False


def nursery() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(read)
                countdown = Countdown(order["point"], write)
                watch(countdown)
                do(order["job"], order["home"], order["url"], countdown)
                status = 0
            finally:
                os._exit(status)
        os.close(write)
        name = os.read(read, 200).decode()
        os.close(read)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status), "point": name}), flush=True)


class Nursery:
    """The parent's end."""

    def __enter__(self) -> Nursery:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.storage.dying"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)

    def kill_at(self, job: str, home: Path, url: str, point: int) -> str | None:
        """Where the process died; None if its job was done before it came to that point."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"job": job, "home": str(home), "url": url, "point": point}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if answer["code"] == 0:
            return None
        assert answer["code"] == -signal.SIGKILL, "the job failed by itself"
        return str(answer["point"])


if __name__ == "__main__":
    nursery()
