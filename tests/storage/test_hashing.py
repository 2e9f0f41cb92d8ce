"""Golden values: the hash formats are frozen. If one of these fails, give the changed format a new name."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from parsers.compare import TextFacts, text_facts
from parsers.folding import fold
from storage.hashing import chain_hash, leaf_hash, merkle_root
from storage.tables import from_micros, micros
from tests.storage.test_commit import record

LEAVES = [hashlib.sha256(bytes([n])).digest() for n in range(5)]


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
    assert merkle_root(reversed(leaves)) == rfc6962(sorted(leaves))


def test_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle_root([]) == hashlib.sha256().digest()


def test_body_and_leaf_of_a_record_are_frozen() -> None:
    assert record().body_sha256 == "106519bcc15bc06039357ec6c0537513121106be20b283a11d03f3ba64af7f2a"
    assert (
        record().leaf(1, "add", None).hex()
        == "909b8eb484b3a5cd2d2634db191bd495a881110bc1e8c34592b0c6383f85d120"
    )
    assert (
        record().leaf(2, "revise", "00" * 32).hex()
        == "010b2109309b19245561eefa4a3892a4bb8aa60acf154b5ac2cb8cd5ad19e83f"
    )


def test_leaf_is_the_hash_that_its_description_says() -> None:
    said = b"\x00" + '["khotin-leaf-1","Đ\\"ường",1,null,["a"]]'.encode()
    assert leaf_hash(['Đ"ường', 1, None, ["a"]]) == hashlib.sha256(said).digest()


def test_chain_is_frozen() -> None:
    header = [1, "run", "seed", micros(datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)), None]
    first = chain_hash(None, header)
    assert first.hex() == "a7e0509eac7c5a83a2e9bf1f156b76978ffd3a7a00db570cfd6066736f4358c9"
    assert (
        chain_hash(first, header).hex() == "38f6282eaa9f0064248b234dd0b8e6e4dd2787ca6cb1592d6f13bc5c422c7e11"
    )


def test_comparison_keys_are_frozen() -> None:
    assert text_facts("Hòa bình ở TP.HCM", ()) == TextFacts(4, -8950720078193570983, None)
    _, text_key, body_key = text_facts(None, record().paragraphs)
    assert (text_key, body_key) == (-4975441105252902593, -4975441105252902593)


def test_keys_are_the_same_however_a_text_is_spelled() -> None:
    assert fold("Hoà bình ở TP. HCM") == fold("HÒA\u200b BÌNH — ở Thành phố Hồ Chí Minh!")
    assert fold("giá 81,2 triệu") != fold("giá 81,9 triệu")


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
        record(section=None),
        record(agency="TTXVN"),
        record(language="en"),
        record(kind="live-blog"),
        record(published_at=None),
        record(published_precision="day"),
        record(fetched_at=record().fetched_at + timedelta(microseconds=1)),
        record(parser="epi"),
        record(url="http://a.example/2"),
        record(record_kind="seed"),
    ]
    leaves = {item.leaf(1, "add", None) for item in changed} | {base, record().leaf(2, "add", None)}
    assert len(leaves) == len(changed) + 2


def test_same_moment_in_another_zone_is_the_same_leaf() -> None:
    moment = datetime(2026, 3, 2, 8, 0, tzinfo=timezone(timedelta(hours=7)))
    assert micros(moment) == micros(moment.astimezone(UTC))
    assert from_micros(micros(moment)) == moment


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="zone-aware"):
        micros(datetime(2026, 3, 2))  # noqa: DTZ001 - the point of the test


def test_values_that_look_alike_have_different_leaves() -> None:
    values: list[object] = [None, "", "1", 1, ["1"], ["1", ""], []]
    assert len({leaf_hash([value]) for value in values}) == len(values)
