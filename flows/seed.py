"""Import of a folder of seed documents as a version of kind `seed`."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows.clock import Clock
from flows.ingest import new_run_id
from flows.settings import CODE_VERSION
from parsers import SeedDocument, SeedProblem, parse_seed
from parsers.errors import SeedError
from storage import Captured, End, Ending, Met, Offer, Record, RunResult, SourcePart, Store
from storage.archive import Payload

SOURCE = "seed"
MAX_SEED_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class SeedFile:
    """One file of the folder: what was read from it, or why nothing was."""

    name: str
    url: str
    data: bytes
    parsed: SeedDocument | SeedProblem


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What an import came to: a line for each file that gave no document, and the run, if there was one."""

    files: int
    unchanged: int
    problems: tuple[tuple[str, str, str], ...]
    result: RunResult | None


def read_folder(folder: Path) -> list[SeedFile]:
    """Read every file of the folder, in the order of names. Raises SeedError if it cannot be read at all."""
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise SeedError(
            f"cannot read the folder {folder}: {error.strerror}",
            hint="give the folder that holds the seed documents, files named NNN_<16 hex digits>.txt",
        ) from error
    files = [_read(path) for path in paths]
    if not any(isinstance(file.parsed, SeedDocument) for file in files):
        first = next((file.parsed for file in files if isinstance(file.parsed, SeedProblem)), None)
        seen = f"; the first of {len(files)} files: {first.name}: {first.message}" if first else ""
        raise SeedError(
            f"{folder} holds no seed document{seen}",
            hint="seed documents are UTF-8 text files named NNN_<16 hex digits>.txt",
        )
    return _without_repeated_ids(files)


def _read(path: Path) -> SeedFile:
    data = b""
    parsed: SeedDocument | SeedProblem
    try:
        if not path.is_file() and not path.is_symlink():
            # A folder, or a pipe that would be waited for.
            parsed = SeedProblem(path.name, "unreadable", "is no plain file")
        elif path.stat().st_size > MAX_SEED_BYTES:
            parsed = SeedProblem(path.name, "too-large", f"larger than {MAX_SEED_BYTES} bytes")
        else:
            data = path.read_bytes()
            parsed = parse_seed(path.name, data)
    except OSError as error:
        parsed = SeedProblem(path.name, "unreadable", f"cannot be read: {error.strerror}")
    url = parsed.url if isinstance(parsed, SeedDocument) else f"seed-file:{path.name}"
    return SeedFile(path.name, url, data, parsed)


def _without_repeated_ids(files: list[SeedFile]) -> list[SeedFile]:
    """Two files with one upstream id cannot both be that document: the first by name is kept."""
    first: dict[str, str] = {}
    kept: list[SeedFile] = []
    for file in files:
        other = first.setdefault(file.url, file.name)
        if other == file.name:
            kept.append(file)
        else:
            problem = SeedProblem(file.name, "duplicate-id", f"has the same id as {other}")
            kept.append(SeedFile(file.name, f"seed-file:{file.name}", file.data, problem))
    return kept


def import_seeds(
    store: Store,
    folder: Path,
    *,
    clock: Clock,
    rng: random.Random,
    advance: Callable[[], None] = lambda: None,
) -> SeedReport:
    """Import a folder of seed documents; what was imported before and is the same changes nothing.

    The bytes of every file that holds a document go into the raw archive as they are.
    """
    files = read_folder(folder)
    pages = store.pages(SOURCE, [file.url for file in files])
    retracted = {url for url, page in pages.items() if page.reason == "retracted"}
    fresh: list[SeedFile] = []
    for file in files:
        page = pages.get(file.url)
        if page is None or page.payload_sha256 != _digest(file):
            fresh.append(file)
    fresh_names = {file.name for file in fresh}
    told = [(f.name, f.parsed.reason, f.parsed.message) for f in files if isinstance(f.parsed, SeedProblem)]
    if not fresh:
        return SeedReport(len(files), len(files) - len(told), tuple(told), None)

    now = clock.now()
    run_id = new_run_id(now, rng)
    store.begin_run(run_id, "seed", f"seed {folder.name}", now)
    try:
        with store.archive_writer(run_id, now, CODE_VERSION) as archive:
            # A retracted seed is not even kept: its bytes were perhaps purged from the archive.
            documents = [
                file for file in fresh if isinstance(file.parsed, SeedDocument) and file.url not in retracted
            ]
            captured = [
                Captured(
                    SOURCE,
                    "seed",
                    file.url,
                    Payload(file.url, now, file.data, content_type="text/plain; charset=utf-8"),
                )
                for file in documents
            ]
            captures = dict(
                zip((f.name for f in documents), store.capture(run_id, archive, captured), strict=True)
            )
        offers: list[Offer] = []
        ends: list[End] = []
        for file in files:
            met = Met(
                file.url,
                found_in=file.name,
                capture_id=captures.get(file.name),
                fetched_at=now,
                payload_sha256=_digest(file),
            )
            if file.name not in fresh_names:
                ends.append(End(met, Ending.UNCHANGED, "known", skipped=True))
            elif file.url in retracted:
                ends.append(End(met, Ending.REJECTED, "retracted"))
            elif isinstance(file.parsed, SeedProblem):
                ends.append(End(met, Ending.REJECTED, file.parsed.reason, file.parsed.message))
            else:
                offers.append(Offer(met, seed_record(file.parsed, _digest(file), now)))
            advance()
        part = SourcePart(SOURCE, tuple(offers), tuple(ends))
        result = store.commit_run(run_id, "seed", f"seeds from {folder.name}", [part], now, CODE_VERSION)
    except BaseException as error:
        store.fail_run(run_id, f"{type(error).__name__}: {error}", clock.now())
        raise
    told += [
        (end.met.found_in, end.reason, f"is the same text as {end.partner_url}")
        for _, end in result.ends
        if end.ending is Ending.DUPLICATE
    ]
    unchanged = sum(tally.counts.unchanged for tally in result.tallies)
    return SeedReport(len(files), unchanged, tuple(told), result)


def _digest(file: SeedFile) -> str:
    return hashlib.sha256(file.data).hexdigest()


def seed_record(seed: SeedDocument, digest: str | None, now: datetime) -> Record:
    """The record of a seed document whose file has this SHA-256."""
    return Record(
        url=seed.url,
        source=SOURCE,
        record_kind="seed",
        title=seed.title or "",
        lead=None,
        paragraphs=seed.paragraphs,
        captions=seed.captions,
        authors=seed.authors,
        agency=seed.agency,
        published_at=seed.published_at,
        published_precision=seed.published_precision.value if seed.published_precision else None,
        modified_at=None,
        section=None,
        tags=(),
        language=seed.language,
        kind="article",
        parser="seed",
        parser_version="1",
        fetched_at=now,
        payload_sha256=digest,
    )
