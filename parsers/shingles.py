"""Windows of five syllables as frozen 64-bit hashes, and the sketch: a sample of them that is stored.

A syllable's code: its first 8 bytes, little-endian, zero-padded; a syllable of more bytes adds its last 8
times `_LONG`. A window's hash: the sum of its five codes, each times its odd constant, put through the
finalizer of MurmurHash3. A text of fewer syllables is one window, whose missing codes are 0. These rules are
frozen by golden values (tests/parsers/test_shingles.py): a change is a new algorithm with a new name.

The sketch keeps the windows whose lowest 4 bits are 0, of these the upper 32 bits: of a text of 500 syllables
some 31 keys. Two texts that share a passage share the keys of that passage, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

ALGORITHM = "khotin-shingle-1"
"""The name that is stored beside every sketch: five-syllable windows, this hash, this sample."""

WIDTH = 5
SAMPLED = 16
"""One window in so many is kept in the sketch."""

Hashes = npt.NDArray[np.uint64]
Keys = npt.NDArray[np.uint32]
NO_KEYS: Keys = np.empty(0, np.uint32)

_AT_ONCE = 64
_SPACE = 32
# Odd, with random bits: the fractional parts of the square roots of 2, 3, 5, 7, 11 and 13.
_FACTORS = np.array(
    [0x6A09E667F3BCC909, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1, 0x510E527FADE682D1],
    np.uint64,
)
_LONG = np.uint64(0x9B05688C2B3E6C1F)
_MASKS = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
_FMIX_1, _FMIX_2, _FMIX_SHIFT = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33)
_SAMPLE_MASK = np.uint64(SAMPLED - 1)
_KEY_SHIFT = np.uint64(32)
_PADDING = b" " * 8


def windows(folded: bytes) -> Hashes:
    """The hashes of all windows of a folded text (parsers.compare), in the order of the text."""
    return windows_of_all([folded])[0]


def windows_of_all(texts: Sequence[bytes]) -> list[Hashes]:
    """`windows` of each text; many at once are several times faster than one by one."""
    lengths = [0 if not text else text.count(b" ") + 1 for text in texts]
    codes = _codes(b" ".join(text for text in texts if text))
    if len(codes) < WIDTH:
        return [_short(part) for part in _cut(codes, lengths)]
    hashes = _hashes(codes)
    found = []
    start = 0
    for length in lengths:
        if length >= WIDTH:
            found.append(hashes[start : start + length - WIDTH + 1])
        else:
            found.append(_short(codes[start : start + length]))
        start += length
    return found


def _hashes(codes: Hashes) -> Hashes:
    """The hash of each window of the codes of a text, or of several in a row."""
    count = len(codes) - WIDTH + 1
    total = codes[:count] * _FACTORS[0]
    for place in range(1, WIDTH):
        total += codes[place : place + count] * _FACTORS[place]
    return _mixed(total)


def _codes(text: bytes) -> Hashes:
    """The code of each syllable of a text whose syllables stand one space apart."""
    if not text:
        return np.empty(0, np.uint64)
    padded = np.frombuffer(_PADDING + text + _PADDING, np.uint8)
    spaces = np.flatnonzero(padded[8:-8] == _SPACE)
    starts = np.concatenate((np.zeros(1, np.intp), spaces + 1)) + 8
    ends = np.concatenate((spaces, np.array([len(text)], np.intp))) + 8
    lengths = ends - starts
    # The eight bytes from each place on, without a copy.
    eights = np.ndarray(shape=(len(padded) - 7,), dtype="<u8", buffer=padded.data, strides=(1,))
    codes = eights[starts] & _MASKS.take(lengths, mode="clip")
    long = np.flatnonzero(lengths > 8)
    if len(long):
        codes[long] += eights[ends[long] - 8] * _LONG
    return codes


def _mixed(values: Hashes) -> Hashes:
    values ^= values >> _FMIX_SHIFT
    values *= _FMIX_1
    values ^= values >> _FMIX_SHIFT
    values *= _FMIX_2
    values ^= values >> _FMIX_SHIFT
    return values


def _short(codes: Hashes) -> Hashes:
    if not len(codes):
        return codes
    return _mixed((codes * _FACTORS[: len(codes)]).sum(dtype=np.uint64, keepdims=True))


def _cut(codes: Hashes, lengths: Sequence[int]) -> list[Hashes]:
    ends = [0, *np.cumsum(lengths).tolist()]
    return [codes[start:end] for start, end in pairwise(ends)]


def sketches_of_all(texts: Sequence[bytes]) -> list[Keys]:
    """The sketch of each folded text; many at once are several times faster than one by one."""
    found: list[Keys] = []
    for start in range(0, len(texts), _AT_ONCE):
        found += _sketches(texts[start : start + _AT_ONCE])
    return found


def _sketches(texts: Sequence[bytes]) -> list[Keys]:
    lengths = np.array([text.count(b" ") + 1 if text else 0 for text in texts], np.intp)
    if not (lengths >= WIDTH).all():
        return [sketch_keys(hashes) for hashes in windows_of_all(texts)]
    hashes = _hashes(_codes(b" ".join(texts)))
    places = np.flatnonzero((hashes & _SAMPLE_MASK) == 0)
    ends = np.cumsum(lengths)
    owners = np.searchsorted(ends, places, "right")
    # A window that reaches into the next text is none.
    inside = places <= ends[owners] - WIDTH
    owners = owners[inside]
    entries = hashes[places[inside]] >> _KEY_SHIFT | owners.astype(np.uint64) << _KEY_SHIFT
    entries.sort()
    # Most texts say nothing twice.
    again = entries[1:] == entries[:-1]
    if again.any():
        first = np.concatenate((np.ones(1, np.bool_), ~again))
        entries, owners = entries[first], owners[first]
    keys = entries.astype(np.uint32)
    edges = np.searchsorted(owners, np.arange(len(texts) + 1)).tolist()
    return [keys[start:end] for start, end in pairwise(edges)]


def sketch_keys(hashes: Hashes) -> Keys:
    """The keys that a text's windows leave in its sketch: sorted, each once."""
    keys: Keys = (hashes[(hashes & _SAMPLE_MASK) == 0] >> _KEY_SHIFT).astype(np.uint32)
    keys.sort()
    # Most texts say nothing twice.
    again = keys[1:] == keys[:-1]
    if again.any():
        keys = keys[np.concatenate((np.ones(1, np.bool_), ~again))]
    return keys


def to_bytes(keys: Keys) -> bytes:
    """A sketch as it is stored: little-endian."""
    return keys.astype("<u4").tobytes()


def from_bytes(stored: bytes) -> Keys:
    """The keys of a stored sketch."""
    return np.frombuffer(stored, "<u4").astype(np.uint32, copy=False)
