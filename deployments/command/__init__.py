"""The command `khotin`: everything above the flows. One module a group of subcommands."""

from deployments.command.main import main

__all__ = ["main"]
