"""How many pages a second of processor time is worth: khotin, plain httpx and Scrapy over the same pages.

    python -m tests.benchmarks.fetch                      # or: make bench-fetch
    python -m tests.benchmarks.fetch --profile out.prof   # khotin alone, under cProfile

2,000 articles from a server in a process of its own, over 20 hosts, 40 at a time, without delays. Each client
is a process of its own; counted is the processor time that it uses itself between its first request and its
last answer. The clients take turns for some rounds, and the table gives medians. khotin does the whole way:
targets, robots.txt of each host, the check of addresses, limits, bounded decoding, then the character set and
the guards of HTML. The others fetch and decompress only. A peer that is not installed is told as such.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
TARGETS = {"httpx": 0.8, "Scrapy": 1.5}
"""khotin's pages per second of processor time, as multiples of each peer's."""


@contextmanager
def server(articles: int) -> Iterator[int]:
    """The server's port, while it runs."""
    command = [sys.executable, "-m", "tests.benchmarks.fetch_server", "--articles", str(articles)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["port"]
        finally:
            process.stdin.close()


def clients(peer_python: str) -> dict[str, list[str]]:
    """The command of each client, without its arguments."""
    return {
        "khotin": [sys.executable, "-m", "tests.benchmarks.fetch_khotin"],
        "httpx": [sys.executable, str(HERE / "fetch_httpx.py")],
        "Scrapy": [peer_python, "-W", "ignore", str(HERE / "fetch_scrapy.py")],
    }


def run(command: list[str], *numbers: int) -> dict[str, Any] | str:
    """What a client tells of its run; or in a word why it did not run."""
    done = subprocess.run(
        [*command, *map(str, numbers)], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["failed"]
        return lines[-1][:100]
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    if told["pages"] != numbers[1]:
        return f"{told['pages']} of {numbers[1]} pages came"
    return told


def table(runs: dict[str, list[dict[str, Any] | str]]) -> str:
    """The medians as a Markdown table, and whether the targets hold."""
    lines = ["| client | pages per CPU second | CPU ms a page | khotin is |", "|---|---|---|---|"]
    rates: dict[str, list[float]] = {}
    for name, told in runs.items():
        good = [one for one in told if isinstance(one, dict)]
        if len(good) < len(told):
            lines.append(f"| {name} | did not run: {next(one for one in told if isinstance(one, str))} | | |")
            continue
        rates[name] = [one["pages"] / one["cpu"] for one in good]
        rate = median(rates[name])
        ratio = ""
        if name != "khotin" and "khotin" in rates:
            # Of the same round: the machine is not equally fast in all of them.
            times = median(ours / theirs for ours, theirs in zip(rates["khotin"], rates[name], strict=True))
            held = "holds" if times >= TARGETS[name] else "is missed"
            ratio = f"{times:.2f} times as fast (target {TARGETS[name]}: {held})"
        lines.append(f"| {name} {good[0]['version']} | {rate:.0f} | {1000 / rate:.2f} | {ratio} |")
    return "\n".join(lines)


def machine() -> str:
    """The processor and Python, as far as they can be told."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = f"{len(models)} x {models[0]}" if models else platform.machine()
    return f"{name}, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-python", default=sys.executable, help="the interpreter that has Scrapy")
    parser.add_argument("--profile", help="run khotin alone and write a cProfile to this file")
    given = parser.parse_args()
    commands = clients(given.peer_python)
    if given.profile:
        with server(given.articles) as port:
            command = [*commands["khotin"], "--profile", given.profile]
            print(run(command, port, given.articles, given.concurrency))
        return
    runs: dict[str, list[dict[str, Any] | str]] = {name: [] for name in commands}
    with server(given.articles) as port:
        for _ in range(given.rounds):
            for name, command in commands.items():
                runs[name].append(run(command, port, given.articles, given.concurrency))
    print(f"{given.articles} articles, {given.concurrency} at a time, median of {given.rounds} rounds;")
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}\n")
    print(table(runs))


if __name__ == "__main__":
    main()
