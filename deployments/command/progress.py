"""How a run shows that it goes on: rich progress bars on the error stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from deployments.command.output import err


def _bars(*, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=err,
        disable=quiet or not err.is_terminal,
        transient=True,
    )


class RunProgress:
    """Progress of an ingest: a bar a source (flows.workbench.Progress)."""

    def __init__(self, *, quiet: bool) -> None:
        self._bars = _bars(quiet=quiet)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> RunProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def source_started(self, source: str) -> None:
        self._tasks[source] = self._bars.add_task(source, total=None, note="asking feeds and sitemaps")

    def source_selected(self, source: str, discovered: int, to_fetch: int) -> None:
        self._bars.update(self._tasks[source], total=to_fetch, note=f"of {discovered} URLs met")

    def page_done(self, source: str) -> None:
        self._bars.advance(self._tasks[source])

    def source_done(self, source: str) -> None:
        if source in self._tasks:
            self._bars.update(self._tasks[source], note="done")


@contextmanager
def steps(name: str, *, quiet: bool, total: int | None = None) -> Iterator[Callable[[], None]]:
    """A bar for work that counts its own steps."""
    with _bars(quiet=quiet) as bars:
        task = bars.add_task(name, total=total, note="")
        yield lambda: bars.advance(task)


@contextmanager
def counted(name: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that tells how much is done and how much there is."""
    with _bars(quiet=quiet) as bars:
        task = bars.add_task(name, total=None, note="")
        yield lambda done, total: bars.update(task, completed=done, total=total)
