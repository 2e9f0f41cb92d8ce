"""The rule of imports: deployments -> flows -> storage -> parsers, and never back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("parsers", "storage", "flows", "deployments")
# What a layer must not know, beyond the layers above it.
FORBIDDEN = {
    "parsers": {"prefect", "httpx", "httpcore", "sqlalchemy", "sqlmodel", "psycopg", "sqlite3", "socket"},
    "storage": {"prefect", "httpx", "httpcore", "socket", "asyncio"},
    "flows": {"sqlalchemy", "sqlmodel", "psycopg", "sqlite3", "typer"},
    "deployments": set[str](),
}  # fmt: skip


def modules(layer: str) -> list[Path]:
    return sorted((ROOT / layer).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layer"
            yield node.module or ""


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_imports_nothing_from_above(layer: str) -> None:
    above = set(LAYERS[LAYERS.index(layer) + 1 :]) | FORBIDDEN[layer] | {"tests"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(layer)
        for name in imported(path)
        if name.split(".")[0] in above
    ]
    assert modules(layer)
    assert wrong == []


def knows_prefect(path: Path) -> bool:
    return path.parent.relative_to(ROOT).as_posix() == "flows/scheduled"


def test_prefect_is_imported_only_by_the_scheduled_flows_and_inside_functions_of_its_runner() -> None:
    users = {p.relative_to(ROOT).as_posix() for layer in LAYERS for p in modules(layer) for n in imported(p)
             if n.split(".")[0] == "prefect" and not knows_prefect(p)}  # fmt: skip
    assert users == {"flows/prefect_runner.py"}


def test_nobody_else_pays_for_importing_prefect() -> None:
    # What is imported at the top of a module is imported by every command.
    wrong = [
        f"{path.relative_to(ROOT)} imports {node.module}"
        for layer in LAYERS
        for path in modules(layer)
        if not knows_prefect(path)
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("prefect", "flows.scheduled"))
    ]
    assert wrong == []


def test_parsers_ask_no_clock() -> None:
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules("parsers")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today", "monotonic"}
    ]
    assert calls == []
