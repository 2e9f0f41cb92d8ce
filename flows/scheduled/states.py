"""The state in which a flow run ends, said by us: a failed task that nobody reads leaves it Completed."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.ingest import IngestReport
from parsers.errors import KhotinError

NOTHING_DUE = "NothingDue"
BUSY = "SourcesBusy"
NO_NEW_ARTICLES = "NoNewArticles"
IN_PART = "InPart"
DRY_RUN = "DryRun"
NOTHING_CHANGED = "NothingChanged"
NOTHING_TO_PUBLISH = "NothingToPublish"
FINDINGS = "Findings"


def ingest_state(report: IngestReport) -> State[Any]:
    """How a run of the main job ends.

    Failed only if no source at all could be read. `InPart`: some could not, or their pages have drifted,
    which is exit code 3 of the command.
    """
    if report.result is None:
        return Completed(name=NOTHING_DUE, message="no source is due")
    if not report.sources:
        if report.busy_sources:
            return Completed(name=BUSY, message=f"other runs are at: {', '.join(report.busy_sources)}")
        return Completed(name=NOTHING_DUE, message="other runs have just been at the sources that were due")
    if len(report.failed_sources) == len(report.sources):
        return Failed(message=f"no source answered: {', '.join(report.failed_sources)}")
    version = report.result.version
    told = "nothing new"
    if version is not None:
        told = f"version {version.id}: {version.added} new, {version.revised} revised"
    if report.failed_sources or report.drifted_sources:
        failed = f"; failed: {', '.join(report.failed_sources)}" if report.failed_sources else ""
        drifted = f"; drifted: {', '.join(report.drifted_sources)}" if report.drifted_sources else ""
        return Completed(name=IN_PART, message=told + failed + drifted)
    return Completed(message=told) if version is not None else Completed(name=NO_NEW_ARTICLES, message=told)


def error_state(error: KhotinError) -> State[Any]:
    """How a run ends that one of our errors has ended."""
    hint = f" ({error.hint})" if error.hint else ""
    return Failed(message=f"{error.reason}: {error.message}{hint}")
