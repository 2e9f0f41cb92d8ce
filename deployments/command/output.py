"""What the command prints: tables for people, JSON for scripts, errors of one or two lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from parsers.errors import KhotinError, UserError

HOME_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

PIPE_WIDTH = 120
"""Columns for output that goes to no terminal and so has no width of its own."""


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


out = _console(stderr=False)
err = _console(stderr=True)


INTERRUPTED = 130


class ExitCode(IntEnum):
    """How the command ends; scripts may rely on the numbers."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    IN_PART = 3


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    sys.stdout.buffer.write(orjson.dumps(value, option=options, default=_jsonable))
    sys.stdout.buffer.flush()


def _jsonable(value: Any) -> Any:
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    if hasattr(value, "__slots__"):
        return {name: getattr(value, name) for name in value.__slots__}
    raise TypeError(f"no JSON for {type(value).__name__}")


def clean(text: str | None) -> str:
    """Text from a page, made harmless for a terminal: no control characters, no markup."""
    if not text:
        return ""
    return escape("".join(char if char.isprintable() else " " for char in text))


def local_time(time: datetime | None) -> str:
    """A time as it is told in Hanoi, to the minute."""
    return time.astimezone(HOME_ZONE).strftime("%Y-%m-%d %H:%M") if time else ""


def table(title: str | None, *columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """A table in the one style that all subcommands share."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in columns:
        # A column of numbers is never folded: a sum that is cut off explains nothing.
        made.add_column(
            name, justify="right" if name in numbers else "left", no_wrap=name in numbers, overflow="fold"
        )
    return made


def print_text_diff(diff: str) -> None:
    """A unified diff of texts, indented and in colours."""
    for line in diff.splitlines():
        color = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        shown = f"    {clean(line)}"
        out.print(f"[{color}]{shown}[/{color}]" if color else shown, soft_wrap=True)


@contextmanager
def told_errors() -> Iterator[None]:
    """Tell our errors in one or two lines and end with their exit code; others are faults of ours."""
    try:
        yield
    except KhotinError as error:
        err.print(f"[red]error[/red] \\[{error.reason}] {clean_lines(error.message)}")
        if error.hint:
            err.print(f"  {clean_lines(error.hint)}")
        code = ExitCode.BAD_INPUT if isinstance(error, UserError) else ExitCode.FAILED
        raise SystemExit(int(code)) from error
    except SystemExit as end:
        # Typer turns Ctrl-C into this code before we see it.
        if end.code == INTERRUPTED:
            err.print("[yellow]stopped[/yellow]; what was committed is safe, the next run takes up the rest")
        raise


def clean_lines(text: str) -> str:
    """Like `clean`, but line by line: some errors tell several faults, one a line."""
    return "\n".join(clean(line) for line in text.splitlines())
