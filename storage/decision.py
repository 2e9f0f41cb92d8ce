"""What an offered record is: new, a revision, unchanged, or a duplicate. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from storage.ledger import End, Ending, Met
from storage.records import ContentOfRow, Record


@dataclass(frozen=True, slots=True)
class Offer:
    """A record that a run offers to the corpus, and the page it was read from.

    `replaces`: the record was read again from the page of this revision (a reparse), and may follow no other.
    `moved`: the page is that of the record by the site's number of the article, whatever its address.
    """

    met: Met
    record: Record
    replaces: int | None = None
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The last revision under a URL: what decisions and the next revision need of it.

    `content` is None for one of this run, which nothing else of the run may revise, and for a tombstone.
    """

    id: int
    url: str
    rev: int
    op: str
    leaf: str
    content: ContentOfRow | None


@dataclass(frozen=True, slots=True)
class Twin:
    """A revision under another URL with the same text; `reason` says how it is the same."""

    id: int
    url: str
    reason: str


def decide(offer: Offer, head: Head | None, led_to: str | None, twin: Twin | None, next_id: int) -> End:
    """Say what an offered record is.

    `head` is the last revision under the record's URL; `led_to` the URL of the record to which the page led
    before; `twin` a text that keeps a new one out; `next_id` the id that a new revision gets.
    """
    met, record = offer.met, offer.record
    if head is None:
        if twin is not None:
            return End(met, Ending.DUPLICATE, twin.reason, partner_url=twin.url, partner_revision_id=twin.id)
        reason = "new-seed" if record.record_kind == "seed" else "new-article"
        return End(met, Ending.STORED, reason, record_url=record.url, revision_id=next_id)
    if head.op == "retract":
        return End(met, Ending.REJECTED, "retracted", partner_revision_id=head.id)
    # A second page that names the same canonical URL must not revise it back and forth.
    owner = record.url in (met.url, led_to)
    if head.content is None or not (owner or offer.moved or offer.replaces is not None):
        return End(
            met, Ending.DUPLICATE, "same-canonical-url", partner_url=head.url, partner_revision_id=head.id
        )
    if offer.replaces not in (None, head.id):
        return End(met, Ending.UNCHANGED, "newer-revision", record_url=record.url, revision_id=head.id)
    if record.same_content(head.content):
        return End(met, Ending.UNCHANGED, "same-content", record_url=record.url, revision_id=head.id)
    reason = "content-changed" if offer.replaces is None else "reparsed"
    return End(met, Ending.REVISED, reason, record_url=record.url, revision_id=next_id)
