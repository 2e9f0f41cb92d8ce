"""What a benchmark measures by, and the table of its results."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of this process; the garbage of what was before is not counted."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def median_ms(times: Sequence[float]) -> float:
    return statistics.median(times) * 1000


class Table:
    """Lines of the result: what, our figure, the target, and whether it is met."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, str]] = []

    def add(self, what: str, figure: str, target: str = "", met: bool | None = None) -> None:
        verdict = "" if met is None else "yes" if met else "no"
        self.lines.append((what, figure, target, verdict))
        print(f"  {what}: {figure} {target and f'(target {target}: {verdict})'}", flush=True)

    def markdown(self) -> str:
        head = "| what | measured | target | met |\n|---|---|---|---|\n"
        return head + "\n".join("| " + " | ".join(line) + " |" for line in self.lines)
