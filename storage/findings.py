"""What a verification finds: a line for each damaged row, and notes on what is odd but harmless."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One damage: `table` (or `file`, `database`, `checkpoint`), which row of it, and a stable code for what.

    `id` is the row's id, a range of ids (`17-20`), a name or a path.
    """

    table: str
    id: str
    what: str
    detail: str = ""

    def __str__(self) -> str:
        told = f"{self.table} {self.id}: {self.what}" if self.id else f"{self.table}: {self.what}"
        return f"{told} ({self.detail})" if self.detail else told


@dataclass(slots=True)
class Findings:
    """Collects findings and notes while a verification goes on; nothing stops at the first."""

    found: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, table: str, row: object, what: str, detail: str = "") -> None:
        self.found.append(Finding(table, str(row), what, detail[:300]))

    def note(self, text: str) -> None:
        self.notes.append(text)
