"""Retraction: a version that takes documents out of the corpus, and may purge what they said.

Each retracted document gets a tombstone, a revision with op `retract`. It keeps the document's url, source,
record_kind, language and kind; `fetched_at` is the time of the retraction, parser `retraction` version 1; all
else is empty or NULL, word_count 0, and the body is that of an empty record with one more key,
`"retraction": {"reason": ..., "purge": ...}`, hashed and packed like any other. Later versions leave the
document out, older ones still show it.

With `purge` three steps follow one another, each durable before the next: the version, whose message and
tombstones say what is purged; the bodies of all older revisions (storage/purge.py); the raw pages. If it is
stopped anywhere, the same call completes it: what was done is found done. A document that was retracted
without a purge gets a second tombstone when it is purged later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from parsers.errors import UserError
from storage.database import forget_deleted
from storage.purge import Purged, captures_of, purge_bodies, purge_raw
from storage.records import Retraction
from storage.store import Store
from storage.tombstones import write_retraction
from storage.versions import VersionRow

MAX_REASON = 2_000


@dataclass(frozen=True, slots=True)
class RetractionResult:
    """What a retraction came to; `version` is None if all of the documents had been retracted before."""

    version: VersionRow | None
    documents: tuple[str, ...]
    """The documents asked for, by their own URLs."""
    purged: Purged


def retract(
    store: Store,
    urls: Sequence[str],
    reason: str,
    *,
    purge: bool,
    run_id: str,
    now: datetime,
    code_version: str,
) -> RetractionResult:
    """Take documents out of the corpus; with `purge` also their texts and raw pages, for ever.

    `urls`: canonical URLs or ids of seeds; the address of a page stands for the document that it led to.
    Raises UserError without a reason, NotFound (`no-such-document`) if any of them is unknown: then nothing
    was done. Raises StoreError if the archive cannot be written: then the same call goes on from there.
    """
    retraction = Retraction(checked_reason(reason), purge)
    with store.committing() as connection:
        version, documents = write_retraction(connection, urls, retraction, run_id, now, code_version)
    if not purge:
        return RetractionResult(version, documents, Purged())
    with store.writing() as connection:
        bodies = purge_bodies(connection, documents)
        captures = captures_of(connection, documents)
        engine = connection.engine
    forget_deleted(engine)
    pages = purge_raw(store.archive_folder, captures, now)
    return RetractionResult(version, documents, Purged(bodies, pages.pages, pages.missing))


def checked_reason(reason: str) -> str:
    """A reason in one line. Raises UserError if there is none, or too much of it."""
    reason = " ".join(reason.split())
    if not 0 < len(reason) <= MAX_REASON:
        raise UserError(
            f"a retraction needs a reason of 1 to {MAX_REASON} characters",
            reason="bad-reason",
            hint="write who demanded it, and when: the reason stays in the corpus for ever",
        )
    return reason
