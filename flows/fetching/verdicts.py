"""What an answer means: which statuses and bodies are failures, and of which kind."""

from __future__ import annotations

from datetime import datetime

from flows.fetching.retry_after import parse_retry_after
from flows.fetching.values import Kind
from parsers.errors import FetchError, PermanentFetchError, TransientFetchError

# RFC 9110, 15.5.9 and RFC 8470, 5.2 and RFC 6585, 4: a repeated request may succeed.
_TRANSIENT_4XX = frozenset({408, 425, 429})
_PAGE_TYPES = frozenset(
    {"application/xhtml+xml", "application/xml", "application/octet-stream", "application/vnd.wap.xhtml+xml"}
)
_MAGIC = (
    (0, b"%PDF-", "a PDF"),
    (0, b"\x89PNG\r\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"RIFF", "a RIFF file (WebP image, sound or video)"),
    (0, b"PK\x03\x04", "a ZIP or office file"),
    (0, b"\x1f\x8b\x08", "a gzip file"),
    (0, b"\x1aE\xdf\xa3", "a WebM video"),
    (0, b"ID3", "an MP3 sound"),
    (0, b"\xd0\xcf\x11\xe0", "an office file"),
    (4, b"ftyp", "an MP4 video or AVIF image"),
)


def status_error(
    status: int, url: str, *, conditional: bool, retry_after: str | None, now: datetime
) -> FetchError | None:
    """The failure that a status other than a redirect is.

    None when the body counts (200), or for 304 when `conditional` says that validators were sent.
    `retry_after` is that header.
    """
    if status == 200 or (status == 304 and conditional):
        return None
    if status in {204, 205}:
        return TransientFetchError(
            f"{url} answered {status}, without a body", reason="empty-body", status=status
        )
    if status == 304:
        return TransientFetchError(
            f"{url} answered 304 to a request without validators", reason="protocol-error", status=status
        )
    if 300 <= status < 400:
        return PermanentFetchError(f"{url} answered {status}", reason="bad-redirect", status=status)
    message, reason = f"{url} answered {status}", f"http-{status}"
    # 202 and its like are given by bot walls that ask to come again.
    if status < 300 or status in _TRANSIENT_4XX or 500 <= status < 600:
        return TransientFetchError(
            message, reason=reason, status=status, retry_after=parse_retry_after(retry_after, now=now)
        )
    return PermanentFetchError(message, reason=reason, status=status)


def type_error(content_type: str | None, url: str, kind: Kind) -> FetchError | None:
    """The failure that the declared type of a page is: `not-html` when it can be no page."""
    main = (content_type or "").split(";", 1)[0].strip().lower()
    if kind != "page" or not main or "/" not in main or main.startswith("text/") or main in _PAGE_TYPES:
        return None
    return PermanentFetchError(f"{url} is declared as {main[:80]}", reason="not-html", status=200)


def body_error(body: bytes, url: str, kind: Kind) -> FetchError | None:
    """The failure that a decoded body is: `empty-body`, or `not-html` by its first bytes."""
    if kind == "robots":
        return None
    if not body.strip():
        return TransientFetchError(f"{url} has an empty body", reason="empty-body", status=200)
    if kind == "page":
        for offset, magic, what in _MAGIC:
            if body.startswith(magic, offset):
                return PermanentFetchError(f"{url} is {what}", reason="not-html", status=200)
    return None
