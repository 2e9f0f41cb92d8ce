"""The store's benchmark: reading, verifying and exporting all of a corpus."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import orjson
import zstandard

from storage.export import Form, export_corpus
from storage.reading import read_dictionaries
from storage.records import Record
from storage.verify import verify_store
from tests.benchmarks.measured import Table, timed
from tests.benchmarks.store_ours import Ours


def scan_section(folder: Path, ours: Ours, live: Sequence[Record], table: Table) -> None:
    """Reading the corpus as of the newest version, against a JSON Lines file of the same documents."""
    path = folder / "corpus.jsonl"
    with path.open("wb") as stream:
        for record in live:
            row = {"url": record.url, "title": record.title, "source": record.source, "text": record.text}
            stream.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    version = ours.store.version()

    def jsonl() -> None:
        with path.open("rb") as stream:
            seen = sum(1 for line in stream if orjson.loads(line)["text"])
        if seen != len(live):
            raise AssertionError(seen)

    def scan(look: Callable[..., object]) -> Callable[[], None]:
        def run() -> None:
            with ours.store.documents(version) as documents:
                seen = sum(1 for document in documents if look(document))
            if seen != len(live):
                raise AssertionError(seen)

        return run

    contenders = {
        "jsonl": jsonl,
        "scan": scan(lambda d: d.url and d.body),
        "text": scan(lambda d: d.url and d.text),
        "record": scan(lambda d: d.record),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(5):
        for name, work in contenders.items():
            times[name].append(timed(work)[0])
    rate = {name: len(live) / statistics.median(told) for name, told in times.items()}
    told = f"{rate['scan']:,.0f} and {rate['jsonl']:,.0f} docs/s"
    for name, what in (
        ("scan", "as-of scan, each body unpacked (JSON, not parsed)"),
        ("text", "as-of scan, each text parsed"),
        ("record", "as-of scan, each record made"),
    ):
        ratio = rate[name] / rate["jsonl"]
        what = f"{what}, x reading JSONL with orjson"
        if name == "scan":
            table.add(what, f"{ratio:.2f} ({told})", ">= 1.0", ratio >= 1.0)
        else:
            table.add(what, f"{ratio:.2f}")


def verify_section(ours: Ours, table: Table) -> None:
    """Hashing all anew, per core; the floor fetches, unpacks and hashes each body and does no more."""
    count = ours.store.version().hi

    def floor() -> None:
        with ours.store.reading() as connection:
            unpackers = {None: zstandard.ZstdDecompressor()} | {
                number: zstandard.ZstdDecompressor(dict_data=zstandard.ZstdCompressionDict(told.data))
                for number, told in read_dictionaries(connection).items()
            }
            rows = connection.connection.driver_connection.execute(  # type: ignore[union-attr]
                "SELECT body, leaf, zdict_id FROM revision ORDER BY id"
            )
            for body, leaf, zdict_id in rows:
                if hashlib.sha256(unpackers[zdict_id].decompress(body)).digest() == leaf:
                    raise AssertionError  # a body alone never makes a leaf

    def verify() -> None:
        if not verify_store(ours.store, archive=False).sound:
            raise AssertionError

    floors, ours_cpu = [], []
    for _ in range(5):
        floors.append(timed(floor)[1])
        ours_cpu.append(timed(verify)[1])
    rate, bare = count / statistics.median(ours_cpu), count / statistics.median(floors)
    table.add("verify, docs/s of CPU", f"{rate:,.0f}", ">= 45,000", rate >= 45_000)
    table.add("a floor: fetch, unpack and hash only, docs/s of CPU", f"{bare:,.0f}")


def export_section(folder: Path, ours: Ours, table: Table) -> None:
    """Exports, in documents a second."""
    version = ours.store.version()
    for form in (Form.JSONL, Form.PARQUET):
        target = folder / f"export.{form.value}"
        wall, _ = timed(partial(export_corpus, ours.store, version, target, form))
        table.add(f"export as {form.value}, docs/s", f"{version.documents / wall:,.0f}")
