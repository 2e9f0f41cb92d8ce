"""Static pages: one HTML file each that holds all it needs and loads nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flows.health import Health, SourceHealth
from flows.reports.escaping import html, html_link
from flows.reports.health_report import articles_picture, day_rows, reasons_picture, source_rows
from flows.reports.run_report import local_time, sum_rows
from storage import Ending, RunFacts

MARK = '<meta name="generator" content="khotin">'
"""Stands near the beginning of each page: what may be replaced by a newer one is told by it."""

# Not even a hostile title that got through could load or run anything.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:.5rem 0;font-size:14px;display:block;overflow-x:auto}
th,td{padding:.25rem .6rem;border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent);
text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.bad{font-weight:600;color:#c0392b}@media (prefers-color-scheme:dark){.bad{color:#ff8a75}}
svg{max-width:100%;height:auto;margin:.5rem 0}pre{overflow-x:auto}summary{cursor:pointer;margin:.4rem 0}
"""


def health_page(health: Health) -> str:
    """The health of all sources, with the pictures and a table of days for each source."""
    body = [
        "<h1>Health of the sources</h1>",
        f"<p>{local_time(health.at)} in Vietnam; last run that came to its end: "
        f"{local_time(health.last_success) or 'none'}.</p>",
        _list((f"{f.source or 'all'}: {f.ailment}: {f.detail}" for f in health.findings), "nothing is wrong"),
        articles_picture(health),
        reasons_picture(health),
        "<h2>Now</h2>",
        _table(source_rows(health)),
        "<h2>Sources by day</h2>",
        *(_source(source) for source in health.sources),
    ]
    return _page("khotin: health of the sources", body)


def _source(source: SourceHealth) -> str:
    rows = day_rows(source.days)
    told = _table(rows) if rows else "<p>No run has asked it in these days.</p>"
    opened = " open" if source.findings else ""
    state = f'<span class="bad">{html(source.state)}</span>' if source.findings else html(source.state)
    return (
        f'<details{opened} id="{html(source.name)}"><summary>{html(source.title)} ({html(source.name)}): '
        f"{state}</summary>{_list((f'{f.ailment}: {f.detail}' for f in source.findings), '')}{told}</details>"
    )


def run_page(facts: RunFacts) -> str:
    """What one run came to: the same as its report in Markdown, without the diffs of texts."""
    run = facts.run
    version = facts.version
    body = [
        f"<h1>{html(run.label or run.kind)}</h1>",
        f"<p>Run <code>{html(run.run_id)}</code> ({html(run.kind)}): <strong>{html(run.state)}</strong>, "
        f"began {local_time(run.started_at)}, ended {local_time(run.finished_at) or 'not yet'}.</p>",
    ]
    if run.detail:
        body.append(f'<p class="bad">{html(run.detail, 500)}</p>')
    if run.tallies:
        body += ["<h2>Sums</h2>", _table(sum_rows(facts))]
    problems = [f"{tally.source}: {problem}" for tally in run.tallies for problem in tally.problems]
    if problems:
        body += ["<h2>What was wrong</h2>", _list(problems, "")]
    if version is not None:
        body.append(
            f"<h2>Version {version.id}</h2><p>{version.added} added, {version.revised} revised, "
            f"{version.retracted} retracted; {version.documents} documents in all. "
            f"Chain <code>{html(version.chain)}</code>.</p>"
        )
    if facts.articles:
        cells = [
            (html(a.source), html(a.ending), html_link(a.title, a.url), str(a.word_count),
             local_time(a.published_at))
            for a in facts.articles
        ]  # fmt: skip
        columns = ("source", "", "article", "syllables", "published")
        body += ["<h2>New articles</h2>", _cells(columns, cells, numbers=(3,))]
    if facts.copies:
        cells_of_copies = [
            (html(c.source), html_link(c.url, c.url), html(c.reason), html_link(c.partner_url, c.partner_url),
             "" if c.jaccard is None else f"{c.jaccard:.2f}")
            for c in facts.copies
        ]  # fmt: skip
        columns_of_copies = ("source", "kept out", "reason", "copy of", "jaccard")
        body += ["<h2>Duplicates</h2>", _cells(columns_of_copies, cells_of_copies, numbers=(4,))]
    others = [
        {"source": r.source, "ending": r.ending, "reason": r.reason, "pages": r.count}
        for r in facts.reasons
        if r.ending in (Ending.REJECTED, Ending.FAILED, Ending.DEFERRED)
    ]
    if others:
        body += ["<h2>Rejected, failed, put off</h2>", _table(others)]
    return _page(f"khotin: {run.label or run.kind} {run.run_id}", body)


def _page(title: str, body: Iterable[str]) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'{MARK}<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{html(title)}</title><style>{_STYLE}</style></head><body>\n" + "\n".join(body)
        + "\n</body></html>\n"
    )  # fmt: skip


def _list(items: Iterable[str], otherwise: str) -> str:
    lines = "".join(f"<li>{html(item, 500)}</li>" for item in items)
    return f'<ul class="findings">{lines}</ul>' if lines else f"<p>{html(otherwise)}</p>" if otherwise else ""


def _table(rows: Sequence[dict[str, object]]) -> str:
    columns = tuple(rows[0]) if rows else ()
    numbers = tuple(
        n for n, name in enumerate(columns) if all(isinstance(row[name], int | float) for row in rows)
    )
    return _cells(columns, [tuple(html(str(cell)) for cell in row.values()) for row in rows], numbers=numbers)


def _cells(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    def cell(tag: str, number: int, text: str) -> str:
        return f"<{tag}{' class=n' if number in numbers else ''}>{text}</{tag}>"

    head = "".join(cell("th", n, html(name)) for n, name in enumerate(columns))
    body = "".join(f"<tr>{''.join(cell('td', n, text) for n, text in enumerate(row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
