"""What Prefect costs: the CPU of an ingest of 1,000 sample articles with it and without it.

    python -m tests.benchmarks.prefect_share [--articles 1000] [--rounds 3]

The sample newsroom serves made-up articles of the size of real ones in its three kinds of mark-up. The same
ingest runs in a process of its own, into an empty store each time: plainly, and as the flow that the worker
runs, with a Prefect server beside it. All CPU is counted, user and system: that of the process from its start
(to import Prefect is part of it), and that of the server from the start of the run to five seconds after it,
when all task runs are recorded. The share is what the run with Prefect takes more, of all that it takes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from pathlib import Path

from deployments.operation.children import session_of
from deployments.sample import SOURCES
from deployments.sample.pages import SITES
from deployments.sample.press import load_press
from deployments.sample.server import SampleNewsroom
from parsers.compare import fold
from tests.benchmarks.made_up import make_records
from tests.operations.prefect_parts import Prefect

TARGET = 0.20
PLAINLY = """
import asyncio
from flows.configured import SAMPLE_LABEL, configured_environment, configured_sources, open_configured_store
from flows.ingest import ingest
from flows.settings import load_settings
settings = load_settings()
sources = configured_sources(settings)
with open_configured_store(settings) as store:
    store.mark_sample()
    environment = configured_environment(settings, store, sources)
    report = asyncio.run(ingest(sources, environment, label=SAMPLE_LABEL))
print(report.result.version.added)
"""
AS_FLOW = """
import asyncio
from flows.scheduled.ingest import ingest
state = asyncio.run(ingest(return_state=True))
print(state.message.split()[2])
"""
_SETTLE_SECONDS = 5
_TICKS = os.sysconf("SC_CLK_TCK")


def write_press(folder: Path, articles: int) -> Path:
    """So many articles, shared among the three papers."""
    places = [(site, list(site.sections)) for site in SITES.values()]
    for number, record in enumerate(make_records(articles)):
        site, sections = places[number % len(places)]
        name = f"{100_000 + number}-{'-'.join(fold(record.title).split()[:8])}"
        head = (
            f'+++\nid = {100_000 + number}\nslug = "{name.partition("-")[2]}"\n'
            f'section = "{sections[number % len(sections)]}"\nedition = 1\n'
            f"published = 2026-03-02T{6 + number % 12:02d}:{number % 60:02d}:00+07:00\n"
            f'title = "{_plain(record.title)}"\nlead = "{_plain(record.lead or "")}"\n+++\n'
        )
        body = "\n\n".join(_plain(paragraph.text) for paragraph in record.paragraphs)
        place = folder / site.key
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.md").write_text(f"{head}{body}\n", "utf-8")
    return folder


def _plain(text: str) -> str:
    """Text without what means something in the front matter or in the mark-up of a body."""
    return text.replace("\\", " ").replace('"', "'").strip("#-|!> ")


async def cpu_of(code: str, env: dict[str, str]) -> tuple[float, int]:
    """Seconds of CPU of a Python process, and how many articles it stored."""
    before = os.times()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=env, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"the ingest ended with code {process.returncode}")
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used, int(out.split()[-1])


def cpu_of_session(leader: int) -> float:
    """Seconds of CPU that a session of processes has used so far."""
    total = 0
    for pid in session_of(leader):
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(facts[11]) + int(facts[12])
    return total / _TICKS


async def measure(folder: Path, prefect: Prefect, articles: int, rounds: int) -> None:
    """Run both ways in turn and print what each took."""
    press = load_press(write_press(folder / "press", articles))
    plain_seconds: list[float] = []
    flow_seconds: list[float] = []
    server_seconds: list[float] = []
    async with SampleNewsroom(edition=1, press=press) as newsroom:
        for turn in range(rounds):
            env = {
                **prefect.env,
                "PREFECT_API_URL": prefect.api,
                "KHOTIN_SOURCES": str(SOURCES),
                "KHOTIN_SAMPLE_NEWSROOM": f"127.0.0.1:{newsroom.port}",
                "PYTHONPATH": os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")])),
            }
            used, stored = await cpu_of(PLAINLY, {**env, "KHOTIN_HOME": str(folder / f"plain-{turn}")})
            plain_seconds.append(used)
            before = cpu_of_session(prefect.server_pid)
            used, stored_too = await cpu_of(AS_FLOW, {**env, "KHOTIN_HOME": str(folder / f"flow-{turn}")})
            await asyncio.sleep(_SETTLE_SECONDS)
            server_seconds.append(cpu_of_session(prefect.server_pid) - before)
            flow_seconds.append(used)
            assert stored == stored_too, (stored, stored_too)
            print(
                f"round {turn + 1}: {stored} articles; plainly {plain_seconds[-1]:.1f} s of CPU, as a flow "
                f"{flow_seconds[-1]:.1f} s and the server {server_seconds[-1]:.1f} s"
            )
    plain = statistics.median(plain_seconds)
    with_prefect = statistics.median(map(sum, zip(flow_seconds, server_seconds, strict=True)))
    share = 1 - plain / with_prefect
    print(f"Prefect's share of the CPU: {share:.0%} of {with_prefect:.1f} s (target: at most {TARGET:.0%})")


def main() -> None:
    """Measure with a server of its own."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--articles", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=3)
    told = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        prefect = Prefect(Path(name))
        prefect.start()
        try:
            asyncio.run(measure(Path(name), prefect, told.articles, told.rounds))
        finally:
            prefect.stop()


if __name__ == "__main__":
    main()
