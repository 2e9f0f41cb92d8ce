"""What Prefect costs: the CPU of an ingest of 1,000 sample articles with it and without it.

    python -m tests.benchmarks.prefect_share [--articles 1000] [--rounds 3] [--each-loads]

The sample newsroom serves made-up articles of the size of real ones in its three kinds of mark-up. The same
ingest runs into an empty store each time: plainly, in a process of its own, its CPU counted from its start;
and as `khotin up` has it run, by server, deployments, automations, a worker, and the process that has loaded
what runs need, each with the settings that it has there. A run is triggered, and all CPU of all these counts,
user and system, from then until five seconds after its end, when all task runs are recorded; what they would
have taken at rest is not taken off, but told. The share is what this is more than the plain run, of all that
it is; where runs are forked with everything loaded, the plain run counts without loading its modules, too.
A first run, in which server and worker load and compile what later ones find, is not counted.

`--each-loads` leaves out the process that has everything loaded, as where the parts run alone: then each run
starts Python and loads Prefect.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from deployments.operation.children import session_of
from deployments.sample import SOURCES
from deployments.sample.pages import SITES
from deployments.sample.press import Press, load_press
from deployments.sample.server import SampleNewsroom
from parsers.folding import fold
from tests.benchmarks.made_up import make_records
from tests.operations.prefect_parts import PLAN, Prefect, Process, wait_for

TARGET = 0.20
PLAINLY = """
import asyncio, time
from flows.configured import SAMPLE_LABEL, configured_environment, configured_sources, open_configured_store
from flows.ingest import ingest
from flows.settings import load_settings
loading = time.process_time()
settings = load_settings()
sources = configured_sources(settings)
with open_configured_store(settings) as store:
    store.mark_sample()
    environment = configured_environment(settings, store, sources)
    report = asyncio.run(ingest(sources, environment, label=SAMPLE_LABEL))
print(report.result.version.added, loading)
"""
_SETTLE_SECONDS = 5
_REST_SECONDS = 10
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


def cpu_of(code: str, env: dict[str, str]) -> tuple[float, float, int]:
    """Seconds of CPU of a Python process, those to load modules, and how many articles it stored."""
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    stored, loading = done.stdout.split()[-2:]
    return used, float(loading), int(stored)


def cpu_of_session(leader: int) -> float:
    """Seconds of CPU that a session of processes has used so far, with those of it that have ended."""
    total = 0
    for pid in session_of(leader):
        # Also what children took that were waited for: each run is one.
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, facts[11:15]))
    return total / _TICKS


def cpu_of_parts(leaders: Iterable[int]) -> list[float]:
    """The same of several sessions."""
    return [cpu_of_session(leader) for leader in leaders]


def as_run(prefect: Prefect, worker: Process) -> str:
    """Have the deployment run by the worker; gives the message of its end."""
    begin = worker.log.stat().st_size

    def over() -> bool:
        lines = worker.log.read_bytes()[begin:].decode().splitlines()
        return any("Flow run 'ingest " in line and "Finished in state" in line for line in lines)

    # The log is looked at, for to ask the server again and again would be work for it.
    run_id = prefect.trigger("ingest")
    wait_for(over, "the end of the run", 300)
    row = prefect.ended(run_id)
    if row["state_name"] != "Completed":
        raise SystemExit(f"the run ended {row['state_name']}: {row['state']['message']}")
    return str(row["state"]["message"])


def measure(folder: Path, prefect: Prefect, env: Mapping[str, str], rounds: int, *, load: bool) -> None:
    """Run both ways in turn and print what each took."""
    plain: list[float] = []
    loading: list[float] = []
    others: list[float] = []
    home = folder / "flow"
    (folder / "loaded").mkdir()
    loaded, told = prefect.loaded(folder / "loaded") if load else (None, {})
    every = {"PREFECT_WORKER_QUERY_SECONDS": "5", "KHOTIN_HOME": str(home)}
    worker = prefect.worker("worker", **env, **told, **every)
    parts = {"server": prefect.server_pid, "worker": worker.pid}
    if loaded:
        parts["run"] = loaded.pid
    else:
        parts["worker with the run"] = parts.pop("worker")
    try:
        # Not as every day: server and worker compile statements and load modules.
        as_run(prefect, worker)
        for turn in range(rounds):
            home.rename(folder / f"flow-{turn}")
            used, loaded_in, stored = cpu_of(
                PLAINLY, {**prefect.env, **env, "KHOTIN_HOME": str(folder / f"plain-{turn}")}
            )
            plain.append(used)
            loading.append(loaded_in)
            idle = cpu_of_parts(parts.values())
            time.sleep(_REST_SECONDS)
            before, began = cpu_of_parts(parts.values()), time.monotonic()
            message = as_run(prefect, worker)
            time.sleep(_SETTLE_SECONDS)
            after, took = cpu_of_parts(parts.values()), time.monotonic() - began
            assert f" {stored} new" in message, (stored, message)
            used_by = [last - first for first, last in zip(before, after, strict=True)]
            at_rest = (sum(before) - sum(idle)) / _REST_SECONDS
            others.append(sum(used_by))
            by_part = ", ".join(f"{name} {used:.1f}" for name, used in zip(parts, used_by, strict=True))
            print(
                f"round {turn + 1}: {stored} articles; plainly {plain[-1]:.1f} s of CPU, "
                f"{loading[-1]:.1f} of them to load modules, with Prefect "
                f"{others[-1]:.1f} ({by_part}; at rest they take {at_rest:.1%} of a core, here {took:.0f} s)",
                flush=True,
            )
    finally:
        worker.end()
        if loaded:
            loaded.end()
    together = statistics.median(others)
    # A forked run has loaded nothing: like is compared with like without what the plain one took to load.
    work = statistics.median(all_ - first for all_, first in zip(plain, loading, strict=True))
    alone = work if load else statistics.median(plain)
    print(
        f"{'runs forked, all loaded' if load else 'each run loading Prefect'}: Prefect's share of the CPU is "
        f"{1 - alone / together:.0%} of {together:.1f} s (target: at most {TARGET:.0%}); "
        f"it is {together / statistics.median(plain) - 1:.0%} more than a plain run that loads its modules"
    )


def serve(press: Press, tell: multiprocessing.Queue[int]) -> None:
    """Serve the newsroom, in a process of its own."""

    async def run() -> None:
        async with SampleNewsroom(edition=1, press=press) as newsroom:
            tell.put(newsroom.port)
            await asyncio.Event().wait()

    asyncio.run(run())


def main() -> None:
    """Measure with a server of its own."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--articles", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument(
        "--each-loads", action="store_true", help="as under systemd: runs load Prefect anew"
    )
    told = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prefect = Prefect(folder)
        prefect.env["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")])
        )
        ports: multiprocessing.Queue[int] = multiprocessing.Queue()
        press = load_press(write_press(folder / "press", told.articles))
        newsroom = multiprocessing.Process(target=serve, args=(press, ports), daemon=True)
        newsroom.start()
        env = {"KHOTIN_SOURCES": str(SOURCES), "KHOTIN_SAMPLE_NEWSROOM": f"127.0.0.1:{ports.get(timeout=60)}"}
        prefect.start()
        try:
            (folder / "plan.yaml").write_text(PLAN, "utf-8")
            done = prefect.khotin("deploy", "--file", str(folder / "plan.yaml"), KHOTIN_SOURCES=str(SOURCES))
            if done.returncode != 0:
                raise SystemExit(done.stderr)
            measure(folder, prefect, env, told.rounds, load=not told.each_loads)
        finally:
            prefect.stop()
            newsroom.terminate()


if __name__ == "__main__":
    main()
