"""What reading an article does not load."""

from __future__ import annotations

import subprocess
import sys


def test_reading_an_article_imports_no_arrays() -> None:
    # A process of its own: in this one other tests have imported numpy, which takes 12 MB.
    told = subprocess.run(
        [sys.executable, "-c", "import sys, parsers; print('numpy' in sys.modules, 'orjson' in sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.split() == ["False", "True"]
