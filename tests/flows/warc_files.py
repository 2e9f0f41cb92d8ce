"""WARC files in the form of CC-NEWS, byte for byte, for tests of the backfill from files."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Told:
    """One `response` record."""

    url: str
    body: bytes
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html; charset=utf-8"),)
    at: str = "2026-03-02T01:00:00Z"


def write_warc(path: Path, records: Sequence[Told]) -> Path:
    """A file that begins with `warcinfo` and has a `request` before each response, as crawlers write them."""
    members = [_member("warcinfo", None, b"software: a crawler\r\n", "application/warc-fields")]
    for told in records:
        ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        members.append(_member("request", told, ask, "application/http; msgtype=request"))
        lines = [f"HTTP/1.1 {told.status}", *(f"{name}: {value}" for name, value in told.headers)]
        block = "\r\n".join([*lines, "", ""]).encode() + told.body
        members.append(_member("response", told, block, "application/http; msgtype=response"))
    path.write_bytes(b"".join(members))
    return path


def _member(kind: str, told: Told | None, block: bytes, content_type: str) -> bytes:
    target = f"WARC-Target-URI: {told.url}\r\n" if told is not None else ""
    at = told.at if told is not None else "2026-03-02T00:00:00Z"
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Date: {at}\r\n{target}"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000000>\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0)
