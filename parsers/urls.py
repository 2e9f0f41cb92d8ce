"""Addresses: absolute and canonical URLs, and the key under which a URL is stored.

The canonical URL is the identity of an article: two spellings of one address must become one string.
The rules follow RFC 3986 section 6.2 (case, percent-encoding, dot segments, default ports) and add what
news sites need: tracking parameters are dropped, mobile and AMP addresses become the main one. Nothing
here asks the network, so `http` and `https`, and `www.` and the bare host, stay different addresses.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from parsers.errors import UrlError

MAX_URL_LENGTH: Final = 2048
"""Longest canonical URL, in characters (all of them ASCII)."""

# What is met may be longer than its canonical form, by its tracking parameters.
_MAX_RAW_LENGTH: Final = 4 * MAX_URL_LENGTH

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_TRACKING_PREFIXES: Final = ("utm_", "itm_", "vn_", "vnn_", "fb_", "_hs", "amp_", "pk_", "mtm_")
_TRACKING_NAMES: Final = frozenset(
    {
        "__twitter_impression", "_ga", "_gl", "amp", "cmpid", "dclid", "fbclid", "gbraid", "gclid", "gclsrc",
        "gidzl", "igsh", "igshid", "li_fat_id", "mc_cid", "mc_eid", "mibextid", "msclkid", "srsltid",
        "ttclid", "twclid", "wbraid", "yclid", "zarsrc",
    }
)  # fmt: skip

# A host under one of these second-level domains of .vn (and their like) is a registered name of its own, so
# "m.com.vn" is not the mobile form of "com.vn".
_SECOND_LEVEL: Final = frozenset(
    {"ac", "biz", "co", "com", "edu", "gov", "health", "info", "int", "name", "net", "org", "pro"}
)

# First labels of the hosts that serve the same articles to telephones.
_MOBILE: Final = frozenset({"m", "amp", "mobile", "wap"})

_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER_LABEL: Final = re.compile(r"\d+|0x[0-9a-f]*", re.ASCII)
_BLANKS: Final = "".join(map(chr, range(0x21))) + "\x7f\u00a0\u200b\u200c\u200d\u2060\ufeff\u3000"
_ABSOLUTE: Final = re.compile(r"https?://[^/?#]", re.ASCII)
_LINE_BREAKS: Final = re.compile(r"[\t\r\n]")
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# pchar and "/" of RFC 3986 section 3.3; a query may also hold "?" (section 3.4).
_IN_PATH: Final = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!$&'()*+,;=:@/]", re.ASCII)
_IN_QUERY: Final = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?]", re.ASCII)
# "/amp" is taken for the AMP form only behind what looks like an article (an id or a file name).
_AMP_SUFFIX: Final = re.compile(r"(?<=/)([^/]*(?:\d{4}|\.[a-z]{2,5}))/amp/?$", re.ASCII)
_AMP_PREFIX: Final = re.compile(r"^/amp(?=/(?:[^/]+/)*[^/]*(?:\d{4}|\.[a-z]{2,5})/?$)", re.ASCII)


def absolute_url(url: str, base: str | None = None) -> str:
    """The address `url`, resolved against `base`, without its fragment, otherwise as met.

    Blanks around it and line breaks within it are removed. Raises UrlError for what is not an http(s)
    address with a valid host and port; `canonical_url` accepts whatever comes from here unless it is
    too long.
    """
    parts = _split(url, base)
    path = parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}{path}" + (f"?{parts.query}" if parts.query else "")


def canonical_url(url: str, base: str | None = None) -> str:
    """The one spelling of the address `url` (resolved against `base`), at most 2,048 ASCII characters.

    Applying it twice changes nothing. Raises UrlError, with the reason `bad-scheme`, `bad-host`,
    `bad-port`, `url-credentials`, `url-too-long` or `bad-url`.
    """
    parts = _split(url, base)
    host = _main_host(_canonical_host(parts.hostname or ""))
    port = parts.port
    path = _without_amp(_without_dot_segments(_IN_PATH.sub(_normal_escape, parts.path)) or "/")
    query = "&".join(
        _IN_QUERY.sub(_normal_escape, piece)
        for piece in parts.query.split("&")
        if piece and not _is_tracking(piece)
    )
    netloc = host if port is None or port == _DEFAULT_PORTS[parts.scheme] else f"{host}:{port}"
    result = f"{parts.scheme}://{netloc}{path}" + (f"?{query}" if query else "")
    if len(result) > MAX_URL_LENGTH:
        raise UrlError(f"the URL has {len(result)} characters", reason="url-too-long")
    return result


def url_key(canonical: str) -> str:
    """The key of a canonical URL or record id: the first 16 bytes of its SHA-256, as 32 hex digits.

    Any string will do, `seed:<hex>` too; it is hashed as UTF-8. Raises UrlError for lone surrogates.
    """
    return url_key_bytes(canonical).hex()


def url_key_bytes(canonical: str) -> bytes:
    """The same key as bytes, as databases have it."""
    import hashlib  # takes 4 MB, and who only reads articles needs no keys

    try:
        return hashlib.sha256(canonical.encode()).digest()[:16]
    except UnicodeEncodeError as error:
        raise UrlError("the URL holds a lone surrogate") from error


def host_of(url: str) -> str:
    """The host of an absolute http(s) URL: lower-case, IDNA, without port. Raises UrlError."""
    return _canonical_host(_split(url, None).hostname or "")


def _split(url: str, base: str | None) -> SplitResult:
    """Resolve and take apart; scheme, credentials, host and port are checked, nothing is normalised."""
    text = url.strip(_BLANKS)
    if len(text) > _MAX_RAW_LENGTH or not (text.isascii() and text.isprintable()):
        text = _LINE_BREAKS.sub("", text)
        if len(text) > _MAX_RAW_LENGTH:
            raise UrlError(f"the URL has {len(text)} characters", reason="url-too-long")
        if _FORBIDDEN.search(text):
            raise UrlError("the URL holds control characters or lone surrogates")
    if "\\" in text:
        # Browsers read a backslash as a slash, but not in the query.
        head = re.match(r"[^?#]*", text)
        end = head.end() if head else 0
        text = text[:end].replace("\\", "/") + text[end:]
    try:
        # To join what is absolute takes as long as all the rest, and changes nothing.
        parts = urlsplit(text if base is None or _ABSOLUTE.match(text) else urljoin(base, text))
        port = parts.port
    except ValueError as error:
        raise UrlError(f"not a URL: {error}", reason="bad-url") from error
    if parts.scheme not in _DEFAULT_PORTS:
        if not parts.scheme:
            raise UrlError("the URL is relative")
        raise UrlError(f"the scheme is {parts.scheme!r}, not http or https", reason="bad-scheme")
    if "@" in parts.netloc:
        raise UrlError("the URL holds a user name", reason="url-credentials")
    if port == 0:
        raise UrlError("port 0 does not exist", reason="bad-port")
    _canonical_host(parts.hostname or "")
    return parts


@lru_cache(maxsize=256)  # each is asked for twice, and the addresses of a page are mostly of one host
def _canonical_host(host: str) -> str:
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host).compressed}]"
        except ValueError as error:
            raise UrlError("not an IPv6 address", reason="bad-host") from error
    if not host.isascii():
        import idna  # a megabyte of tables, which few hosts need

        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except UnicodeError as error:
            raise UrlError(f"not a host name: {error}", reason="bad-host") from error
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlError("not a host name", reason="bad-host")
    if _NUMBER_LABEL.fullmatch(labels[-1]):
        # Forms such as 127.1 or 0x7f000001 hide an address; only four decimal numbers are taken for one.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as error:
            raise UrlError("not an IPv4 address of four numbers", reason="bad-host") from error
    if any(label.startswith("xn--") for label in labels):
        import idna

        try:
            idna.decode(host)
        except UnicodeError as error:
            raise UrlError(f"not a host name: {error}", reason="bad-host") from error
    return host


def _main_host(host: str) -> str:
    while True:
        first, _, rest = host.partition(".")
        labels = rest.split(".")
        if first not in _MOBILE or len(labels) < 2:
            return host
        if len(labels) == 2 and labels[0] in _SECOND_LEVEL:
            return host
        host = rest


def _normal_escape(match: re.Match[str]) -> str:
    found = match.group()
    if len(found) == 3 and found[0] == "%":
        char = chr(int(found[1:], 16))
        return char if char in _UNRESERVED else found.upper()
    return "".join(f"%{byte:02X}" for byte in found.encode())


def _without_dot_segments(path: str) -> str:
    """RFC 3986 section 5.2.4, for a path that is empty or begins with a slash."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments[1:]:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _without_amp(path: str) -> str:
    if "/amp" not in path:
        return path
    while (match := _AMP_SUFFIX.search(path)) is not None:
        path = path[: match.end(1)]
    while (match := _AMP_PREFIX.match(path)) is not None:
        path = path[match.end() :]
    return path


def _is_tracking(piece: str) -> bool:
    name = unquote(piece.partition("=")[0]).lower()
    return name in _TRACKING_NAMES or name.startswith(_TRACKING_PREFIXES)
