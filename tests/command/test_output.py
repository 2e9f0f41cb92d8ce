"""Text from pages on its way to a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from deployments.command.output import clean


@pytest.mark.parametrize(
    "title",
    [
        "\x1b[31mđỏ\x1b[0m",
        "\x1b]0;tên\x07",
        "một\rhai",
        "[red]đỏ[/red]",
        "[link=http://x]",
        "\u202eABC",
        "a\x9b2Jb",
    ],
)
def test_titles_bring_neither_control_characters_nor_markup_to_a_terminal(title: str) -> None:
    terminal = io.StringIO()
    Console(file=terminal, force_terminal=True, width=200, highlight=False).print(clean(title))
    shown = terminal.getvalue().rstrip("\n")
    assert shown.isprintable()
    assert [char for char in shown if char.isalpha()] == [char for char in title if char.isalpha()]
