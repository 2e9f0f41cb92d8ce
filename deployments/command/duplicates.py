"""`khotin duplicates` and `khotin index`: what is on record of likeness, rulings, and the index."""

from __future__ import annotations

import random
import sys
from typing import Annotated, Any

import typer

from deployments.command.app import JsonOption, app, load_settings, open_configured_store
from deployments.command.arguments import document_id
from deployments.command.output import clean, local_time, out, print_json, table
from deployments.command.progress import counted
from flows.clock import SystemClock
from flows.ingest import new_run_id
from flows.settings import CODE_VERSION
from parsers.errors import UserError
from parsers.relations import Relation
from storage import VersionRow
from storage.duplicates import Proposal, retract_copies, scan
from storage.kin import Verdict
from storage.resketch import rebuild
from storage.sightings import Cluster, count_kin, read_cluster, read_kin, rule

duplicates_app = typer.Typer(
    help="Look at duplicates, rule on them, find those inside.", no_args_is_help=True
)
app.add_typer(duplicates_app, name="duplicates")
index_app = typer.Typer(help="The index of texts that are alike.", no_args_is_help=True)
app.add_typer(index_app, name="index")

UrlArgument = Annotated[str, typer.Argument(help="Address of an article, or id of a seed.", metavar="URL")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; stays on record.", metavar="TEXT")]


@duplicates_app.command(
    "list",
    help=(
        "List what was found to be like a known text, newest first: duplicates and reprints, which were kept "
        "out, and with [bold]--relation[/bold] what stayed (near, part, series)."
    ),
)
def list_command(
    relation: Annotated[
        list[Relation] | None, typer.Option("--relation", help="Only these; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="So many at most.")] = 20,
    as_json: JsonOption = False,
) -> None:
    wanted = [each.value for each in relation or (Relation.DUPLICATE, Relation.REPRINT)]
    with open_configured_store(load_settings(), create=False) as store, store.reading() as connection:
        counts = count_kin(connection)
        rows = read_kin(connection, wanted, limit)
    if as_json:
        print_json({"counts": counts, "kin": rows})
        return
    listing = table(None, "at", "relation", "jaccard", "document", "is like", numbers=("jaccard",))
    for row in rows:
        listing.add_row(
            local_time(row["at"]),
            row["relation"],
            _score(row["jaccard"]),
            clean(row["url"]),
            clean(row["partner_url"]),
        )
    out.print(listing)
    out.print("in all: " + ", ".join(f"{count} {name}" for name, count in counts.items()))


@duplicates_app.command(
    "show", help="Show the cluster of a document: the original, its copies, the scores, what users ruled."
)
def show_command(url: UrlArgument, as_json: JsonOption = False) -> None:
    with open_configured_store(load_settings(), create=False) as store, store.reading() as connection:
        cluster = read_cluster(connection, document_id(url))
    if as_json:
        print_json(cluster)
    else:
        _tell(cluster)


def _tell(cluster: Cluster) -> None:
    listing = table(
        None, "published", "words", "in the corpus", "jaccard", "document", numbers=("words", "jaccard")
    )
    for member in cluster.members:
        there = f"revision {member.revision_id}" if member.revision_id else "kept out"
        if member.retracted:
            there = "retracted"
        name = f"{clean(member.url)}{' (the original)' if member.canonical else ''}"
        listing.add_row(
            local_time(member.published_at), str(member.word_count), there, _score(member.jaccard), name
        )
    out.print(listing)
    for row in cluster.kin:
        out.print(
            f"{local_time(row['at'])}  {row['relation']} of {clean(row['partner_url'])}{_scores(row)}",
            soft_wrap=True,
        )
    for row in cluster.rulings:
        of = f" of {clean(row['partner_url'])}" if row["partner_url"] else ""
        out.print(
            f"{local_time(row['at'])}  ruled: {row['verdict']}{of}: {clean(row['reason'])}", soft_wrap=True
        )


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _scores(row: dict[str, Any]) -> str:
    if row["jaccard"] is None:
        return f" ({row['reason']})"
    shares = ", ".join(
        f"{name} {row[name]:.2f}" for name in ("jaccard", "containment", "coverage", "rewritten")
    )
    return f": {shares}, numbers {row['agreeing']} alike, {row['conflicting']} not"


@duplicates_app.command(
    "keep", help="Rule that a document is one of its own, whatever it is like. The next run appends it."
)
def keep_command(url: UrlArgument, reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    _rule(url, Verdict.KEEP, None, reason, as_json=as_json)


@duplicates_app.command(
    "mark",
    help=(
        "Rule that a document is a duplicate of another: it is not appended any more. To take out one that "
        "was, retract it."
    ),
)
def mark_command(
    url: UrlArgument,
    of: Annotated[str, typer.Option("--of", help="The document whose text it is.", metavar="URL")],
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    _rule(url, Verdict.DUPLICATE, document_id(of), reason, as_json=as_json)


@duplicates_app.command("unrule", help="Lift the rulings on a document: the rules decide again.")
def unrule_command(url: UrlArgument, reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    _rule(url, Verdict.BY_RULE, None, reason, as_json=as_json)


def _rule(url: str, verdict: Verdict, partner: str | None, reason: str, *, as_json: bool) -> None:
    identity = document_id(url)
    with open_configured_store(load_settings(), create=False) as store, store.writing() as connection:
        rule(connection, identity, verdict, partner, reason, SystemClock().now())
    if as_json:
        print_json({"url": identity, "verdict": verdict.value, "partner_url": partner})
    else:
        out.print(f"ruled: {clean(identity)} {verdict.value}")


@duplicates_app.command(
    "scan",
    help=(
        "Find copies inside the corpus, imported seeds above all, and retract them as one version: the "
        "earliest published stays, of equal times the longer text. [bold]--dry-run[/bold] only lists them."
    ),
)
def scan_command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be retracted.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    with open_configured_store(load_settings(), create=False) as store:
        with counted("comparing", quiet=as_json) as advance:
            proposals = scan(store, advance=advance)
        version = None
        if not as_json:
            _tell_proposals(proposals)
        if proposals and not dry_run:
            if not yes:
                _ask(len(proposals))
            now = SystemClock().now()
            version = retract_copies(
                store, proposals, run_id=new_run_id(now, random.Random()), now=now, code_version=CODE_VERSION
            )
    if as_json:
        print_json({"proposals": [_json(proposal) for proposal in proposals], "version": version})
    else:
        _tell_version(version, len(proposals), dry_run=dry_run)


def _json(proposal: Proposal) -> dict[str, Any]:
    partner = proposal.partner
    return {
        "url": proposal.url,
        "relation": partner.relation.value,
        "partner_url": partner.url,
        "scores": partner.scores,
    }


def _tell_proposals(proposals: list[Proposal]) -> None:
    listing = table(None, "relation", "jaccard", "copy", "of", numbers=("jaccard",))
    for proposal in proposals:
        scores = proposal.partner.scores
        listing.add_row(
            proposal.partner.relation.value,
            _score(scores.jaccard if scores else None),
            clean(proposal.url),
            clean(proposal.partner.url),
        )
    if proposals:
        out.print(listing)


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise UserError(
            f"not asked whether to retract {count} documents: this is no terminal",
            reason="not-confirmed",
            hint="add --yes, or --dry-run",
        )
    if not typer.confirm(f"retract {count} documents, for ever?", err=True):
        raise UserError("nothing was retracted", reason="not-confirmed")


def _tell_version(version: VersionRow | None, count: int, *, dry_run: bool) -> None:
    if version is not None:
        out.print(
            f"[green]version {version.id}[/green]: {clean(version.message)}; "
            f"{version.documents} documents are left"
        )
    elif count and dry_run:
        out.print(f"{count} copies; nothing was retracted")
    else:
        out.print("no copies inside the corpus")


@index_app.command(
    "rebuild",
    help=(
        "Make the index anew from the stored sketches. It is never needed: runs make good what is missing. "
        "With [bold]--texts[/bold] the sketches are made anew from the stored texts first."
    ),
)
def rebuild_command(
    texts: Annotated[bool, typer.Option("--texts", help="Sketch every stored text anew.")] = False,
    as_json: JsonOption = False,
) -> None:
    with (
        open_configured_store(load_settings(), create=False) as store,
        counted("indexing", quiet=as_json) as advance,
    ):
        sketched, covered = rebuild(store, texts=texts, advance=advance)
    if as_json:
        print_json({"sketched": sketched, "revisions": covered})
    else:
        out.print(f"{sketched} texts sketched, {covered} revisions in the index")
