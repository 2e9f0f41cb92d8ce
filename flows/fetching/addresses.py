"""Which IP addresses may be dialled: public ones, and loopback where a policy opens it.

The check is made on the address that is dialled, never on the name or its spelling. `is_global` of the
standard library does not suffice: it is True for NAT64 and 6to4 forms of private addresses.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

# RFC 6052: what an IPv6-only network with DNS64 gives for every IPv4 site, so its inside is judged.
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")  # RFC 8215
_IPV4_COMPATIBLE = IPv6Network("::/96")
_SITE_LOCAL = IPv6Network("fec0::/10")  # RFC 3879
_UNICAST = IPv6Network("2000::/3")  # all of IPv6 that IANA has given out
_SHARED = IPv4Network("100.64.0.0/10")  # RFC 6598, carrier-grade NAT
_RELAY_6TO4 = IPv4Network("192.88.99.0/24")  # RFC 7526
_THIS_NETWORK = IPv4Network("0.0.0.0/8")

_NUMERIC = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)(\.(0[xX][0-9a-fA-F]*|[0-9]+)){0,3}\.?")


def literal_address(host: str) -> Address | None:
    """The address that `host` spells out, or None when it is a name.

    The short, octal and hexadecimal forms that C libraries take for IPv4 addresses (`127.1`,
    `0x7f000001`, `2130706433`) count as addresses, so that they never reach a resolver.
    """
    try:
        return ip_address(host)
    except ValueError:
        pass
    if _NUMERIC.fullmatch(host) is None:
        return None
    try:
        return IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return None


def refusal(address: Address, *, allow_loopback: bool = False) -> str | None:
    """Why `address` may not be dialled, in a word or two; None when it may."""
    if isinstance(address, IPv4Address):
        return _refusal_v4(address, allow_loopback=allow_loopback)
    return _refusal_v6(address, allow_loopback=allow_loopback)


def _refusal_v4(address: IPv4Address, *, allow_loopback: bool) -> str | None:
    if address.is_loopback:
        return None if allow_loopback else "loopback"
    if address in _THIS_NETWORK:
        return "unspecified"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    if address in _SHARED:
        return "carrier-grade NAT"
    if address in _RELAY_6TO4:
        return "6to4 relay"
    if address.is_reserved:
        return "reserved"
    return None if address.is_global else "private"


def _refusal_v6(address: IPv6Address, *, allow_loopback: bool) -> str | None:
    if address.is_loopback:
        return None if allow_loopback else "loopback"
    if address.is_unspecified:
        return "unspecified"
    if address in _NAT64:
        inner = _refusal_v4(IPv4Address(address.packed[12:]), allow_loopback=False)
        return None if inner is None else f"NAT64 form of a {inner} address"
    # No public name resolves to one of these forms; what they hold need not be looked at.
    forms = (
        ("IPv4-mapped", address.ipv4_mapped is not None),
        ("IPv4-compatible", address in _IPV4_COMPATIBLE),
        ("local NAT64", address in _NAT64_LOCAL),
        ("6to4", address.sixtofour is not None),
        ("Teredo", address.teredo is not None),
        ("link-local", address.is_link_local),
        ("site-local", address in _SITE_LOCAL),
        ("multicast", address.is_multicast),
        ("reserved", address not in _UNICAST and not address.is_private),
        ("private", not address.is_global),
    )
    return next((name for name, holds in forms if holds), None)
