"""Undoing a content coding with a bound: what a bomb holds is never made whole in memory.

Each step gives at most about 100 KB, and the sum is checked after each step.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Protocol

import brotli  # type: ignore[import-untyped]

from parsers.errors import PermanentFetchError, TransientFetchError

ACCEPT_ENCODING = "gzip, br"

_STEP = 65_536
_GZIP_MAGIC = b"\x1f\x8b"
# Each member costs a new window; files made of very many are made to cost time.
_MAX_GZIP_MEMBERS = 4096


class _Codec(Protocol):
    complete: bool

    def pieces(self, data: bytes) -> Iterator[bytes]: ...


class _Identity:
    complete = True

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield data


def _inflate(inflater: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    while True:
        piece = inflater.decompress(data, _STEP)
        if piece:
            yield piece
        data = inflater.unconsumed_tail
        # A full piece may leave output inside zlib although no input is left.
        if inflater.eof or (not data and len(piece) < _STEP):
            return


class _Gzip:
    """gzip with one or more members (RFC 1952, 2.2); what follows the last one is left unread."""

    def __init__(self) -> None:
        self.complete = False
        self._inflater = zlib.decompressobj(wbits=31)
        self._members = 1
        self._held = b""
        self._ended = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data and not self._ended:
            if self.complete:
                data = self._held + data
                if len(data) < len(_GZIP_MAGIC):
                    self._held = data
                    return
                self._next_member(data)
                continue
            yield from _inflate(self._inflater, data)
            self.complete = self._inflater.eof
            data = self._inflater.unused_data

    def _next_member(self, data: bytes) -> None:
        self._held = b""
        if not data.startswith(_GZIP_MAGIC):
            self._ended = True
            return
        self._members += 1
        if self._members > _MAX_GZIP_MEMBERS:
            raise zlib.error(f"more than {_MAX_GZIP_MEMBERS} gzip members")
        self.complete = False
        self._inflater = zlib.decompressobj(wbits=31)


class _Deflate:
    """deflate with the zlib wrapper that RFC 9110 asks for, or raw as some servers send it."""

    def __init__(self) -> None:
        self.complete = False
        self._head = b""
        self._inflater: zlib._Decompress | None = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self.complete:
            return
        if self._inflater is None:
            self._head += data
            if len(self._head) < 2:
                return
            data = self._head
            wrapped = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0  # RFC 1950, 2.2
            self._inflater = zlib.decompressobj(wbits=15 if wrapped else -15)
        yield from _inflate(self._inflater, data)
        self.complete = self._inflater.eof


class _Brotli:
    def __init__(self) -> None:
        self.complete = False
        self._decompressor = brotli.Decompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self.complete:
            return
        while True:
            piece = self._decompressor.process(data, output_buffer_limit=_STEP)
            if piece:
                yield piece
            data = b""
            self.complete = self._decompressor.is_finished()
            # A full piece may leave output inside although more input would be accepted.
            if self.complete or (self._decompressor.can_accept_more_data() and len(piece) < _STEP):
                return


def content_coding(values: Sequence[str]) -> str | None:
    """The one content coding that these Content-Encoding headers name; None for a plain body.

    PermanentFetchError (`bad-encoding`) when there are several or it is none that we read.
    """
    named = [part.strip().lower() for value in values for part in value.split(",")]
    codings = [coding for coding in named if coding not in {"", "identity"}]
    if not codings:
        return None
    if len(codings) > 1:
        raise PermanentFetchError(f"{len(codings)} content codings on one another", reason="bad-encoding")
    coding = codings[0].removeprefix("x-")
    if coding not in {"gzip", "deflate", "br"}:
        raise PermanentFetchError(f"unknown content coding {coding[:40]!r}", reason="bad-encoding")
    return coding


class BodyDecoder:
    """Takes a body in chunks and undoes its coding, up to `limit` bytes."""

    def __init__(self, coding: str | None, limit: int) -> None:
        self._coding = coding
        self._limit = limit
        self._codec: _Codec
        match coding:
            case "gzip":
                self._codec = _Gzip()
            case "deflate":
                self._codec = _Deflate()
            case "br":
                self._codec = _Brotli()
            case _:
                self._codec = _Identity()
        self._parts: list[bytes] = []
        self._size = 0
        self._started = False

    def feed(self, data: bytes) -> None:
        """Decode the next chunk.

        PermanentFetchError: `bomb` (`too-large` without a coding) beyond the limit, `bad-encoding` when
        the bytes are not in the coding.
        """
        self._started = self._started or bool(data)
        try:
            for piece in self._codec.pieces(data):
                self._parts.append(piece)
                self._size += len(piece)
                if self._size > self._limit:
                    raise PermanentFetchError(
                        f"body of more than {self._limit} bytes",
                        reason="bomb" if self._coding else "too-large",
                    )
        except (zlib.error, brotli.error) as error:
            raise PermanentFetchError(
                f"body is not {self._coding}: {error}", reason="bad-encoding"
            ) from error

    def finish(self) -> bytes:
        """The whole body. TransientFetchError (`truncated-body`) when its coding does not end."""
        if self._started and not self._codec.complete:
            raise TransientFetchError(f"{self._coding} body without its end", reason="truncated-body")
        return self.so_far()

    def so_far(self) -> bytes:
        """What has been decoded, cut at the limit."""
        return b"".join(self._parts)[: self._limit]
