"""The tables of the store, the same on SQLite and PostgreSQL: here all of them meet.

Two kinds of table stand in the modules. `version`, `revision`, `capture`, `outcome`, `kin`, `ruling`,
`off_topic`, `closeness_model` and `closeness` are the record: rows are only ever inserted, and triggers
reject UPDATE and DELETE. `ingest_run`, `run_source`, `page`, `endpoint`, `host`, `source_state` and
`page_shape` are the working memory of the flows: what was seen, asked and decided last. `sketch` is derived
from the texts.
"""

from __future__ import annotations

from storage.columns import from_micros, metadata, micros, table_of
from storage.likeness_tables import Kin, Ruling, Sketch
from storage.record_tables import Capture, Meta, Outcome, Revision, Tag, Version, Zdict
from storage.topic_tables import Closeness, ClosenessModelRow, OffTopic
from storage.working_tables import Endpoint, Host, IngestRun, Page, PageShape, RunSource, SourceState

SCHEMA = "0001"
"""The newest migration in storage/migrations/versions: the schema that these tables are."""

APPEND_ONLY = (
    "version", "revision", "capture", "outcome", "tag", "zdict", "kin", "ruling", "off_topic",
    "closeness_model", "closeness",
)  # fmt: skip

__all__ = [
    "APPEND_ONLY",
    "SCHEMA",
    "Capture",
    "Closeness",
    "ClosenessModelRow",
    "Endpoint",
    "Host",
    "IngestRun",
    "Kin",
    "Meta",
    "OffTopic",
    "Outcome",
    "Page",
    "PageShape",
    "Revision",
    "Ruling",
    "RunSource",
    "Sketch",
    "SourceState",
    "Tag",
    "Version",
    "Zdict",
    "from_micros",
    "metadata",
    "micros",
    "table_of",
]
