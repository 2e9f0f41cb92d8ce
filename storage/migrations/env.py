"""What Alembic's command runs in a checkout: it compares `storage.tables` with a scratch database.

The scratch database is SQLite in a temporary folder, or the empty one that `alembic -x url=postgresql://...`
names, which then gets all tables. A store is migrated by opening it, never from here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import context
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from storage.database import connect_engine, database_url
from storage.schema import CONTEXT_OPTIONS, shipped, upgrade, writing_schema
from storage.tables import metadata


def _next_number(_context: MigrationContext, _revision: object, directives: list[MigrationScript]) -> None:
    """Number the migrations, so that their order shows in the folder: 0001, 0002, and so on."""
    head = context.script.get_current_head()
    for directive in directives:
        directive.rev_id = f"{int(head or 0) + 1:04d}"


@contextmanager
def _scratch() -> Iterator[Connection]:
    with tempfile.TemporaryDirectory() as folder:
        named = context.get_x_argument(as_dictionary=True).get("url")
        url = database_url(str(named) if named else f"sqlite:///{Path(folder) / 'scratch.db'}")
        with writing_schema(url) as connection:
            upgrade(connection, shipped())
        engine = connect_engine(url)
        with engine.connect() as connection:
            yield connection
        engine.dispose()


with _scratch() as scratch:
    context.configure(
        connection=scratch,
        target_metadata=metadata,
        process_revision_directives=_next_number,
        # The first migration makes tables only; the later ones must change them on SQLite too.
        render_as_batch=context.script.get_current_head() is not None,
        **CONTEXT_OPTIONS,
    )
    with context.begin_transaction():
        context.run_migrations()
