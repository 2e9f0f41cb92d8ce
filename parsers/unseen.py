"""Takes out of a page, before it is parsed, what no reader sees: scripts, style sheets, drawings, comments.

They are two thirds of the bytes of a news page. Only what stands between their tags goes, and only where it
is plain where it ends: what is doubtful stays, so that nothing is lost but time. JSON-LD stays too.
"""

from __future__ import annotations

import re

_PLACE = re.compile(
    # Two looks each are enough for nearly all tags; what is no name, such as "hvg", begins no tag of a kind.
    rb"<[sShHbB!](?:--|[cC][rR][iI][pP][tT][\s/>]|[tT][yY][lL][eE][\s/>]|[vV][gG][\s/>]|[tT][mM]|[oO][dD])"
)
_COMMENT, _ROOT_ELEMENT, _SCRIPT, _STYLE, _DRAWING = range(5)
_KINDS = {
    (first + second).encode(): kind
    for name, kind in (
        ("!-", _COMMENT),
        ("ht", _ROOT_ELEMENT),
        ("bo", _ROOT_ELEMENT),
        ("sc", _SCRIPT),
        ("st", _STYLE),
        ("sv", _DRAWING),
    )
    for first in {name[0], name[0].upper()}
    for second in {name[1], name[1].upper()}
}
_ROOT = re.compile(rb"<(?:[hH][tT][mM]|[bB][oO][dD])")
_DRAWING_END = re.compile(rb"<(?:/[sS][vV][gG][\s/>]|([sS][vV][gG][\s/>]))")
_LONGEST_TAG = 1_000  # bytes; what is longer stays as it is
_LEAST = 40  # bytes; what is shorter is not worth a piece
_MOST = 100_000  # such elements, and tags inside them, that are looked at; a page of 3 MB has 5,000
_NAME_ENDS = b" \t\n\f\r/>"


def without_unseen(source: bytes) -> tuple[bytes, int]:
    """The page without the contents of these elements, and how many `<html>` and `<body>` are left at most.

    Gives the same object where there is nothing to take out. Linear in the size. The page may be in any
    encoding that has ASCII in it; in others nothing is found.
    """
    pieces: list[memoryview] = []
    view = memoryview(source)
    begin = at = roots = 0
    left = _MOST
    while left and (match := _PLACE.search(source, at)):
        left -= 1
        place, at = match.span()
        kind = _KINDS.get(source[place + 1 : place + 3])
        if kind is None:
            continue
        if kind == _COMMENT:
            end = source.find(b"-->", at - 2)
            if 0 <= end < at + _LEAST:
                continue
            # With "--!>" it may end before.
            if end < 0 or source.find(b"--!>", at, end) >= 0:
                break
            near = max(begin, place - _LONGEST_TAG)
            if source.rfind(b"<", near, place) > source.rfind(b">", near, place):
                continue  # it may stand in a value
        elif kind == _ROOT_ELEMENT:
            roots += 1
            continue
        else:
            tag_end = source.find(b">", at - 1, at + _LONGEST_TAG)
            if tag_end < 0 or (kind != _DRAWING and source.startswith(b"<", tag_end + 1)):
                continue  # nothing is inside
            tag = source[at:tag_end]
            if tag.endswith(b"/") or tag.count(b'"') & 1 or tag.count(b"'") & 1:
                continue  # closed at once, or ">" may stand in a value
            at = tag_end + 1
            if kind == _DRAWING:
                found = _DRAWING_END.search(source, at)
                if found is None or found.group(1):
                    continue
                end = found.start()
            else:
                closing = b"</script>" if kind == _SCRIPT else b"</style>"
                end = source.find(b"<", at)
                if not source.startswith(closing, end):
                    end, left = _end_of(source, closing[1:-1], end, left)
                    if end < 0:
                        break
            if end - at < _LEAST:
                continue
            # "+" may be written as a character reference.
            if (small := tag.lower()).find(b"json", small.find(b"ld")) > 0:
                roots += len(_ROOT.findall(source, at, end))
                at = end
                continue
        pieces.append(view[begin:at])
        begin = at = end
    roots += len(_ROOT.findall(source, at)) if match else 0
    if not pieces:
        return source, roots
    pieces.append(view[begin:])
    return b"".join(pieces), roots


def _end_of(source: bytes, closing: bytes, end: int, left: int) -> tuple[int, int]:
    """Where the end tag begins (-1 where that is not plain), and how many tags may still be looked at.

    `end` is the first "<". Scripts and style sheets hold hardly any: going from one to the next is fast.
    """
    size = len(closing) + 1
    find = source.find
    commented = False
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
