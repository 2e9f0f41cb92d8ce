"""Writers on a store, in processes of their own.

    python -m tests.storage.rivals commits HOME URL WRITERS NUMBER SHARED
    python -m tests.storage.rivals hold HOME URL

`commits` forks WRITERS processes, says `ready`, waits for a line and lets them all go at once: each opens
the store and commits NUMBER runs, with an article of its own and one that all writers share in each; with
SHARED=1 all are for the same source. It ends with 0 if all of them do. `hold` takes the write lock, says
`holding`, and keeps it until a line comes or it is ended.
"""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from storage import open_store
from tests.conftest import START
from tests.storage.editions import article, run


def commits(home: str, url: str, writers: str, number: str, shared: str) -> int:
    wait, gate = os.pipe()
    children = []
    for name in range(int(writers)):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(gate)
                os.read(wait, 1)  # ends when the last copy of the gate is closed
                commit(Path(home), url, name, int(number), shared=bool(int(shared)))
                status = 0
            except Exception:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        children.append(child)
    print("ready", flush=True)
    sys.stdin.readline()
    os.close(gate)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


def commit(home: Path, url: str, writer: int, number: int, *, shared: bool) -> None:
    source = "shared" if shared else f"w{writer}"
    with open_store(home, url) as store:
        for n in range(number):
            own = article(source, 1000 * (writer + 1) + n)
            common = replace(article("common", n), source=source)
            run(store, f"w{writer}-{n}", [own, common], START + timedelta(minutes=n))


def hold(home: str, url: str) -> int:
    with open_store(Path(home), url) as store, store.writing():
        print("holding", flush=True)
        sys.stdin.readline()
    return 0


if __name__ == "__main__":
    job, *arguments = sys.argv[1:]
    sys.exit(commits(*arguments) if job == "commits" else hold(*arguments))
