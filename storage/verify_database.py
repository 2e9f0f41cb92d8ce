"""Verifying what surrounds the rows: the database file, its schema and guards, the checkpoint, the ledger."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from parsers.errors import StoreDamaged
from storage.checkpoint import Head, check_head
from storage.database import guard_statements
from storage.faults import driver_errors
from storage.findings import Findings
from storage.scanning import Rows, first_line
from storage.schema import VERSION_TABLE
from storage.tables import SCHEMA, metadata

_MAX_COMPLAINTS = 1_000


def check_file(rows: Rows, findings: Findings) -> None:
    """SQLite's own look at its pages, indexes and references; PostgreSQL checks those as it reads."""
    if rows.dialect != "sqlite":
        return
    try:
        for (line,) in rows.query(f"PRAGMA integrity_check({_MAX_COMPLAINTS})"):
            if line != "ok":
                findings.add("database", "", "integrity", str(line))
    except driver_errors() as error:
        findings.add("database", "", "integrity", first_line(error))
    for table, row_id, parent, _key in rows.attempt("database", "PRAGMA foreign_key_check"):
        findings.add(table, row_id, "reference", f"it names a row of {parent} that is not there")


def check_schema(connection: Connection, findings: Findings) -> set[str]:
    """Compare tables, columns and indexes with those that khotin makes; gives the tables that are whole."""
    whole: set[str] = set()
    try:
        seen = inspect(connection)
        there = set(seen.get_table_names())
        for table in metadata.sorted_tables:
            if table.name not in there:
                findings.add("schema", table.name, "table-missing")
                continue
            columns = {
                c["name"]: (str(c["type"].compile(connection.dialect)), bool(c["nullable"]))
                for c in seen.get_columns(table.name)
            }
            missing = [c.name for c in table.columns if c.name not in columns]
            if not missing:
                whole.add(table.name)
            for column in table.columns:
                wanted = (column.type.compile(connection.dialect), bool(column.nullable))
                if columns.get(column.name) != wanted:
                    told = f"is {columns.get(column.name, 'not there')}, should be {wanted}"
                    findings.add("schema", f"{table.name}.{column.name}", "column", told)
            names = {i["name"]: bool(i["unique"]) for i in seen.get_indexes(table.name)}
            for index in table.indexes:
                if names.get(str(index.name)) != bool(index.unique):
                    findings.add("schema", str(index.name), "index-missing", f"on {table.name}")
    except driver_errors(SQLAlchemyError, ValueError, TypeError, AttributeError) as error:
        findings.add("schema", "", "unreadable", first_line(error))
    return whole


def check_schema_version(rows: Rows, findings: Findings) -> None:
    """Whether the store says that it has the schema which its tables were compared with."""
    told = [row[0] for row in rows.attempt("schema", f"SELECT version_num FROM {VERSION_TABLE}")]  # noqa: S608
    if told != [SCHEMA]:
        findings.add("schema", VERSION_TABLE, "schema-version", f"it says {told}, this khotin knows {SCHEMA}")


def check_guards(rows: Rows, findings: Findings) -> None:
    """Whether every append-only guard stands as it was made: none missing, none switched off or changed."""
    if rows.dialect == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        there: dict[str, Any] = dict(rows.attempt("schema", query))
        for statement in guard_statements("sqlite"):
            if (match := re.match(r"CREATE TRIGGER IF NOT EXISTS (\w+)", statement)) is None:
                continue
            expected = statement.replace(" IF NOT EXISTS", "", 1)
            if there.get(match[1]) != expected:
                what = "guard-changed" if match[1] in there else "guard-missing"
                findings.add("schema", match[1], what, "rows can be changed unseen")
        return
    query = (
        "SELECT t.tgname, t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE NOT t.tgisinternal AND n.nspname = current_schema()"
    )
    triggers = {name: _text(enabled) for name, enabled in rows.attempt("schema", query)}
    query = (
        "SELECT p.proname, p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = current_schema()"
    )
    functions: dict[str, str] = dict(rows.attempt("schema", query))
    for statement in dict.fromkeys(guard_statements("postgresql")):
        if match := re.search(r"\bTRIGGER (\w+)", statement):
            if triggers.get(match[1]) not in ("O", "A"):
                what = "guard-off" if match[1] in triggers else "guard-missing"
                findings.add("schema", match[1], what, "rows can be changed unseen")
            continue
        match = re.search(r"\bFUNCTION (\w+)\(\).*?\$\$(.*)\$\$", statement, flags=re.DOTALL)
        if match and functions.get(match[1]) != match[2]:
            findings.add("schema", match[1], "guard-changed", "rows can be changed unseen")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def check_checkpoint(
    home: Path, head: Head | None, store_id: str | None, versions: list[dict[str, Any]], findings: Findings
) -> None:
    """Compare HEAD.json with the versions. Missing after the first version, which writes it, is damage."""
    if head is None:
        if len(versions) > 1:
            findings.add("checkpoint", home / "HEAD.json", "missing", "a cut at the end would go unnoticed")
        elif versions:
            findings.note("HEAD.json is not there yet; the next commit writes it")
        return
    chains = {v["id"]: v["chain"].hex() for v in versions if isinstance(v["chain"], bytes)}
    try:
        check_head(head, store_id or "", chains)
    except StoreDamaged as error:
        findings.add("checkpoint", home / "HEAD.json", error.reason, error.message)
        return
    behind = (versions[-1]["id"] if versions else 0) - head.version
    if behind:
        findings.note(f"HEAD.json is {behind} version behind: a run ended between commit and checkpoint")


def check_ledger(rows: Rows, versions: list[dict[str, Any]], findings: Findings) -> None:
    """What the ledger and the tags say of versions and revisions: they remember what was cut off."""
    runs = {version["id"]: version["run_id"] for version in versions}
    query = "SELECT run_id, version_id FROM ingest_run WHERE version_id IS NOT NULL ORDER BY version_id"
    for run_id, version_id in rows.attempt("ingest_run", query):
        if runs.get(version_id) != run_id:
            findings.add("ingest_run", run_id, "version", f"it committed version {version_id}: not there")
    query = (
        "SELECT t.name, t.version_id FROM tag t LEFT JOIN version v ON v.id = t.version_id WHERE v.id IS NULL"
    )
    for name, version_id in rows.attempt("tag", query):
        findings.add("tag", name, "version", f"it names version {version_id}, which is not there")
    distinct = "IS NOT" if rows.dialect == "sqlite" else "IS DISTINCT FROM"
    query = (
        "SELECT o.id, o.revision_id, r.id FROM outcome o LEFT JOIN revision r ON r.id = o.revision_id "
        "WHERE o.outcome IN ('stored', 'revised') AND (r.id IS NULL OR r.capture_id {} o.capture_id)"
    )
    for outcome_id, revision_id, there in rows.attempt("outcome", query.format(distinct)):
        if there is None:
            findings.add("outcome", outcome_id, "revision", f"it stored revision {revision_id}: not there")
        else:
            findings.add("revision", revision_id, "capture", f"not the one that outcome {outcome_id} names")
