"""Has a feed run over? The items of an answer are compared with those of the answer before. Pure.

An answer that shares no item with the one before may have lost some in between: between two looks more was
published than the feed holds. The memory is small: a key for each of the newest items.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from parsers.urls import url_key

REMEMBERED = 64
"""So many items of an answer are remembered, the newest ones."""

_KEY_DIGITS = 12
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Compared:
    """`recent` is to be remembered; `new` says whether an item is new; `gap`, whether none is known."""

    recent: tuple[str, ...]
    new: bool
    gap: bool


def compare(before: Sequence[str], items: Iterable[tuple[str, datetime | None]]) -> Compared:
    """Compare the items of an answer, as (canonical URL, time told), with what was remembered `before`.

    An answer without any item says nothing: what was remembered stays.
    """
    # Newest first where times are told; the sort is stable, so otherwise the order is that of the feed.
    ordered = sorted(items, key=lambda item: item[1] or _LONG_AGO, reverse=True)
    if not ordered:
        return Compared(tuple(before), new=False, gap=False)
    known = set(before)
    recent = tuple(dict.fromkeys(_key(url) for url, _ in ordered[:REMEMBERED]))
    # Mostly one of the first is known: the keys of the others are not even made.
    gap = bool(known) and known.isdisjoint(_key(url) for url, _ in ordered)
    return Compared(recent, new=not known.issuperset(recent), gap=gap)


def _key(url: str) -> str:
    return url_key(url)[:_KEY_DIGITS]
