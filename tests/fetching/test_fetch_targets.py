"""Addresses and redirects of every bad kind (cases 1 to 15 of the project's list of bad inputs)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from flows.fetching import HostPolicy
from parsers.errors import (
    PermanentFetchError,
    RefusedFetchError,
    TransientFetchError,
    UrlError,
)
from tests.fetching.settings import HOST, POLICY, OpenFetcher, at, failure, fetch_failure
from tests.hostile_server import Conversation, HostileServer, answer, head, raw, redirect

PUBLIC = HostPolicy(min_delay_seconds=0.0)
PAGE = answer(b"<p>hello</p>")


class Names:
    """A resolver of fixed answers: each look-up of a name takes the next, the last one stays."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(found) for name, found in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        left = self._answers[host.rstrip(".")]
        return left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "169.254.169.254",
        "[64:ff9b::a9fe:a9fe]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "[fec0::1]",
        "[2002:a00:1::]",
    ],
)
async def test_addresses_that_are_not_public_are_not_dialled(open_fetcher: OpenFetcher, host: str) -> None:
    async with open_fetcher() as fetcher:
        error = await failure(fetcher, f"http://{host}/", policy=PUBLIC)
    assert isinstance(error, RefusedFetchError)
    assert error.reason == "private-address"


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("localhost", ["127.0.0.1"]),
        ("localhost.", ["::1", "127.0.0.1"]),
        ("public.example", ["10.0.0.1"]),
        ("both.example", ["1.1.1.1", "192.168.0.1"]),
        ("both.example", ["192.168.0.1", "1.1.1.1"]),
        ("metadata.example", ["64:ff9b::a9fe:a9fe"]),
    ],
)
async def test_names_are_judged_by_all_of_their_addresses(
    open_fetcher: OpenFetcher, host: str, addresses: list[str]
) -> None:
    names = Names(**{host.rstrip(".").replace(".", "_"): [addresses]})
    async with open_fetcher(resolver=names) as fetcher:
        error = await failure(fetcher, f"http://{host}/", policy=PUBLIC)
    assert error.reason == "private-address"
    assert names.asked == [host]


async def test_a_name_that_changes_its_answer_is_judged_at_each_connect(open_fetcher: OpenFetcher) -> None:
    # 127.0.0.1 is the allowed answer here; the second one, for the page itself, is the private one.
    names = Names(rebind_example=[["127.0.0.1"], ["10.0.0.1"]])
    async with HostileServer({"/": PAGE}) as server, open_fetcher(resolver=names) as fetcher:
        policy = replace(POLICY, allowed_ports=(server.port,))
        error = await failure(fetcher, f"http://rebind.example:{server.port}/", policy=policy)
    assert error.reason == "private-address"
    assert server.paths == ["/robots.txt"]
    assert len(names.asked) == 2


async def test_routes_and_loopback_are_closed_without_allow_loopback(open_fetcher: OpenFetcher) -> None:
    names = Names(paper_example=[["127.0.0.1"]])
    async with HostileServer({"/": PAGE}) as server, open_fetcher(server, resolver=names) as fetcher:
        assert (await fetcher.get(at("/"), policy=POLICY)).status == 200
        error = await failure(fetcher, at("/"), policy=PUBLIC)
    assert error.reason == "private-address"
    assert names.asked == [HOST]


async def test_the_next_address_is_tried_when_one_does_not_answer(open_fetcher: OpenFetcher) -> None:
    names = Names(two_example=[["127.0.0.2", "127.0.0.1"]])
    async with HostileServer({"/": PAGE}) as server, open_fetcher(resolver=names) as fetcher:
        policy = replace(POLICY, allowed_ports=(server.port,))
        fetched = await fetcher.get(f"http://two.example:{server.port}/", policy=policy)
    assert fetched.remote_address == "127.0.0.1"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "bad-scheme"),
        ("ftp://paper.example/", "bad-scheme"),
        ("javascript:alert(1)", "bad-scheme"),
        ("//paper.example/", "bad-scheme"),
        ("/relative", "bad-scheme"),
        ("", "bad-scheme"),
        ("http:///nowhere", "bad-url"),
        ("http://user:pass@paper.example/", "bad-url"),
        ("http://user@paper.example/", "bad-url"),
        ("http://a..example/", "bad-url"),
        ("http://-a.example/", "bad-url"),
        ("http://exa mple/", "bad-url"),
        ("http://ex%61mple.com/", "bad-url"),
        ("http://xn--zzzzzz--/", "bad-url"),
        ("http://" + "a" * 300 + ".example/", "bad-url"),
        ("http://" + "a." * 130 + "example/", "bad-url"),
        ("http://[::1/", "bad-url"),
        ("http://256.1.1.1/", "bad-url"),
        ("http://paper.example:99999/", "bad-url"),
        ("http://paper.example/\x00", "bad-url"),
        ("http://paper.example/" + "a" * 2048, "bad-url"),
        ("http://paper.example/" + "ế" * 300, "bad-url"),
    ],
)
async def test_what_cannot_be_asked_is_no_url(open_fetcher: OpenFetcher, url: str, reason: str) -> None:
    async with open_fetcher() as fetcher:
        error = await failure(fetcher, url)
    assert isinstance(error, UrlError)
    assert error.reason == reason


@pytest.mark.parametrize("port", [0, 22, 8080, 25])
async def test_ports_that_the_policy_does_not_name_are_refused(open_fetcher: OpenFetcher, port: int) -> None:
    async with open_fetcher() as fetcher:
        error = await failure(fetcher, f"http://paper.example:{port}/")
    assert isinstance(error, RefusedFetchError)
    assert error.reason == "bad-port"


async def test_an_international_name_is_asked_in_ascii(open_fetcher: OpenFetcher) -> None:
    async with (
        HostileServer({"/": PAGE}) as server,
        open_fetcher(routes={"xn--bo-mia.example": server.address}) as fetcher,
    ):
        fetched = await fetcher.get("http://báo.example/", policy=POLICY)
    assert fetched.body == b"<p>hello</p>"
    assert server.asked[-1].headers["host"] == "xn--bo-mia.example"


async def test_a_name_without_address_is_a_dns_failure(open_fetcher: OpenFetcher) -> None:
    async def nothing(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    async with open_fetcher(resolver=nothing) as fetcher:
        error = await failure(fetcher, "http://missing.example/", policy=PUBLIC)
    assert isinstance(error, TransientFetchError)
    assert error.reason == "dns-failed"


async def test_redirects_are_followed_and_told(open_fetcher: OpenFetcher) -> None:
    scripts = {"/a": redirect("/b", 301), "/b": redirect("//paper.example/c?d=1#top", 308), "/c?d=1": PAGE}
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        fetched = await fetcher.get(at("/a"), policy=POLICY)
    assert fetched.requested_url == at("/a")
    assert fetched.redirects == (at("/a"), at("/b"))
    assert fetched.url == at("/c?d=1")


@pytest.mark.parametrize(
    ("location", "kind", "reason"),
    [
        ("http://10.0.0.1/admin", RefusedFetchError, "private-address"),
        ("http://169.254.169.254/latest/meta-data/", RefusedFetchError, "private-address"),
        ("http://[::ffff:127.0.0.1]/x", RefusedFetchError, "private-address"),
        ("http://paper.example:22/x", RefusedFetchError, "bad-port"),
        ("file:///etc/passwd", PermanentFetchError, "bad-scheme"),
        ("ftp://paper.example/x", PermanentFetchError, "bad-scheme"),
        ("javascript:alert(1)", PermanentFetchError, "bad-scheme"),
        ("http://user:pass@paper.example/x", PermanentFetchError, "bad-redirect"),
        ("http://a..example/x", PermanentFetchError, "bad-redirect"),
        ("http://[::1/", PermanentFetchError, "bad-redirect"),
        ("", PermanentFetchError, "bad-redirect"),
        ("/" + "a" * 3000, PermanentFetchError, "bad-redirect"),
        ("/a", PermanentFetchError, "redirect-loop"),
        ("/", PermanentFetchError, "redirect-to-home"),
        ("https://paper.example", PermanentFetchError, "redirect-to-home"),
        ("/forbidden", RefusedFetchError, "robots-disallowed"),
    ],
)
async def test_each_hop_is_checked(
    open_fetcher: OpenFetcher, location: str, kind: type[Exception], reason: str
) -> None:
    rules = answer(b"User-agent: *\nDisallow: /forbidden\n")
    scripts = {"/robots.txt": rules, "/a": redirect(location), "/": PAGE, "/forbidden": PAGE}
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        error = await failure(fetcher, at("/a"))
    assert (type(error), error.reason) == (kind, reason)
    assert server.paths == ["/robots.txt", "/a"]


async def test_a_redirect_without_location_leads_nowhere(open_fetcher: OpenFetcher) -> None:
    scripts = {
        "/none": answer(status=302),
        "/two": answer(status=302, headers=[("Location", "/x"), ("Location", "/y")]),
        "/300": answer(status=300),
    }
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        reasons = [(await failure(fetcher, at(path))).reason for path in scripts]
    assert reasons == ["bad-redirect"] * 3


async def test_control_characters_in_a_location_never_get_on_the_wire(open_fetcher: OpenFetcher) -> None:
    scripts = {
        "/nul": raw(b"HTTP/1.1 302 Found\r\nLocation: /x\x00y\r\nContent-Length: 0\r\n\r\n"),
        "/cr": raw(b"HTTP/1.1 302 Found\r\nLocation: /x\ry\r\nContent-Length: 0\r\n\r\n"),
        "/split": raw(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nfolded line\r\nContent-Length: 0\r\n\r\n"),
    }
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        reasons = [(await failure(fetcher, at(path))).reason for path in scripts]
    assert reasons == ["protocol-error"] * 3
    assert server.paths == ["/robots.txt", *scripts]


async def test_unescaped_utf8_in_a_location_is_escaped(open_fetcher: OpenFetcher) -> None:
    scripts = {"/a": redirect("/tiếng-việt"), "/ti%E1%BA%BFng-vi%E1%BB%87t": PAGE}
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        fetched = await fetcher.get(at("/a"), policy=POLICY)
    assert fetched.url == at("/ti%E1%BA%BFng-vi%E1%BB%87t")


async def test_five_redirects_are_followed_and_a_sixth_is_not(open_fetcher: OpenFetcher) -> None:
    scripts = {f"/{number}": redirect(f"/{number + 1}") for number in range(6)} | {"/6": PAGE}
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        assert (await fetcher.get(at("/1"), policy=POLICY)).body == b"<p>hello</p>"
        error = await failure(fetcher, at("/0"))
    assert error.reason == "too-many-redirects"


async def test_cookies_are_neither_kept_nor_sent(open_fetcher: OpenFetcher) -> None:
    async def only_with_cookie(conversation: Conversation) -> None:
        if "cookie" in conversation.request.headers:
            await conversation.send(head(200) + b"<p>in</p>")
        else:
            await conversation.send(head(302, [("Location", "/a?in"), ("Set-Cookie", "seen=1")]))

    scripts = {"/a": only_with_cookie, "/a?in": redirect("/a")}
    async with HostileServer(scripts) as server, open_fetcher(server) as fetcher:
        error = await fetch_failure(fetcher, at("/a"))
    assert error.reason == "redirect-loop"


async def test_proxies_of_the_environment_are_not_used(
    open_fetcher: OpenFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    async with HostileServer({"/": PAGE}) as server, open_fetcher(server) as fetcher:
        assert (await fetcher.get(at("/"), policy=POLICY)).status == 200
