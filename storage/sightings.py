"""What is on record of likeness, read back: sightings and relations, the cluster of a document, rulings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update

from parsers.errors import NotFound, UserError
from parsers.relations import Relation
from parsers.urls import url_key
from storage.kin import Verdict, write_ruling
from storage.tables import Kin, Page, Revision, Ruling, micros, table_of


@dataclass(frozen=True, slots=True)
class Member:
    """One text of a cluster.

    `revision_id` is None if it was only sighted; `retracted`: it was in the corpus; `canonical`: the
    original.
    """

    url: str
    revision_id: int | None
    relation: str | None
    partner_url: str | None
    jaccard: float | None
    published_at: datetime | None
    word_count: int
    retracted: bool = False
    canonical: bool = False


@dataclass(frozen=True, slots=True)
class Cluster:
    """A document's cluster, and all that is on record of the document itself."""

    url: str
    members: tuple[Member, ...]
    kin: tuple[dict[str, Any], ...]
    rulings: tuple[dict[str, Any], ...]


def count_kin(connection: Connection) -> dict[str, int]:
    """How many texts are on record by relation."""
    table = table_of(Kin)
    query = select(table.c.relation, func.count()).group_by(table.c.relation)
    counts = dict(tuple(row) for row in connection.execute(query))
    return {relation.value: counts.get(relation.value, 0) for relation in Relation}


def read_kin(connection: Connection, relations: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """The newest rows of these relations, newest first."""
    table = table_of(Kin)
    query = select(table).where(table.c.relation.in_(relations)).order_by(table.c.id.desc()).limit(limit)
    return [_told(row) for row in connection.execute(query).mappings()]


def kin_of(connection: Connection, url: str) -> tuple[dict[str, Any], ...]:
    """What is on record of one address: what it was to whom, each time that it was offered."""
    table = table_of(Kin)
    query = select(table).where(table.c.url_key == url_key(url)).order_by(table.c.id)
    return tuple(_told(row) for row in connection.execute(query).mappings())


def rulings_on(connection: Connection, url: str) -> tuple[dict[str, Any], ...]:
    """What users said of a document, the oldest first; the last holds."""
    table = table_of(Ruling)
    query = select(table).where(table.c.url_key == url_key(url)).order_by(table.c.id)
    return tuple(_told(row) for row in connection.execute(query).mappings())


def _told(row: RowMapping) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("id", "url_key", "partner_url_key")}


def read_cluster(connection: Connection, url: str) -> Cluster:
    """The cluster that a document or a sighting belongs to. Raises NotFound if nothing is on record."""
    table = table_of(Kin)
    key = url_key(url)
    own = connection.execute(
        select(table.c.cluster_key).where(table.c.url_key == key).order_by(table.c.id.desc())
    )
    root = own.scalars().first() or key
    same = table.c.relation.in_((Relation.DUPLICATE, Relation.REPRINT, Relation.NEAR))
    rows = connection.execute(
        select(table).where(table.c.cluster_key == root, same).order_by(table.c.id)
    ).mappings()
    members = {row["url"]: _member(row) for row in rows}
    for known in {m.partner_url for m in members.values() if m.partner_url} - members.keys():
        found = _in_corpus(connection, known)
        if found is not None:
            members[known] = found
    kin, rulings = kin_of(connection, url), rulings_on(connection, url)
    if not members and not kin and not rulings:
        raise NotFound(
            f"nothing is on record of {url}: no text was found to be like it",
            reason="no-kin",
            hint=f"`khotin why {url}` tells what became of it",
        )
    there = _with_retracted(connection, list(members.values()))
    return Cluster(url, tuple(_with_canonical(there)), kin, rulings)


def _member(row: RowMapping) -> Member:
    names = ("url", "revision_id", "relation", "partner_url", "jaccard", "published_at", "word_count")
    return Member(*(row[name] for name in names))


def _in_corpus(connection: Connection, url: str) -> Member | None:
    table = table_of(Revision)
    query = (
        select(table.c.id, table.c.published_at, table.c.word_count)
        .where(table.c.url_key == url_key(url), table.c.op != "retract")
        .order_by(table.c.rev.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else Member(url, row.id, None, None, None, row.published_at, row.word_count)


def _with_retracted(connection: Connection, members: list[Member]) -> list[Member]:
    table = table_of(Revision)
    keys = {url_key(member.url): member.url for member in members if member.revision_id is not None}
    query = select(table.c.url_key).where(table.c.url_key.in_(keys), table.c.op == "retract")
    gone = {keys[key] for key in connection.execute(query).scalars()}
    return [replace(member, retracted=member.url in gone) for member in members]


def _with_canonical(members: list[Member]) -> list[Member]:
    """The earliest published first, of equal times the longer text: it is the original."""
    ordered = sorted(members, key=lambda m: (-m.word_count, m.url))
    ordered.sort(
        key=lambda m: (m.published_at is None, 0 if m.published_at is None else micros(m.published_at))
    )
    return [replace(member, canonical=place == 0) for place, member in enumerate(ordered)]


def rule(
    connection: Connection, url: str, verdict: Verdict, partner_url: str | None, reason: str, now: datetime
) -> None:
    """Record a user's ruling on a document, and let the next run look at its page again.

    Raises UserError without a reason, NotFound if the partner is not in the corpus.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise UserError("a ruling needs a reason", reason="bad-reason", hint='add --reason "TEXT"')
    if partner_url is not None and _in_corpus(connection, partner_url) is None:
        raise NotFound(
            f"{partner_url} is not in the corpus", reason="no-such-document", hint="name a document that is"
        )
    write_ruling(connection, url, verdict, partner_url, reason, now)
    page = table_of(Page)
    # Without its validators: a page that has not changed must come whole.
    connection.execute(
        update(page)
        .where(page.c.url_key == url_key(url), page.c.outcome == "duplicate")
        .values(retry_at=now, etag=None, last_modified=None)
    )
