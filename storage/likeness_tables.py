"""Tables of likeness: sketches of texts, what offers were to known texts, and the rulings of users."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, Double, LargeBinary, Text
from sqlmodel import Field

from storage.columns import BigId, StoreTable, digest_column, time_column


class Sketch(StoreTable, table=True):
    """What of a revision's text is compared with others (parsers/shingles.py), made anew when needed."""

    __tablename__ = "sketch"
    revision_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    algorithm: str
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Kin(StoreTable, table=True):
    """What an offered text was to a known one, with the scores that led to it.

    `revision_id` is its own revision if it was appended (`part`, `near`, `series`), else this is all that is
    kept of it: a sighting. `cluster_key` is the URL key of the document that its cluster began with.
    """

    __tablename__ = "kin"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True, autoincrement=True))
    run_id: str
    source: str
    url_key: str = digest_column(index=True)
    url: str = Field(sa_type=Text)
    relation: str  # duplicate, reprint, part, near, series
    reason: str
    revision_id: int | None = Field(default=None, sa_type=BigInteger)
    partner_url_key: str = digest_column(index=True)
    partner_url: str = Field(sa_type=Text)
    partner_revision_id: int = Field(sa_type=BigInteger)
    cluster_key: str = digest_column(index=True)
    jaccard: float | None = Field(default=None, sa_type=Double)
    containment: float | None = Field(default=None, sa_type=Double)
    coverage: float | None = Field(default=None, sa_type=Double)
    rewritten: float | None = Field(default=None, sa_type=Double)
    moved: int | None = None
    agreeing: int | None = None
    conflicting: int | None = None
    algorithm: str
    word_count: int
    published_at: datetime | None = time_column(nullable=True)
    at: datetime = time_column()


class Ruling(StoreTable, table=True):
    """What a user said of a document: the newest ruling on a URL holds, whatever the scores say."""

    __tablename__ = "ruling"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True, autoincrement=True))
    url_key: str = digest_column(index=True)
    url: str = Field(sa_type=Text)
    verdict: str  # keep, duplicate, by-rule
    partner_url: str | None = Field(default=None, sa_type=Text)
    reason: str = Field(sa_type=Text)
    at: datetime = time_column()
