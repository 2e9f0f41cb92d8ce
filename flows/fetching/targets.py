"""Which URLs may be asked, and where a redirect leads. Pure: names are not resolved here."""

from __future__ import annotations

import re

import httpx

from flows.fetching.addresses import literal_address
from parsers.errors import PermanentFetchError, RefusedFetchError, UrlError

REDIRECTS = frozenset({301, 302, 303, 307, 308})

_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
_MAX_HOST_LENGTH = 253  # RFC 1035 in text form, without the last dot
_MAX_PORT = 65_535
_HOME_PATHS = frozenset({"", "/", "/index.html", "/index.htm", "/index.php", "/home", "/trang-chu"})


def host_of(target: httpx.URL) -> str:
    """The host in ASCII, without a last dot: the name under which a host is spared."""
    return target.raw_host.decode("ascii").rstrip(".")


def port_of(target: httpx.URL) -> int:
    """The port, with the scheme's own where the URL names none."""
    return target.port if target.port is not None else 443 if target.scheme == "https" else 80


def check_target(url: str | httpx.URL, *, allowed_ports: tuple[int, ...], max_length: int) -> httpx.URL:
    """`url` as it will be asked: absolute, in ASCII, without fragment.

    UrlError (`bad-scheme`, `bad-url`) when it is none that can be asked, RefusedFetchError (`bad-port`)
    when its port is not among the allowed.
    """
    shown = str(url)[:200]
    if len(str(url)) > max_length:
        raise UrlError(f"URL of {len(str(url))} characters, {max_length} are allowed: {shown}")
    try:
        target = httpx.URL(url)
        if "#" in str(url):
            target = target.copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlError(f"not a URL: {shown!r}: {error}") from error
    if target.scheme not in {"http", "https"}:
        raise UrlError(f"not an http or https URL: {shown!r}", reason="bad-scheme")
    if (target.port or 0) > _MAX_PORT:
        raise UrlError(f"no valid port in {shown!r}")
    if target.userinfo:
        raise UrlError("URL with user name or password", hint="remove what stands before the @")
    _check_host(target, shown)
    if len(str(target)) > max_length:  # percent-encoding may have made it longer
        raise UrlError(f"URL of {len(str(target))} characters, {max_length} are allowed: {shown}")
    if port_of(target) not in allowed_ports:
        raise RefusedFetchError(
            f"port {port_of(target)} of {shown} is not among the allowed {allowed_ports}", reason="bad-port"
        )
    return target


def _check_host(target: httpx.URL, shown: str) -> None:
    host = target.raw_host.decode("ascii")
    if literal_address(host) is not None:
        return
    if _HOST.fullmatch(host) is None or len(host.rstrip(".")) > _MAX_HOST_LENGTH:
        raise UrlError(f"no valid host name in {shown!r}")
    try:
        _ = target.host  # decodes punycode
    except UnicodeError as error:
        raise UrlError(f"invalid punycode in {shown!r}: {error}") from error


def next_target(
    current: httpx.URL,
    locations: list[bytes],
    *,
    allowed_ports: tuple[int, ...],
    max_length: int,
) -> httpx.URL:
    """Where the redirect from `current` with these Location headers leads, checked like any URL.

    PermanentFetchError (`bad-redirect`, `bad-scheme`) when it leads nowhere, RefusedFetchError
    (`bad-port`) as in `check_target`.
    """
    if len(set(locations)) != 1:
        raise PermanentFetchError(
            f"redirect from {current} with {len(set(locations))} Location headers", reason="bad-redirect"
        )
    try:
        location = locations[0].decode("utf-8")  # Vietnamese slugs come unescaped
    except UnicodeDecodeError:
        location = locations[0].decode("latin-1")
    if not location.strip():
        raise PermanentFetchError(f"redirect from {current} to nowhere", reason="bad-redirect")
    try:
        joined = current.join(location.strip(" \t"))
        return check_target(joined, allowed_ports=allowed_ports, max_length=max_length)
    except UrlError as error:
        reason = "bad-scheme" if error.reason == "bad-scheme" else "bad-redirect"
        raise PermanentFetchError(f"redirect from {current}: {error.message}", reason=reason) from error
    except (httpx.InvalidURL, ValueError) as error:
        raise PermanentFetchError(f"redirect from {current}: {error}", reason="bad-redirect") from error


def leads_home(requested: httpx.URL, target: httpx.URL) -> bool:
    """Whether a redirect gave up an inner page for a home page: how many sites say "gone"."""
    return target.path in {"", "/"} and not target.query and requested.path not in _HOME_PATHS
