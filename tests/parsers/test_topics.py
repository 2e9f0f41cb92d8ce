"""Phrases and topics: what matches, what does not, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.compare import fold_all
from parsers.phrases import PhraseFinder
from parsers.topics import (
    Judged,
    Part,
    Phrases,
    Rule,
    Topic,
    foretell,
    judge,
    title_of_address,
)

TEXT = Judged(
    "Cụm thi đua số 6 sơ kết",
    "Công an năm quận họp bàn.",
    ("Phong trào thi đua “Vì an ninh Tổ quốc” được đẩy mạnh.", "Thi đua phải thực chất."),
    "An ninh - Xã hội",
    ("thi đua", "công an Hà Nội"),
)


def folded(text: str) -> bytes:
    return fold_all([text])[0][0]


def found(phrases: list[str], text: str) -> dict[str, int]:
    finder = PhraseFinder(phrases)
    counts = finder.find(folded(text))
    return {phrase: counts[finder.key(phrase)] for phrase in phrases if finder.key(phrase) in counts}


def topic(*rules: Rule, **more: object) -> Topic:
    return replace(Topic("chu-de", "Chủ đề", rules), **more)  # type: ignore[arg-type]


def has(*phrases: str, parts: tuple[Part, ...] = (Part.TITLE, Part.TEXT), times: int = 1) -> Phrases:
    return Phrases(phrases, parts, times)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("an ninh Tổ quốc", "phong trào bảo vệ ANTQ"),
        ("ANTQ", "vì An Ninh Tổ Quốc"),
        ("Công an nhân dân", "lực lượng CAND"),
        ("Công an thành phố", "Phó Giám đốc CATP Hà Nội"),
        ("Công an thành phố", "Công an TP. Cần Thơ"),
        ("hoà bình", "HÒA BÌNH"),
        ("ủy ban nhân dân", "UBND tỉnh"),
        ("Công an TP Hồ Chí Minh", "công an TPHCM"),
        ("thi đua", "thi đua"),
    ],
)
def test_phrase_is_found_in_any_spelling(phrase: str, text: str) -> None:
    assert found([phrase], text) == {phrase: 1}


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("thi đua", "thi"),
        ("an ninh", "toan ninh"),
        ("cum thi", "cum thich"),
        ("công an", "công ăng"),
        ("a", ""),
    ],
)
def test_phrase_stands_for_whole_syllables_only(phrase: str, text: str) -> None:
    assert found([phrase], text) == {}


def test_phrases_overlap_and_each_is_counted() -> None:
    text = "an ninh tổ quốc, an ninh trật tự, vì an ninh tổ quốc"
    phrases = ["an ninh", "an ninh tổ quốc", "vì an ninh tổ quốc", "tổ quốc an ninh"]
    assert found(phrases, text) == dict(zip(phrases, (3, 2, 1, 1), strict=True))


@given(
    st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=30),
    st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4), min_size=1, max_size=6),
)
def test_finder_counts_what_a_search_for_each_phrase_counts(
    words: list[str], phrases: list[list[str]]
) -> None:
    text = " ".join(words)
    expected = {}
    for phrase in phrases:
        size = len(phrase)
        times = sum(words[i : i + size] == phrase for i in range(len(words) - size + 1))
        if times:
            expected[" ".join(phrase)] = times
    assert found([" ".join(phrase) for phrase in phrases], text) == expected


def test_topic_knows_abbreviations_of_its_own() -> None:
    rule = Rule("r", must=(has("trật tự an toàn giao thông"),))
    text = Judged("Giữ TTATGT dịp lễ")
    assert not judge(topic(rule), text).matches
    assert judge(topic(rule, spellings={"TTATGT": "trật tự an toàn giao thông"}), text).matches


@pytest.mark.parametrize(
    ("group", "holds"),
    [
        (has("sơ kết", parts=(Part.TITLE,)), True),
        (has("sơ kết", parts=(Part.TEXT,)), False),
        (has("họp bàn", parts=(Part.LEAD,)), True),
        (has("họp bàn", parts=(Part.TEXT,)), True),
        (has("thực chất", parts=(Part.LEAD,)), False),
        (has("an ninh", parts=(Part.SECTION,)), True),
        (has("thể thao", parts=(Part.SECTION,)), False),
        (has("công an", parts=(Part.TAGS,)), True),
        (has("thi đua công an", parts=(Part.TAGS,)), False),
        (has("thi đua", times=3), True),
        (has("thi đua", times=4), False),
        (has("thi đua", "công an", times=4), True),
        (has("đẩy mạnh thi đua", parts=(Part.TEXT,)), True),
    ],
)
def test_rule_asks_for_phrases_in_their_parts(group: Phrases, holds: bool) -> None:
    assert judge(topic(Rule("r", must=(group,))), TEXT).matches is holds


def test_all_that_must_stand_and_nothing_that_must_not() -> None:
    both = Rule("r", must=(has("cụm thi đua"), has("công an")))
    assert judge(topic(both), TEXT).matches
    assert not judge(topic(replace(both, must=(*both.must, has("ngân hàng")))), TEXT).matches
    assert not judge(topic(replace(both, must_not=(has("thực chất"),))), TEXT).matches
    assert not judge(topic(both, must_not=(has("thực chất"),)), TEXT).matches


def test_of_what_may_stand_enough_must() -> None:
    may = (has("phong trào"), has("ngân hàng"), has("quận"))
    assert judge(topic(Rule("r", may=may, at_least=2)), TEXT).matches
    assert not judge(topic(Rule("r", may=may, at_least=3)), TEXT).matches


def test_one_rule_is_enough_and_all_that_hold_are_named() -> None:
    no, yes, too = (Rule(n, must=(has(p),)) for n, p in (("a", "bóng đá"), ("b", "công an"), ("c", "sơ kết")))
    verdict = judge(topic(no, yes, too), TEXT)
    assert verdict.rules == ("b", "c")
    assert verdict.found == ("“công an” in text", "“sơ kết” in title")
    assert verdict.told == (
        f"topic chu-de {verdict.version}: rule b, c: “công an” in text, “sơ kết” in title"
    )


def test_verdict_says_what_was_missing() -> None:
    verdict = judge(topic(Rule("a", must=(has("bóng đá", "bóng rổ"),))), TEXT, 0.5)
    assert not verdict.matches
    assert verdict.why == "no rule holds: a (without “bóng đá” or 1 more in title or text)"
    assert verdict.told.endswith("; closeness 0.5000")


def test_score_decides_only_where_it_is_known() -> None:
    rule = Rule("r", must=(has("công an"),), min_score=0.3)
    assert judge(topic(rule), TEXT).matches
    assert judge(topic(rule), TEXT, 0.3).matches
    verdict = judge(topic(rule), TEXT, 0.29)
    assert (verdict.matches, verdict.why) == (False, "no rule holds: r (closeness is below 0.3)")
    assert not judge(topic(Rule("r", must=(has("công an"),)), min_score=0.5), TEXT, 0.4).matches


def test_version_changes_with_what_decides_and_with_nothing_else() -> None:
    rule = Rule("r", must=(has("công an", "cảnh sát"),))
    base = topic(rule, anchors=("công an",))
    same = [
        replace(base, title="Tên khác"),
        topic(Rule("r", must=(has("cảnh sát", "công an"),)), anchors=("công an",)),
    ]
    assert {one.version for one in same} == {base.version}
    others = [
        topic(rule),
        topic(rule, anchors=("công an",), min_score=0.1),
        topic(rule, anchors=("công an",), must_not=(has("bắt"),)),
        topic(rule, anchors=("công an",), spellings={"CA": "công an"}),
        topic(replace(rule, min_score=0.2), anchors=("công an",)),
        topic(Rule("r", must=(has("công an", "cảnh sát", times=2),)), anchors=("công an",)),
        topic(Rule("r", must=(has("công an", "cảnh sát", parts=(Part.TITLE,)),)), anchors=("công an",)),
        topic(Rule("r", may=(has("công an", "cảnh sát"),), at_least=1), anchors=("công an",)),
    ]
    assert len({base.version, *(other.version for other in others)}) == len(others) + 1


def test_title_and_lead_tell_what_cannot_match() -> None:
    rules = Rule("r", must=(has("công an"),))
    chosen = topic(rules, anchors=("công an", "ANTQ"), must_not=(has("bắt giữ", parts=(Part.TITLE,)),))
    assert foretell(chosen, "Bóng đá tối nay", "Hai đội ra sân.") is not None
    assert foretell(chosen, "Bóng đá tối nay", None) is not None
    assert foretell(chosen, "Bóng đá tối nay", "Đội của Công an ra sân.") is None
    assert foretell(chosen, "Phong trào bảo vệ an ninh Tổ quốc", None) is None
    barred = foretell(chosen, "Công an bắt giữ nhóm trộm", None)
    assert barred is not None
    assert "bắt giữ" in barred.why
    assert foretell(chosen, None, "Hai đội ra sân.") is None, "without a title nothing is told"
    assert foretell(topic(rules), "Bóng đá tối nay", None) is None, "a topic without anchors reads all"


def test_what_must_not_stand_in_the_text_is_looked_for_in_the_lead_only() -> None:
    chosen = topic(
        Rule("r", must=(has("công an"),)), must_not=(has("bóng đá", parts=(Part.LEAD, Part.TEXT)),)
    )
    assert foretell(chosen, "Bóng đá công an", None) is None
    assert foretell(chosen, "Công an", "Giải bóng đá") is not None


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("https://a.example/cum-thi-dua-so-6-so-ket-post123.html", "cum thi dua so 6 so ket"),
        (
            "https://a.example/phap-luat/202007/cong-an-tinh-hop-so-ket-905613/index.htm",
            "cong an tinh hop so ket",
        ),
        ("https://a.example/Xa-hoi/Bao-ve-an-ninh-To-quoc-i812345/", "bao ve an ninh to quoc"),
        ("https://a.example/video-moi-123.html", None),
        ("https://a.example/", None),
        ("https://a.example/bai-12345.html", None),
    ],
)
def test_address_spells_out_the_title(url: str, title: str | None) -> None:
    assert title_of_address(url) == title


@given(st.text(max_size=60), st.text(max_size=60), st.lists(st.text(max_size=80), max_size=3))
def test_any_text_is_judged(title: str, lead: str, body: list[str]) -> None:
    verdict = judge(topic(Rule("r", must=(has("công an"),))), Judged(title, lead, tuple(body)))
    assert verdict.why
