"""Golden values: the hash formats are frozen. If one of these fails, give the changed format a new name."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from parsers.compare import body_key, text_key
from storage.hashing import FieldValue, chain_hash, leaf_hash, merkle_root
from tests.storage.test_commit import record

LEAVES = [hashlib.sha256(bytes([n])).hexdigest() for n in range(5)]


def rfc6962(leaves: list[bytes]) -> bytes:
    """The tree hash as the RFC writes it down, by recursion: the reference for the quick one."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + rfc6962(leaves[:k]) + rfc6962(leaves[k:])).digest()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_root_is_that_of_rfc_6962_over_sorted_leaves(count: int) -> None:
    leaves = LEAVES[:count]
    assert merkle_root(reversed(leaves)) == rfc6962([bytes.fromhex(x) for x in sorted(leaves)]).hex()


def test_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle_root([]) == hashlib.sha256().hexdigest()


def test_leaf_of_a_record_is_frozen() -> None:
    assert record().leaf(1, "add", None) == "32ffd89ccb59b5f287468c3f2f4c4f6c663b01f20f5f297bc41507d16600d551"
    assert (
        record().leaf(2, "revise", "00" * 32)
        == "bc5e1f00bded28d0311bb823e004ef750f172807936f55f1f19b6d9b01d3d7f6"
    )


def test_chain_is_frozen() -> None:
    header: list[tuple[str, FieldValue]] = [
        ("version", 1),
        ("created_at", datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)),
        ("none", None),
    ]
    first = chain_hash(None, header)
    assert first == "49e9bce6268a2fd3bb7b767d724821fe50d84cb17b702834b2d99c485fb5612e"
    assert chain_hash(first, header) == "014e56f8b32a4e6b4f65c88f6420864c195f82aaf70c91c8c891c4480aca449e"


def test_comparison_keys_are_frozen() -> None:
    assert text_key("Hòa bình ở TP.HCM") == "83c8a7830750cb59aad6ad3e95e756ea"
    assert body_key(record().paragraphs) == "baf3aead0086193fc52b31050a1c7e58"


def test_leaf_depends_on_every_field() -> None:
    base = record().leaf(1, "add", None)
    changed = [
        record(title="x"),
        record(lead=None),
        record(captions=()),
        record(authors=()),
        record(tags=()),
        record(modified_at=record().fetched_at),
        record(parser_version="2"),
        record(payload_sha256=None),
        record(source="b"),
    ]
    leaves = {item.leaf(1, "add", None) for item in changed} | {base, record().leaf(2, "add", None)}
    assert len(leaves) == len(changed) + 2


def test_same_moment_in_another_zone_is_the_same_leaf() -> None:
    moment = datetime(2026, 3, 2, 8, 0, tzinfo=timezone(timedelta(hours=7)))
    assert leaf_hash([("t", moment)]) == leaf_hash([("t", moment.astimezone(UTC))])


def test_values_that_look_alike_have_different_leaves() -> None:
    values = [None, "", "1", 1, ("1",), ("1", ""), ()]
    assert len({leaf_hash([("f", value)]) for value in values}) == len(values)
