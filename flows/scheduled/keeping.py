"""What keeps the corpus, as flows: publishing, the regular check, the daily look at the sources."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.checking import check as check_all
from flows.clock import SystemClock
from flows.configured import configured_sources, open_configured_store
from flows.happenings import of_damage
from flows.publishing import publish as publish_newest
from flows.scheduled.artifacts import publish_check, publish_health, publish_publication, shown_progress
from flows.scheduled.events import tell
from flows.scheduled.naming import run_name
from flows.scheduled.runner import task_of
from flows.scheduled.states import FINDINGS, NOTHING_TO_PUBLISH, error_state
from flows.settings import Settings, load_settings
from parsers.errors import KhotinError
from storage.export import Form


def published_folder(settings: Settings) -> Path:
    """Where publications stand."""
    return settings.home / "published"


@flow(name="publish", flow_run_name=run_name, persist_result=False)
async def publish(form: Literal["jsonl", "parquet", "hf", "text"] = "parquet") -> State[Any]:
    """Give the newest version a tag of its day and export it; once, however often this is run.

    Args:
        form: The form of the export: JSON Lines, Parquet, a Hugging Face folder, or seed files.
    """
    try:
        settings = load_settings()
        with await asyncio.to_thread(open_configured_store, settings, create=False) as store:
            async with shown_progress("Exporting") as steps:
                publication = await task_of("publish")(
                    "publish",
                    lambda: asyncio.to_thread(
                        publish_newest,
                        store,
                        published_folder(settings),
                        SystemClock().now(),
                        form=Form(form),
                        advance=steps,
                    ),
                )
        await publish_publication(publication)
    except KhotinError as error:
        get_run_logger().error("%s", error)
        return error_state(error)
    if publication is None:
        return Completed(name=NOTHING_TO_PUBLISH, message="the store holds no version yet")
    told = f"{publication.tag}: version {publication.version}, {publication.documents} documents"
    if not publication.written:
        return Completed(name=NOTHING_TO_PUBLISH, message=f"{told}, published already")
    return Completed(message=f"{told}, in {publication.target}")


@flow(name="verify", flow_run_name=run_name, persist_result=False)
async def verify(archive: bool = True, deep: bool = False) -> State[Any]:
    """Hash the whole store and all that was published anew; damage ends in a failed run and an alert.

    Args:
        archive: Also read every raw page of the archive.
        deep: Also fold every text anew for its comparison keys and word count (slow).
    """
    log = get_run_logger()
    try:
        settings = load_settings()
        async with shown_progress("Verifying") as steps:
            check = await task_of("verify")(
                "verify",
                lambda: asyncio.to_thread(
                    check_all,
                    settings.home,
                    settings.store_url,
                    published=published_folder(settings),
                    archive=archive,
                    deep=deep,
                    advance=steps,
                ),
            )
        await publish_check(check)
    except KhotinError as error:
        log.error("%s", error)
        return error_state(error)
    if not check.sound:
        findings = [str(finding) for finding in check.findings]
        for finding in findings[:50]:
            log.error("damaged: %s", finding)
        store_id = await asyncio.to_thread(_store_id, settings)
        tell([of_damage(store_id, findings)])
        return Failed(message=f"damaged in {len(findings)} places: {findings[0]}")
    told = f"{check.store.versions} versions, {check.store.revisions} revisions, {len(check.exports)} exports"
    return Completed(message=f"sound: {told}")


def _store_id(settings: Settings) -> str:
    """The store's id; of a store that is too damaged to be opened, the place of it."""
    try:
        with open_configured_store(settings, create=False) as store:
            return store.store_id
    except KhotinError:
        return "damaged"


@flow(name="health", flow_run_name=run_name, persist_result=False)
async def health() -> State[Any]:
    """Look at all sources: who is silent, late, failing or has drifted; with pictures of the last weeks."""
    log = get_run_logger()
    try:
        settings = load_settings()
        sources = configured_sources(settings)
        with await asyncio.to_thread(open_configured_store, settings, create=False) as store:
            seen = await publish_health(store, sources, SystemClock().now())
    except KhotinError as error:
        log.error("%s", error)
        return error_state(error)
    for finding in seen.findings:
        log.warning("%s", finding)
    if seen.findings:
        return Completed(name=FINDINGS, message=f"{len(seen.findings)} findings: {seen.findings[0]}")
    return Completed(message=f"{len(seen.sources)} sources, nothing to report")
