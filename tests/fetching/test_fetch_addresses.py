"""Which addresses may be dialled, whatever their spelling: a pure function."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.fetching.addresses import literal_address, refusal


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.0.3", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("192.0.2.1", "private"),
        ("198.18.0.1", "private"),
        ("100.64.0.1", "carrier-grade NAT"),
        ("100.127.255.255", "carrier-grade NAT"),
        ("169.254.169.254", "link-local"),
        ("192.88.99.1", "6to4 relay"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.250", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::1", "loopback"),
        ("::", "unspecified"),
        ("::ffff:127.0.0.1", "IPv4-mapped"),
        ("::ffff:8.8.8.8", "IPv4-mapped"),
        ("::127.0.0.1", "IPv4-compatible"),
        ("64:ff9b::7f00:1", "NAT64 form of a loopback address"),
        ("64:ff9b::a9fe:a9fe", "NAT64 form of a link-local address"),
        ("64:ff9b::a00:1", "NAT64 form of a private address"),
        ("64:ff9b:1::808:808", "local NAT64"),
        ("2002:7f00:1::", "6to4"),
        ("2002:808:808::1", "6to4"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "site-local"),
        ("fc00::1", "private"),
        ("fd12:3456::1", "private"),
        ("2001:db8::1", "private"),
        ("ff02::1", "multicast"),
        ("4000::1", "reserved"),
    ],
)
def test_addresses_that_are_not_public_are_refused_by_name(text: str, why: str) -> None:
    assert refusal(ip_address(text)) == why


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808"]
)
def test_public_addresses_pass(text: str) -> None:
    assert refusal(ip_address(text)) is None


def test_only_plain_loopback_is_opened_by_allow_loopback() -> None:
    opened = [
        text
        for text in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "10.0.0.1", "0.0.0.0")
        if refusal(ip_address(text), allow_loopback=True) is None
    ]
    assert opened == ["127.0.0.1", "::1"]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.1", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0X7F.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("127.0.0.1.", "127.0.0.1"),
        ("::1", "::1"),
    ],
)
def test_every_spelling_of_an_address_is_read_as_the_address(host: str, address: str) -> None:
    assert literal_address(host) == ip_address(address)


@pytest.mark.parametrize(
    "host", ["paper.example", "0x", "1.2.3.4.5", "256.1.1.1", "4294967296", "dead.beef", "1.vn"]
)
def test_names_are_no_addresses(host: str) -> None:
    assert literal_address(host) is None


@given(st.integers(0, 2**32 - 1))
def test_a_form_that_holds_a_refused_address_is_refused_too(number: int) -> None:
    inner = IPv4Address(number)
    nat64 = IPv6Address((0x64FF9B << 96) | number)
    assert (refusal(nat64) is None) == (refusal(inner) is None)
    assert refusal(IPv6Address((0xFFFF << 32) | number)) is not None
    assert refusal(IPv6Address((0x2002 << 112) | (number << 80))) is not None
