"""The versioned store: documents, versions, ledger, raw archive. No network and no Prefect in here."""

from storage.captures import Captured, CaptureRow
from storage.claims import Claims
from storage.commit import RunResult, SourcePart
from storage.daily import DayOfReason, DayOfRuns, DayOfSource
from storage.decision import Offer
from storage.documents import Change, Document
from storage.hosts import HostState
from storage.ledger import Counts, End, Ending, EndpointState, Met, PageState, SourcePoll, SourceTally
from storage.off_topic import LeftOut
from storage.records import Record, record_of
from storage.rejected import Rejected
from storage.run_facts import RunFacts
from storage.shapes import ShapeRow
from storage.store import Store, open_store
from storage.stories import RunRow, Story
from storage.versions import VersionRow

__all__ = [
    "CaptureRow",
    "Captured",
    "Change",
    "Claims",
    "Counts",
    "DayOfReason",
    "DayOfRuns",
    "DayOfSource",
    "Document",
    "End",
    "Ending",
    "EndpointState",
    "HostState",
    "LeftOut",
    "Met",
    "Offer",
    "PageState",
    "Record",
    "Rejected",
    "RunFacts",
    "RunResult",
    "RunRow",
    "ShapeRow",
    "SourcePart",
    "SourcePoll",
    "SourceTally",
    "Store",
    "Story",
    "VersionRow",
    "open_store",
    "record_of",
]
