"""`khotin topics`, and what `why`, `export` and `ingest` say of topics, as a user or a script meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage import open_store
from tests.command.test_command import answer, khotin
from tests.conftest import ROOT
from tests.flows.topic_site import KNOWN, TOPIC, article, grow, page
from tests.storage.test_commit import commit

SHIPPED = ROOT / "deployments" / "topics" / "thi-dua-an-ninh.toml"


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with seeds, off-topic articles and one of the topic, and a fitted model."""
    home = tmp_path_factory.mktemp("grown") / "data"
    with open_store(home, f"sqlite:///{home / 'khotin.db'}") as store:
        grow(store)
        commit(store, "one", article("giao-luu-cum"))
    done = khotin(home, "topics", "fit")
    assert done.returncode == 0, done.stderr
    assert "closeness model 1 of" in done.stdout
    assert "28 revisions scored" in done.stdout
    return home


def test_list_names_topics_and_model(grown: Path, tmp_path: Path) -> None:
    told = answer(grown, "topics", "list")
    (topic,) = told["topics"]
    assert (topic["name"], topic["version"], topic["sources"]) == (TOPIC.name, TOPIC.version, [])
    assert (told["closeness_model"]["id"], told["closeness_model"]["seeds"]) == (1, 5)
    assert "no source" in khotin(grown, "topics", "list").stdout
    fresh = khotin(tmp_path / "none", "topics", "list")
    assert "no closeness model" in fresh.stdout
    assert not (tmp_path / "none").exists()


def test_fit_again_makes_nothing_new(grown: Path) -> None:
    told = answer(grown, "topics", "fit")
    assert (told["id"], told["new"], told["documents_scored"]) == (1, False, 0)


def test_test_judges_files_of_all_kinds_and_documents(grown: Path, tmp_path: Path) -> None:
    text = KNOWN["ky-giao-uoc"].text
    lines = [text.title or "", text.lead or "", *text.body]
    (tmp_path / "bai.txt").write_text("\n\n".join(lines), "utf-8")
    (tmp_path / "000_00000000000000aa.txt").write_text("\n\n".join(lines), "utf-8")
    (tmp_path / "trang.html").write_bytes(page("bong-da-cup"))
    names = [str(tmp_path / name) for name in ("bai.txt", "000_00000000000000aa.txt", "trang.html")]
    told = answer(grown, "topics", "test", *names, "http://other.example/gia-ca-phe")
    assert [one["topics"][0]["matches"] for one in told] == [True, True, False, False]
    assert [bool(one["told_off_topic"]) for one in told] == [False, False, True, True]
    assert told[0]["closeness"] == told[1]["closeness"] > told[3]["closeness"]
    shown = khotin(grown, "topics", "test", names[0], names[2]).stdout
    assert "matches thi-dua-an-ninh: rule cum-thi-dua" in shown
    assert "“cụm thi đua” in text" in shown
    assert "does not match thi-dua-an-ninh: no rule holds" in shown
    assert f"closeness {told[0]['closeness']:.4f}: " in shown


def test_test_tells_what_cannot_be_judged(grown: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n", "utf-8")
    (tmp_path / "latin.txt").write_bytes(b"\xe0\xe1")
    for name, reason in (
        (str(tmp_path / "empty.txt"), "bad-input"),
        (str(tmp_path / "latin.txt"), "bad-input"),
        (str(tmp_path / "nothing.txt"), "not-found"),
        ("http://other.example/never-met", "unknown-url"),
    ):
        done = khotin(grown, "topics", "test", name)
        assert done.returncode == 2
        assert f"[{reason}]" in done.stderr


def test_why_tells_topic_closeness_and_terms(grown: Path) -> None:
    shown = khotin(grown, "why", "http://other.example/giao-luu-cum").stdout
    assert "topic thi-dua-an-ninh: rule cum-thi-dua" in shown
    assert "by model 1" in shown
    assert "terms: " in shown
    told = answer(grown, "why", "http://other.example/giao-luu-cum")
    (scored,) = told["closeness"]
    assert scored["model_id"] == 1
    assert f"closeness {scored['score']:.4f} by model 1" in shown
    assert told["topics"][0]["matches"]
    assert 0 < told["terms"][0]["score"] < 1
    far = khotin(grown, "why", "http://other.example/gia-ca-phe").stdout
    assert "topic" not in far


def test_export_by_topic_and_score_has_a_name_of_its_own(grown: Path) -> None:
    told = answer(grown, "export", "--topic", "thi-dua-an-ninh", "--min-score", "0.3")
    assert Path(told["file"]).name == "version-3-thi-dua-an-ninh-score-0.3.jsonl"
    assert told["documents"] + told["filtered"] == 28
    done = khotin(grown, "verify-export", told["file"])
    assert done.returncode == 0, done.stdout
    lines = khotin(grown, "export", "-", "--min-score", "0.3").stdout.splitlines()
    assert all(json.loads(line)["closeness"] >= 0.3 for line in lines)
    wrong = khotin(grown, "export", "--topic", "khac")
    assert wrong.returncode == 2
    assert "[no-such-topic]" in wrong.stderr


def test_scan_shows_what_a_changed_topic_would_change(grown: Path, tmp_path: Path) -> None:
    told = answer(grown, "topics", "scan")
    assert {(row["verdict"], row["documents"]) for row in told["counts"] if row["source"] == "seed"} == {
        ("matches", 5)
    }
    changed = tmp_path / "draft.toml"
    changed.write_text(
        SHIPPED.read_text("utf-8")
        + '\n[[rules]]\nname = "can-cuoc"\nmust = [{ phrases = ["căn cước"], times = 2 }]\n',
        "utf-8",
    )
    told = answer(grown, "topics", "scan", "--with", str(changed))
    assert {row["verdict"] for row in told["counts"]} == {"matches", "does not match", "would match"}
    differing = [one for one in told["documents"] if one["changed"]["matches"]]
    assert {one["url"] for one in differing} >= {"http://other.example/cap-can-cuoc"}
    shown = khotin(grown, "topics", "scan", "--with", str(changed)).stdout
    assert "would match" in shown
    assert "nothing was changed" in shown
    assert answer(grown, "topics", "list")["topics"][0]["version"] == TOPIC.version


def test_reconsider_on_a_store_without_off_topic_pages_does_nothing(grown: Path) -> None:
    done = khotin(grown, "topics", "reconsider", KHOTIN_TOPICS=str(SHIPPED.parent))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 off-topic pages: ")
    assert answer(grown, "topics", "reconsider", "--dry-run")["looked_at"] == 0
    assert khotin(grown, "topics", "reconsider", "--source", "khac").returncode == 2


def test_broken_topic_file_is_told_and_harms_no_ingest_that_needs_none(tmp_path: Path) -> None:
    topics = tmp_path / "topics"
    topics.mkdir()
    (topics / "hong.toml").write_text("name = 1", "utf-8")
    home = tmp_path / "data"
    done = khotin(home, "topics", "list", KHOTIN_TOPICS=str(topics))
    assert done.returncode == 2
    assert "[bad-topic-file] hong.toml: " in done.stderr
    assert khotin(home, "ingest", "--sample", KHOTIN_TOPICS=str(topics)).returncode == 0
