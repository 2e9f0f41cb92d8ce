"""How good topics and closeness are, what they cost beside parsing, and the model on a large corpus.

    python -m tests.benchmarks.topics            all of it; the large corpus takes some ten minutes
    python -m tests.benchmarks.topics --quick    with 2,000 documents instead of 100,000

Quality is measured on the articles of tests/topic_texts: rules and closeness were adjusted by the known ones;
the figures that count are those of the held-out ones. The model is fitted on the real seeds where they stand
beside the checkout (else on five known samples) against the sample press and the known samples that are no
topic. scikit-learn and bm25s are measured too where they are installed (`make bench-topics`).
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from deployments.sample.body import Bullets, Paragraph, Table
from deployments.sample.press import LAST_EDITION, load_press
from flows.clock import SystemClock
from flows.configured import SHIPPED_TOPICS
from flows.topic_scan import fit_closeness
from flows.topics import load_topics
from parsers import Article, SeedDocument, parse_article, parse_seed
from parsers.closeness import ClosenessModel, fit
from parsers.compare import read_text, with_title
from parsers.syllables import syllables_of
from parsers.topics import Judged, foretell, judge
from storage import Met, Offer, Record, SourcePart, Store, open_store
from tests.benchmarks.made_up import make_records
from tests.conftest import SHARED
from tests.topic_texts import Sample, folded, samples

(TOPIC,) = load_topics(SHIPPED_TOPICS)
DOCUMENTS = 100_000
QUICK = 2_000
AT_ONCE = 5_000
KEYWORDS = ("thi đua", "an ninh tổ quốc", "antq")
"""What somebody would search for who has read the seeds; matched as they stand, in lower case."""

Score = Callable[[Sample], float]


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The probability that a text of the topic scores higher than another; ties count half."""
    wins = sum((a > b) + (a == b) / 2 for a in positive for b in negative)
    return wins / (len(positive) * len(negative))


def real_seeds() -> list[Judged]:
    """The real seeds, where they stand beside the checkout."""
    found = []
    for path in sorted((SHARED / "seed_corpus").glob("*.txt")):
        seed = parse_seed(path.name, path.read_bytes())
        if isinstance(seed, SeedDocument):
            found.append(Judged(seed.title, seed.lead, tuple(p.text for p in seed.paragraphs)))
    return found


def sample_press() -> list[bytes]:
    """The articles of the sample newsroom, each once, folded."""
    pages = {page.key: page for number in range(1, LAST_EDITION + 1) for page in load_press().at(number)}
    texts = []
    for page in pages.values():
        body: list[str] = []
        for block in page.blocks:
            if isinstance(block, Paragraph):
                body.append(block.text)
            elif isinstance(block, Bullets):
                body.extend(block.items)
            elif isinstance(block, Table):
                body.extend(" ".join(row) for row in block.rows)
        texts.append(folded(Judged(page.title, page.lead, tuple(body))))
    return texts


def fitting() -> tuple[list[bytes], list[bytes], str]:
    """What the model is fitted on: seeds, background, and what the seeds are."""
    seeds = [folded(text) for text in real_seeds()]
    known = samples("known")
    named = f"{len(seeds)} real seeds"
    if not seeds:
        seeds = [sample.folded for sample in known if sample.label == "topic"][:5]
        named = f"{len(seeds)} known samples in place of the seeds"
    background = [*sample_press(), *(sample.folded for sample in known if sample.label != "topic")]
    return seeds, background, named


# -- quality -------------------------------------------------------------------------------------------------


def whole_text(sample: Sample) -> str:
    return "\n".join([sample.text.title or "", sample.text.lead or "", *sample.text.body]).lower()


def keyword_count(sample: Sample) -> float:
    """Keywords per hundred words: plain keyword matching as a score."""
    text = whole_text(sample)
    return 100 * sum(text.count(word) for word in KEYWORDS) / len(text.split())


def decisions(model: ClosenessModel) -> dict[str, Callable[[Sample], bool]]:
    """Each way to decide whether an article belongs."""

    def shipped(sample: Sample) -> bool:
        return judge(TOPIC, sample.text, model.score(sample.folded)).matches and told_open(sample)

    def told_open(sample: Sample) -> bool:
        return foretell(TOPIC, sample.text.title, sample.text.lead) is None

    def without_score(sample: Sample) -> bool:
        return judge(TOPIC, sample.text).matches and told_open(sample)

    return {
        "shipped topic": shipped,
        "shipped topic, no model": without_score,
        "any keyword": lambda sample: any(word in whole_text(sample) for word in KEYWORDS),
        "`thi đua` and `công an`": lambda sample: all(
            w in whole_text(sample) for w in ("thi đua", "công an")
        ),
    }


def quality() -> None:
    seeds, background, named = fitting()
    model = fit(seeds, background)
    print(f"\nfitted on {named} against {len(background)} texts: {len(model.terms)} terms, "
          f"{len(model.to_bytes())} bytes\n")  # fmt: skip
    print("| decided by | known: precision | recall | held out: precision | recall |")
    print("|---|---|---|---|---|")
    for name, decide in decisions(model).items():
        cells = []
        for part in ("known", "held_out"):
            chosen = samples(part)
            taken = [sample for sample in chosen if decide(sample)]
            right = sum(sample.label == "topic" for sample in taken)
            wanted = sum(sample.label == "topic" for sample in chosen)
            cells += [f"{right / len(taken):.3f}" if taken else "-", f"{right / wanted:.3f}"]
        print(f"| {name} | {' | '.join(cells)} |")
    fetched = [s for p in ("known", "held_out") for s in samples(p)]
    told = {label: [foretell(TOPIC, s.text.title, s.text.lead) is None for s in fetched if s.label == label]
            for label in ("topic", "police", "emulation", "far")}  # fmt: skip
    parts = ", ".join(f"{sum(found)} of {len(found)} {label}" for label, found in told.items())
    print(f"\nfetched by title and lead: {parts}\n")
    print("| score | held out: AUC | against police | emulation | far | CPU µs a text |")
    print("|---|---|---|---|---|---|")
    scores: dict[str, Score] = {
        "closeness": lambda sample: model.score(sample.folded),
        "keywords per 100 words": keyword_count,
        **peers(seeds, background),
    }
    for name, score in scores.items():
        print(f"| {name} | {' | '.join(areas(score))} | {per_text(score):.0f} |")


def areas(score: Score) -> list[str]:
    found = {label: [score(s) for s in samples("held_out") if s.label == label]
             for label in ("topic", "police", "emulation", "far")}  # fmt: skip
    others = [found[label] for label in ("police", "emulation", "far")]
    everything = [value for values in others for value in values]
    return [f"{auc(found['topic'], values):.3f}" for values in (everything, *others)]


def per_text(score: Score) -> float:
    """Microseconds of CPU a held-out text, the best of five rounds."""
    chosen = samples("held_out")
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for sample in chosen:
            score(sample)
        best = min(best, time.process_time() - start)
    return best / len(chosen) * 1e6


def grams(text: bytes | str) -> list[str]:
    folded_text = text.encode() if isinstance(text, str) else text
    syllables = [syllable.decode() for syllable in syllables_of(folded_text)]
    return [*syllables, *(f"{a} {b}" for a, b in pairwise(syllables))]


def peers(seeds: Sequence[bytes], background: Sequence[bytes]) -> dict[str, Score]:
    """The same task by the libraries, where they are installed: similarity to the seeds."""
    found: dict[str, Score] = {}
    if importlib.util.find_spec("sklearn"):
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(analyzer=grams, sublinear_tf=True)
        vectorizer.fit([*seeds, *background])
        centre = vectorizer.transform(seeds).mean(axis=0).A1
        found["scikit-learn TF-IDF, cosine to the seeds' mean"] = lambda sample: float(
            (vectorizer.transform([sample.folded]) @ centre)[0]
        )
    if importlib.util.find_spec("bm25s"):
        import bm25s

        retriever = bm25s.BM25()
        retriever.index([grams(text) for text in (*seeds, *background)], show_progress=False)

        def by_bm25s(sample: Sample) -> float:
            terms = [term for term in dict.fromkeys(grams(sample.folded)) if term in retriever.vocab_dict]
            return float(retriever.get_scores(terms)[: len(seeds)].mean()) / max(len(terms), 1)

        found["bm25s, the text as a query for the seeds"] = by_bm25s
    return found


def imports() -> None:
    """What it costs to have each library in a process."""
    print("\n| import | CPU s | memory MB |")
    print("|---|---|---|")
    names = {
        "parsers.closeness": "parsers.closeness",
        "scikit-learn": "sklearn.feature_extraction.text",
        "bm25s": "bm25s",
    }
    for name, module in names.items():
        if importlib.util.find_spec(module.split(".")[0]) is None:
            continue
        # The peak of a child begins at that of its parent: what it holds now is asked for.
        code = (
            "import time,numpy,orjson,pathlib,parsers\n"
            "def held():\n"
            "    text = pathlib.Path('/proc/self/status').read_text()\n"
            "    return int(text.split('VmRSS:')[1].split()[0]) / 1024\n"
            "before, start = held(), time.process_time()\n"
            f"import {module}\n"
            "print(time.process_time() - start, held() - before)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds, megabytes = done.stdout.split()
        print(f"| {name} | {float(seconds):.3f} | {float(megabytes):.0f} |")


# -- cost beside parsing -------------------------------------------------------------------------------------


def pages() -> tuple[list[tuple[bytes, str]], str]:
    """Article pages with their addresses: the real ones where they are, else pages of the sample texts."""
    folder = SHARED / "pages"
    if folder.is_dir():
        truth = json.loads((folder / "truth.json").read_text("utf-8"))
        manifest = json.loads((folder / "MANIFEST.json").read_text("utf-8"))
        urls = {entry["name"]: entry.get("url") or "https://a.example/bai-post1.html" for entry in manifest}
        return [
            (gzip.decompress((folder / f"{name}.html.gz").read_bytes()), urls[name]) for name in truth
        ], "real pages of newspapers"
    from tests.flows.topic_site import KNOWN, page, url

    return [
        (page(name), url(name)) for name in KNOWN
    ], "pages of the known samples, without a site around them"


def cost() -> None:
    chosen, named = pages()
    seeds, background, _ = fitting()
    model = fit(seeds, background)
    sums = dict.fromkeys(("parse", "title and lead", "topic", "closeness"), 0.0)
    shares = []
    for data, url in chosen:
        article = parse_article(data, url)
        if not isinstance(article, Article):
            continue
        text = Judged(article.title, article.lead, tuple(p.text for p in article.paragraphs),
                      article.section, article.tags)  # fmt: skip
        whole = with_title(article.title, read_text(article.lead, article.paragraphs)[1])
        work: dict[str, Callable[[], object]] = {
            "parse": lambda data=data, url=url: parse_article(data, url),  # type: ignore[misc]
            "title and lead": lambda text=text: foretell(TOPIC, text.title, text.lead),  # type: ignore[misc]
            "topic": lambda text=text: judge(TOPIC, text),  # type: ignore[misc]
            "closeness": lambda whole=whole: model.steps(whole),  # type: ignore[misc]
        }
        times = {name: fastest(do) for name, do in work.items()}
        for name, seconds in times.items():
            sums[name] += seconds
        shares.append((times["topic"] + times["closeness"]) / times["parse"])
    count = len(shares)
    print(f"\n{count} {named}, CPU a page, best of 15:\n")
    print("| work | µs a page | of parsing |")
    print("|---|---|---|")
    for name, seconds in sums.items():
        print(f"| {name} | {seconds / count * 1e6:.0f} | {seconds / sums['parse']:.3f} |")
    both = (sums["topic"] + sums["closeness"]) / sums["parse"]
    print(f"| topic and closeness | {(sums['topic'] + sums['closeness']) / count * 1e6:.0f} | {both:.3f} |")
    print(f"\nby page: {min(shares):.3f} to {max(shares):.3f}, median {statistics.median(shares):.3f}")


def fastest(do: Callable[[], object], rounds: int = 15) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        do()
        best = min(best, time.process_time() - start)
    return best


# -- a large corpus ------------------------------------------------------------------------------------------


def commit(store: Store, name: str, records: Iterable[Record]) -> None:
    clock = SystemClock()
    store.begin_run(name, "ingest", name, clock.now())
    offers = tuple(Offer(Met(r.url, "made up", fetched_at=r.fetched_at), r) for r in records)
    store.commit_run(name, "ingest", name, [SourcePart("bench", offers)], clock.now(), "0")


def large(documents: int) -> None:
    about = [sample for part in ("known", "held_out") for sample in samples(part) if sample.label == "topic"]
    base = next(make_records(1, seed=9))
    seeds = [as_record(base, sample, f"seed:{n}", "seed") for n, sample in enumerate(about[:5])]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with open_store(home, f"sqlite:///{home / 'khotin.db'}", near_duplicates=False) as store:
            commit(store, "seeds", seeds)
            for start in range(0, documents, AT_ONCE):
                count = min(AT_ONCE, documents - start)
                commit(store, f"run-{start}", make_records(count, start=start))
            before = file_bytes(home / "khotin.db")
            started, cpu = time.monotonic(), time.process_time()
            fitted = fit_closeness(store, {}, (TOPIC,), clock=SystemClock())
            seconds, used = time.monotonic() - started, time.process_time() - cpu
            grown = file_bytes(home / "khotin.db") - before
            model = fitted.stored.model
            print(f"\n{documents} documents and 5 seeds; model of {len(model.terms)} terms, "
                  f"{len(model.to_bytes())} bytes, against {model.background} of them\n")  # fmt: skip
            print("| what | measured |")
            print("|---|---|")
            print(f"| fit and score all, s (CPU s) | {seconds:.1f} ({used:.1f}) |")
            print(f"| scored, documents a second | {fitted.scored / seconds:.0f} |")
            print(f"| scores in the database, bytes a document | {grown / fitted.scored:.1f} |")
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"| memory of the process at its peak, commits of 5,000 included, MB | {peak:.0f} |")
        plain = Path(folder) / "plain"
        with open_store(plain, f"sqlite:///{plain / 'khotin.db'}", near_duplicates=False) as store:
            commit(store, "seeds", seeds)
            commit(store, "first", make_records(2_000))
            without = commit_seconds(store, 10_000, "without")
            fit_closeness(store, {}, (TOPIC,), clock=SystemClock())
            with_model = commit_seconds(store, 20_000, "with")
        print(f"| a commit of 1,000 documents, no model, CPU ms | {without * 1000:.0f} |")
        print(f"| the same with a model, scored, CPU ms | {with_model * 1000:.0f} |")


def file_bytes(path: Path) -> int:
    """Bytes of a database whose log was written back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return path.stat().st_size


def commit_seconds(store: Store, start: int, name: str) -> float:
    """Seconds of CPU of the fastest of three commits of 1,000 documents."""
    best = float("inf")
    for number in range(3):
        records = list(make_records(1_000, start=start + number * 1_000))
        for record in records:
            _ = record.facts  # as a run does it, beside fetching
        started = time.process_time()
        commit(store, f"{name}-{number}", records)
        best = min(best, time.process_time() - started)
    return best


def as_record(base: Record, sample: Sample, url: str, kind: str) -> Record:
    from parsers.article import Paragraph as Text

    text = sample.text
    body = tuple(Text(told) for told in text.body)
    return replace(base, url=url, record_kind=kind, title=text.title or "", lead=text.lead, paragraphs=body)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help=f"{QUICK} documents instead of {DOCUMENTS}")
    options.add_argument("--only", choices=("quality", "cost", "large"), help="one part alone")
    told = options.parse_args()
    random.seed(1)
    if told.only in (None, "quality"):
        quality()
        imports()
    if told.only in (None, "cost"):
        cost()
    if told.only in (None, "large"):
        large(QUICK if told.quick else DOCUMENTS)


if __name__ == "__main__":
    main()
