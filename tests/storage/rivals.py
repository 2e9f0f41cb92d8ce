"""One of several writers on a store, in a process of its own.

    python -m tests.storage.rivals commits HOME URL NAME NUMBER SHARED
    python -m tests.storage.rivals hold HOME URL

`commits` says `ready`, waits for a line, then opens the store and commits NUMBER runs, each with an article
of its own and one that all writers share; with SHARED=1 all of them are for the same source. `hold` takes the
write lock, says `holding`, and keeps it until a line comes or it is ended.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from storage import open_store
from tests.conftest import START
from tests.storage.editions import article, run


def commits(home: str, url: str, name: str, number: str, shared: str) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    source = "shared" if int(shared) else name
    with open_store(Path(home), url) as store:
        for n in range(int(number)):
            own = article(source, 1000 * (int(name[1:]) + 1) + n)
            common = replace(article("common", n), source=source)
            run(store, f"{name}-{n}", [own, common], START + timedelta(minutes=n))


def hold(home: str, url: str) -> None:
    with open_store(Path(home), url) as store, store.writing():
        print("holding", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    job, *arguments = sys.argv[1:]
    if job == "commits":
        commits(*arguments)
    else:
        hold(*arguments)
