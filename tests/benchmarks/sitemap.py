"""What the largest sitemap costs that is read: memory beside its own bytes, and CPU time.

    python -m tests.benchmarks.sitemap

50,000 entries of a news sitemap in nearly 50 MB, plain and as a gzip file, each in a process of its own.
"""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from parsers.sitemaps import MAX_SITEMAP_BYTES, MAX_SITEMAP_URLS, parse_sitemap
from tests.conftest import ROOT

URL = "https://bao.example/sitemap.xml"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">'
)
TITLE = "Tựa của một bài báo dài hơn mọi tựa bài báo có thật " * 10


def largest() -> bytes:
    """As many entries and bytes as sitemaps.org allows, nearly."""
    entries = "".join(
        f"<url><loc>https://bao.example/tin/bai-{n}-post{n}.html</loc>"
        f"<lastmod>2026-03-{n % 28 + 1:02}T08:00:00+07:00</lastmod><news:news><news:publication_date>"
        f"2026-03-02T08:00:00+07:00</news:publication_date><news:title>{n} {TITLE}</news:title>"
        "</news:news></url>\n"
        for n in range(MAX_SITEMAP_URLS)
    )
    return (HEAD + entries + "</urlset>").encode()


def peak_mb() -> float:
    """The most memory this process has held (Linux); `ru_maxrss` would tell that of its parent too."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def measure(path: Path) -> None:
    data = path.read_bytes()
    before, started = peak_mb(), time.process_time()
    sitemap = parse_sitemap(data, URL)
    used = time.process_time() - started
    assert len(sitemap.links) == MAX_SITEMAP_URLS
    assert sitemap.problems == ()
    print(f"{peak_mb() - before:.0f} MB beside the {len(data) / 1e6:.0f} MB read, {used:.1f} s CPU")


def main() -> int:
    data = largest()
    assert 45e6 < len(data) <= MAX_SITEMAP_BYTES
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("sitemap.xml", data), ("sitemap.xml.gz", gzip.compress(data, 6))):
            path = Path(folder) / name
            path.write_bytes(content)
            print(f"{name}: ", end="", flush=True)
            command = [sys.executable, "-m", "tests.benchmarks.sitemap", str(path)]
            subprocess.run(command, cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]))
    else:
        sys.exit(main())
