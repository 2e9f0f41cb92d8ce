"""Windows and sketches are frozen: golden values, and a plain second implementation."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from parsers import shingles
from parsers.shingles import (
    WIDTH,
    from_bytes,
    sketch_keys,
    sketches_of_all,
    to_bytes,
    windows,
    windows_of_all,
)

MASK = (1 << 64) - 1
TEXT = b"nguoi dan trong xa cho biet con duong moi giup viec di lai thuan tien hon truoc nhieu"


def plain_hash(syllables: list[bytes]) -> int:
    """The rule of parsers/shingles.py, word by word, in Python's own numbers."""
    total = 0
    for syllable, factor in zip(syllables, shingles._FACTORS.tolist(), strict=False):
        code = int.from_bytes(syllable[:8], "little")
        if len(syllable) > 8:
            code += int.from_bytes(syllable[-8:], "little") * int(shingles._LONG)
        total += code * factor
    total &= MASK
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        total ^= total >> 33
        total = total * factor & MASK
    return total ^ total >> 33


def plain_windows(text: bytes) -> list[int]:
    syllables = text.split(b" ") if text else []
    if not syllables:
        return []
    count = max(1, len(syllables) - WIDTH + 1)
    return [plain_hash(syllables[start : start + WIDTH]) for start in range(count)]


def test_the_algorithm_is_frozen() -> None:
    assert shingles.ALGORITHM == "khotin-shingle-1"
    assert [f"{value:016x}" for value in windows(TEXT)[:3].tolist()] == GOLDEN_WINDOWS
    assert [f"{value:016x}" for value in windows(b"tin").tolist()] == GOLDEN_SHORT
    assert [
        f"{value:016x}" for value in windows(b"internationalisation o viet nam tu").tolist()
    ] == GOLDEN_LONG
    many = b" ".join(b"tu%d" % number for number in range(100))
    assert to_bytes(sketch_keys(windows(many))).hex() == GOLDEN_SKETCH


def test_sketches_of_many_texts_are_those_of_each_alone() -> None:
    chance = random.Random(4)
    words = [b"tu%d" % number for number in range(60)]
    long = [b" ".join(chance.choices(words, k=chance.randint(5, 400))) for _ in range(150)]
    twice = b" ".join([long[0], long[0], long[0]])
    for texts in (long, [twice, *long], [b"", *long[:70], b"tin", b""], []):
        told = [keys.tolist() for keys in sketches_of_all(texts)]
        assert told == [sketch_keys(windows(text)).tolist() for text in texts]


syllable = st.binary(min_size=1, max_size=20).map(lambda raw: raw.replace(b" ", b"-"))
folded = st.lists(syllable, max_size=12).map(b" ".join)


@given(folded)
def test_windows_are_what_the_rule_says(text: bytes) -> None:
    assert windows(text).tolist() == plain_windows(text)


@given(st.lists(folded, max_size=6))
def test_many_texts_at_once_give_the_same_as_one_by_one(texts: list[bytes]) -> None:
    assert [found.tolist() for found in windows_of_all(texts)] == [plain_windows(text) for text in texts]


def test_a_shared_passage_leaves_the_same_keys_wherever_it_stands() -> None:
    passage = b" ".join(b"doan%d" % number for number in range(400))
    keys = sketch_keys(windows(passage))
    assert len(keys) > 10
    around = sketch_keys(windows(b"truoc do o day " + passage + b" va sau do"))
    assert set(keys.tolist()) <= set(around.tolist())


def test_a_stored_sketch_comes_back() -> None:
    keys = sketch_keys(windows(b" ".join(b"tu%d" % number for number in range(300))))
    assert keys.dtype == np.uint32
    assert from_bytes(to_bytes(keys)).tolist() == keys.tolist() == sorted(set(keys.tolist()))
    assert from_bytes(b"").tolist() == []


GOLDEN_WINDOWS = ["f1d0ac99bb69486f", "b39b2e04bf1c5946", "cb0557c72f946df0"]
GOLDEN_SHORT = ["d7167a515f3cf1dd"]
GOLDEN_LONG = ["1b6804cf2fc6df85"]
GOLDEN_SKETCH = "0d2d4c0af43fce1afac3943cf58d3f477143a5555ccec371de5a79de"
