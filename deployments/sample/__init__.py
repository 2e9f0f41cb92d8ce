"""The sample newsroom: three invented papers served from this process, for demonstrations and tests.

`press` reads the articles, `papers` turns them into what a site serves, `server` serves it on 127.0.0.1.
Names under `.example` can never be registered (RFC 2606), so no request can reach a real paper.
"""

from pathlib import Path

SEEDS = Path(__file__).parent / "seeds"
SOURCES = Path(__file__).parent / "sources"
