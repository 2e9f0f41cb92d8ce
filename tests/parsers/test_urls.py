"""Canonical URLs and their keys."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.errors import UrlError
from parsers.urls import MAX_URL_LENGTH, absolute_url, canonical_url, host_of, url_key


@pytest.mark.parametrize(
    ("met", "canonical"),
    [
        ("HTTPS://Bao.Example/Tin/A.html", "https://bao.example/Tin/A.html"),
        ("https://bao.example", "https://bao.example/"),
        ("https://bao.example./a", "https://bao.example/a"),
        ("https://bao.example:443/a", "https://bao.example/a"),
        ("http://bao.example:80/a", "http://bao.example/a"),
        ("http://bao.example:443/a", "http://bao.example:443/a"),
        ("https://bao.example/a#binh-luan", "https://bao.example/a"),
        ("  https://bao.example/a\n/b \u200b", "https://bao.example/a/b"),
        ("https:\\\\bao.example\\a", "https://bao.example/a"),
        ("https://bao.example/a/./b/../c", "https://bao.example/a/c"),
        ("https://bao.example/../../a/..", "https://bao.example/"),
        ("https://bao.example/a/%2e%2e/b", "https://bao.example/b"),
        ("https://bao.example/%7Ea/%c3%a1", "https://bao.example/~a/%C3%A1"),
        ("https://bao.example/tin tức", "https://bao.example/tin%20t%E1%BB%A9c"),
        ("https://bao.example/100%", "https://bao.example/100%25"),
        ("https://bao.example/%%41", "https://bao.example/%25A"),
        ("https://bao.example/a%2Fb", "https://bao.example/a%2Fb"),
        ("https://bao.example/a?", "https://bao.example/a"),
        ("https://bao.example/muc/bai-123/index.htm", "https://bao.example/muc/bai-123/index.htm"),
        ("http://BÜCHER.example/a", "http://xn--bcher-kva.example/a"),
        ("http://[0:0::1]:80/a", "http://[::1]/a"),
    ],
)
def test_spellings_of_one_address_become_one(met: str, canonical: str) -> None:
    assert canonical_url(met) == canonical


@pytest.mark.parametrize(
    ("met", "canonical"),
    [
        ("https://bao.example/a?utm_source=x&b=2&fbclid=y&a=1", "https://bao.example/a?b=2&a=1"),
        ("https://bao.example/a?UTM_Medium=x", "https://bao.example/a"),
        ("https://bao.example/a?utm%5Fmedium=x", "https://bao.example/a"),
        ("https://bao.example/a?zarsrc=30&gclid=1&vnn_source=menu", "https://bao.example/a"),
        ("https://bao.example/a?id=5&&trang=2", "https://bao.example/a?id=5&trang=2"),
        ("https://bao.example/a?x=1&x=1", "https://bao.example/a?x=1&x=1"),
        ("https://bao.example/a?q=á b", "https://bao.example/a?q=%C3%A1%20b"),
    ],
)
def test_tracking_goes_and_other_parameters_stay_in_order(met: str, canonical: str) -> None:
    assert canonical_url(met) == canonical


@pytest.mark.parametrize(
    ("met", "canonical"),
    [
        ("https://m.bao.example/a", "https://bao.example/a"),
        ("https://amp.bao.example/a", "https://bao.example/a"),
        ("https://m.bao.com.vn/a", "https://bao.com.vn/a"),
        ("https://mobile.bao.vn/a", "https://bao.vn/a"),
        ("https://wap.bao.com.vn/a", "https://bao.com.vn/a"),
        ("https://bao.example/amp/tin/bai-12345.html", "https://bao.example/tin/bai-12345.html"),
        ("https://bao.example/amp/bai-123456", "https://bao.example/bai-123456"),
        ("https://bao.example/amp/bai-1.html/amp", "https://bao.example/bai-1.html"),
        ("https://bao.example/amp/cong-nghe/", "https://bao.example/amp/cong-nghe/"),
        ("https://m.com.vn/a", "https://m.com.vn/a"),
        ("https://m.vn/a", "https://m.vn/a"),
        ("https://bao.example/bai-20260307.html/amp", "https://bao.example/bai-20260307.html"),
        ("https://bao.example/bai-123456/amp/", "https://bao.example/bai-123456"),
        ("https://bao.example/bai-1.html?amp=1", "https://bao.example/bai-1.html"),
        ("https://bao.example/cong-nghe/amp", "https://bao.example/cong-nghe/amp"),
        ("https://bao.example/amp", "https://bao.example/amp"),
        ("https://www.bao.example/a", "https://www.bao.example/a"),
    ],
)
def test_mobile_and_amp_addresses_become_the_main_one_where_that_is_safe(met: str, canonical: str) -> None:
    assert canonical_url(met) == canonical


@pytest.mark.parametrize(
    ("href", "resolved"),
    [
        ("bai.html", "https://bao.example/muc/bai.html"),
        ("/bai.html", "https://bao.example/bai.html"),
        ("//khac.example/bai.html", "https://khac.example/bai.html"),
        ("?trang=2", "https://bao.example/muc/?trang=2"),
        ("", "https://bao.example/muc/"),
        ("http://khac.example/x", "http://khac.example/x"),
    ],
)
def test_relative_addresses_are_resolved(href: str, resolved: str) -> None:
    assert canonical_url(href, "https://bao.example/muc/") == resolved


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://bao.example/a", "bad-scheme"),
        ("javascript:alert(1)", "bad-scheme"),
        ("file:///etc/passwd", "bad-scheme"),
        ("mailto:a@bao.example", "bad-scheme"),
        ("seed:0a1b", "bad-scheme"),
        ("bao.example/a", "bad-url"),
        ("", "bad-url"),
        ("http://", "bad-host"),
        ("http:///a", "bad-host"),
        ("http://a..example/", "bad-host"),
        ("http://-a.example/", "bad-host"),
        ("http://a b.example/", "bad-host"),
        ("http://a%41.example/", "bad-host"),
        (f"http://{'a' * 300}.example/", "bad-host"),
        ("http://xn--0.example/", "bad-host"),
        ("http://xn--a.example/", "bad-host"),
        ("http://127.1/", "bad-host"),
        ("http://0x7f000001/", "bad-host"),
        ("http://2130706433/", "bad-host"),
        ("http://017700000001/", "bad-host"),
        ("http://m.127.1/", "bad-host"),
        ("http://[::1/", "bad-url"),
        ("http://ai:mat@bao.example/", "url-credentials"),
        ("http://bao.example:0/", "bad-port"),
        ("http://bao.example:99999/", "bad-url"),
        ("http://bao.example:x/", "bad-url"),
        ("http://bao.example/\x00a", "bad-url"),
        ("http://bao.example/\ud800", "bad-url"),
        ("http://bao.example/" + "á" * 400, "url-too-long"),
        ("http://bao.example/" + "a" * 20_000, "url-too-long"),
    ],
)
def test_what_cannot_be_fetched_is_refused_with_its_reason(url: str, reason: str) -> None:
    with pytest.raises(UrlError) as caught:
        canonical_url(url)
    assert caught.value.reason == reason


def test_the_longest_url_allowed_is_kept() -> None:
    longest = "https://bao.example/" + "a" * (MAX_URL_LENGTH - len("https://bao.example/"))
    assert canonical_url(longest) == longest
    with pytest.raises(UrlError):
        canonical_url(longest + "a")


def test_long_tracking_does_not_make_a_url_too_long() -> None:
    assert canonical_url("https://bao.example/a?utm_content=" + "x" * 3000) == "https://bao.example/a"


def test_an_absolute_url_stays_as_met_but_for_its_fragment() -> None:
    met = absolute_url("/Bai.html?utm_source=rss#x", "https://M.bao.example:443/muc/")
    assert met == "https://M.bao.example:443/Bai.html?utm_source=rss"


def test_the_host_is_bare() -> None:
    assert host_of("HTTPS://WWW.Bao.Example.:8443/a") == "www.bao.example"


@pytest.mark.parametrize(
    ("canonical", "key"),
    [
        # printf %s "$URL" | sha256sum | cut -c1-32
        ("https://bao.example/", "ad2cf24ef629f66895f566ad5ecbac27"),
        ("https://bao.example/tin%20t%E1%BB%A9c?trang=2", "05bba27ad35208de21bf0b5f8da9552b"),
        ("seed:0a1b2c3d4e5f6071", "11ba04faaedfba7cb265d90944fefe65"),
        ("báo", "824c39c05192d01b87245c70ab277523"),
    ],
)
def test_keys_are_stable(canonical: str, key: str) -> None:
    assert url_key(canonical) == key


def test_a_lone_surrogate_has_no_key() -> None:
    with pytest.raises(UrlError):
        url_key("\ud800")


_URL_PIECES = st.sampled_from(
    ["/", "//", ".", "..", "%", "%2e", "%2E%2e", "%41", "%%", "á", "?", "#", "&", "=", "amp", "/amp", "/amp/",
     "m.",
     "amp.", "bai-123456", ".html", "utm_source=x", "a", "B", " ", "\\", ";", ":", "@", "xn--", "1", "+"]
)  # fmt: skip


@given(
    st.sampled_from(["http://", "https://", "HTTP://", "//", ""]),
    st.sampled_from(
        ["bao.example", "M.bao.example", "amp.m.bao.vn", "báo.vn", "127.0.0.1", "[::1]", "m.com.vn"]
    ),
    st.lists(_URL_PIECES | st.text(max_size=4), max_size=12).map("".join),
)
def test_canonical_urls_are_stable_and_plain(scheme: str, host: str, rest: str) -> None:
    try:
        once = canonical_url(f"{scheme}{host}{rest}", "https://goc.example/muc/")
    except UrlError:
        return
    assert canonical_url(once) == once
    assert absolute_url(once) == once
    assert re.fullmatch(r"https?://[a-z0-9.:\[\]_-]+/[!-~]*", once)
    assert "#" not in once
    assert len(once) <= MAX_URL_LENGTH


@given(st.text())
def test_any_text_is_a_url_or_an_error(text: str) -> None:
    try:
        once = canonical_url(text, "https://goc.example/muc/")
    except UrlError:
        return
    assert canonical_url(once) == once
