"""Closeness: the formulas, what the score means, and that a model is frozen."""

from __future__ import annotations

import hashlib
import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.closeness import K1, STEPS, TERMS, B, ClosenessModel, fit, from_bytes
from tests.topic_texts import samples

SEEDS = [
    b"cong an tinh so ket phong trao thi dua",
    b"cum thi dua cong an so ket cong tac",
    b"thi dua cong an xa so ket nam 2020",
]
BACKGROUND = [
    b"gia ca phe tang",
    b"cong an bat nhom trom",
    b"bong da toi nay",
    b"thoi tiet ngay mai",
    b"nong dan thi gat",
]


def written_out(model: ClosenessModel, text: bytes) -> float:
    """The raw score by the formula, term by term."""
    syllables = text.decode().split()
    terms = syllables + [f"{a} {b}" for a, b in pairwise(syllables)]
    total = 0.0
    for term, weight in model.terms:
        tf = terms.count(term)
        total += weight * tf / (tf + K1 * (1 - B + B * len(syllables) / model.mean_length))
    return total


def test_weights_are_those_of_robertson_and_sparck_jones() -> None:
    model = fit(SEEDS, BACKGROUND)
    weights = dict(model.terms)
    seeds, texts = 3, 8
    for term, r, n in (("so ket", 3, 3), ("cong an", 3, 4), ("thi", 3, 4), ("thi dua", 3, 3)):
        expected = math.log((r + 0.5) * (texts - n - seeds + r + 0.5) / ((n - r + 0.5) * (seeds - r + 0.5)))
        assert weights[term] == round(expected * 1_000_000)
    assert "tinh" not in weights, "of three seeds one alone tells nothing"
    assert not any(char.isdigit() for term in weights for char in term)
    assert model.mean_length == round(sum(len(text.split()) for text in SEEDS + BACKGROUND) / texts)


def test_score_is_the_formula_on_the_line_from_background_to_seeds() -> None:
    model = fit(SEEDS, BACKGROUND)
    for text in (b"cong an so ket thi dua thi dua", b"bong da", b"cong an xa", *SEEDS, *BACKGROUND):
        raw = written_out(model, text)
        assert model.raw(text) == pytest.approx(raw, rel=1e-12)
        place = (raw - model.zero) / (model.one - model.zero)
        assert model.score(text) == pytest.approx(min(max(place, 0.0), 1.0), abs=0.5 / STEPS + 1e-12)


def test_seeds_are_far_from_zero_and_the_background_is_near_it() -> None:
    model = fit(SEEDS, BACKGROUND)
    assert min(model.score(seed) for seed in SEEDS) > 0.9
    assert sorted(model.score(text) for text in BACKGROUND)[2] == 0.0


def test_shares_add_up_to_the_score() -> None:
    model = fit(SEEDS, BACKGROUND)
    text = b"cong an so ket bong da"
    shares = model.shares(text, TERMS)
    zero = model.zero / (model.one - model.zero)
    assert sum(share.score for share in shares) - zero == pytest.approx(model.score(text), abs=0.5 / STEPS)
    assert [share.score for share in shares] == sorted((share.score for share in shares), reverse=True)
    assert {share.term for share in shares} <= {"cong", "an", "so", "ket", "cong an", "so ket", "an so"}
    assert model.shares(text, 2) == shares[:2]


def test_abbreviations_count_as_what_they_stand_for() -> None:
    model = fit([b"vi an ninh to quoc", b"phong trao an ninh to quoc"], BACKGROUND)
    assert model.score(b"phong trao antq") == model.score(b"phong trao an ninh to quoc") > 0


def test_stored_model_gives_the_same_scores() -> None:
    model = fit(SEEDS, BACKGROUND)
    again = from_bytes(model.to_bytes())
    assert again == model
    assert again.to_bytes() == model.to_bytes()
    assert [again.steps(text) for text in SEEDS] == [model.steps(text) for text in SEEDS]


def test_order_of_the_texts_is_of_no_account() -> None:
    mixed = random.Random(1).sample(BACKGROUND, len(BACKGROUND))
    assert fit(SEEDS[::-1], mixed) == fit(SEEDS, BACKGROUND)


@pytest.mark.parametrize(
    ("seeds", "background"), [([], BACKGROUND), (SEEDS, []), ([b"gia vang"], [b"gia vang"]), ([b""], [b"a"])]
)
def test_nothing_to_tell_apart_is_no_model(seeds: list[bytes], background: list[bytes]) -> None:
    with pytest.raises(ValueError):
        fit(seeds, background)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": "khotin-closeness-2"}'])
def test_other_bytes_are_no_model(data: bytes) -> None:
    with pytest.raises(ValueError):
        from_bytes(data)


@given(st.lists(st.sampled_from(b"cong an thi dua so ket bong da gia".split()), max_size=60))
def test_score_lies_between_zero_and_one(words: list[bytes]) -> None:
    model = fit(SEEDS, BACKGROUND)
    assert 0.0 <= model.score(b" ".join(words)) <= 1.0


def test_golden_model_of_the_known_samples() -> None:
    """The format is frozen: another model or another score on any machine needs another name for it."""
    known = samples("known")
    seeds = [sample.folded for sample in known if sample.label == "topic"][:5]
    model = fit(seeds, [sample.folded for sample in known if sample.label != "topic"])
    assert hashlib.sha256(model.to_bytes()).hexdigest() == GOLDEN_MODEL
    scores = {sample.name: model.steps(sample.folded) for sample in samples("held_out")}
    assert {name: scores[name] for name in GOLDEN_SCORES} == GOLDEN_SCORES


GOLDEN_MODEL = "bec17f32544fab645850da00d49457752e575f045995e8b62d71896ec28a4b22"
GOLDEN_SCORES = {"cum-mien-bien": 9625, "toa-an-thi-dua": 4003, "giai-cuu-con-tin": 3088, "phim-tet": 0}
