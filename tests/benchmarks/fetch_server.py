"""The server of `tests.benchmarks.fetch`: 20 loopback hosts in a process of its own, answers made beforehand.

    python -m tests.benchmarks.fetch_server --articles 2000

prints one line of JSON (port, hosts, paths) when it listens, and serves until its standard input ends. It
does no more for a request than to look its answer up, so that it is never what limits a client.

The pages are made of the sample press. They are like real news pages in what costs time: 250 KB in the mean
(70 KB to 1 MB), 2,000 tags, scripts for half of the bytes and more, sent with gzip at level 6, a fifth of
their size.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import sys
from collections.abc import Mapping

from deployments.sample.press import PRESS_FOLDER

HOSTS = tuple(f"127.0.0.{number}" for number in range(2, 22))
"""Addresses of 127.0.0.0/8, which Linux has all of: a host name each, without a resolver."""

DIFFERENT = 60
"""Pages that differ; the articles share them, under addresses of their own."""

_MEDIAN = 256_000
_ROBOTS = b"User-agent: *\nDisallow: /tim-kiem\nDisallow: /*?print=\n"


def make_page(rng: random.Random, sentences: list[str], size: int) -> bytes:
    """A news page of about `size` bytes: head, menus, text, related boxes, and scripts for half of it."""

    def words(count: int) -> str:
        return " ".join(" ".join(rng.choices(sentences, k=1 + count // 12)).split()[:count])

    def token() -> str:
        return f"{rng.getrandbits(40):010x}"

    def link(number: int) -> str:
        href = f"/muc-{number}/{token()}.html"
        return f'<li class="menu__item"><a href="{href}" title="{words(4)}">{words(6)}</a></li>'

    def box() -> str:
        href = f"/{token()}-post{rng.randrange(10**6)}.html"
        image = f'<img src="/anh/{token()}.webp" data-src="/anh/{token()}.jpg" alt="{words(5)}" width=300>'
        return (
            f'<div class="story" data-id="{token()}"><figure class="story__thumb">'
            f'<a href="{href}">{image}</a></figure>'
            f'<h3 class="story__heading"><a class="cms-link" href="{href}">{words(11)}</a></h3>'
            f'<div class="story__meta"><time datetime="2026-03-02">02/03/2026</time></div></div>'
        )

    def script() -> str:
        items = ",".join(f'{{"id":"{token()}","t":{json.dumps(words(9))},"n":{n}}}' for n in range(40))
        return f"<script>window.__data.push({{items:[{items}],when:{rng.random()}}});</script>"

    head = (
        f'<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>{words(9)}</title>'
        f'<meta property="og:title" content="{words(9)}"><meta property="og:type" content="article">'
    )
    menu = f"<nav><ul>{''.join(link(number) for number in range(90))}</ul></nav>"
    text = "".join(f"<p>{words(70)} <b>{words(3)}</b></p>" for _ in range(18))
    article = (
        f'<article class="article"><h1>{words(10)}</h1><div class="article__body">{text}</div></article>'
    )
    parts = [head, "</head><body>", menu, article]
    so_far = sum(len(part.encode()) for part in parts)
    boxes: list[str] = []
    while so_far < size // 2 and len(boxes) < 110:
        boxes.append(box())
        so_far += len(boxes[-1].encode())
    scripts: list[str] = []
    while so_far < size:
        scripts.append(script())
        so_far += len(scripts[-1].encode())
    return "".join([*parts, *boxes, *scripts, "</body></html>"]).encode()


def make_pages(seed: int = 7) -> list[bytes]:
    """The different pages; the same for the same seed."""
    rng = random.Random(seed)
    texts = [path.read_text("utf-8").split("+++", 2)[2] for path in sorted(PRESS_FOLDER.rglob("*.md"))]
    sentences = [line for text in texts for line in text.splitlines() if len(line) > 60]
    sizes = [int(rng.lognormvariate(0.0, 0.6) * _MEDIAN) for _ in range(DIFFERENT)]
    return [make_page(rng, sentences, size) for size in sizes]


def article_paths(articles: int) -> list[tuple[str, str]]:
    """Host and path of each article, the hosts in turn."""
    return [(HOSTS[number % len(HOSTS)], f"/bai-{number}.html") for number in range(articles)]


def answers(articles: int) -> dict[bytes, bytes]:
    """The whole answer to each path, robots.txt among them."""
    pages = [gzip.compress(page, 6, mtime=0) for page in make_pages()]
    ready = [_answer("text/html; charset=utf-8", page, "Content-Encoding: gzip\r\n") for page in pages]
    found = {b"/robots.txt": _answer("text/plain", _ROBOTS)}
    for number, (_, path) in enumerate(article_paths(articles)):
        found[path.encode()] = ready[number % len(ready)]
    return found


def _answer(content_type: str, body: bytes, more: str = "") -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Mon, 02 Mar 2026 00:00:00 GMT\r\n"
        f"Content-Type: {content_type}\r\nCache-Control: max-age=60\r\nVary: Accept-Encoding\r\n"
        f'ETag: "{len(body):x}"\r\nLast-Modified: Sun, 01 Mar 2026 00:00:00 GMT\r\n{more}'
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Answering(asyncio.Protocol):
    """One connection, kept open for as long as the client likes."""

    def __init__(self, ready: Mapping[bytes, bytes]) -> None:
        self._ready = ready
        self._transport: asyncio.Transport | None = None
        self._left = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request in what has come so far."""
        assert self._transport is not None
        *requests, self._left = (self._left + data).split(b"\r\n\r\n")
        for request in requests:
            self._transport.write(self._ready.get(request.split(b" ", 2)[1], _NOT_FOUND))
            if b"\r\nconnection: close" in request.lower():
                self._transport.close()
                return


_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


async def serve(articles: int) -> None:
    """Serve on one free port of every host until standard input ends."""
    ready = answers(articles)
    loop = asyncio.get_running_loop()
    servers: list[asyncio.Server] = []
    port = 0
    for host in HOSTS:
        servers.append(await loop.create_server(lambda: Answering(ready), host, port, backlog=512))
        port = servers[0].sockets[0].getsockname()[1]
    print(json.dumps({"port": port}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        server.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=2000)
    asyncio.run(serve(parser.parse_args().articles))


if __name__ == "__main__":
    main()
