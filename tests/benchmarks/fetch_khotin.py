"""khotin in `tests.benchmarks.fetch`: the Fetcher, then charset and guards as before the HTML parser.

    python -m tests.benchmarks.fetch_khotin PORT ARTICLES CONCURRENCY [--profile FILE]

Everything is as in a run, robots.txt of each host too; only the delays between two requests are off.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import random
import time

from flows.clock import SystemClock
from flows.fetching import FetchConfig, Fetcher, HostPolicy
from flows.settings import VERSION
from parsers.charset import to_utf8
from parsers.guards import guard
from tests.benchmarks.fetch_httpx import HOSTS, cpu


async def run(port: int, articles: int, concurrency: int, *, guards: bool = True) -> dict[str, float]:
    """Get every article once, `concurrency` at a time, the hosts in turn; without `guards` the bytes only."""
    numbers = iter(range(articles))
    pages = size = 0
    policy = HostPolicy(
        min_delay_seconds=0.0,
        concurrency=max(1, concurrency // len(HOSTS)),
        allow_loopback=True,
        allowed_ports=(port,),
    )

    async def work(fetcher: Fetcher) -> None:
        nonlocal pages, size
        for number in numbers:
            url = f"http://{HOSTS[number % len(HOSTS)]}:{port}/bai-{number}.html"
            fetched = await fetcher.get(url, policy=policy)
            if guards:
                guard(to_utf8(fetched.body, fetched.content_type))
            pages += 1
            size += len(fetched.body)

    config = FetchConfig(user_agent=f"khotin/{VERSION} (benchmark)")
    async with Fetcher(config, clock=SystemClock(), rng=random.Random(7)) as fetcher:
        began, spent = time.perf_counter(), cpu()
        await asyncio.gather(*(work(fetcher) for _ in range(concurrency)))
        return {"pages": pages, "bytes": size, "cpu": cpu() - spent, "wall": time.perf_counter() - began}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("port", "articles", "concurrency"):
        parser.add_argument(name, type=int)
    parser.add_argument("--bytes-only", action="store_true", help="without charset and guards")
    parser.add_argument("--profile", help="write a cProfile of the run to this file")
    given = parser.parse_args()
    profile = cProfile.Profile()
    if given.profile:
        profile.enable()
    told = asyncio.run(run(given.port, given.articles, given.concurrency, guards=not given.bytes_only))
    if given.profile:
        profile.disable()
        profile.dump_stats(given.profile)
    print(json.dumps({"version": VERSION, **told}))


if __name__ == "__main__":
    main()
