"""The environment of server and worker under `khotin up`. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.settings import Settings

KEEP = "events,flow_runs"
"""What Prefect's server forgets by itself, after 90 days unless it is told otherwise."""


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
    }
    told = {**ours, **env} if settings.prefect_database_url == "" else {**env, **ours}
    return {name: value for name, value in told.items() if name != "PREFECT_API_URL"}


def of_worker(env: Mapping[str, str]) -> dict[str, str]:
    """What the worker and its runs are told beside it; what the user has set holds."""
    ours = {
        # So that the warnings of our own modules stand in the logs of a run.
        "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,parsers,storage",
        "PREFECT_WORKER_QUERY_SECONDS": "5",
    }
    return {**ours, **env}
