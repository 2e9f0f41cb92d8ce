"""The hash formats that make the store verifiable. They are frozen: golden values in the tests hold them.

leaf  = SHA-256(0x00, "khotin-leaf-1", fields), each field as its length and its bytes, without database
        ids, so that SQLite, PostgreSQL and an export of the same document give the same leaf;
root  = the Merkle tree hash of RFC 6962, section 2.1, over the sorted leaves of a version;
chain = SHA-256(0x02, the parent's chain or 32 zero bytes, the version's header).

A change of format gets a new name; the names that a version was made with stand in its row.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

LEAF_FORMAT = "khotin-leaf-1"
ROOT_FORMAT = "rfc6962-sha256"
CHAIN_FORMAT = "khotin-chain-1"
FORMATS = f"{LEAF_FORMAT} {ROOT_FORMAT} {CHAIN_FORMAT}"

FieldValue = str | int | datetime | None | Sequence[str]


def _field(value: FieldValue) -> bytes:
    """One field as type letter, length (8 bytes, big-endian) and bytes: no two values look the same."""
    if value is None:
        return b"n" + struct.pack(">Q", 0)
    if isinstance(value, str):
        tag, data = b"s", value.encode()
    elif isinstance(value, bool):
        raise TypeError("no booleans in a hash format")
    elif isinstance(value, int):
        tag, data = b"i", str(value).encode()
    elif isinstance(value, datetime):
        # Always six digits of a second: by default isoformat() leaves them out when they are zero.
        tag, data = b"t", value.astimezone(UTC).isoformat(timespec="microseconds").encode()
    else:
        tag, data = b"l", b"".join(_field(item) for item in value)
    return tag + struct.pack(">Q", len(data)) + data


def leaf_hash(fields: Iterable[tuple[str, FieldValue]]) -> str:
    """Hash one revision's named fields, in the order given, to 64 hex digits."""
    digest = hashlib.sha256(b"\x00")
    digest.update(_field(LEAF_FORMAT))
    for name, value in fields:
        digest.update(_field(name))
        digest.update(_field(value))
    return digest.hexdigest()


def merkle_root(leaves: Iterable[str]) -> str:
    """RFC 6962 tree hash over hex leaves, sorted first; the root of no leaves is SHA-256 of nothing.

    Works level by level and carries an odd last node up unchanged, which gives the same tree as the RFC's
    split at the largest power of two.
    """
    level = [bytes.fromhex(leaf) for leaf in sorted(leaves)]
    if not level:
        return hashlib.sha256().hexdigest()
    while len(level) > 1:
        above = [
            hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0].hex()


def chain_hash(parent_chain: str | None, header: Iterable[tuple[str, FieldValue]]) -> str:
    """Hash a version's header together with its parent's chain (None for the first version)."""
    digest = hashlib.sha256(b"\x02")
    digest.update(bytes.fromhex(parent_chain) if parent_chain else bytes(32))
    digest.update(_field(CHAIN_FORMAT))
    for name, value in header:
        digest.update(_field(name))
        digest.update(_field(value))
    return digest.hexdigest()
