"""Takes out of a page, before it is parsed, what no reader sees: scripts, style sheets, drawings, comments.

They are two thirds of the bytes of a news page. Only what stands between their tags goes, and only where it is
plain where it ends: what is doubtful stays, so that nothing is lost but time. JSON-LD stays too.
"""

from __future__ import annotations

import re

_PLACE = re.compile(
    rb"<(?:[sS](?:[cC][rR][iI][pP][tT]|[tT][yY][lL][eE]|[vV][gG])[\s/>]|!--|[hH][tT][mM]|[bB][oO][dD])"
)
_ROOT = re.compile(rb"<(?:[hH][tT][mM]|[bB][oO][dD])")
_DRAWING_END = re.compile(rb"<(?:/[sS][vV][gG][\s/>]|([sS][vV][gG][\s/>]))")
_LONGEST_TAG = 2_000  # bytes; what is longer stays as it is
_LEAST = 40  # bytes; what is shorter is not worth a piece
_MOST = 50_000  # tags inside such elements that are looked at; a page of 3 MB has 5,000
_NAME_ENDS = b" \t\n\f\r/>"


def without_unseen(source: bytes) -> tuple[bytes, int]:
    """The page without the contents of these elements, and how many `<html>` and `<body>` are left at most.

    Gives the same object where there is nothing to take out. Linear in the size. The page may be in any
    encoding that has ASCII in it; in others nothing is found.
    """
    pieces: list[bytes] = []
    begin = at = roots = 0
    left = _MOST
    while left and (match := _PLACE.search(source, at)):
        place, at = match.span()
        kind = source[place + 1 : place + 3].lower()
        if kind == b"!-":
            end = source.find(b"-->", at - 2)
            if end < 0:
                break
            # It may end before, as the parser reads it.
            if end - at < _LEAST or b"--!>" in source[at:end]:
                continue
        elif kind in (b"ht", b"bo"):
            roots += 1
            continue
        else:
            tag_end = source.find(b">", at - 1, at + _LONGEST_TAG)
            tag = source[at:tag_end]
            if tag_end < 0 or tag.endswith(b"/") or tag.count(b'"') & 1 or tag.count(b"'") & 1:
                continue  # closed at once, or ">" may stand in a value
            at = tag_end + 1
            if kind == b"sv":
                found = _DRAWING_END.search(source, at)
                if found is None or found.group(1):
                    continue
                end = found.start()
            else:
                end, left = _end_of(source, b"/script" if kind == b"sc" else b"/style", at, left)
                if end < 0:
                    break
            if end - at < _LEAST:
                continue
            # "+" may be written as a character reference.
            if (small := tag.lower()).find(b"json", small.find(b"ld")) > 0:
                roots += len(_ROOT.findall(source, at, end))
                at = end
                continue
        pieces.append(source[begin:at])
        begin = at = end
    roots += len(_ROOT.findall(source, at)) if match or left <= 0 else 0
    if not pieces:
        return source, roots
    pieces.append(source[begin:])
    return b"".join(pieces), roots


def _end_of(source: bytes, closing: bytes, at: int, left: int) -> tuple[int, int]:
    """Where the end tag begins (-1 where that is not plain), and how many tags may still be looked at.

    Scripts and style sheets hold hardly any "<", so that going from one to the next is the fastest way.
    """
    size = len(closing) + 1
    find = source.find
    commented = False
    end = find(b"<", at)
    while end >= 0 and left:
        left -= 1
        seen = source[end + 1 : end + size]
        if seen[:1] == b"/":
            if seen.lower() == closing and source[end + size : end + size + 1] in _NAME_ENDS:
                return end, left
        elif seen[:3] == b"!--":
            commented = True
        elif commented and seen[:6].lower() == b"script":
            # HTML standard 13.2.5.20: behind "<!--" and "<script" the next end tag does not end it.
            break
        end = find(b"<", end + 1)
    return -1, left
