"""Pictures: sound SVG that says what it shows, whatever the numbers."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.reports.pictures import MOST_SERIES, OTHERS, bars_by_name, columns_by_day

FIRST = date(2026, 3, 1)
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


def bars(svg: str) -> dict[str, ET.Element]:
    """The rectangles that stand for numbers, by what they tell when pointed at."""
    found = {}
    for element in ET.fromstring(svg).iter(f"{SVG}rect"):
        title = element.find(f"{SVG}title")
        if title is not None and title.text:
            found[title.text] = element
    return found


def test_columns_have_axes_labels_and_heights_in_proportion() -> None:
    series = {"nhandan": {FIRST: 40, FIRST + timedelta(days=1): 20}, "vov": {FIRST: 10}}
    svg = columns_by_day("New articles", "articles", FIRST, FIRST + timedelta(days=2), series)
    told = texts(svg)
    for expected in (
        "New articles",
        "articles",
        "day in Vietnam",
        "0",
        "50",
        "1.3.",
        "2.3.",
        "nhandan",
        "vov",
    ):
        assert expected in told
    drawn = bars(svg)
    heights = {name: float(element.attrib["height"]) for name, element in drawn.items()}
    assert heights.keys() == {"2026-03-01, nhandan: 40", "2026-03-01, vov: 10", "2026-03-02, nhandan: 20"}
    assert heights["2026-03-01, nhandan: 40"] == pytest.approx(2 * heights["2026-03-02, nhandan: 20"])
    low, high = drawn["2026-03-01, nhandan: 40"], drawn["2026-03-01, vov: 10"]
    assert float(high.attrib["y"]) + float(high.attrib["height"]) == pytest.approx(float(low.attrib["y"]))


def test_small_series_are_summed_up() -> None:
    series = {f"s{n:02}": {FIRST: 100 - n} for n in range(MOST_SERIES + 3)}
    drawn = bars(columns_by_day("t", "articles", FIRST, FIRST, series))
    assert len(drawn) == MOST_SERIES + 1
    assert f"2026-03-01, {OTHERS}: {93 + 92 + 91}" in drawn


def test_picture_without_numbers_says_so() -> None:
    assert "nothing yet" in texts(columns_by_day("t", "articles", FIRST, FIRST, {"a": {}}))
    assert "none" in texts(bars_by_name("t", "pages", {"video": 0}))


def test_bars_are_sorted_and_numbered() -> None:
    svg = bars_by_name("Rejected", "pages", {"video": 3, "paywall": 1200, "too-short": 3})
    told = texts(svg)
    assert [text for text in told if text in ("video", "paywall", "too-short")] == [
        "paywall", "too-short", "video",
    ]  # fmt: skip
    assert "1,200" in told


@given(st.dictionaries(st.text(max_size=12), st.integers(0, 10**12), max_size=30))
def test_everything_stays_inside_and_nothing_is_loaded(counts: dict[str, int]) -> None:
    days = [FIRST + timedelta(days=n) for n in range(3)]
    series = {name: {days[n % 3]: count} for n, (name, count) in enumerate(counts.items())}
    for svg in (
        columns_by_day("t", "articles", days[0], days[2], series),
        bars_by_name("t", "pages", counts),
    ):
        root = ET.fromstring(svg)
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for rect in root.iter(f"{SVG}rect"):
            if rect.attrib["width"] == "100%":
                continue
            x, y = float(rect.attrib["x"]), float(rect.attrib["y"])
            assert 0 <= x <= x + float(rect.attrib["width"]) <= width + 0.2
            assert -0.2 <= y <= y + float(rect.attrib["height"]) <= height + 0.2
        assert not re.search(
            r"(?:href|url\(|@import|<image|<script|\bon[a-z]+=)", re.sub(r">[^<]*<", "><", svg)
        )


def test_picture_has_colours_for_light_and_dark() -> None:
    svg = bars_by_name("t", "pages", {"a": 1})
    assert "prefers-color-scheme:dark" in svg
    assert 'class="back"' in svg
