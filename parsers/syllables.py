"""The syllables of a folded text, abbreviations written out: what phrases and terms are looked for in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from parsers.compare import fold_all

Syllables = tuple[bytes, ...]


def folded_syllables(text: str) -> Syllables:
    """The syllables of a short text, folded (parsers.compare), abbreviations as they stand."""
    return tuple(fold_all([text])[0][0].split())


ABBREVIATIONS: Final[Mapping[bytes, Syllables]] = MappingProxyType(
    {
        short.encode(): folded_syllables(written_out)
        for short, written_out in {
            "antq": "an ninh Tổ quốc",
            "antt": "an ninh trật tự",
            "bca": "Bộ Công an",
            "cand": "Công an nhân dân",
            "catp": "Công an thành phố",
            "cbcs": "cán bộ chiến sĩ",
            "csdt": "Cảnh sát điều tra",
            "csgt": "Cảnh sát giao thông",
            "cshs": "Cảnh sát hình sự",
            "hdnd": "Hội đồng nhân dân",
            "mttq": "Mặt trận Tổ quốc",
            "pccc": "phòng cháy chữa cháy",
            "tnxh": "tệ nạn xã hội",
            "tp": "thành phố",
            "ttatxh": "trật tự an toàn xã hội",
            "ubnd": "Ủy ban nhân dân",
            "vksnd": "Viện kiểm sát nhân dân",
        }.items()
    }
)
"""What every text may shorten; a topic adds its own (`[spellings]`). Frozen with the name of the closeness
model (parsers/closeness.py)."""


def syllables_of(folded: bytes, abbreviations: Mapping[bytes, Syllables] = ABBREVIATIONS) -> list[bytes]:
    """The syllables of a folded text (parsers.compare) in their order, abbreviations written out."""
    found = folded.split()
    if abbreviations.keys().isdisjoint(found):
        return found
    places = [place for place, syllable in enumerate(found) if syllable in abbreviations]
    for place in reversed(places):
        found[place : place + 1] = abbreviations[found[place]]
    return found
