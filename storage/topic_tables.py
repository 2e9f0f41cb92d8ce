"""Tables of topics: what sources left out, the models of closeness, and the scores by them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Text
from sqlmodel import Field

from storage.columns import BigId, StoreTable, digest_column, time_column


class OffTopic(StoreTable, table=True):
    """A page that a source left out because it matches none of its topics, and what was judged.

    `topics` are names and versions of the topics (parsers/topics.py), joined by commas. `stage` is `told`
    where title and lead stand as a feed, sitemap or address told them, and `read` where the page itself was
    read. `score` is the closeness in parts of 10,000, by the model `model_id`.
    """

    __tablename__ = "off_topic"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True, autoincrement=True))
    run_id: str
    source: str
    url_key: str = digest_column(index=True)
    url: str = Field(sa_type=Text)
    topics: str = Field(sa_type=Text)
    stage: str
    title: str | None = Field(default=None, sa_type=Text)
    lead: str | None = Field(default=None, sa_type=Text)
    score: int | None = None
    model_id: int | None = Field(default=None, sa_type=BigInteger)
    at: datetime = time_column()


class ClosenessModelRow(StoreTable, table=True):
    """One version of the closeness model (parsers/closeness.py): its terms and parameters, and their hash.

    `seeds_version` is the version of the corpus whose seeds it was fitted on.
    """

    __tablename__ = "closeness_model"
    id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    format: str
    sha256: str = digest_column()
    seeds: int
    background: int
    seeds_version: int = Field(sa_column=Column(BigInteger, ForeignKey("version.id"), nullable=False))
    code_version: str
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = time_column()


class Closeness(StoreTable, table=True):
    """How close the text of a revision is to the seeds by one model, in parts of 10,000."""

    __tablename__ = "closeness"
    model_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("closeness_model.id"), primary_key=True, autoincrement=False)
    )
    revision_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("revision.id"), primary_key=True, autoincrement=False)
    )
    score: int
