"""The hash formats that make the store verifiable. They are frozen: golden values in the tests hold them.

leaf  = SHA-256(0x00, JSON array of "khotin-leaf-1" and the revision's fields), without database ids, so that
        SQLite, PostgreSQL and an export of the same document give the same leaf;
root  = the Merkle tree hash of RFC 6962, section 2.1, over the sorted leaves of a version;
chain = SHA-256(0x02, the parent's chain or 32 zero bytes, JSON array of "khotin-chain-1" and the header);
row   = SHA-256(0x03, JSON array of "khotin-capture-1" and the fields of a capture row). It stands in no
        version: it tells damage, while the bytes of a page are vouched for by its revision's leaf.

JSON is UTF-8 without spaces, non-ASCII characters as they are, escapes only where JSON demands them; times
are microseconds since 1970-01-01T00:00Z, hashes lower-case hex. An array tells values and their borders
apart, so no two revisions look the same. A change of format gets a new name; the names that a version was
made with stand in its row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

LEAF_FORMAT = "khotin-leaf-1"
ROOT_FORMAT = "rfc6962-sha256"
CHAIN_FORMAT = "khotin-chain-1"
BODY_FORMAT = "khotin-body-1"
CAPTURE_FORMAT = "khotin-capture-1"
FORMATS = f"{LEAF_FORMAT} {ROOT_FORMAT} {CHAIN_FORMAT} {BODY_FORMAT}"


def leaf_hash(fields: Sequence[Any]) -> bytes:
    """Hash one revision's fields (text, whole numbers, None, lists of text), in their order."""
    return hashlib.sha256(b"\x00" + orjson.dumps([LEAF_FORMAT, *fields])).digest()


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """RFC 6962 tree hash over leaves, sorted first; the root of no leaves is SHA-256 of nothing.

    Works level by level and carries an odd last node up unchanged, which gives the same tree as the RFC's
    split at the largest power of two.
    """
    level = sorted(leaves)
    if not level:
        return hashlib.sha256().digest()
    sha256 = hashlib.sha256
    while len(level) > 1:
        above = [sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def chain_hash(parent_chain: bytes | None, header: Sequence[Any]) -> bytes:
    """Hash a version's header together with its parent's chain (None for the first version)."""
    data = orjson.dumps([CHAIN_FORMAT, *header])
    return hashlib.sha256(b"\x02" + (parent_chain or bytes(32)) + data).digest()


def capture_hash(fields: Sequence[Any]) -> bytes:
    """Hash the fields of one row of `capture` (text, whole numbers, None), in their order."""
    return hashlib.sha256(b"\x03" + orjson.dumps([CAPTURE_FORMAT, *fields])).digest()
