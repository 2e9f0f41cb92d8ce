"""Topic files: the one that is shipped, what is read from one, and the faults that are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.configured import SHIPPED_TOPICS
from flows.sources import Source
from flows.topics import chosen_topics, load_topic, load_topics
from parsers import SeedDocument, parse_seed
from parsers.errors import NotFound, TopicFileError
from parsers.topics import Judged, Part, foretell, judge
from tests.flows.running import scripted_source
from tests.topic_texts import LABELS, samples

WHOLE = """
name = "the-thao"
title = "Thể thao"
anchors = ["bóng đá", "SEA Games"]
min_score = 0.05
notes = "thử"
must_not = [{ phrases = ["cá độ"], in = ["title", "lead"] }]

[spellings]
HLV = "huấn luyện viên"

[[rules]]
name = "bong-da"
must = [{ phrases = ["bóng đá", "futsal"], times = 2 }]
may = [{ phrases = ["HLV"] }, { phrases = ["thể thao"], in = ["section", "tags"] }]
at_least = 1
must_not = [{ phrases = ["bóng đá điện tử"] }]
min_score = 0.1
"""


TWICE = '[[rules]]\nname = "bong-da"\nmust = [{ phrases = ["a"] }]\n[[rules]]'


def write(folder: Path, text: str, name: str = "the-thao") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, "utf-8")
    return path


def test_file_becomes_a_topic(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    (topic,) = load_topics(tmp_path)
    assert (topic.name, topic.title, topic.anchors, topic.min_score) == (
        "the-thao", "Thể thao", ("bóng đá", "SEA Games"), 0.05
    )  # fmt: skip
    (rule,) = topic.rules
    assert (rule.name, rule.at_least, rule.min_score) == ("bong-da", 1, 0.1)
    assert (rule.must[0].phrases, rule.must[0].parts, rule.must[0].times) == (
        ("bóng đá", "futsal"), (Part.TITLE, Part.TEXT), 2
    )  # fmt: skip
    assert rule.may[1].parts == (Part.SECTION, Part.TAGS)
    text = Judged("Bóng đá", None, ("HLV đội bóng đá nói.",))
    assert judge(topic, text).matches
    assert not judge(topic, Judged("Bóng đá và cá độ", None, text.body)).matches
    assert chosen_topics((topic,), ("the-thao",)) == (topic,)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("the-thao\"", "khac\""), "name: 'khac' is not the name of the file"),
        (("[\"bóng đá\", \"futsal\"]", "[]"), "rules.0.must.0.phrases"),
        (("times = 2", "times = 0"), "rules.0.must.0.times"),
        (("times = 2", "in = [\"body\"]"), "rules.0.must.0.in.0"),
        (("times = 2", "often = 2"), "rules.0.must.0.often"),
        (("[\"HLV\"]", "[\"!!\"]"), "'!!' has 0 syllables: write 1 to 12"),
        (("[\"HLV\"]", f"[\"{'a ' * 13}\"]"), "has 13 syllables"),
        (("at_least = 1", "at_least = 3"), "at_least is 3, but there are 2 in may"),
        (("min_score = 0.1", "min_score = 1.5"), "rules.0.min_score"),
        (("HLV = \"huấn luyện viên\"", "\"H L V\" = \"huấn luyện viên\""), "spellings: 'H L V'"),
        (("[[rules]]", "[rules]"), "rules"),
        (("title = \"Thể thao\"", "title = "), "file: not TOML"),
        (("[[rules]]", TWICE), "two rules 'bong-da'"),
        (("[[rules]]", "[[rules]]\nname = \"moi\"\n[[rules]]"), "a rule needs must"),
    ],
)  # fmt: skip
def test_fault_is_told_with_file_and_key(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    assert change[0] in WHOLE
    write(tmp_path, WHOLE.replace(*change))
    with pytest.raises(TopicFileError) as caught:
        load_topics(tmp_path)
    assert caught.value.reason == "bad-topic-file"
    assert caught.value.message.startswith("the-thao.toml: ")
    assert told in caught.value.message


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "x = 1", "a")
    (tmp_path / "b.toml").write_bytes(b"\xff")
    write(tmp_path, WHOLE)
    with pytest.raises(TopicFileError) as caught:
        load_topics(tmp_path)
    lines = caught.value.message.splitlines()
    assert {line.split(":")[0] for line in lines} == {"a.toml", "b.toml"}
    assert "b.toml: file: not UTF-8" in lines
    with pytest.raises(TopicFileError):
        load_topics(tmp_path / "nowhere")


def test_single_file_may_have_any_name(tmp_path: Path) -> None:
    assert load_topic(write(tmp_path, WHOLE, "draft")).name == "the-thao"
    with pytest.raises(TopicFileError):
        load_topic(write(tmp_path, "name = 1", "draft"))


def test_topic_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    with pytest.raises(NotFound) as caught:
        chosen_topics(load_topics(tmp_path), ("thoi-su",))
    assert (caught.value.reason, caught.value.hint) == ("no-such-topic", "there are: the-thao")


def test_source_names_topics_only_if_it_keeps_to_them() -> None:
    assert scripted_source(keep="topic", topics=("the-thao",)).topics == ("the-thao",)
    assert scripted_source().keep == "all"
    for wrong in ({"topics": ("the-thao",)}, {"keep": "some"}):
        with pytest.raises(ValueError, match="keep"):
            scripted_source(**wrong)
    assert isinstance(scripted_source(), Source)


# -- the topic that is shipped -----------------------------------------------------------------------------

(SHIPPED,) = load_topics(SHIPPED_TOPICS)


@pytest.mark.parametrize("sample", samples("known"), ids=lambda sample: sample.name)
def test_shipped_topic_takes_its_own_and_leaves_the_rest(sample: object) -> None:
    from tests.topic_texts import Sample

    assert isinstance(sample, Sample)
    verdict = judge(SHIPPED, sample.text)
    told = foretell(SHIPPED, sample.text.title, sample.text.lead)
    assert (verdict.matches and told is None) is (sample.label == "topic"), verdict.why


def test_far_news_is_told_by_its_titles_alone() -> None:
    far = [sample for part in ("known", "held_out") for sample in samples(part) if sample.label == "far"]
    assert len(far) == 12
    assert all(foretell(SHIPPED, sample.text.title, None) is not None for sample in far)


def test_samples_are_enough_and_of_all_kinds() -> None:
    for part in ("known", "held_out"):
        labels = [sample.label for sample in samples(part)]
        assert len(labels) == 34
        assert set(labels) == set(LABELS)
        names = [sample.name for sample in samples(part)]
        assert len(set(names)) == len(names)


def test_all_real_seeds_match(shared: Path) -> None:
    files = sorted((shared / "seed_corpus").glob("*.txt"))
    assert len(files) == 5
    for path in files:
        seed = parse_seed(path.name, path.read_bytes())
        assert isinstance(seed, SeedDocument)
        text = Judged(seed.title, seed.lead, tuple(paragraph.text for paragraph in seed.paragraphs))
        verdict = judge(SHIPPED, text)
        assert verdict.matches, f"{path.name}: {verdict.why}"
        assert foretell(SHIPPED, seed.title, seed.lead) is None
