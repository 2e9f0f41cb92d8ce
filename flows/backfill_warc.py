"""Backfill from WARC files instead of the network: pages of our sources that someone else has fetched before.

The form is that of Common Crawl's news crawl (CC-NEWS): `response` records, one gzip member each. Every page
that is taken goes into our own archive first, as if it had been fetched. A page that the store knows is left
as it is: an old file must not overwrite what was read later. The same call again, after a kill too, goes on
where it was.
"""

from __future__ import annotations

import hashlib
import random
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from flows.clock import Clock
from flows.fetching.decoding import BodyDecoder, content_coding
from flows.gate import Gate, gates_of
from flows.ingest import new_run_id
from flows.pages import FetchedPage, parse_batch
from flows.selection import Found
from flows.settings import CODE_VERSION
from flows.sources import Source
from flows.workbench import LEFT_OVER, same_articles
from parsers.errors import FetchError, NotFound, UrlError
from parsers.topics import OFF_TOPIC, Topic
from parsers.urls import canonical_url, host_of
from storage import (
    Captured,
    CaptureRow,
    End,
    Ending,
    LeftOut,
    Met,
    Offer,
    PageState,
    RunResult,
    SourcePart,
    Store,
)
from storage.archive import ArchiveWriter, Payload

MAX_BYTES = 10_000_000
"""Of a record, and of a body when its coding is undone; larger ones are skipped and counted."""
EVERY = 1_000
"""Pages that become one version, unless the user names another number."""
_BATCH = 40
_PIECE = 65_536
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]{0,500})?\r\n")


@dataclass(slots=True)
class FileTold:
    """What one file held: response records read, pages taken, and why the others were not."""

    name: str
    records: int = 0
    taken: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    problem: str | None = None
    """Why it could not be read to its end: `unreadable` or `broken-warc`, with what was seen."""


@dataclass(slots=True)
class WarcReport:
    """What a backfill from files came to."""

    files: list[FileTold] = field(default_factory=list)
    results: list[RunResult] = field(default_factory=list)

    @property
    def broken(self) -> int:
        """Files that could not be read to their end."""
        return sum(file.problem is not None for file in self.files)


def backfill_from_warc(
    paths: Sequence[Path],
    sources: Sequence[Source],
    store: Store,
    *,
    clock: Clock,
    rng: random.Random,
    every: int = EVERY,
    topics: tuple[Topic, ...] = (),
    advance: Callable[[], None] = lambda: None,
) -> WarcReport:
    """Take the articles of the sources out of WARC files and commit them, `every` pages as one version.

    A file that cannot be read, or not to its end, is told and the next one follows; what was read before the
    fault counts. `topics`: what sources with `keep = "topic"` may keep. `advance` is called for each record.
    """
    report = WarcReport()
    intake = _Intake(store, clock, rng, every, report, gates_of(sources, topics, store))
    hosts = {host: source for source in sources for host in source.hosts}
    with intake:
        for path in paths:
            told = FileTold(path.name)
            report.files.append(told)
            for source, page in _pages(path, hosts, told):
                intake.take(source, page, told)
                advance()
    return report


@dataclass(frozen=True, slots=True)
class _Page:
    url: str
    payload: Payload


def _pages(path: Path, hosts: Mapping[str, Source], told: FileTold) -> Iterator[tuple[Source, _Page]]:
    """The articles in a file. Faults of the file are told in `told`, and end it."""
    try:
        with path.open("rb") as stream:
            last = 0
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
                told.records += 1
                last = record.stream_pos
                found = _page(record, hosts)
                if isinstance(found, str):
                    told.skipped[found] += 1
                else:
                    yield found
        if not told.records:
            told.problem = "broken-warc: no response record could be read in it"
        elif not _ends_whole(path, last):
            told.problem = "broken-warc: it is cut off inside a record"
    # fastwarc has no tree of errors: what it meets in a broken file are all kinds of these.
    except (OSError, ValueError, RuntimeError, EOFError, zlib.error) as error:
        missing = isinstance(error, OSError) and error.errno is not None
        told.problem = f"{'unreadable' if missing else 'broken-warc'}: {error}"


def _ends_whole(path: Path, position: int) -> bool:
    """Whether a record and those behind it are whole; fastwarc takes a cut for the end of the file.

    Told of gzip only; a file that is not compressed shows a cut by the length of its last record.
    """
    with path.open("rb") as stream:
        stream.seek(position)
        if stream.read(2) != b"\x1f\x8b":
            return True
        stream.seek(position)
        inflater = zlib.decompressobj(wbits=31)
        while data := stream.read(_PIECE):
            while data:
                if inflater.eof:
                    inflater = zlib.decompressobj(wbits=31)
                inflater.decompress(data, _PIECE)  # a piece at a time, and thrown away: it may be a bomb
                data = inflater.unconsumed_tail or inflater.unused_data
        return inflater.eof


def _page(record: WarcRecord, hosts: Mapping[str, Source]) -> tuple[Source, _Page] | str:
    """The article in a record, or why it is none of ours, as a short code."""
    target = (record.headers.get("WARC-Target-URI") or "").strip("<>")
    try:
        url = canonical_url(target)
        source = hosts.get(host_of(url).removeprefix("www."))
    except UrlError:
        return "bad-url"
    if source is None:
        return "other-site"
    if not source.is_article(url):
        return "outside-pattern"
    if record.content_length > MAX_BYTES:
        return "too-large"
    head = record.http_headers
    if head is None or head.status_code is None:
        return "protocol-error"
    if head.status_code != 200:
        return "not-200"
    at = _date(record)
    if at is None:
        return "no-date"
    headers = [(name, value) for name, value in head.items() if name]
    named = {name.lower(): value for name, value in headers}
    body = record.reader.read()
    if len(body) < record.content_length:
        return "truncated-body"
    try:
        if "chunked" in named.get("transfer-encoding", "").lower():
            body = _dechunked(body)
        coding = content_coding([value for name, value in headers if name.lower() == "content-encoding"])
        decoder = BodyDecoder(coding, MAX_BYTES)
        decoder.feed(body)
        body = decoder.finish()
    except FetchError as error:
        return error.reason
    if not body.strip():
        return "empty-body"
    payload = Payload(
        url=target,
        fetched_at=at,
        body=body,
        status=200,
        headers=headers,
        content_type=named.get("content-type", "application/octet-stream"),
        content_encoding=coding,
    )
    return source, _Page(url, payload)


def _date(record: WarcRecord) -> datetime | None:
    """When the page was fetched, in UTC; None where the record does not tell."""
    try:
        at: datetime = datetime.fromisoformat(record.headers.get("WARC-Date") or "")
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _dechunked(body: bytes) -> bytes:
    """The body without its chunks; as it is where it has none: crawlers undo them and keep the header."""
    parts: list[bytes] = []
    position = 0
    while match := _CHUNK_SIZE.match(body, position):
        size = int(match.group(1), 16)
        parts.append(body[match.end() : match.end() + size])
        position = match.end() + size + 2
        if not size:
            return b"".join(parts)
    return body


class _Intake:
    """Gathers pages into batches and batches into runs; a context manager, which commits the last one."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        rng: random.Random,
        every: int,
        report: WarcReport,
        gates: Mapping[str, Gate],
    ) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._every = every
        self._report = report
        self._gates = gates
        self._waiting: dict[str, tuple[Source, _Page, FileTold]] = {}
        self._run_id: str | None = None
        self._message = ""
        self._resources = ExitStack()
        self._archive: ArchiveWriter | None = None
        self._offers: dict[str, list[Offer]] = {}
        self._ends: dict[str, list[End]] = {}
        self._left_out: dict[str, list[LeftOut]] = {}
        self._taken: set[str] = set()

    def __enter__(self) -> _Intake:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._flush()
                self._commit()
        except BaseException as fault:
            error = fault
            raise
        finally:
            if error is not None and self._run_id is not None:
                self._resources.close()
                self._store.fail_run(self._run_id, f"{type(error).__name__}: {error}", self._clock.now())

    def take(self, source: Source, page: _Page, told: FileTold) -> None:
        """Take one page in; of several captures of a URL the newest one in a batch counts."""
        before = self._waiting.get(page.url)
        if page.url in self._taken or (
            before is not None and before[1].payload.fetched_at >= page.payload.fetched_at
        ):
            told.skipped["known"] += 1
            return
        if before is not None:
            before[2].skipped["known"] += 1
        self._waiting[page.url] = (source, page, told)
        if len(self._waiting) >= _BATCH:
            self._flush()
            if len(self._taken) >= self._every:
                self._commit()

    def _flush(self) -> None:
        """Keep, then parse what waits and is not known."""
        by_source: dict[str, list[tuple[Source, _Page, FileTold]]] = {}
        for item in self._waiting.values():
            by_source.setdefault(item[0].name, []).append(item)
        self._waiting = {}
        for name, items in by_source.items():
            source = items[0][0]
            known = self._store.pages(name, [page.url for _, page, _ in items])
            numbers = {page.url: source.article_id(page.url) for _, page, _ in items}
            found = {url: Found(url, "", article_id=number) for url, number in numbers.items()}
            others = same_articles(self._store, source, found, known)
            fresh: list[tuple[Source, _Page, FileTold]] = []
            for item in items:
                url = item[1].url
                # Under another address it may be there, or have been retracted.
                if wanted(known.get(url)) and (numbers[url] or "") not in others:
                    fresh.append(item)
                else:
                    item[2].skipped["known"] += 1
            if fresh:
                self._read(source, fresh)

    def _read(self, source: Source, items: list[tuple[Source, _Page, FileTold]]) -> None:
        run_id, archive = self._open(items[0][2].name)
        gate = self._gates.get(source.name) or Gate(source.name)
        ends, left_out = (self._ends.setdefault(source.name, []), self._left_out.setdefault(source.name, []))
        # The address is all that a file tells of a page: what it turns away does not go into our archive.
        turned = gate.before((Found(page.url, f"warc:{told.name}") for _, page, told in items), {}, {})
        ends.extend(turned.ends.values())
        left_out.extend(turned.left_out)
        left_over = self._store.left_over(source.name, self._clock.now() - LEFT_OVER)
        pages: list[FetchedPage] = []
        to_keep: list[tuple[_Page, FileTold, str]] = []
        for _, page, told in items:
            digest = hashlib.sha256(page.payload.body).hexdigest()
            row = left_over.get(page.url)
            self._taken.add(page.url)
            if page.url in turned.ends:
                told.skipped[OFF_TOPIC] += 1
                continue
            told.taken += 1
            if row is not None and row.payload_sha256 == digest and self._is_there(row):
                pages.append(_fetched(source, page, told, digest, row.id))
            else:
                to_keep.append((page, told, digest))
        captured = [Captured(source.name, "page", page.url, page.payload) for page, _, _ in to_keep]
        ids = self._store.capture(run_id, archive, captured)
        pages.extend(_fetched(source, *item, number) for item, number in zip(to_keep, ids, strict=True))
        parsed = parse_batch(source, tuple(pages), self._clock.now())
        passed = gate.after(parsed.offers, frozenset())
        self._offers.setdefault(source.name, []).extend(passed.offers)
        ends.extend((*parsed.ends, *passed.ends))
        left_out.extend(passed.left_out)

    def _is_there(self, row: CaptureRow) -> bool:
        try:
            self._store.raw(row.id)
        except NotFound:
            return False
        return True

    def _open(self, name: str) -> tuple[str, ArchiveWriter]:
        if self._run_id is None or self._archive is None:
            now = self._clock.now()
            self._run_id = new_run_id(now, self._rng)
            self._message = f"backfill from {name}"
            self._store.begin_run(self._run_id, "ingest", self._message, now)
            self._archive = self._resources.enter_context(
                self._store.archive_writer(self._run_id, now, CODE_VERSION)
            )
        return self._run_id, self._archive

    def _commit(self) -> None:
        if self._run_id is None:
            return
        self._resources.close()
        parts = [
            SourcePart(
                name,
                tuple(self._offers.get(name, ())),
                tuple(self._ends.get(name, ())),
                left_out=tuple(self._left_out.get(name, ())),
            )
            for name in sorted(self._offers.keys() | self._ends.keys())
        ]
        result = self._store.commit_run(
            self._run_id, "ingest", self._message, parts, self._clock.now(), CODE_VERSION
        )
        self._report.results.append(result)
        self._run_id = self._archive = None
        self._offers, self._ends, self._left_out, self._taken = {}, {}, {}, set()


def wanted(page: PageState | None) -> bool:
    """Whether a page in a file says something new: nobody has read it yet. Pure."""
    return page is None or page.ending in (Ending.DEFERRED, Ending.FAILED)


def _fetched(source: Source, page: _Page, told: FileTold, digest: str, capture_id: int) -> FetchedPage:
    met = Met(
        page.url,
        f"warc:{told.name}",
        status=200,
        capture_id=capture_id,
        fetched_at=page.payload.fetched_at,
        payload_sha256=digest,
        article_id=source.article_id(page.url),
    )
    return FetchedPage(met, page.payload.url, page.payload.body, page.payload.content_type, 0)
