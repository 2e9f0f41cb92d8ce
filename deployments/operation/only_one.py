"""One operation for each KHOTIN_HOME: a locked file says that it runs, and where."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parsers.errors import StoreError

FILE = "up.json"


@contextmanager
def only_one(home: Path, facts: dict[str, Any]) -> Iterator[dict[str, Any] | None]:
    """Hold the lock and write the facts; gives None, or the facts of the operation that holds it.

    The kernel frees the lock when its holder dies, however it does.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        file = (home / FILE).open("a+")
    except OSError as error:
        raise StoreError(
            f"cannot write to {home}: {error.strerror or error}",
            reason="home-not-writable",
            hint="set KHOTIN_HOME to a folder that you may write to",
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            yield _read(file.read())
            return
        file.seek(0)
        file.truncate()
        json.dump(facts, file)
        file.flush()
        try:
            yield None
        finally:
            file.truncate(0)


def _read(text: str) -> dict[str, Any]:
    try:
        facts = json.loads(text)
    except ValueError:  # it is just being written
        return {}
    return facts if isinstance(facts, dict) else {}
