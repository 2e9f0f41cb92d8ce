"""Pictures as SVG text: columns by day, bars by reason. Pure.

Each picture stands for itself: fonts of the reader's system, nothing loaded, a background of its own, and
colours for light and dark (`prefers-color-scheme`), so that it can be read wherever it is shown. The colours
of the series are those of Okabe and Ito (Color Universal Design, 2008): the colour-blind tell them apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from flows.reports.escaping import html

MOST_SERIES = 7
"""Series that have a colour of their own; the smaller ones are one, `others`."""

OTHERS = "others"
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#B8A800")
_OTHERS_COLOR = "#8A8F98"
_WIDTH = 800
_STYLE = (
    "<style>"
    ".back{fill:#ffffff}.text{fill:#1f2328;font:13px system-ui,sans-serif}.small{font-size:11px}"
    ".title{font-size:15px;font-weight:600}.soft{fill:#59636e}.line{stroke:#d1d9e0;stroke-width:1}"
    "@media (prefers-color-scheme:dark){.back{fill:#161b22}.text{fill:#e6edf3}.soft{fill:#9da7b3}"
    ".line{stroke:#3d444d}}"
    "</style>"
)


def columns_by_day(
    title: str, unit: str, first: date, last: date, series: Mapping[str, Mapping[date, int]]
) -> str:
    """Stacked columns, one for each day from `first` to `last`: `series` holds the counts by name and day.

    The largest series come first, from the bottom; beyond `MOST_SERIES` they are summed up.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    shown = _largest(series, days)
    totals = [sum(counts.get(day, 0) for _, counts in shown) for day in days]
    top, step = _scale(max(totals, default=0))
    left, right, upper, height = 56.0, 16.0, 48.0, 220.0
    width = _WIDTH - left - right
    legend = _legend([name for name, _ in shown], left, upper + height + 60)
    whole = upper + height + 60 + legend[1]
    parts = [_text(16, 26, title, "text title")]
    for value in range(0, top + 1, step):
        y = upper + height * (1 - value / top)
        parts.append(f'<line class="line" x1="{left}" x2="{_WIDTH - right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(left - 8, y + 4, _number(value), "text small soft", anchor="end"))
    parts.append(_text(16, upper - 8, unit, "text small soft"))
    slot = width / max(len(days), 1)
    bar = max(slot * 0.72, 1.0)
    for number, day in enumerate(days):
        x = left + slot * number + (slot - bar) / 2
        y = upper + height
        for place, (name, counts) in enumerate(shown):
            count = counts.get(day, 0)
            if not count:
                continue
            tall = height * count / top
            y -= tall
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar:.1f}" height="{tall:.1f}" '
                f'fill="{_color(name, place)}"><title>{day.isoformat()}, {html(name)}: {count}</title></rect>'
            )
        if totals[number] and slot >= 34:
            parts.append(
                _text(x + bar / 2, y - 5, _number(totals[number]), "text small soft", anchor="middle")
            )
        if number % _every(len(days)) == 0:
            told = f"{day.day}.{day.month}."
            parts.append(_text(x + bar / 2, upper + height + 17, told, "text small soft", anchor="middle"))
    if not any(totals):
        parts.append(_text(left + width / 2, upper + height / 2, "nothing yet", "text soft", anchor="middle"))
    parts.append(_text(left + width / 2, upper + height + 36, "day in Vietnam", "text small soft", "middle"))
    described = f"{title}: {sum(totals)} {unit} from {first.isoformat()} to {last.isoformat()}"
    return _svg(whole, [*parts, *legend[0]], title, described)


def bars_by_name(title: str, unit: str, counts: Mapping[str, int], *, most: int = 15) -> str:
    """Bars from left to right, the longest first; beyond `most` they are summed up."""
    ordered = sorted((item for item in counts.items() if item[1] > 0), key=lambda item: (-item[1], item[0]))
    shown = ordered[:most]
    rest = sum(count for _, count in ordered[most:])
    if rest:
        shown.append((OTHERS, rest))
    top, step = _scale(max((count for _, count in shown), default=0))
    left, right, upper, row = 210.0, 64.0, 44.0, 26.0
    width = _WIDTH - left - right
    height = row * max(len(shown), 1)
    parts = [_text(16, 26, title, "text title")]
    for value in range(0, top + 1, step):
        x = left + width * value / top
        parts.append(f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{upper}" y2="{upper + height}"/>')
        parts.append(_text(x, upper + height + 16, _number(value), "text small soft", anchor="middle"))
    for number, (name, count) in enumerate(shown):
        y = upper + row * number
        long = width * count / top
        color = _OTHERS_COLOR if name == OTHERS else _COLORS[0]
        parts.append(_text(left - 8, y + row / 2 + 4, name, "text", anchor="end", longest=32))
        parts.append(
            f'<rect x="{left}" y="{y + 4:.1f}" width="{long:.1f}" height="{row - 8:.1f}" fill="{color}">'
            f"<title>{html(name)}: {count}</title></rect>"
        )
        parts.append(_text(left + long + 6, y + row / 2 + 4, _number(count), "text small"))
    if not shown:
        parts.append(_text(left + width / 2, upper + row / 2 + 4, "none", "text soft", anchor="middle"))
    parts.append(_text(left + width / 2, upper + height + 34, unit, "text small soft", anchor="middle"))
    described = f"{title}: " + ", ".join(f"{name} {count}" for name, count in shown)
    return _svg(upper + height + 46, parts, title, described)


def _largest(
    series: Mapping[str, Mapping[date, int]], days: Sequence[date]
) -> list[tuple[str, Mapping[date, int]]]:
    sums = {name: sum(counts.get(day, 0) for day in days) for name, counts in series.items()}
    ordered = sorted((name for name in series if sums[name]), key=lambda name: (-sums[name], name))
    if len(ordered) <= MOST_SERIES:
        return [(name, series[name]) for name in ordered]
    rest = {day: sum(series[name].get(day, 0) for name in ordered[MOST_SERIES:]) for day in days}
    return [*((name, series[name]) for name in ordered[:MOST_SERIES]), (OTHERS, rest)]


def _color(name: str, place: int) -> str:
    return _OTHERS_COLOR if name == OTHERS or place >= len(_COLORS) else _COLORS[place]


def _scale(highest: int) -> tuple[int, int]:
    """The end of an axis and the distance of its lines: 1, 2 or 5 times a power of ten, five lines or so."""
    if highest <= 5:
        return max(highest, 1), 1
    rough = highest / 5
    power = 10 ** math.floor(math.log10(rough))
    step = int(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough))
    return math.ceil(highest / step) * step, step


def _every(days: int) -> int:
    """Each how many days are named below the columns."""
    return max(1, math.ceil(days / 16))


def _legend(names: Sequence[str], left: float, top: float) -> tuple[list[str], float]:
    """The marks of the series and the height that they take."""
    parts: list[str] = []
    x, y = left, top
    for place, name in enumerate(names):
        long = 30.0 + 7.2 * min(len(name), 32)
        if x + long > _WIDTH - 16 and x > left:
            x, y = left, y + 20
        parts.append(
            f'<rect x="{x:.1f}" y="{y - 10:.1f}" width="12" height="12" fill="{_color(name, place)}"/>'
        )
        parts.append(_text(x + 17, y, name, "text small", longest=32))
        x += long
    return parts, y - top + 14


def _number(value: int) -> str:
    return f"{value:,}"


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start", longest: int = 100) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html(text, longest)}</text>'


def _svg(height: float, parts: Sequence[str], title: str, described: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" '
        f'height="{height:.0f}" role="img" aria-label="{html(title)}">{_STYLE}'
        f"<desc>{html(described, 1_000)}</desc>"
        f'<rect class="back" width="100%" height="100%" rx="6"/>{"".join(parts)}</svg>'
    )
