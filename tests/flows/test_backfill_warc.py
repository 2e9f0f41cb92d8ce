"""The backfill from WARC files: what is taken, what is skipped and why, broken files, and being killed."""

from __future__ import annotations

import gzip
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from flows.backfill_warc import WarcReport, backfill_from_warc
from flows.clock import SystemClock
from storage import Store, open_store
from storage.retraction import retract
from tests.conftest import ROOT
from tests.flows.backfills import die
from tests.flows.running import article_html, scripted_source
from tests.flows.warc_files import Told, write_warc

SOURCES = (scripted_source("a"), scripted_source("b"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "home", f"sqlite:///{tmp_path / 'home' / 'khotin.db'}") as opened:
        yield opened


def url(number: int, name: str = "a") -> str:
    return f"http://{name}.example/bai-{number}.html"


def told(number: int, name: str = "a") -> Told:
    return Told(url(number, name), article_html(number))


def take(store: Store, *paths: Path, every: int = 1000) -> WarcReport:
    return backfill_from_warc(paths, SOURCES, store, clock=SystemClock(), rng=random.Random(), every=every)


def urls(store: Store) -> list[str]:
    with store.documents(store.version()) as documents:
        return sorted(document.record.url for document in documents)


def test_articles_of_our_sources_are_taken_and_kept(store: Store, tmp_path: Path) -> None:
    path = write_warc(
        tmp_path / "CC-NEWS-1.warc.gz", [told(1), told(2, "b"), Told("http://c.example/x", b"x")]
    )
    report = take(store, path)
    assert urls(store) == [url(1), url(2, "b")]
    assert [version.message for version in store.versions()] == ["backfill from CC-NEWS-1.warc.gz"]
    (file,) = report.files
    assert (file.records, file.taken, dict(file.skipped), file.problem) == (3, 2, {"other-site": 1}, None)
    story = store.story(url(1))
    assert story.captures[0]["fetched_at"].isoformat() == "2026-03-02T01:00:00+00:00"
    assert store.raw(story.captures[0]["id"]) == article_html(1)
    assert story.outcomes[0]["found_in"] == "warc:CC-NEWS-1.warc.gz"


def test_the_same_file_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = write_warc(tmp_path / "f.warc.gz", [told(1), told(2)])
    take(store, path)
    again = take(store, path)
    assert again.results == []
    assert again.files[0].skipped == {"known": 2}
    assert len(store.story(url(1)).captures) == 1


def test_of_two_captures_of_a_page_the_newer_counts(store: Store, tmp_path: Path) -> None:
    old = Told(url(1), article_html(1, title="Bản cũ của tin này đã đăng"), at="2026-03-01T00:00:00Z")
    for number, order in enumerate(([old, told(1)], [told(1), old])):
        home = tmp_path / str(number)
        with open_store(home, f"sqlite:///{home / 'khotin.db'}") as other:
            report = take(other, write_warc(tmp_path / "f.warc.gz", order))
            with other.documents(other.version()) as documents:
                assert [d.record.title for d in documents] == ["Con đường mới số 1 đã được đưa vào sử dụng"]
            assert (report.files[0].taken, report.files[0].skipped) == (1, {"known": 1})


def test_so_many_pages_are_a_version(store: Store, tmp_path: Path) -> None:
    path = write_warc(tmp_path / "f.warc.gz", [told(number) for number in range(1, 91)])
    take(store, path, every=40)
    assert [version.added for version in store.versions()] == [40, 40, 10]


BOMB = gzip.compress(b"\0" * 20_000_000)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Told("http://c.example/bai-1.html", b"x"), "other-site"),
        (Told("http://a.example/khac.html", b"x"), "outside-pattern"),
        (Told("no address", b"x"), "bad-url"),
        (Told(url(1), b"gone", status="404 Not Found"), "not-200"),
        (Told(url(1), b"x", at="yesterday"), "no-date"),
        (Told(url(1), b"  \n"), "empty-body"),
        (Told(url(1), b"x" * 10_100_000), "too-large"),
        (Told(url(1), BOMB, headers=(("Content-Encoding", "gzip"),)), "bomb"),
        (Told(url(1), b"plain", headers=(("Content-Encoding", "gzip"),)), "bad-encoding"),
        (Told(url(1), BOMB[:-9], headers=(("Content-Encoding", "zstd"),)), "bad-encoding"),
        (
            Told(url(1), gzip.compress(b"x" * 99)[:-9], headers=(("Content-Encoding", "gzip"),)),
            "truncated-body",
        ),
    ],
)
def test_what_is_skipped_is_counted_by_its_reason(
    store: Store, tmp_path: Path, record: Told, reason: str
) -> None:
    report = take(store, write_warc(tmp_path / "f.warc.gz", [record, told(2)]))
    assert report.files[0].skipped == {reason: 1}
    assert urls(store) == [url(2)], "the others are taken"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(article_html(1)), (("Content-Encoding", "gzip"),)),
        (
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(article_html(1)), article_html(1)),
            (("Transfer-Encoding", "chunked"),),
        ),
        (article_html(1), (("Transfer-Encoding", "chunked"),)),
    ],
)
def test_bodies_are_kept_without_their_codings(
    store: Store, tmp_path: Path, body: bytes, headers: tuple[tuple[str, str], ...]
) -> None:
    take(store, write_warc(tmp_path / "f.warc.gz", [Told(url(1), body, headers=headers)]))
    assert store.raw(store.story(url(1)).captures[0]["id"]) == article_html(1)
    assert urls(store) == [url(1)]


def broken_files(folder: Path) -> dict[str, Path]:
    whole = write_warc(folder / "whole.warc.gz", [told(1), told(2), told(3)]).read_bytes()
    damaged = bytearray(whole)
    damaged[len(damaged) * 2 // 3] ^= 0xFF
    contents = {"cut": whole[:-200], "damaged": bytes(damaged), "text": b"no archive\n" * 99, "empty": b""}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {**{name: folder / name for name in contents}, "missing": folder / "nowhere", "folder": folder}


@pytest.mark.parametrize("name", ["cut", "damaged", "text", "empty", "missing", "folder"])
def test_a_broken_file_is_told_and_the_next_one_is_read(store: Store, tmp_path: Path, name: str) -> None:
    path = broken_files(tmp_path)[name]
    report = take(store, path, write_warc(tmp_path / "good.warc.gz", [told(7)]))
    problem = report.files[0].problem
    assert problem is not None
    assert problem.startswith("unreadable" if name in ("missing", "folder") else "broken-warc")
    assert report.files[1].problem is None
    assert url(7) in urls(store)
    if name == "cut":
        assert urls(store)[:2] == [url(1), url(2)], "what was read before the fault counts"


def test_retracted_pages_are_not_taken_back(store: Store, tmp_path: Path) -> None:
    path = write_warc(tmp_path / "f.warc.gz", [told(1), told(2)])
    take(store, path)
    now = SystemClock().now()
    retract(store, [url(1)], "asked for", purge=False, run_id="r", now=now, code_version="t")
    assert take(store, path).results == []
    assert urls(store) == [url(2)]


def test_an_article_that_is_known_under_another_address_is_known(store: Store, tmp_path: Path) -> None:
    numbered = scripted_source(article_pattern=r"^http://a\.example/[a-z-]+-(?P<id>\d+)\.html$")
    renamed = Told("http://a.example/tieu-de-moi-1.html", article_html(3))
    for told_now, skipped in ((told(1), {}), (renamed, {"known": 1})):
        report = backfill_from_warc(
            [write_warc(tmp_path / "f.warc.gz", [told_now])],
            [numbered],
            store,
            clock=SystemClock(),
            rng=random.Random(),
        )
        assert report.files[0].skipped == skipped
    assert urls(store) == [url(1)]


@pytest.mark.parametrize("point", ["capture", "commit"])
def test_a_killed_backfill_is_made_good_by_the_same_call(store: Store, tmp_path: Path, point: str) -> None:
    path = write_warc(tmp_path / "f.warc.gz", [told(number) for number in range(1, 101)])
    killed = subprocess.run(
        [sys.executable, "-m", "tests.flows.test_backfill_warc", str(tmp_path / "home"), str(path), point],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert [version.added for version in store.versions()] == [40]
    take(store, path, every=40)
    assert urls(store) == sorted(url(number) for number in range(1, 101))
    assert len(store.story(url(50)).captures) == 1, "what the killed one had kept is not kept twice"


def main(home: Sequence[str]) -> None:
    folder, path, point = home
    commits = 0

    class Dying(Store):
        def commit_run(self, *arguments: object, **named: object) -> object:  # type: ignore[override]
            nonlocal commits
            commits += 1
            if commits == 2 and point == "commit":
                die()
            return super().commit_run(*arguments, **named)  # type: ignore[arg-type]

        def capture(self, *arguments: object) -> list[int]:
            ids = super().capture(*arguments)  # type: ignore[arg-type]
            if commits == 1 and point == "capture":
                die()
            return ids

    with Dying(Path(folder), f"sqlite:///{Path(folder) / 'khotin.db'}") as store:
        store.prepare()
        take(store, Path(path), every=40)


if __name__ == "__main__":
    main(sys.argv[1:])
