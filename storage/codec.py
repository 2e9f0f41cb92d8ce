"""How bodies are packed: zstd with a dictionary trained on the store's own texts.

News repeats itself: with a dictionary of 110 KB a body takes a third of its text, without one half of it
(measured: .36 and .46 of generated text, title and captions included), with one of 512 KB .31, at the same
speed. So a dictionary is trained as soon as the store holds enough text for one, and a larger one later; each
is stored for ever, and each row names the one it needs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import zstandard

from parsers.errors import StoreDamaged

LEVEL = 3
MAX_BODY_BYTES = 64_000_000
"""No body is unpacked beyond this: a damaged frame must not take all memory."""

ZSTD, PURGED = "zstd", "purged"
"""A purged row has lost its body for ever; in its place stands the SHA-256 that its leaf covers."""


@dataclass(frozen=True, slots=True)
class Training:
    """When a dictionary is worth its training, on how many of the newest bodies, and how large it gets."""

    documents: int
    samples: int
    size: int


TRAININGS = (Training(500, 2_000, 110 * 1024), Training(8_000, 8_000, 512 * 1024))
"""One for each dictionary of a store, in their order. Training takes .4 and 3 seconds (measured)."""


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A trained dictionary as it stands in the store."""

    id: int
    sha256: str
    data: bytes


def train(bodies: Sequence[bytes], dictionary_id: int, size: int = TRAININGS[0].size) -> Dictionary | None:
    """Train a dictionary of at most `size` bytes; None when the bodies are too few or too much alike."""
    try:
        data = zstandard.train_dictionary(size, list(bodies)).as_bytes()
    except zstandard.ZstdError:
        return None
    return Dictionary(dictionary_id, hashlib.sha256(data).hexdigest(), data)


@lru_cache(maxsize=2)
def _made_ready(data: bytes) -> zstandard.ZstdCompressionDict:
    ready = zstandard.ZstdCompressionDict(data)
    ready.precompute_compress(level=LEVEL)
    return ready


class Packer:
    """Packs bodies with the newest dictionary. Not for two threads at once."""

    def __init__(self, dictionary: Dictionary | None) -> None:
        self.dictionary = dictionary
        data = _made_ready(dictionary.data) if dictionary else None
        # The checksum tells a damaged body from a damaged field: the leaf covers both.
        self._compressor = zstandard.ZstdCompressor(
            level=LEVEL, dict_data=data, write_content_size=True, write_checksum=True
        )

    @property
    def zdict_id(self) -> int | None:
        return self.dictionary.id if self.dictionary else None

    def pack(self, body: bytes) -> bytes:
        return self._compressor.compress(body)

    def pack_all(self, bodies: Sequence[bytes]) -> list[bytes]:
        """Pack many bodies in one call: it needs no lock of the interpreter, so other threads work on."""
        if not any(bodies):  # the call below refuses to pack nothing at all
            return [self.pack(body) for body in bodies]
        packed = self._compressor.multi_compress_to_buffer(list(bodies), threads=1)
        return [packed[place].tobytes() for place in range(len(packed))]


class Unpacker:
    """Unpacks bodies with whichever dictionary they need. Not for two threads at once."""

    def __init__(self, dictionaries: Mapping[int, Dictionary]) -> None:
        self.dictionaries = dictionaries
        self._by_id: dict[int | None, zstandard.ZstdDecompressor] = {None: zstandard.ZstdDecompressor()}

    def unpack(self, packed: bytes, zdict_id: int | None) -> bytes:
        """Raises StoreDamaged when the frame or its dictionary is not whole."""
        decompressor = self._by_id.get(zdict_id) or self._load(zdict_id)
        try:
            size = zstandard.frame_content_size(packed)
            if not 0 <= size <= MAX_BODY_BYTES:
                raise StoreDamaged(f"a body claims {size} bytes")
            return decompressor.decompress(packed)
        except zstandard.ZstdError as error:
            raise StoreDamaged(f"a body cannot be unpacked: {error}") from error

    def unpack_all(self, packed: Sequence[tuple[bytes, int | None]]) -> list[bytes | None]:
        """Unpack many bodies, each given with its dictionary's id, without the interpreter's lock.

        None stands for what could not be unpacked in this way; `unpack` says why.
        """
        found: list[bytes | None] = [None] * len(packed)
        places: dict[int | None, list[int]] = {}
        for place, (data, zdict_id) in enumerate(packed):
            try:
                sane = 0 < zstandard.frame_content_size(data) <= MAX_BODY_BYTES
            except zstandard.ZstdError:
                continue
            if sane:
                places.setdefault(zdict_id, []).append(place)
        for zdict_id, group in places.items():
            try:
                decompressor = self._by_id.get(zdict_id) or self._load(zdict_id)
                frames: list[Any] = [packed[place][0] for place in group]
                unpacked = decompressor.multi_decompress_to_buffer(frames, threads=1)
            except (zstandard.ZstdError, StoreDamaged):
                continue
            for number, place in enumerate(group):
                found[place] = unpacked[number].tobytes()
        return found

    def _load(self, zdict_id: int | None) -> zstandard.ZstdDecompressor:
        dictionary = self.dictionaries.get(zdict_id) if zdict_id is not None else None
        if dictionary is None:
            raise StoreDamaged(f"dictionary {zdict_id} is not in the store")
        data = zstandard.ZstdCompressionDict(dictionary.data)
        self._by_id[zdict_id] = zstandard.ZstdDecompressor(dict_data=data)
        return self._by_id[zdict_id]
