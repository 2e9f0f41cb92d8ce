"""One request and its answer, without redirects: what came back so far, whatever happened then."""

from __future__ import annotations

import re

import httpx

from flows.clock import Clock
from flows.fetching.decoding import ACCEPT_ENCODING, BodyDecoder, content_coding
from flows.fetching.targets import REDIRECTS
from flows.fetching.transport import REMOTE_ADDRESS, WIRE_LIMIT
from flows.fetching.values import FetchConfig, Fetched, Kind, Validators
from flows.fetching.verdicts import body_error, status_error, type_error
from parsers.errors import FetchError, PermanentFetchError, TransientFetchError

_ACCEPT = {
    "page": "text/html, application/xhtml+xml;q=0.9, */*;q=0.5",
    "feed": "application/rss+xml, application/atom+xml, application/feed+json, text/xml;q=0.9, */*;q=0.5",
    "sitemap": "application/xml, text/xml, application/gzip;q=0.9, */*;q=0.5",
    "robots": "text/plain, */*;q=0.5",
}
# RFC 9110, 5.5. What a server sent passes; a value damaged since then is not sent back.
_FIELD_VALUE = re.compile(rb"[\x21-\x7e\x80-\xff]([\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?")


class Exchange:
    """One GET. `run` fills it; after a failure it holds what had arrived."""

    def __init__(
        self, target: httpx.URL, kind: Kind, validators: Validators | None, config: FetchConfig, clock: Clock
    ) -> None:
        self.target = target
        self.status: int | None = None
        self.failure: FetchError | None = None
        self._kind = kind
        self._config = config
        self._clock = clock
        self._headers: list[tuple[str, str]] = []
        self._remote: str | None = None
        self._wire: list[bytes] = []
        self._wire_size = 0
        self._body: bytes | None = None
        self._conditions = _conditions(validators)

    @property
    def redirects(self) -> bool:
        """Whether the answer sends us elsewhere."""
        return self.status in REDIRECTS

    @property
    def locations(self) -> list[bytes]:
        """The Location headers, as on the wire."""
        return [value.encode("latin-1") for value in self._all("location")]

    async def run(self, transport: httpx.AsyncBaseTransport) -> None:
        """Send the request and read the answer; the body of a redirect is left unread.

        Raises what `transport`, `verdicts` and `decoding` name.
        """
        response = await transport.handle_async_request(self._request())
        try:
            self._read_head(response)
            if not self.redirects:
                await self._read(response)
        finally:
            await response.aclose()

    def fetched(
        self, requested_url: str, redirects: tuple[str, ...], robots_rule: str | None
    ) -> Fetched | None:
        """The answer as a value; None when none came.

        After a failure its body is what arrived, as it was on the wire; nothing of a body that was
        beyond the limits.
        """
        if self.status is None:
            return None
        return Fetched(
            requested_url=requested_url,
            url=str(self.target),
            status=self.status,
            headers=tuple(self._headers),
            body=self._body if self._body is not None else b"".join(self._wire),
            content_type=self._one("content-type"),
            content_encoding=", ".join(self._all("content-encoding")) or None,
            etag=self._one("etag"),
            last_modified=self._one("last-modified"),
            fetched_at=self._clock.now(),
            redirects=redirects,
            remote_address=self._remote,
            robots_rule=robots_rule,
        )

    def _request(self) -> httpx.Request:
        headers: list[tuple[bytes, bytes]] = [
            (b"User-Agent", self._config.user_agent.encode("ascii")),
            (b"Accept", _ACCEPT[self._kind].encode("ascii")),
            (b"Accept-Language", b"vi, en;q=0.5"),
            (b"Accept-Encoding", ACCEPT_ENCODING.encode("ascii")),
            (b"Connection", b"close"),
            *self._conditions,
        ]
        return httpx.Request(
            "GET",
            self.target,
            headers=headers,
            extensions={
                "timeout": {"connect": self._config.connect_timeout},
                WIRE_LIMIT: self._config.wire_limit(self._kind),
            },
        )

    def _read_head(self, response: httpx.Response) -> None:
        self._headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw
        ]
        self._remote = response.extensions[REMOTE_ADDRESS]
        self.status = response.status_code

    async def _read(self, response: httpx.Response) -> None:
        failure = status_error(
            response.status_code,
            str(self.target),
            conditional=bool(self._conditions),
            retry_after=self._one("retry-after"),
            now=self._clock.now(),
        )
        if failure is not None:
            # Known before the body, which is evidence only: a time-out while reading it changes nothing.
            self.failure = failure
            await self._read_evidence(response)
            raise failure
        if self.status == 304:
            self._body = b""
            return
        if self._all("transfer-encoding") and self._all("content-length"):
            # RFC 9112, 6.3: two framings are a sign of smuggling; which is meant is not known.
            raise TransientFetchError(f"{self.target} has two framings", reason="protocol-error", status=200)
        failure = type_error(self._one("content-type"), str(self.target), self._kind)
        if failure is not None:
            raise failure
        body = await self._read_body(response)
        failure = body_error(body, str(self.target), self._kind)
        if failure is not None:
            raise failure
        self._body = body

    async def _read_evidence(self, response: httpx.Response) -> None:
        try:
            async for chunk in response.aiter_raw():
                self._keep(chunk)
                self._check_taken()
        except FetchError as error:
            if error.reason == "too-large":
                self._body = b""

    async def _read_body(self, response: httpx.Response) -> bytes:
        try:
            coding = content_coding(self._all("content-encoding"))
        except PermanentFetchError:
            await self._read_evidence(response)
            raise
        decoder = BodyDecoder(coding, self._config.decoded_limit(self._kind))
        try:
            self._check_announced()
            async for chunk in response.aiter_raw():
                self._keep(chunk)
                decoder.feed(chunk)  # before the check, so that all of robots.txt up to the limit counts
                self._check_taken()
        except PermanentFetchError as error:
            if error.reason not in {"too-large", "bomb"}:
                raise
            if self._kind == "robots":  # RFC 9309, 2.5: the first part of a long file counts
                return decoder.so_far()
            self._body = b""
            raise
        return decoder.finish()

    def _check_announced(self) -> None:
        announced = self._one("content-length") or ""
        limit = self._config.wire_limit(self._kind)
        # A length of 20 digits and more is beyond any limit, and int() of very many digits is an error.
        if (
            self._kind != "robots"
            and announced.isdecimal()
            and (len(announced) > 19 or int(announced) > limit)
        ):
            raise PermanentFetchError(
                f"{self.target} announces {announced[:20]} bytes, {limit} are allowed",
                reason="too-large",
                status=200,
            )

    def _keep(self, chunk: bytes) -> None:
        self._wire.append(chunk)
        self._wire_size += len(chunk)

    def _check_taken(self) -> None:
        limit = self._config.wire_limit(self._kind)
        if self._wire_size > limit:
            raise PermanentFetchError(
                f"{self.target} has more than {limit} bytes on the wire",
                reason="too-large",
                status=self.status,
            )

    def _all(self, name: str) -> list[str]:
        return [value for key, value in self._headers if key.lower() == name]

    def _one(self, name: str) -> str | None:
        return next(iter(self._all(name)), None)


def _conditions(validators: Validators | None) -> list[tuple[bytes, bytes]]:
    if validators is None:
        return []
    found: list[tuple[bytes, bytes]] = []
    pairs = ((b"If-None-Match", validators.etag), (b"If-Modified-Since", validators.last_modified))
    for name, text in pairs:
        value = (text or "").encode("latin-1", errors="ignore")
        if text and len(value) == len(text) and _FIELD_VALUE.fullmatch(value):
            found.append((name, value))
    return found
