"""The store against raw sqlite3, the ORM session, Delta Lake, Lance, and a floor, in one run.

    make bench-store                              (all of it: half an hour)
    python -m tests.benchmarks.store --quick      (a tenth of everything: 4 minutes)

All contenders get the same generated records (tests/benchmarks/made_up.py), batch by batch in turns, so that
a machine that slows down slows all of them. Ours is `Store.begin_run` and `Store.commit_run` with everything:
look-up of known revisions and of equal texts, packing with the dictionary, leaves, Merkle root, chain,
guards, ledger, pages, fsync, HEAD.json. The search for near duplicates, which no peer has, is measured by
`make bench-dedup`; here it has a line of its own and is left out of the others. Text facts (word count,
comparison keys) are worked out where pages are parsed; their cost has a line of its own. The raw peers hold
plain text in seven columns, without any of that.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.made_up import make_language
from tests.benchmarks.measured import Table
from tests.benchmarks.store_append import append_section
from tests.benchmarks.store_long import look_up_section, small_section
from tests.benchmarks.store_ours import Pool
from tests.benchmarks.store_whole import export_section, scan_section, verify_section

SECTIONS = ["append", "small", "look-up"]


def main() -> None:
    """Run all sections and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a tenth of everything")
    arguments.add_argument("--sections", nargs="*", default=SECTIONS, choices=SECTIONS, help="default: all")
    arguments.add_argument("--folder", type=Path, help="where to work, on a real disk")
    options = arguments.parse_args()
    factor = 10 if options.quick else 1
    folder = Path(tempfile.mkdtemp(prefix="khotin-bench-", dir=options.folder))
    table = Table()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, "
        f"{datetime.now(UTC):%Y-%m-%d}"
    )
    try:
        language = make_language()
        if "append" in options.sections:
            ours, live = append_section(
                folder, language, 40 // min(factor, 2), 100 // min(factor, 5), 1_000, table
            )
            scan_section(folder, ours, live, table)
            verify_section(ours, table)
            export_section(folder, ours, table)
            ours.close()
        pool = Pool(language)
        if "small" in options.sections:
            small_section(folder, pool, 10_000 // factor, 300 // min(factor, 3), table)
        if "look-up" in options.sections:
            look_up_section(folder, pool, 1_000_000 // factor, table)
        print()
        print(table.markdown())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
