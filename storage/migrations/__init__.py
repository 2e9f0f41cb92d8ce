"""The migrations: each file in `versions/` brings the schema from the one before it to its own.

`storage.schema` runs them when a store is opened, inside one transaction. `env.py` is for developers only, so
that Alembic's command works in a checkout; it works against a scratch database, made anew each time:

    alembic check                                 do the tables and the migrations agree?
    alembic revision --autogenerate -m "what"     write the next migration, 0002_what.py and so on

After that: read what was written (a rebuilt table is copied whole: prefer `add_column`), set `SCHEMA` in
storage/tables.py, and keep an old store for the test: `python -m tests.storage.schemas.make`.
A change of the append-only guards needs a migration too, though an empty one: they are remade with each.

Until the first release the first migration may be made anew instead:

    rm storage/migrations/versions/0001_first.py
    alembic revision --autogenerate -m first
    python -m tests.storage.schemas.make
"""
