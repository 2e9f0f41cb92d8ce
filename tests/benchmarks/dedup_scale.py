"""The detector with its persistence at growing sizes, against datasketch and rensa on the same documents.

    python -m tests.benchmarks.dedup_scale                       10,000 and 100,000 documents
    python -m tests.benchmarks.dedup_scale 10000 1000000 --peers-up-to 10000

Each measurement runs in a process of its own, one after the other. Speed is documents by CPU second and core,
of the detector's own work: making the documents is not counted. The text is generated: of a hundred documents
80 are new, 12 reprints (cut, with other lines added, some words changed), 3 heavily reworded, 5 of template
series. The peers do what their manuals recommend, in memory: MinHash of 5-word shingles (128 permutations)
and an LSH index at a threshold of .5; they verify nothing and keep nothing. `last tenth` is the speed on the
last tenth of the documents; `found` tells how many of the planted reprints were found.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from storage.database import connect_engine, database_url, reading
from storage.likeness import FOLDER
from tests.benchmarks.detector import Arrived, Detector
from tests.benchmarks.made_up import make_language

BATCH = 1_000
_FORMS = 1_000_000_000
"""The forms of the series have numbers of their own: none of them is a document."""
_LINES = ("Theo báo bạn", "Xem thêm trên trang nhất", "Nguồn: phóng viên thường trú", "Ảnh minh họa")


@cache
def _pools() -> tuple[list[str], list[str]]:
    language = make_language()
    return language.phrases, language.words


def _new(number: int) -> Arrived:
    chance = random.Random(number)
    phrases, words = _pools()
    paragraphs = []
    for size in chance.choices((8, 10, 12, 14), k=5):
        own = [*chance.choices(phrases, k=size), *chance.choices(words, k=4)]
        chance.shuffle(own)
        if chance.random() < 0.6:
            own.append(str(chance.randint(2, 2_030)))
        paragraphs.append(" ".join(own) + ".")
    title = " ".join(chance.choices(words, k=7))
    return Arrived(str(number), f"https://bao.example/{number}", title, tuple(paragraphs))


def _reworded(document: Arrived, chance: random.Random, share: float) -> tuple[str, ...]:
    words = _pools()[1]
    return tuple(
        " ".join(chance.choice(words) if chance.random() < share else word for word in paragraph.split())
        for paragraph in document.paragraphs
    )


def _series(number: int) -> Arrived:
    """A member of one of a thousand series: the text of the series with numbers of its own."""
    chance = random.Random(number)
    form = _new(_FORMS + chance.randrange(1_000))
    paragraphs = tuple(
        f"{text} giá {chance.randint(10, 9_999)} và {chance.randint(10, 9_999)}" for text in form.paragraphs
    )
    return Arrived("", "", f"{form.title} ngày {chance.randint(1, 30)}/{chance.randint(1, 12)}", paragraphs)


def _some_new(before: int, chance: random.Random) -> int:
    """The number of an earlier document that is new itself."""
    while True:
        number = chance.randrange(before)
        if number <= BATCH or random.Random(~number).random() >= 0.2:
            return number


def documents(count: int) -> Iterator[tuple[Arrived, int | None]]:
    """Documents in order of arrival, and for a reprint the number of its original."""
    for number in range(count):
        chance = random.Random(~number)
        drawn = chance.random() if number > BATCH else 1.0
        name, url = str(number), f"https://bao.example/{number}"
        if drawn < 0.15:
            original = _some_new(number, chance)
            document = _new(original)
            if drawn < 0.12:
                kept = list(_reworded(document, chance, 0.005))
                del kept[chance.randrange(len(kept))]
                kept.insert(chance.randrange(len(kept)), chance.choice(_LINES))
                yield replace(document, name=name, url=url, paragraphs=tuple(kept)), original
            else:
                yield (
                    replace(document, name=name, url=url, paragraphs=_reworded(document, chance, 0.06)),
                    None,
                )
        elif drawn < 0.2:
            yield replace(_series(number), name=name, url=url), None
        else:
            yield _new(number), None


def measure_khotin(count: int) -> dict[str, object]:
    """The detector of a commit, with SQLite and the segments on disk."""
    seconds, last = 0.0, 0.0
    planted = found = 0
    with tempfile.TemporaryDirectory() as folder:
        detector = Detector(Path(folder))
        stream = documents(count)
        done = 0
        while batch := list(islice(stream, BATCH)):
            before = sum(detector.seconds.values())
            judged = {j.name: j.relation for j in detector.take([document for document, _ in batch])}
            took = sum(detector.seconds.values()) - before
            seconds += took
            done += len(batch)
            last += took if done > count * 0.9 else 0
            originals = [document.name for document, original in batch if original is not None]
            planted += len(originals)
            found += sum(judged.get(name) in ("reprint", "near") for name in originals)
        sizes = _sizes(Path(folder))
        detector.close()
    return {
        "docs_per_s": count / seconds,
        "docs_per_s_last_tenth": count / 10 / last,
        "index_bytes_per_doc": sizes / count,
        "found": found / max(1, planted),
        "us_per_doc": {part: round(t / count * 1e6, 1) for part, t in detector.seconds.items()},
        "pairs_per_doc": round(detector.compared / count, 2),
    }


def _sizes(folder: Path) -> int:
    """Bytes of the index: the segments and the table of sketches."""
    engine = connect_engine(database_url(f"sqlite:///{folder / 'detector.db'}"))
    try:
        with reading(engine) as connection:
            query = "SELECT sum(pgsize) FROM dbstat WHERE name = 'sketch'"
            table = int(connection.exec_driver_sql(query).scalar() or 0)
    except DBAPIError:  # an SQLite without dbstat: the rows themselves, with some room for their ids
        with reading(engine) as connection:
            query = "SELECT sum(length(data) + length(algorithm) + 12) FROM sketch"
            table = int(connection.exec_driver_sql(query).scalar() or 0)
    engine.dispose()
    return table + sum(path.stat().st_size for path in (folder / FOLDER).glob("*"))


def _shingles(document: Arrived) -> list[str]:
    words = " ".join(document.paragraphs).lower().split()
    return [" ".join(words[place : place + 5]) for place in range(max(1, len(words) - 4))]


def measure_datasketch(count: int) -> dict[str, object]:
    """MinHash and MinHashLSH in memory, as the manual of datasketch shows them."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=0.5, num_perm=128)
    seconds = 0.0
    planted = found = 0
    for document, original in documents(count):
        began = time.process_time()
        sketch = MinHash(num_perm=128)
        sketch.update_batch([shingle.encode() for shingle in _shingles(document)])
        alike = index.query(sketch)
        index.insert(document.name, sketch)
        seconds += time.process_time() - began
        planted += original is not None
        found += original is not None and bool(alike)
    return {"docs_per_s": count / seconds, "found": found / max(1, planted)}


def measure_rensa(count: int) -> dict[str, object]:
    """R-MinHash and its LSH in memory, as the manual of rensa shows them."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold=0.5, num_perm=128, num_bands=32)
    seconds = 0.0
    planted = found = 0
    for number, (document, original) in enumerate(documents(count)):
        began = time.process_time()
        sketch = RMinHash(num_perm=128, seed=1)
        sketch.update(_shingles(document))
        alike = index.query(sketch)
        index.insert(number, sketch)
        seconds += time.process_time() - began
        planted += original is not None
        found += original is not None and bool(alike)
    return {"docs_per_s": count / seconds, "found": found / max(1, planted)}


MEASURES = {"khotin": measure_khotin, "datasketch": measure_datasketch, "rensa": measure_rensa}


def _alone(who: str, count: int) -> dict[str, object]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.dedup_scale", "--only", who, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument(
        "--peers-up-to", type=int, default=100_000, help="leave the peers out of larger sizes"
    )
    parser.add_argument("--only", choices=MEASURES, help="measure one, in this process, as JSON")
    told = parser.parse_args()
    if told.only:
        result = MEASURES[told.only](told.sizes[0])
        result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(result))
        return
    print(
        f"{'':12}{'documents':>10}{'docs/s':>9}{'last tenth':>12}{'bytes/doc':>11}{'peak MB':>9}{'found':>8}"
    )
    for count in told.sizes:
        for who in MEASURES:
            if who != "khotin" and count > told.peers_up_to:
                print(f"{who:12}{count:>10}  left out")
                continue
            if who != "khotin" and importlib.util.find_spec(who) is None:
                print(f"{who:12}{count:>10}  not installed: make bench-dedup")
                continue
            r = _alone(who, count)
            last, size = r.get("docs_per_s_last_tenth"), r.get("index_bytes_per_doc")
            cells = (
                f"{r['docs_per_s']:.0f}",
                f"{last:.0f}" if last else "",
                f"{size:.0f}" if size else "memory",
            )
            print(
                f"{who:12}{count:>10}{cells[0]:>9}{cells[1]:>12}{cells[2]:>11}{r['peak_mb']:>9.0f}{r['found']:>8.3f}",
                flush=True,
            )
            if who == "khotin":
                print(
                    f"{'':12}microseconds a document: {r['us_per_doc']}; pairs {r['pairs_per_doc']}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
