"""An old store of each past schema, as SQL text of SQLite: `0001.sql` and so on. `make` writes the newest."""
