"""The entry point: every module imported here adds its subcommands to the application."""

from __future__ import annotations

from deployments.command.app import app
from deployments.command.output import told_errors


def main() -> None:
    """Run the command; our errors end in one or two lines and an exit code."""
    with told_errors():
        app()
