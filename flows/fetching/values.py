"""The values of fetching: settings, what a host allows, and the answer to one request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["page", "feed", "sitemap", "robots"]
"""What is asked for: it decides the limits, the Accept header and which answers are failures."""

_PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(/|\s|$)")


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """Limits that hold for every request of a run. Sizes are in bytes, times in seconds.

    `user_agent` starts with a product token (letters, digits, "-", "_"): the name under which
    robots.txt files address us. ValueError when it does not, or when it cannot stand in a header.
    """

    user_agent: str
    connect_timeout: float = 10.0
    """Name resolution, TCP and each TLS handshake."""
    total_timeout: float = 60.0
    """One `get` with its redirects; waiting for our turn and for robots.txt does not count."""
    max_wire_bytes: int = 10_000_000
    max_decoded_bytes: int = 10_000_000
    max_sitemap_bytes: int = 50_000_000
    """On the wire and decoded, for sitemaps."""
    max_robots_bytes: int = 512_000
    """RFC 9309, 2.5: at least 500 KiB must be read; what comes after is left unread."""
    max_header_bytes: int = 65_536
    """All that comes before the body, interim 1xx answers included."""
    max_redirects: int = 5
    max_url_length: int = 2048
    robots_lifetime: float = 86_400.0
    """RFC 9309, 2.4: a cached robots.txt should not be used for more than 24 hours."""
    robots_retry: float = 300.0
    """For so long a robots.txt that could not be read is not asked for again."""
    max_crawl_delay: float = 30.0
    default_backoff: float = 60.0
    """How long a host is left alone after a 429 that does not say how long."""

    def __post_init__(self) -> None:
        printable = self.user_agent.isascii() and self.user_agent.isprintable()
        if not printable or _PRODUCT.match(self.user_agent) is None:
            raise ValueError(f"user_agent must start with a product token, in ASCII: {self.user_agent!r}")

    @property
    def product(self) -> str:
        """The product token of the User-Agent, without version and contact address."""
        return self.user_agent.split("/", 1)[0].split(None, 1)[0]

    def wire_limit(self, kind: Kind) -> int:
        """The most bytes of body to take from the wire."""
        return {"sitemap": self.max_sitemap_bytes, "robots": self.max_robots_bytes}.get(
            kind, self.max_wire_bytes
        )

    def decoded_limit(self, kind: Kind) -> int:
        """The most bytes of body after the content coding is undone."""
        return {"sitemap": self.max_sitemap_bytes, "robots": self.max_robots_bytes}.get(
            kind, self.max_decoded_bytes
        )


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """How one source's hosts may be asked.

    `min_delay_seconds` lies between the starts of two requests to one host; up to the share `jitter` of
    it is added at random. The `concurrency` of the first request to a host holds for the whole run.
    `allow_loopback` is for the sample newsroom and for tests: it opens 127.0.0.0/8, ::1 and the
    Fetcher's routes.
    """

    min_delay_seconds: float = 1.0
    jitter: float = 0.3
    concurrency: int = 1
    allow_loopback: bool = False
    allowed_ports: tuple[int, ...] = (80, 443)


DEFAULT_POLICY = HostPolicy()


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified as the server sent them, to be sent back byte for byte."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer to one request.

    `url` is where the answer came from, `redirects` the addresses asked before it, in order. `status`
    is 200 or 304, except in what `Fetcher.arrived` gives. Header names and values are the bytes of the
    wire read as Latin-1, in their order. `body` is decoded (b"" with 304); `content_encoding` is the
    coding it had on the wire. `etag` and `last_modified` are None where the answer has none: after a
    304 without them the old ones stay valid. `robots_rule` says in words what robots.txt ruled.
    """

    requested_url: str
    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    content_type: str | None
    content_encoding: str | None
    etag: str | None
    last_modified: str | None
    fetched_at: datetime
    redirects: tuple[str, ...] = ()
    remote_address: str | None = None
    robots_rule: str | None = None

    @property
    def not_modified(self) -> bool:
        """Whether the server said that nothing changed since the validators were given out."""
        return self.status == 304
