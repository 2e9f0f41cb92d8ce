"""`khotin duplicates` and `khotin index` as a user or a script meets them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from storage import open_store
from tests.command.test_command import answer, khotin
from tests.conftest import START
from tests.storage.test_commit import commit
from tests.storage.test_kin import article, body, cut, reworded

COPY, ORIGINAL, NEAR = (f"http://a.example/{n}" for n in (3, 1, 4))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two documents, a reprint that was kept out, a near relative, and a seed with a copy."""
    path = tmp_path / "data"
    with open_store(path, f"sqlite:///{path / 'khotin.db'}") as store:
        commit(store, "r1", article(1, body(1)), article(2, body(2)))
        late = START + timedelta(days=1)
        commit(store, "r2", article(3, cut(body(1)), published_at=late), article(4, reworded(body(2))))
        seeds = [article(5, body(5)), article(6, cut(body(5)), published_at=late)]
        commit(
            store, "r3", *(replace(seed, record_kind="seed", url=f"seed:{seed.url[-1]}") for seed in seeds)
        )
    return path


def test_list_and_show_tell_what_was_found_with_its_scores(home: Path) -> None:
    told = answer(home, "duplicates", "list")
    assert told["counts"] == {"duplicate": 0, "reprint": 2, "part": 0, "near": 1, "series": 0}
    assert [row["url"] for row in told["kin"]] == ["seed:6", COPY]
    (near,) = answer(home, "duplicates", "list", "--relation", "near")["kin"]
    assert (near["url"], near["partner_url"]) == (NEAR, "http://a.example/2")
    shown = answer(home, "duplicates", "show", COPY)
    assert [(m["url"], m["canonical"]) for m in shown["members"]] == [(ORIGINAL, True), (COPY, False)]
    assert shown["kin"][0]["jaccard"] > 0.6
    text = khotin(home, "duplicates", "show", COPY).stdout
    assert "kept out" in text
    assert "(the original)" in text
    assert "reprint" in khotin(home, "duplicates", "list").stdout
    done = khotin(home, "duplicates", "show", "http://a.example/99")
    assert done.returncode == 2
    assert "no-kin" in done.stderr


def test_why_tells_partner_and_scores(home: Path) -> None:
    text = khotin(home, "why", COPY).stdout
    assert f"(reprint) of {ORIGINAL}" in text
    assert "jaccard" in text
    assert answer(home, "why", COPY)["kin"][0]["partner_url"] == ORIGINAL


def test_rulings_are_on_record_and_hold(home: Path) -> None:
    assert khotin(home, "duplicates", "keep", COPY).returncode == 2
    assert khotin(home, "duplicates", "keep", COPY, "--reason", "their own").returncode == 0
    done = khotin(
        home, "duplicates", "mark", "http://a.example/7", "--of", "http://a.example/99", "--reason", "x"
    )
    assert "no-such-document" in done.stderr
    assert (
        khotin(home, "duplicates", "mark", "http://a.example/7", "--of", ORIGINAL, "--reason", "x").returncode
        == 0
    )
    with open_store(home, f"sqlite:///{home / 'khotin.db'}") as store:
        assert [page.url for page in store.pending("a", START + timedelta(days=9999), timedelta(0))] == [COPY]
        result = commit(store, "r9", article(3, cut(body(1))), article(7, body(7)))
    assert [end.ending for _, end in result.ends] == ["stored", "duplicate"]
    assert "ruled: keep: their own" in khotin(home, "why", COPY).stdout
    assert khotin(home, "duplicates", "unrule", COPY, "--reason", "no").returncode == 0


def test_scan_proposes_the_copies_inside_and_retracts_them_as_a_version(home: Path) -> None:
    dry = answer(home, "duplicates", "scan", "--dry-run")
    assert [(p["url"], p["partner_url"]) for p in dry["proposals"]] == [("seed:6", "seed:5")]
    assert dry["version"] is None
    assert "seed:6" in khotin(home, "duplicates", "scan", "--dry-run").stdout
    assert "not-confirmed" in khotin(home, "duplicates", "scan").stderr
    done = answer(home, "duplicates", "scan", "--yes")
    assert (done["version"]["kind"], done["version"]["retracted"]) == ("retract", 1)
    assert answer(home, "duplicates", "scan", "--dry-run")["proposals"] == []
    assert "no copies" in khotin(home, "duplicates", "scan").stdout


def test_index_is_rebuilt(home: Path) -> None:
    assert answer(home, "index", "rebuild") == {"sketched": 0, "revisions": 5}
    assert "5 texts sketched" in khotin(home, "index", "rebuild", "--texts").stdout
