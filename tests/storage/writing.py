"""Commits versions to a store in a process of its own, one after the other, until it is stopped.

    python -m tests.storage.writing HOME DATABASE_URL

Prints a line after each commit, so that the parent knows that it is at work.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from parsers.article import Paragraph
from storage import Captured, Met, Offer, SourcePart, open_store
from storage.archive import Payload
from tests.conftest import START
from tests.storage.test_commit import record


def main(home: str, url: str) -> None:
    with open_store(Path(home), url) as store:
        for number in count(1):
            run_id = f"w{number:05d}"
            store.begin_run(run_id, "ingest", "test", START)
            urls = [f"http://w.example/{number}-{n}" for n in range(20)]
            with store.archive_writer(run_id, START, "khotin test") as archive:
                captured = [
                    Captured("a", "page", url, Payload(url, START, url.encode() * 40, 200)) for url in urls
                ]
                ids = store.capture(run_id, archive, captured)
            offers = tuple(
                Offer(
                    Met(url, "feed", fetched_at=START, capture_id=capture),
                    record(url, lead=None, paragraphs=(Paragraph(f"Bài của {url}."),)),
                )
                for url, capture in zip(urls, ids, strict=True)
            )
            store.commit_run(run_id, "ingest", "test", [SourcePart("a", offers=offers)], START, "0")
            print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
