"""The detector with its persistence, as a commit uses it, around a small table of texts.

What a commit writes besides (leaves, versions, the ledger) is left out; the matcher, the index with its
segments, the sketches in SQLite and the packed texts that candidates are verified on are those of the store.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from sqlalchemy import Connection

from parsers.article import Paragraph, ParagraphKind
from parsers.compare import read_text, with_title
from parsers.compared import ComparedText
from parsers.relations import Relation, kinship
from parsers.shingles import sketches_of_all
from storage.bulk import among
from storage.codec import Packer, Unpacker
from storage.database import connect_engine, database_url, reading, writing
from storage.kin import AT_ONCE, compared_text
from storage.likeness import FOLDER, SMALLEST, LikenessIndex
from storage.matching import Match, Matcher
from storage.sketches import write_sketches
from storage.tables import Sketch, table_of

_TABLE = (
    "CREATE TABLE text (id INTEGER PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL, body BLOB NOT NULL)"
)
_INDEX = "CREATE INDEX text_url ON text (url)"
_TEXTS = "SELECT id, name, body FROM text WHERE id {}"
_URLS = "SELECT url, id FROM text WHERE url {} ORDER BY id"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A document as it arrives."""

    name: str
    url: str
    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a document is to a known one; `relation` is `revision` if that was at the same address."""

    name: str
    partner: str
    relation: str


class Detector:
    """Takes documents in batches and says what each is; reprints are not kept."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._engine = connect_engine(database_url(f"sqlite:///{home / 'detector.db'}"))
        with writing(self._engine) as connection:
            connection.exec_driver_sql(_TABLE)
            connection.exec_driver_sql(_INDEX)
            table_of(Sketch).create(connection)
        self.index = LikenessIndex(home / FOLDER, "detector", chain_at=lambda _connection, _id: "00" * 32)
        self.hi = 0
        self.compared = 0
        self.seconds: dict[str, float] = defaultdict(float)
        """CPU seconds of each part of the work."""
        self._names: dict[int, str] = {}
        self._packer = Packer(None)
        self._unpacker = Unpacker({})
        self._began = 0.0

    def _done(self, part: str) -> None:
        now = time.process_time()
        self.seconds[part] += now - self._began
        self._began = now

    def take(self, documents: Sequence[Arrived]) -> list[Judged]:
        """Judge a batch in one transaction, and let the index take it in."""
        self._began = time.process_time()
        bodies, texts, sketches = [], [], []
        for start in range(0, len(documents), 64):
            chunk = documents[start : start + 64]
            folded = [
                with_title(d.title, read_text(None, [Paragraph(p) for p in d.paragraphs])[1]) for d in chunk
            ]
            sketches += sketches_of_all(folded)
            texts += [ComparedText(d.title, text) for d, text in zip(chunk, folded, strict=True)]
            self._done("fold and sketch")
            bodies += self._packer.pack_all([_body(document) for document in chunk])
            self._done("pack")
        judged: list[Judged] = []
        with writing(self._engine) as connection:
            view = self.index.view(connection, self.hi)
            matcher = Matcher(view, lambda ids: self._fetch(connection, ids))
            self._done("index")
            rows = []
            for start in range(0, len(documents), AT_ONCE):
                chunk = documents[start : start + AT_ONCE]
                own = slice(start, start + AT_ONCE)
                known = among(connection, _URLS, [document.url for document in chunk])
                at_url = dict(tuple(row) for row in known)
                earlier = self._fetch(connection, sorted(set(at_url.values())))
                matcher.open(sketches[own], texts[own])
                self._done("index")
                for place, document in enumerate(chunk):
                    match = self._match(
                        matcher, place, texts[start + place], at_url.get(document.url), earlier
                    )
                    relation = self._told(match, at_url.get(document.url))
                    if match is not None and relation in (Relation.REPRINT, Relation.DUPLICATE):
                        matcher.became(place, match.revision_id, appended=False)
                    else:
                        self.hi += 1
                        self._names[self.hi] = document.name
                        matcher.became(place, self.hi, appended=True)
                        at_url[document.url] = self.hi
                        earlier[self.hi] = texts[start + place]
                        rows.append((self.hi, document.name, document.url, bodies[start + place]))
                    if match is not None and relation is not None:
                        judged.append(Judged(document.name, self._names[match.revision_id], relation))
                self._done("verify")
                write_sketches(connection, matcher.close())
                self._done("write")
            connection.exec_driver_sql("INSERT INTO text VALUES (?, ?, ?, ?)", rows)
            self.compared += matcher.compared
        self._names.clear()
        self._done("write")
        with reading(self._engine) as connection:
            self.index.catch_up(connection, self.hi, smallest=SMALLEST)
        self._done("index")
        return judged

    def _match(
        self,
        matcher: Matcher,
        place: int,
        text: ComparedText,
        at_url: int | None,
        earlier: dict[int, ComparedText],
    ) -> Match | None:
        """A document at a known address is its revision, if the texts share anything."""
        if at_url is not None:
            found = kinship(earlier[at_url], text)
            if found is not None:
                return Match(at_url, found)
        return matcher.match(place)

    def _told(self, match: Match | None, at_url: int | None) -> str | None:
        if match is None:
            return None
        return "revision" if match.revision_id == at_url else match.kinship.relation.value

    def _fetch(self, connection: Connection, ids: Sequence[int]) -> dict[int, ComparedText]:
        found: dict[int, ComparedText] = {}
        for start in range(0, len(ids), AT_ONCE):
            for number, name, body in among(connection, _TEXTS, ids[start : start + AT_ONCE]):
                self._names[number] = name
                found[number] = compared_text(self._unpacker.unpack(body, None))
        return found

    def close(self) -> None:
        self._engine.dispose()


def _body(document: Arrived) -> bytes:
    paragraphs = [[ParagraphKind.PARAGRAPH, text] for text in document.paragraphs]
    return orjson.dumps({"title": document.title, "lead": None, "paragraphs": paragraphs})
