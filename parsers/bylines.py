"""What stands around the text of a newspaper article: datelines, bylines, source credits, player labels."""

from __future__ import annotations

import re

from parsers.language import has_vietnamese_letters
from parsers.text import clean, is_punctuation, words_only

_UPPER = "A-ZÀ-ÃÈ-ÊÌÍÒ-ÕÙÚÝĂĐĨŨƠƯẠ-Ỹ"

# "(Dân trí) - ", "(Congannghean.vn)-": a short name in brackets, then a dash.
_BRACKETED = re.compile(r"[(\[]\s*([^()\[\]]{2,30}?)\s*[)\]]\s*[-–—:]\s*(?=\S)")
# "(CAO) Ngày 3-7": without a dash only for capitals.
_BRACKETED_CAPITALS = re.compile(rf"\(([{_UPPER}&]{{2,8}})\)\s*(?=[{_UPPER}\"“‘'])")
# "ANTD.VN - ", "TTO - ", "Baonghean.vn - ": capitals or a domain, then a dash with a blank after it.
_BARE = re.compile(
    rf"([{_UPPER}][{_UPPER}0-9&]{{1,11}}(?:\.(?:VN|COM|NET|ORG))?"
    r"|[\w-]{2,20}(?:\.[\w-]{2,20}){0,2}\.(?:vn|com|net|org))"
    r"\s*[-–—]\s+(?=\S)"
)
_SENTENCE_START = re.compile(rf"[\"“‘'(\[]*[{_UPPER}0-9]")
_LONGEST_DOMAIN = 70  # characters
# A sentence may begin with a place and a dash; these are no papers.
_PLACES = frozenset(
    ("tphcm", "tp hcm", "hcm", "hn", "hanoi", "hà nội", "đà nẵng", "huế", "cần thơ", "hải phòng", "sài gòn")
)

_CREDIT = re.compile(
    rf"\(?\s*(?:(?:Nguồn|Tin|Tin từ|Theo nguồn)\s*:?|Theo)\s*:?\s+(?P<source>[{_UPPER}].{{1,60}}?)\s*\)?\.?"
)
_CREDIT_BRACKETS = re.compile(rf"\((?P<source>[{_UPPER}]{{2,6}}[\w+/ -]{{0,20}})\)")
_LABEL = re.compile(
    r"^\s*(?:bài(?: và ảnh)?|tin(?:, ảnh)?|ảnh|tác giả|thực hiện|bài viết|nhóm pv|by"
    r"|written by)\s*:\s*|^by\s+",
    re.IGNORECASE,
)
_REMARK = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
_ROLE = re.compile(
    r"^(?:phóng viên|pv|thực hiện|biên tập|tổng hợp|lược dịch|biên dịch|t/h|dịch|cộng tác viên|ctv)\s+",
    re.IGNORECASE,
)
_ROLE_AFTER = re.compile(r"\s+(?:tổng hợp|lược dịch|biên dịch|t/h|thực hiện|ghi)$", re.IGNORECASE)
_BETWEEN_NAMES = re.compile(r"\s*(?:[,;/&|•·\n]|\s[-–—]\s|\s+và\s+|\s+and\s+)\s*")
_NAME = re.compile(
    rf"[{_UPPER}][\w.'’]{{0,15}}(?:[ .-]+(?:[{_UPPER}][\w.'’]{{0,15}}|de|van|der|von|la|le|bin|al|el))"
    r"{0,5}\.?"
)
_WORDS_NOT_NAMES = """
    theo nguồn ảnh video đồ họa tin bài xem đọc thêm clip infographic kết luận mở đầu lời kết liên
    by quan ban biên tập tòa soạn chủ đề từ khóa tags chia sẻ bình luận quảng cáo hotline email
"""
_NOT_NAMES = frozenset(_WORDS_NOT_NAMES.split())

_PLAYER_TIME = re.compile(
    r"\d{1,2}:\d{2}(?::\d{2})?(?:\s*/\s*\d{1,2}:\d{2}(?::\d{2})?)?(?:\s*\d(?:\.\d+)?x)?"
)
_PLAYER_LABEL = re.compile(
    r"(?:[•*·-]\s*)?(?:(?:giọng\s+)?(?:nam|nữ)\s+(?:miền\s+)?(?:bắc|trung|nam)"
    r"|nghe (?:đọc )?(?:bài|tin)(?: báo| viết)?|nghe podcast|đọc bài viết|audio"
    r"|tốc độ đọc|giọng đọc|tạm dừng|play|pause|0?\.5x|1x|1\.\d+x|2x)\s*:?",
    re.IGNORECASE,
)


def split_dateline(text: str) -> tuple[str | None, str]:
    """The paper's name at the very start of a lead or first paragraph, and the text without it.

    ("Dân trí", "Giá vàng ...") for "(Dân trí) - Giá vàng ..."; (None, text) where there is no dateline.
    """
    second = text[1:2]
    if text.startswith(("(", "[")):
        match = _BRACKETED.match(text)
        if match and _is_paper(match.group(1)):
            return match.group(1), text[match.end() :]
        match = _BRACKETED_CAPITALS.match(text)
        if match and _is_paper(match.group(1)):
            return match.group(1), text[match.end() :]
    elif (second.islower() or second == " ") and "." not in text[:_LONGEST_DOMAIN]:
        return None, text  # neither capitals nor a domain, as nearly all paragraphs
    match = _BARE.match(text)
    # "FPT - công ty ..." goes on in small letters: a subject, not a dateline. In English, capitals
    # before a dash are a city.
    if (
        match
        and _is_paper(match.group(1))
        and _SENTENCE_START.match(text, match.end())
        and ("." in match.group(1) or len(match.group(1)) <= 4 or has_vietnamese_letters(text[:300]))
    ):
        return match.group(1), text[match.end() :]
    return None, text


def _is_paper(name: str) -> bool:
    if words_only(name) in _PLACES or not any(letter.isupper() or letter == "." for letter in name):
        return False
    return any(letter.isalpha() for letter in name) and len(name.split()) <= 5 and not name[0].isdigit()


def source_credit(text: str) -> str | None:
    """The source that a closing line such as "Theo TTXVN" or "(Nguồn: ...)" names."""
    match = _CREDIT.fullmatch(text) or _CREDIT_BRACKETS.fullmatch(text)
    if not match or len(match["source"].split()) > 8:
        return None
    return match["source"].strip()


def names(text: str) -> tuple[str, ...]:
    """The writers that a byline names, or nothing when the text is no byline.

    "Mai Lụa (tổng hợp)" gives ("Mai Lụa",); "LÊ CẨN - CHU NHẠ" gives both.
    """
    if len(text) > 200:
        return ()
    text = _LABEL.sub("", clean(text))
    text = _ROLE_AFTER.sub("", _ROLE.sub("", _REMARK.sub("", text))).strip(" .,;:-–—|")
    if not text or len(text) > 120:
        return ()
    found: list[str] = []
    for part in _BETWEEN_NAMES.split(text):
        name = _ROLE_AFTER.sub("", _ROLE.sub("", _REMARK.sub("", part))).strip(" ,;:-–—|")
        if not name:
            continue
        if not is_name(name):
            return ()
        if words_only(name) not in map(words_only, found):
            found.append(name)
    return tuple(found)


def is_name(text: str) -> bool:
    """Whether the text can be a writer's name: one to six words that each begin with a capital."""
    if len(text) > 40 or any(letter.isdigit() for letter in text) or not _NAME.fullmatch(text):
        return False
    words = words_only(text).split()
    return bool(words) and words[0] not in _NOT_NAMES


def is_byline(text: str) -> bool:
    """Whether a whole paragraph is a byline: names and nothing else, without the end of a sentence."""
    return len(text) <= 80 and not text.rstrip().endswith(("!", "?", ":", "…", ";")) and bool(names(text))


_PHOTO_CREDIT = re.compile(
    r"(?:\((?:[^()]{0,60}[\s/])?(?:AP|AFP|Reuters|EPA|TTXVN|Getty(?: Images)?|Shutterstock|File|Handout)"
    r"(?: (?:Photo|File)[^()]{0,60}|/[^()]{0,60})?\)|\bGetty Images\b.{0,30}|\bvia (?:AP|Reuters|Getty)"
    r"|\b(?:Photo|Image|Picture|Photograph)s?(?: (?:credits?|source|courtesy|by))?\s*:\s*\S.{0,60}"
    r"|\bCredits?\s*:\s*\S.{0,60}|(?:^|[\s(.])Ảnh(?: minh họa)?\s*:\s*\S.{0,60})\s*\)?\.?$"
)
_CAPTION_LONGEST = 400  # characters
_CREDIT_LONGEST = 110
_WORDS_PHOTO = "AP AFP Reuters EPA TTXVN Getty Shutterstock File Handout hoto mage icture redit"
_PHOTO_WORDS = ("Ảnh", *_WORDS_PHOTO.split())


def is_photo_line(text: str) -> bool:
    """Whether a short paragraph ends with the credit of a photograph, and so is its caption."""
    if len(text) > _CAPTION_LONGEST:
        return False
    tail = text[-_CREDIT_LONGEST:]
    if not (":" in tail or tail.endswith((")", ").")) or "Getty" in tail or "via " in tail):
        return False
    # One of these words is in every credit, and most paragraphs have none of them.
    return any(map(tail.__contains__, _PHOTO_WORDS)) and _PHOTO_CREDIT.search(tail) is not None


def is_player_label(text: str) -> bool:
    """Whether a line is a label of an audio player ("0:00 / 0:00", "Nam miền Bắc")."""
    text = text.strip()
    return bool(_PLAYER_TIME.fullmatch(text) or _PLAYER_LABEL.fullmatch(text))


def is_residue(text: str) -> bool:
    """Whether a paragraph carries no text of the article: punctuation alone or a player's label."""
    return is_punctuation(text) or is_player_label(text)
