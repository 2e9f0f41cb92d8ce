"""Scrapy in `tests.benchmarks.fetch`. Needs nothing but Scrapy, which may live in an environment of its own.

    python fetch_scrapy.py PORT ARTICLES CONCURRENCY

As lean as its settings make it: robots.txt is not asked, and what does not fetch is switched off (log,
telnet, statistics, cookies, referers, retries, the filter of duplicates). The body is decompressed, as Scrapy
always does, and forgotten; `response.text`, selectors and items are not touched.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess

HOSTS = tuple(f"127.0.0.{number}" for number in range(2, 22))
PORT, ARTICLES, CONCURRENCY = (int(text) for text in sys.argv[1:4])

done: dict[str, float] = {"pages": 0, "bytes": 0, "cpu": 0.0, "wall": 0.0}


def cpu() -> float:
    """Seconds of processor time of this process, in and below the kernel's door."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Articles(scrapy.Spider):  # type: ignore[misc]
    """Asks for each article once."""

    name = "articles"

    async def start(self) -> AsyncIterator[Any]:
        """All requests, the hosts in turn."""
        done["wall"] -= time.perf_counter()
        done["cpu"] -= cpu()
        for number in range(ARTICLES):
            url = f"http://{HOSTS[number % len(HOSTS)]}:{PORT}/bai-{number}.html"
            yield scrapy.Request(url, dont_filter=True)

    def parse(self, response: scrapy.http.Response, **_: Any) -> None:
        """Count the page."""
        if response.status == 200:
            done["pages"] += 1
            done["bytes"] += len(response.body)

    def closed(self, _reason: str) -> None:
        """Nothing is left to be fetched."""
        done["wall"] += time.perf_counter()
        done["cpu"] += cpu()


process = CrawlerProcess(
    {
        "LOG_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "ROBOTSTXT_OBEY": False,
        "COOKIES_ENABLED": False,
        "REFERER_ENABLED": False,
        "RETRY_ENABLED": False,
        "DOWNLOAD_DELAY": 0,
        "AUTOTHROTTLE_ENABLED": False,
        "CONCURRENT_REQUESTS": CONCURRENCY,
        "CONCURRENT_REQUESTS_PER_DOMAIN": max(1, CONCURRENCY // len(HOSTS)),
        "STATS_DUMP": False,
        "DOWNLOADER_STATS": False,
        "MEMUSAGE_ENABLED": False,
        "EXTENSIONS": {
            "scrapy.extensions.corestats.CoreStats": None,
            "scrapy.extensions.logstats.LogStats": None,
        },
    }
)
process.crawl(Articles)
process.start()
print(json.dumps({"version": scrapy.__version__, **done}))
