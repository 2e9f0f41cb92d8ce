"""Generated text like Vietnamese news in what a store notices: its size, its letters, how well it packs.

Real news text takes 3.27 KB of UTF-8 a document, and zstd at level 3 packs it to .45 of that alone and to .33
with a trained dictionary. Random words would hardly pack; so words repeat as in a language (Zipf), and
phrases and the document's own names come back. `python -m tests.benchmarks.made_up` prints the figures.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from parsers.article import Paragraph, ParagraphKind
from parsers.folding import fold
from storage.records import Record

TEXT_BYTES = 3_270
"""Mean size of a document's text (lead and paragraphs) in UTF-8."""
_START = datetime(2026, 1, 1, tzinfo=UTC)

_ONSETS = "b c ch d đ g gi h k kh l m n ng ngh nh p ph qu r s t th tr v x"
_RIMES = (
    "a à á ả ã ạ an àn án ản ang àng áng anh ành ánh ao ào áo ay ày áy âm ấm ân ần ấn ất ật ăn ắt ặt e é "
    "ẹ em én eo ê ề ế ể ệ ên ền ến ết ệt i ì í ị ia iên tiến iện iết iệt in inh ình ít o ó ỏ ọ oan oàn "
    "oán oạt oi ói om on ông ổng ộng ơ ờ ở ợ ơi ời ới u ù ú ủ ụ ua uân uận ung ùng uy uyên uyền uyết ư ừ "
    "ứ ử ự ưa ưng ước ươi ương ường ưởng "
)


@dataclass(frozen=True)
class Language:
    """Words and phrases to draw from, the frequent ones first, with their cumulative weights."""

    words: list[str]
    word_weights: list[float]
    phrases: list[str]
    phrase_weights: list[float]


def make_language(seed: int = 1) -> Language:
    """A made-up language; the numbers were chosen so that its text packs as real text does."""
    rng = random.Random(seed)
    syllables = sorted({onset + rime for onset in _ONSETS.split() for rime in _RIMES.split()})
    rng.shuffle(syllables)
    words: dict[str, None] = {}
    while len(words) < 40_000:
        words[" ".join(rng.choices(syllables, k=rng.choice((1, 1, 2, 2, 2, 3))))] = None
    known = list(words)
    word_weights = list(accumulate(1 / (rank + 500) for rank in range(len(known))))
    phrases = [
        " ".join(rng.choices(known, cum_weights=word_weights, k=rng.choice((2, 3, 4, 6, 9))))
        for _ in range(40_000)
    ]
    phrase_weights = list(accumulate(1 / (rank + 2_000) for rank in range(len(phrases))))
    return Language(known, word_weights, phrases, phrase_weights)


def _sentence(rng: random.Random, language: Language, own: list[str]) -> str:
    parts: list[str] = []
    for _ in range(rng.randint(4, 8)):
        drawn = rng.random()
        if drawn < 0.29:
            parts.append(rng.choice(own))
        elif drawn < 0.65:
            parts += rng.choices(language.phrases, cum_weights=language.phrase_weights)
        else:
            parts += rng.choices(language.words, cum_weights=language.word_weights, k=rng.randint(1, 2))
        if drawn > 0.96:
            parts.append(str(rng.randint(1, 2030)))
    text = " ".join(parts)
    return text[0].upper() + text[1:] + rng.choice((".", ".", ".", ";", "?"))


def make_records(count: int, *, seed: int = 1, start: int = 0) -> Iterator[Record]:
    """Records `start` to `start + count - 1`: the same for the same seed, however they are asked for."""
    language = make_language()
    for number in range(start, start + count):
        yield make_record(number, language, random.Random(f"{seed}-{number}"))


def make_record(number: int, language: Language, rng: random.Random) -> Record:
    """One record; its URL tells its number."""
    own = [" ".join(rng.choices(language.words, k=3)).title() for _ in range(8)]
    size = TEXT_BYTES * rng.lognormvariate(-0.19, 0.45)
    lead = _sentence(rng, language, own)
    paragraphs: list[Paragraph] = []
    written = len(lead.encode())
    while written < size:
        text = " ".join(_sentence(rng, language, own) for _ in range(rng.randint(1, 3)))
        written += len(text.encode()) + 2
        paragraphs.append(Paragraph(text, ParagraphKind.PARAGRAPH))
    at = _START + timedelta(seconds=37 * number)
    title = _sentence(rng, language, own)[:65]
    slug = "-".join(fold(title).split()[:9])
    return Record(
        url=f"https://bao-{number % 20:02}.example/{slug}-post{number}.html",
        source=f"bao-{number % 20:02}",
        record_kind="article",
        title=title,
        lead=lead,
        paragraphs=tuple(paragraphs),
        captions=(_sentence(rng, language, own)[:60],),
        authors=(own[0],),
        agency=None,
        published_at=at,
        published_precision="minute",
        modified_at=None,
        section=language.words[number % 12],
        tags=tuple(rng.choices(language.words, k=2)),
        language="vi",
        kind="article",
        parser="generic",
        parser_version="1",
        fetched_at=at + timedelta(minutes=7),
        payload_sha256=rng.randbytes(32).hex(),
    )


def revised(record: Record, rng: random.Random) -> Record:
    """The record after an editor's work: one paragraph more."""
    again = rng.choice(record.paragraphs).text + " " + record.title
    return replace(record, paragraphs=(*record.paragraphs, Paragraph(again, ParagraphKind.PARAGRAPH)))


def _measure() -> None:
    import zstandard

    texts = [record.text.encode() for record in make_records(4_000)]
    samples: list[Any] = texts[:2_000]
    trained = zstandard.train_dictionary(110 * 1024, samples)
    size = sum(len(text) for text in texts[2_000:])
    print(f"UTF-8 bytes a document: {size / 2_000:.0f}")
    for name, packer in {
        "zstd-3": zstandard.ZstdCompressor(level=3),
        "zstd-3 with a dictionary": zstandard.ZstdCompressor(level=3, dict_data=trained),
    }.items():
        packed = sum(len(packer.compress(text)) for text in texts[2_000:])
        print(f"{name}: {packed / size:.3f} of it")


if __name__ == "__main__":
    _measure()
