"""Content codings undone within bounds: codings, chunk borders, bombs."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.fetching.decoding import BodyDecoder, content_coding
from parsers.errors import FetchError

TEXT = ("Sáng nay, chợ họp sớm hơn mọi ngày. " * 9000).encode()


def _raw_deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


CODED = {
    "gzip": gzip.compress(TEXT),
    "gzip of two members": gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]),
    "gzip with a tail": gzip.compress(TEXT) + bytes(300),
    "deflate": zlib.compress(TEXT),
    "deflate without wrapper": _raw_deflate(TEXT),
    "br": brotli.compress(TEXT, quality=4),
}


def _decode(coding: str, data: bytes, limit: int = 10_000_000, chunk: int = 65_536) -> bytes:
    decoder = BodyDecoder(coding, limit)
    for start in range(0, len(data), chunk):
        decoder.feed(data[start : start + chunk])
    return decoder.finish()


@pytest.mark.parametrize("chunk", [1, 7, 65_536])
@pytest.mark.parametrize("name", CODED)
def test_each_coding_is_undone_wherever_chunks_end(name: str, chunk: int) -> None:
    assert _decode(name.split()[0], CODED[name], chunk=chunk) == TEXT


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_gzip_members_meet_at_any_border(data: bytes, chunk: int) -> None:
    assert _decode("gzip", gzip.compress(data) + gzip.compress(data), chunk=chunk) == data + data


@pytest.mark.parametrize("name", ["gzip", "deflate", "br"])
def test_a_stream_without_its_end_is_truncated(name: str) -> None:
    with pytest.raises(FetchError) as caught:
        _decode(name, CODED[name][:-5])
    assert caught.value.reason == "truncated-body"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_plain_text_is_not_in_the_coding(coding: str) -> None:
    with pytest.raises(FetchError) as caught:
        _decode(coding, b"<html>plain text that claims a coding</html>")
    assert caught.value.reason in {"bad-encoding", "truncated-body"}


def test_a_damaged_checksum_is_no_valid_gzip() -> None:
    damaged = bytearray(CODED["gzip"])
    damaged[-6] ^= 1
    with pytest.raises(FetchError) as caught:
        _decode("gzip", bytes(damaged))
    assert caught.value.reason == "bad-encoding"


def test_no_body_at_all_is_not_truncated() -> None:
    assert BodyDecoder("gzip", 10).finish() == b""


def test_very_many_gzip_members_are_refused() -> None:
    with pytest.raises(FetchError) as caught:
        _decode("gzip", gzip.compress(b"") * 5000)
    assert caught.value.reason == "bad-encoding"


def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert len(_decode("gzip", gzip.compress(bytes(1000)), limit=1000)) == 1000
    with pytest.raises(FetchError) as caught:
        _decode("gzip", gzip.compress(bytes(1001)), limit=1000)
    assert caught.value.reason == "bomb"


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_bomb_stays_within_bounds_in_memory(coding: str) -> None:
    size = 200_000_000
    if coding == "gzip":
        deflater = zlib.compressobj(wbits=31)
        bomb = (
            b"".join(deflater.compress(bytes(1_000_000)) for _ in range(size // 1_000_000)) + deflater.flush()
        )
    else:
        compressor = brotli.Compressor(quality=1)
        bomb = b"".join(compressor.process(bytes(1_000_000)) for _ in range(size // 1_000_000))
        bomb += compressor.finish()
    tracemalloc.start()
    try:
        with pytest.raises(FetchError) as caught:
            _decode(coding, bomb, limit=1_000_000, chunk=len(bomb))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.reason == "bomb"
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("values", "coding"),
    [
        ([], None),
        (["identity"], None),
        (["gzip"], "gzip"),
        (["X-GZIP"], "gzip"),
        ([" br "], "br"),
        (["identity, gzip"], "gzip"),
        (["", "deflate"], "deflate"),
    ],
)
def test_one_coding_is_read(values: list[str], coding: str | None) -> None:
    assert content_coding(values) == coding


@pytest.mark.parametrize("values", [["gzip, gzip"], ["gzip", "br"], ["zstd"], ["x-br-gzip"], ["aws-chunked"]])
def test_several_or_unknown_codings_are_refused(values: list[str]) -> None:
    with pytest.raises(FetchError) as caught:
        content_coding(values)
    assert caught.value.reason == "bad-encoding"
