"""What a verification found and what was published, as Markdown. Pure."""

from __future__ import annotations

from flows.checking import Check
from flows.publishing import Publication
from flows.reports.escaping import markdown
from flows.reports.run_report import markdown_table

MOST_FINDINGS = 200


def check_markdown(check: Check) -> str:
    """A verification as a page: the answer, what was looked at, each damage and each note."""
    store = check.store
    answer = "**sound**" if check.sound else f"**damaged in {len(check.findings)} places**"
    parts = [
        "# Verification",
        f"{markdown(store.location)}: {answer}. {store.versions} versions, {store.revisions} revisions, "
        f"{store.captures} raw pages{'' if store.archive else ' (not read)'}, "
        f"{len(check.exports)} publications.",
    ]
    if check.findings:
        rows = [(f.table, f.id, f.what, f.detail) for f in check.findings[:MOST_FINDINGS]]
        more = len(check.findings) - len(rows)
        parts.append(markdown_table(("where", "which", "what", "detail"), rows))
        parts.append(
            f"{f'… and {more} more. ' if more else ''}Keep the store as it is, and restore a backup."
        )
    if store.notes:
        parts.append("## Notes\n\n" + "\n".join(f"- {markdown(note, 400)}" for note in store.notes))
    return "\n\n".join(parts) + "\n"


def publication_markdown(publication: Publication | None) -> str:
    """A publication as a page: which version, under what name, where."""
    if publication is None:
        return "# Nothing published\n\nThe store holds no version yet.\n"
    state = "written now" if publication.written else "stood there already"
    rows = [
        ("version", str(publication.version)),
        ("documents", str(publication.documents)),
        ("form", publication.form.value),
        ("file", str(publication.target)),
        ("chain", publication.chain),
        ("state", state),
    ]
    table = markdown_table(("", ""), rows)
    return f"# {markdown(publication.tag)}\n\n{table}\n\n`khotin verify-export` checks it.\n"
