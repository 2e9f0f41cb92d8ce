"""From the bytes of a page to UTF-8: which character set they are really in.

What a page declares is taken as a hint. Bytes that are valid UTF-8 are UTF-8 whatever is declared, and
only text codecs from a fixed list are ever used: `charset=zlib` or `charset=idna` names a Python codec too.
"""

from __future__ import annotations

import codecs
import re

from parsers.errors import MarkupError

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

# Names that pages declare (WHATWG labels, lower case) to the Python codec that reads them.
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "windows-1258": "cp1258",
    "cp1258": "cp1258",
    "x-cp1258": "cp1258",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "windows-1254": "cp1254",
    "iso-8859-2": "iso8859-2",
    "iso-8859-9": "cp1254",
    "iso-8859-15": "iso8859-15",
    "koi8-r": "koi8-r",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
    "tcvn": "cp1258",
}
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_SLICE = 16_384
_META_WITHIN = 65_536  # bytes; browsers look at 1,024 only, some pages declare later
_GUESS_FROM = 32_768  # bytes given to charset-normalizer, whose time grows with its input
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")

_BINARY = (
    (b"%PDF-", "a PDF file"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"RIFF", "a RIFF file (image, sound or video)"),
    (b"ID3", "an MP3 file"),
    (b"OggS", "an Ogg file"),
)
_BLANK = b" \t\r\n\0"
_CONTROLS = bytes(byte for byte in range(32) if byte not in (0, 9, 10, 12, 13, 27))


def to_utf8(data: bytes, content_type: str | None = None) -> bytes:
    """The page as valid UTF-8 without byte-order mark and NUL.

    `content_type` is the HTTP header's value. Raises MarkupError for nothing at all and for bytes that
    are no text (PDF, image, archive, mostly control characters).
    """
    _refuse_binary(data)
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return _without_nul(_decode(data[len(bom) :], codec))
    if b"\0" in data and data.count(b"\0") * 3 > len(data):
        return _without_nul(_decode(data, "utf-16-be" if data[0] == 0 else "utf-16-le"))
    if not _is_utf8(data):
        return _without_nul(_decode(data, _codec(data, content_type)))
    return data.replace(b"\0", b"") if b"\0" in data else data


def _is_utf8(data: bytes) -> bool:
    """In slices: the text of a whole page takes four bytes a letter where it holds one emoji."""
    begin, size = 0, len(data)
    try:
        while begin < size:
            piece = data[begin : begin + _SLICE]
            last = begin + _SLICE >= size
            # Pages are ASCII for the most part, which is told ten times as fast.
            begin += len(piece) if piece.isascii() else codecs.utf_8_decode(piece, "strict", last)[1]
    except UnicodeDecodeError:
        return False
    return True


def declared_codec(data: bytes, content_type: str | None) -> str | None:
    """The Python codec for the character set that header or mark-up declares, if the list holds it."""
    match = _HEADER_CHARSET.search(content_type or "")
    codec = _CODECS.get(match.group(1).lower()) if match else None
    if codec:
        return codec
    meta = _META_CHARSET.search(data, 0, _META_WITHIN)
    return _CODECS.get(meta.group(1).decode("ascii").lower()) if meta else None


def _codec(data: bytes, content_type: str | None) -> str:
    """The codec for bytes that are not valid UTF-8 as a whole."""
    valid = sum(len(m.group()) for m in _MULTIBYTE.finditer(data))
    stray = len(_NOT_ASCII.findall(data)) - valid
    if valid >= 20 * stray:
        return "utf-8"  # a few damaged bytes in a page that is UTF-8 otherwise
    declared = declared_codec(data, content_type)
    if declared and declared != "utf-8":
        return declared
    # Needed for few pages, and takes more memory than all the rest to import.
    from charset_normalizer import from_bytes

    guess = from_bytes(data[:_GUESS_FROM], cp_isolation=sorted(set(_CODECS.values()))).best()
    return guess.encoding if guess else "utf-8"


def _decode(data: bytes, codec: str) -> bytes:
    return data.decode(codec, "replace").encode("utf-8", "replace")


def _without_nul(data: bytes) -> bytes:
    return data.replace(b"\0", b"")


def _refuse_binary(data: bytes) -> None:
    if not data[:1024].strip(_BLANK) and not data.strip(_BLANK):
        raise MarkupError("the page is empty", reason="empty")
    for magic, name in _BINARY:
        if data.startswith(magic):
            raise MarkupError(f"not a page but {name}", reason="not-html")
    if data[4:8] == b"ftyp":
        raise MarkupError("not a page but an MP4 file", reason="not-html")
    head = data[:2048]
    if (len(head) - len(head.translate(None, _CONTROLS))) * 10 > len(head):
        raise MarkupError("not text: more than a tenth are control characters", reason="not-html")
