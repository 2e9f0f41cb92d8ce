"""Whatever bytes a server sends, `get` gives an answer or one named failure."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Sequence

import brotli  # type: ignore[import-untyped]

from parsers.errors import FetchError
from tests.fetching.settings import POLICY, OpenFetcher, at
from tests.hostile_server import HostileServer, Script, head, raw

BODY = b"<p>" + b"text " * 60 + b"</p>"
SEEDS = (
    head(200, [("Content-Length", str(len(BODY))), ("Content-Type", "text/html")]) + BODY,
    head(200, [("Transfer-Encoding", "chunked")]) + b"10\r\n0123456789abcdef\r\n3;a=b\r\nxyz\r\n0\r\n\r\n",
    head(200, [("Content-Encoding", "gzip")]) + gzip.compress(BODY, mtime=0),
    head(200, [("Content-Encoding", "br")]) + brotli.compress(BODY),
    head(302, [("Location", "http://paper.example/0"), ("Content-Length", "0")]),
    head(503, [("Retry-After", "0"), ("Content-Length", "4")]) + b"wait",
)


def _damage(seed: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, removed or doubled, and perhaps the end cut off."""
    data = bytearray(seed)
    for _ in range(rng.randint(1, 6)):
        at_byte = rng.randrange(len(data))
        match rng.randrange(3):
            case 0:
                data[at_byte] = rng.randrange(256)
            case 1:
                del data[at_byte : at_byte + rng.randint(1, 4)]
            case _:
                data[at_byte:at_byte] = data[at_byte : at_byte + rng.randint(1, 20)]
    return bytes(data[: rng.randint(1, len(data))] if rng.random() < 0.2 else data)


async def test_damaged_answers_end_in_an_answer_or_a_named_failure(open_fetcher: OpenFetcher) -> None:
    rng = random.Random(11)
    scripts: dict[str, Script] = {
        f"/{number}": raw(_damage(SEEDS[number % len(SEEDS)], rng)) for number in range(300)
    }

    async def no_such_name(host: str, port: int) -> Sequence[str]:
        raise OSError(f"{host} is not known")  # a damaged Location may name any host

    outcomes: set[str] = set()
    async with HostileServer(scripts) as server, open_fetcher(server, resolver=no_such_name) as fetcher:
        for path in scripts:
            try:
                outcomes.add(f"status {(await fetcher.get(at(path), policy=POLICY)).status}")
            except FetchError as error:
                outcomes.add(error.reason)
    assert all(re.fullmatch(r"status \d+|[a-z0-9]+(-[a-z0-9]+)*", outcome) for outcome in outcomes)
    assert {"status 200", "protocol-error", "truncated-body", "bad-encoding"} <= outcomes
