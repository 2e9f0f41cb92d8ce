"""The entry point of the command."""

from __future__ import annotations

from deployments.command import (
    backfill,
    corpus,
    deploy,
    duplicates,
    exports,
    history,
    ingest,
    keeping,
    ledger,
    rejects,
    reparse,
    report,
    retract,
    skeletons,
    sources,
    tag,
    topics,
    up,
    verify,
)
from deployments.command.app import app
from deployments.command.output import told_errors

SUBCOMMANDS = (
    backfill, corpus, deploy, duplicates, exports, history, ingest, keeping, ledger, rejects, reparse, report,
    retract, skeletons, sources, tag, topics, up, verify,
)  # fmt: skip
"""Importing these modules adds their subcommands to the application."""


def main() -> None:
    """Run the command; our errors end in one or two lines and an exit code."""
    with told_errors():
        app()
