"""Runs the 75 hostile cases for real and prints how each ended, with the peak memory under the bombs.

python -m tests.hostile_table            # the whole table (Markdown)
python -m tests.hostile_table 28 35      # some cases
python -m tests.hostile_table --bombs    # the memory only
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.hostile_cases import CASES, Case, page

GIGABYTE = 1_000_000_000
BOMBS = (28, 29, 30, 34, 35)


async def outcome(case: Case) -> tuple[str, bool]:
    """What the variants came to, in words, and whether that is what must come."""
    told: list[str] = []
    right = True
    for name, (run, expected) in case.variants.items():
        seen = await run.run()
        came = expected if expected in seen.told else ", ".join(seen.told)
        right = right and expected in seen.told and not seen.spoiled
        faults = "".join(f" ({fault})" for fault in seen.spoiled)
        told.append(f"{name}: `{came}`{faults}" if name else f"`{came}`{faults}")
    if not told:
        return ", ".join(case.elsewhere), True
    answers = {text.rpartition(": ")[2] for text in told}
    if len(told) > 1 and len(answers) == 1:
        return f"{answers.pop()} ({len(told)} variants)", right
    return "; ".join(told), right


def _peak() -> int:
    """The most memory that this process has had, in KB.

    Not ru_maxrss, where there is another: it begins with what the parent had when it started us.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text("ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def _memory(number: int) -> None:
    """In a process of its own: the peak of memory that a case adds to that of a sound page, in MB."""
    asyncio.run(page().run())
    before = _peak()
    case = next(case for case in CASES if case.number == number)
    words, _ = asyncio.run(outcome(case))
    added = _peak() - before
    print(f"| {number} | {case.title} | {words} | {added / 1024:.0f} MB |")


def memory_of(number: int, size: int = GIGABYTE) -> tuple[str, int]:
    """The row of a bomb that becomes `size` bytes, and its megabytes; run in a process of its own."""
    command = [sys.executable, "-m", "tests.hostile_table", "--memory", str(number)]
    environment = {**os.environ, "KHOTIN_TEST_BOMB": str(size)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT)
    row = done.stdout.strip()
    return row, int(row.split("|")[-2].split()[0])


def bombs() -> None:
    """The table of memory. What the bomb itself takes in the server, which is the same process, is in it."""
    print("| case | bomb | ended in | memory over that of a sound page |\n|---|---|---|---|")
    for number in BOMBS:
        print(memory_of(number)[0], flush=True)


def main() -> int:
    """The command; 1 if a case did not end as it must."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("numbers", nargs="*", type=int)
    parser.add_argument("--bombs", action="store_true")
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory:
        _memory(given.memory)
        return 0
    wrong = 0
    if not given.bombs:
        print("| # | case | ended in |\n|---|---|---|")
        for case in CASES:
            if not given.numbers or case.number in given.numbers:
                words, right = asyncio.run(outcome(case))
                wrong += not right
                print(
                    f"| {case.number} | {case.title} | {words}{'' if right else ' **WRONG**'} |", flush=True
                )
    if given.bombs or not given.numbers:
        print()
        bombs()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
