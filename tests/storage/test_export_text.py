"""The text form: what is exported is imported again by `khotin seed` as the same text."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest

from deployments.sample import SEEDS
from flows.clock import SystemClock
from flows.seed import import_seeds
from parsers import SeedDocument, parse_seed
from parsers.article import Paragraph, ParagraphKind
from parsers.urls import url_key
from storage import Record, Store, open_store
from storage.export_text import Fidelity, seed_file
from tests.flows.running import run_edition
from tests.storage.exported import URL, article, export, grow, words


def texts(store: Store) -> dict[str, str]:
    with store.documents(store.version()) as documents:
        return {d.record.url: d.record.text for d in documents}


def listing(folder: Path) -> dict[str, dict[str, str]]:
    lines = (folder / ".khotin/files.jsonl").read_bytes().splitlines()
    return {row["id"]: row for row in map(orjson.loads, lines)}


async def test_sample_corpus_goes_out_and_comes_back_with_the_same_texts(
    store: Store, tmp_path: Path
) -> None:
    import_seeds(store, SEEDS, clock=SystemClock(), rng=random.Random(11))
    await run_edition(store, 1)
    await run_edition(store, 2)
    folder = export(store, tmp_path / "out", "text")
    files = listing(folder)
    with open_store(tmp_path / "b", f"sqlite:///{tmp_path / 'b' / 'khotin.db'}") as other:
        report = import_seeds(other, folder, clock=SystemClock(), rng=random.Random(11))
        assert report.problems == ()
        back = texts(other)
    wanted = texts(store)
    assert len(back) == len(wanted) == len(files)
    for url, text in wanted.items():
        file = files[url]
        read = back[f"seed:{file['file'].partition('_')[2].removesuffix('.txt')}"]
        assert read.split() == text.split()
        if file["fidelity"] != "same-words":
            assert read == text.replace("\n\n", "\n").replace("\n", "\n\n")
    assert sum(file["fidelity"] == "whole" for file in files.values()) >= len(files) * 0.9


def test_names_are_the_seeds_own_ids_and_the_keys_of_addresses(store: Store, tmp_path: Path) -> None:
    import_seeds(store, SEEDS, clock=SystemClock(), rng=random.Random(11))
    grow(store)
    names = {path.name.partition("_")[2] for path in export(store, tmp_path / "out", "text").glob("*.txt")}
    assert {path.name.partition("_")[2] for path in SEEDS.glob("*.txt")} <= names
    assert f"{url_key(URL.format(0))[:16]}.txt" in names


def read_back(record: Record) -> tuple[SeedDocument, Fidelity]:
    file = seed_file(7, record)
    read = parse_seed(file.name, file.data)
    assert isinstance(read, SeedDocument)
    return read, file.fidelity


@pytest.mark.parametrize(
    ("precision", "prefix"), [("second", " date 2026-03-02 "), ("month", " date 2026-03 "), ("year", "Tựa")]
)
def test_date_is_written_as_far_as_it_is_known(precision: str, prefix: str) -> None:
    data = seed_file(7, article(0, published_precision=precision)).data.decode()
    assert data.startswith(prefix)


@pytest.mark.parametrize(
    ("record", "title"),
    [
        (article(0), "Tựa bài số 0"),
        (article(0, title="Giá vàng ngày 4/3/2026"), "Giá vàng ngày 4/3/2026"),
        (article(0, authors=("Lê Hà",), paragraphs=(Paragraph(words(1) + "."), Paragraph("Trần Văn Nam"))),
         "Tựa bài số 0"),
    ],
)  # fmt: skip
def test_document_comes_back_whole(record: Record, title: str) -> None:
    read, fidelity = read_back(record)
    assert (read.text, read.title, fidelity) == (record.text, title, Fidelity.WHOLE)
    assert read.published_at is not None
    assert record.published_at is not None
    assert read.published_at.date() == record.published_at.date()


@pytest.mark.parametrize("title", ["Vì sao giá vàng tăng?", "", "Một câu dài. Rồi một câu nữa."])
def test_title_that_would_be_taken_for_text_is_left_out(title: str) -> None:
    record = article(0, title=title)
    read, _ = read_back(record)
    assert read.text == record.text


@pytest.mark.parametrize(
    "lines",
    [
        [words(1) + ".", "Đại biểu chụp ảnh. Ảnh: Trần Bình", words(2) + "."],
        [words(1) + ".", "Hai lần.", "Hai lần.", words(2) + "."],
        [words(1) + ".", words(2) + ".", "Nguyễn Văn An"],
        ["(Dân trí) - " + words(1) + ".", words(2) + "."],
    ],
)
def test_line_that_its_reader_would_drop_is_kept_within_another(lines: list[str]) -> None:
    record = article(0, lead=None, authors=(), paragraphs=tuple(map(Paragraph, lines)))
    file = seed_file(7, record)
    read = parse_seed(file.name, file.data)
    assert isinstance(read, SeedDocument)
    assert read.text.split() == record.text.split()
    assert file.fidelity is not Fidelity.CHANGED


def test_document_without_text_is_told_as_changed() -> None:
    assert seed_file(7, article(0, lead=None, paragraphs=())).fidelity is Fidelity.CHANGED


def test_lists_and_tables_come_back_line_by_line() -> None:
    table = Paragraph("Giống | Giá\nLúa | 9.200 đồng", ParagraphKind.TABLE)
    record = article(0, paragraphs=(Paragraph(words(1) + "."), table, Paragraph(words(2) + ".")))
    read, _ = read_back(record)
    assert read.text.split() == record.text.split()
