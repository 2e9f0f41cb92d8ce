"""The environment of server and worker under `khotin up`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.settings import Settings

KEEP = "events,flow_runs"
"""What Prefect's server forgets by itself, after 90 days unless it is told otherwise."""

BATCHES = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100",
}
"""What happens is written by the second, not each event in a transaction of its own."""

SELDOM = {
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "15",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "60",
    "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT15S",
}
"""What the server looks for every few seconds without end, and what may wait: runs that are late or paused
for too long, workers that are silent, alerts that wait for what does not happen."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the server is reached."""

    host: str
    port: int

    @property
    def ui(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def api(self) -> str:
        return f"{self.ui}/api"


def prefect_database(settings: Settings, folder: Path) -> str:
    """The URL of the server's database in the form that Prefect takes."""
    if not settings.prefect_database_url:
        return f"sqlite+aiosqlite:///{folder / 'prefect.db'}"
    return re.sub(r"\Apostgres(ql)?(\+\w+)?://", "postgresql+asyncpg://", settings.prefect_database_url)


def common(
    base: Mapping[str, str],
    settings: Settings,
    where: Addresses,
    folder: Path,
    sample: str,
    sources: Path | None,
) -> dict[str, str]:
    """What all processes of the operation are told: where the store and the server are."""
    env = {name: value for name, value in base.items() if name != "PREFECT_PROFILE"}
    env |= {
        "KHOTIN_HOME": str(settings.home.absolute()),
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": where.api,
        "PREFECT_UI_URL": where.ui,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    if sources is not None:
        env["KHOTIN_SOURCES"] = str(sources.absolute())
    if sample:
        env["KHOTIN_SAMPLE_NEWSROOM"] = sample
    return env


def of_server(env: Mapping[str, str], settings: Settings, where: Addresses, folder: Path) -> dict[str, str]:
    """What the server is told beside it; what the user has set holds."""
    ours = {
        "PREFECT_API_DATABASE_CONNECTION_URL": prefect_database(settings, folder),
        "PREFECT_SERVER_UI_API_URL": where.api,
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": KEEP,
        **BATCHES,
        **SELDOM,
    }
    told = {**ours, **env} if settings.prefect_database_url == "" else {**env, **ours}
    return {name: value for name, value in told.items() if name != "PREFECT_API_URL"}


def of_worker(env: Mapping[str, str], loaded: Path | None = None) -> dict[str, str]:
    """What the worker and its runs are told beside it; what the user has set holds.

    `loaded` is the socket of the process that has loaded what runs need, if there is one.
    """
    ours = {
        # The server is of the same installation, and guards against no browser.
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": env.get("PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED", "false"),
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "5",
        # So that the warnings of our own modules stand in the logs of a run.
        "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,parsers,storage",
        "PREFECT_WORKER_QUERY_SECONDS": "5",
    }
    if loaded is not None:
        ours["KHOTIN_LOADED"] = str(loaded)
    return {**ours, **env}
