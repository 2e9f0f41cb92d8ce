"""What offered texts are to known ones: found in the commit, recorded for ever, ruled on by users.

Of a document that is new, the kin are: a `duplicate` (all its words, or all its paragraphs, are known), a
`reprint`, a `part`, `near` or of a `series` (parsers/relations.py). Duplicates and reprints are not appended;
seeds are, save exact duplicates, since they are the user's own (`khotin duplicates scan` proposes what to
retract). Each is a row of `kin`. A ruling of the user goes before all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import orjson
from sqlalchemy import Connection, insert

from parsers.compared import ComparedText
from parsers.relations import Relation
from parsers.urls import url_key
from storage.bulk import among
from storage.codec import Unpacker
from storage.decision import Twin
from storage.kin_rows import KinRows, Partner, told_of
from storage.likeness import LikenessIndex
from storage.matching import Match, Matcher
from storage.reading import read_dictionaries
from storage.records import Prepared, Record
from storage.sketches import write_sketches
from storage.tables import Ruling, table_of

AT_ONCE = 500
"""So many offers are looked up at once, in the index and in the database."""


class Verdict(StrEnum):
    """What a user can say of a document."""

    KEEP = "keep"
    """It is one of its own, whatever it looks like."""
    DUPLICATE = "duplicate"
    """It is the partner's text, whatever the scores say."""
    BY_RULE = "by-rule"
    """The rules decide again."""


def keeps_out(partner: Partner, record: Record) -> bool:
    """Whether a new document stays out of the corpus for the sake of its partner."""
    if partner.relation is Relation.REPRINT:
        return record.record_kind != "seed"
    return partner.relation is Relation.DUPLICATE


class KinFinder:
    """Finds the kin of the offers of one run, in the order in which they are decided.

    For use inside the write transaction: what it sees and what it writes are of one state. Without an index
    only equal texts and the user's rulings count, and no sketches are written.
    """

    def __init__(
        self, connection: Connection, index: LikenessIndex | None, hi: int, run_id: str, now: datetime
    ) -> None:
        self._connection = connection
        self._matcher = None if index is None else Matcher(index.view(connection, hi), self._fetch)
        self._unpacker: Unpacker | None = None
        self._urls: dict[int, str] = {}
        self._kin = KinRows(connection, run_id, now)
        self._rulings: dict[bytes, tuple[str, str | None]] = {}

    def open(self, offers: Sequence[Prepared]) -> None:
        """Begin the next offers, `AT_ONCE` at most."""
        self._rulings = read_rulings(self._connection, [item.url_key for item in offers])
        if self._matcher is not None:
            self._matcher.open(
                [item.sketch for item in offers],
                [ComparedText(item.record.title, item.record.folded) for item in offers],
            )

    def partner(self, place: int, item: Prepared, twin: Twin | None) -> Partner | None:
        """The kin of a new document; `twin`: a text that is equal by its keys."""
        verdict, ruled = self._rulings.get(item.url_key, (None, None))
        if verdict == Verdict.KEEP:
            return None
        if verdict == Verdict.DUPLICATE and ruled is not None:
            known = _head_of(self._connection, ruled)
            if known is not None:
                return Partner(Relation.DUPLICATE, "ruled-duplicate", known, ruled, None)
        if twin is not None:
            return Partner(Relation.DUPLICATE, twin.reason, twin.id, twin.url, None)
        match = None if self._matcher is None else self._matcher.match(place)
        return None if match is None else self._of(match)

    def _of(self, match: Match) -> Partner:
        relation = match.kinship.relation
        url = self._urls[match.revision_id]
        return Partner(relation, relation.value, match.revision_id, url, match.kinship.scores)

    def appended(self, place: int, item: Prepared, revision_id: int) -> None:
        """Tell that an offer became a revision."""
        self._urls[revision_id] = item.record.url
        if self._matcher is not None:
            self._matcher.became(place, revision_id, appended=True)

    def sighted(self, place: int, partner: Partner) -> None:
        """Tell that an offer was kept out for the sake of its partner."""
        if self._matcher is not None:
            self._matcher.became(place, partner.revision_id, appended=False)

    def note(self, source: str, record: Record, partner: Partner, revision_id: int | None) -> None:
        """Remember what an offer is to its partner; written by `end`."""
        self._kin.note(source, told_of(record), partner, revision_id)

    def end(self) -> None:
        """End what was opened: write the sketches of what was appended, and the kin."""
        if self._matcher is not None:
            write_sketches(self._connection, self._matcher.close())
        self._kin.write()

    def _fetch(self, revision_ids: Sequence[int]) -> dict[int, ComparedText]:
        if self._unpacker is None:
            self._unpacker = Unpacker(read_dictionaries(self._connection))
        found, urls = fetch_texts(self._connection, revision_ids, self._unpacker)
        self._urls.update(urls)
        return found


# A text that its own document has left behind is no partner; a retracted one is, as long as it is there.
_TEXTS = (
    "SELECT id, url, body, zdict_id FROM revision AS r WHERE op <> 'retract' AND codec = 'zstd' AND id {} "
    "AND NOT EXISTS (SELECT 1 FROM revision AS later WHERE later.prev_id = r.id AND later.op = 'revise')"
)


def fetch_texts(
    connection: Connection, revision_ids: Sequence[int], unpacker: Unpacker
) -> tuple[dict[int, ComparedText], dict[int, str]]:
    """The texts of those of the revisions that may be partners, and their URLs."""
    texts: dict[int, ComparedText] = {}
    urls: dict[int, str] = {}
    for start in range(0, len(revision_ids), AT_ONCE):
        chunk = revision_ids[start : start + AT_ONCE]
        for revision_id, url, body, zdict_id in among(connection, _TEXTS, chunk):
            texts[revision_id] = compared_text(unpacker.unpack(bytes(body), zdict_id))
            urls[revision_id] = url
    return texts, urls


def compared_text(body: bytes) -> ComparedText:
    """The text of an unpacked body, ready to be compared."""
    told = orjson.loads(body)
    return ComparedText(told["title"], parts=[told["lead"] or "", *(text for _, text in told["paragraphs"])])


_HEAD = "SELECT id FROM revision WHERE url_key {} AND op <> 'retract' ORDER BY rev DESC LIMIT 1"


def _head_of(connection: Connection, url: str) -> int | None:
    rows = list(among(connection, _HEAD, [bytes.fromhex(url_key(url))]))
    return int(rows[0][0]) if rows else None


_RULINGS = "SELECT url_key, verdict, partner_url FROM ruling WHERE url_key {} ORDER BY id"


def read_rulings(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, tuple[str, str | None]]:
    """The verdicts that hold for those of the documents on which a user has ruled: verdict, partner's URL."""
    rows = among(connection, _RULINGS, keys) if keys else ()
    return {bytes(key): (verdict, partner_url) for key, verdict, partner_url in rows}


def write_ruling(
    connection: Connection, url: str, verdict: Verdict, partner_url: str | None, reason: str, now: datetime
) -> None:
    """Record what a user said of a document; the newest ruling holds."""
    row = {
        "url_key": url_key(url),
        "url": url,
        "verdict": verdict.value,
        "partner_url": partner_url,
        "reason": reason,
        "at": now,
    }
    connection.execute(insert(table_of(Ruling)), [row])
