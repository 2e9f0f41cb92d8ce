"""What happens to the corpus that somebody may want to be told of, as values. Pure.

The names are stable: automations wait for them. A state that lasts, such as silence, happens once, in the
run in which it begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from storage import RunResult


class Kind(StrEnum):
    """The names of what happens."""

    COMMITTED = "khotin.version.committed"
    SILENT = "khotin.source.silent"
    DRIFT = "khotin.source.drift"
    GAP = "khotin.source.gap"
    DAMAGED = "khotin.verify.failed"


LASTING = (Kind.SILENT, Kind.DRIFT)
"""What is told in each run for as long as it lasts. A gap is told once by itself."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: to what (`resource`, a dotted name), and in words (`message`)."""

    kind: Kind
    resource: str
    name: str
    message: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


def kinds_of(problems: Sequence[str]) -> dict[Kind, str]:
    """Which kinds the problems of a source are of, each with its first problem in words."""
    found: dict[Kind, str] = {}
    for problem in problems:
        if problem.startswith("silent: "):
            found.setdefault(Kind.SILENT, problem)
        elif problem.startswith("drift: "):
            found.setdefault(Kind.DRIFT, problem)
        elif ": gap: " in problem:
            found.setdefault(Kind.GAP, problem)
    return found


def of_run(
    store_id: str, result: RunResult, problems_before: Mapping[str, Sequence[str]]
) -> tuple[Happening, ...]:
    """What happened in a run; `problems_before` are those of each source in the run of it before this one."""
    happened: list[Happening] = []
    version = result.version
    if version is not None:
        facts: dict[str, str | int] = {
            "version": version.id,
            "added": version.added,
            "revised": version.revised,
            "documents": version.documents,
            "chain": version.chain,
            "run_id": result.run_id,
        }
        message = f"version {version.id}: {version.added} new, {version.revised} revised"
        happened.append(Happening(Kind.COMMITTED, f"khotin.store.{store_id}", "corpus", message, facts))
    for tally in result.tallies:
        before = kinds_of(problems_before.get(tally.source, ()))
        for kind, problem in kinds_of(tally.problems).items():
            if kind not in LASTING or kind not in before:
                happened.append(of_source(kind, tally.source, problem, result.run_id))
    return tuple(happened)


def of_source(kind: Kind, source: str, problem: str, run_id: str = "") -> Happening:
    """Something that happened to a source."""
    message = f"{source}: {problem}"
    return Happening(kind, f"khotin.source.{source}", source, message, {"run_id": run_id})


def of_damage(store_id: str, findings: Sequence[str]) -> Happening:
    """A verification that found damage; the first findings stand in the message."""
    shown = "; ".join(findings[:5])
    message = f"the store is damaged in {len(findings)} places: {shown}"
    facts: dict[str, str | int] = {"findings": len(findings)}
    return Happening(Kind.DAMAGED, f"khotin.store.{store_id}", "corpus", message, facts)
