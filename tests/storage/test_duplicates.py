"""Copies inside the corpus: found, retracted as a version, and on record with what they were copies of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from parsers.article import Paragraph
from storage import Store
from storage.duplicates import REASON, Proposal, retract_copies, scan
from storage.kin import Verdict
from storage.retraction import retract
from storage.sightings import read_cluster, rule
from storage.versions import VersionRow
from tests.conftest import START
from tests.storage.test_commit import commit
from tests.storage.test_kin import article, body, cut, kin

ORIGINAL, COPY = "http://a.example/1", "http://a.example/2"
LATER = START + timedelta(days=2)


def seeds(store: Store) -> list[Proposal]:
    """A corpus of three seeds, of which one is a reprint of another; gives what a scan proposes."""
    first, other = (replace(article(n, body(n)), record_kind="seed") for n in (1, 3))
    copy = replace(article(2, cut(body(1))), record_kind="seed", published_at=START + timedelta(days=1))
    commit(store, "r1", first, copy, other)
    return scan(store)


def retracted(store: Store, proposals: list[Proposal]) -> VersionRow | None:
    return retract_copies(store, proposals, run_id="scan", now=LATER, code_version="0")


def test_a_copy_is_retracted_and_on_record_with_its_partner_and_scores(store: Store) -> None:
    proposals = seeds(store)
    assert [(p.url, p.partner.url) for p in proposals] == [(COPY, ORIGINAL)]
    version = retracted(store, proposals)
    assert version is not None
    assert (version.kind, version.retracted, version.documents) == ("retract", 1, 2)
    assert version.message == f"1 document retracted: {REASON}"
    row = kin(store)[-1]
    assert (row["run_id"], row["relation"], row["url"], row["partner_url"]) == (
        "scan",
        "reprint",
        COPY,
        ORIGINAL,
    )
    # In a run the earliest published comes first.
    assert (row["revision_id"], row["at"], row["cluster_key"]) == (3, LATER, row["partner_url_key"])
    assert row["jaccard"] == proposals[0].partner.scores.jaccard  # type: ignore[union-attr]
    assert scan(store) == []
    with store.reading() as connection:
        members = read_cluster(connection, COPY).members
    assert {m.url: (m.canonical, m.retracted) for m in members} == {
        ORIGINAL: (True, False),
        COPY: (False, True),
    }


@pytest.mark.parametrize("meanwhile", ["kept", "copy revised", "original revised", "original retracted"])
def test_a_proposal_that_no_longer_holds_is_passed_over(store: Store, meanwhile: str) -> None:
    proposals = seeds(store)
    if meanwhile == "kept":
        with store.writing() as connection:
            rule(connection, COPY, Verdict.KEEP, None, "their own", LATER)
    elif meanwhile == "original retracted":
        retract(store, [ORIGINAL], "asked", purge=False, run_id="r2", now=LATER, code_version="0")
    else:
        url = COPY if meanwhile == "copy revised" else ORIGINAL
        rewritten = (*body(7), Paragraph("Bản viết lại."))
        commit(store, "r2", replace(article(int(url[-1]), rewritten), record_kind="seed"), now=LATER)
    before, recorded = store.version(), kin(store)
    assert retracted(store, proposals) is None
    assert store.version() == before
    assert kin(store) == recorded
