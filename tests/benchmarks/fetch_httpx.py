"""Plain httpx in `tests.benchmarks.fetch`: `AsyncClient.get` with its usual settings. Needs no khotin.

    python fetch_httpx.py PORT ARTICLES CONCURRENCY

It checks nothing, guards nothing and forgets each page at once.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time

import httpx

HOSTS = tuple(f"127.0.0.{number}" for number in range(2, 22))


def cpu() -> float:
    """Seconds of processor time of this process, in and below the kernel's door."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def run(port: int, articles: int, concurrency: int) -> dict[str, float]:
    """Get every article once, `concurrency` at a time, the hosts in turn."""
    numbers = iter(range(articles))
    pages = size = 0

    async def work(client: httpx.AsyncClient) -> None:
        nonlocal pages, size
        for number in numbers:
            response = await client.get(f"http://{HOSTS[number % len(HOSTS)]}:{port}/bai-{number}.html")
            if response.status_code == 200:
                pages += 1
                size += len(response.content)

    async with httpx.AsyncClient(timeout=60.0) as client:
        began, spent = time.perf_counter(), cpu()
        await asyncio.gather(*(work(client) for _ in range(concurrency)))
        return {"pages": pages, "bytes": size, "cpu": cpu() - spent, "wall": time.perf_counter() - began}


if __name__ == "__main__":
    print(json.dumps({"version": httpx.__version__, **asyncio.run(run(*map(int, sys.argv[1:4])))}))
