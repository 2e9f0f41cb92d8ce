"""How much memory the reading of pages takes: `python -m tests.benchmarks.extraction_memory [FOLDER]...`

Each page (`*.html.gz`) of the folders, by default those beside the checkout, is unpacked, read and forgotten.
Printed is what importing the reader takes, and the peak of the process above its size with one page read.
"""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"


def resident(field: str) -> float:
    """A figure of /proc/self/status, in MB."""
    found = re.search(rf"{field}:\s+(\d+)", Path("/proc/self/status").read_text("utf-8"))
    return int(found.group(1)) / 1024 if found else float("nan")


def main(folders: list[Path]) -> None:
    files = sorted(path for folder in folders for path in folder.rglob("*.html.gz"))
    if not files:
        print("no pages: name a folder that holds *.html.gz")
        return
    bare = resident("VmRSS")
    from tests.benchmarks.extraction_adapter import extract

    first = gzip.decompress(files[0].read_bytes())
    extract(first, None)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    largest = 0
    for path in files:
        page = gzip.decompress(path.read_bytes())
        largest = max(largest, len(page))
        extract(page, None)
    print(f"{len(files)} pages, the largest {largest / 1e6:.1f} MB")
    print(f"importing the reader: {before - bare:.1f} MB")
    print(f"peak while reading, above that: {resident('VmHWM') - before:.1f} MB")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or [SHARED / "pages", SHARED / "extraction"])
