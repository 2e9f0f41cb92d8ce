"""Flow runs over the server's HTTP API, as `khotin up` sees them: those that end, and those left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

import httpx

_OPEN = ("RUNNING", "PENDING", "CANCELLING", "PAUSED")
_PAGE = 200
_SECONDS = 30.0
_TRIES = 20


class Runs:
    """The runs on one server."""

    def __init__(self, api: str) -> None:
        self._api = api

    async def healthy(self) -> bool:
        """Whether the server answers."""
        try:
            async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
                return (await client.get(f"{self._api}/health")).is_success
        except httpx.HTTPError:
            return False

    async def _post(self, path: str, what: dict[str, Any]) -> Any:
        """Raises httpx.HTTPError."""
        async with httpx.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
            for _ in range(_TRIES):
                answer = await client.post(f"{self._api}/{path}", json=what)
                # So the server answers while its SQLite is locked.
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    break
                await asyncio.sleep(0.5)
            answer.raise_for_status()
            return answer.json()

    async def _ask(self, what: dict[str, Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self._post("flow_runs/filter", {"limit": _PAGE, **what})
        return rows

    async def unended(self, ids: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """The runs that have begun and not ended: all, or these and those below them."""
        rows = await self._ask({"flow_runs": {"state": {"type": {"any_": list(_OPEN)}}}})
        if ids is None:
            return rows
        wanted = set(ids)
        below: list[dict[str, Any]] = []
        if wanted:
            below = await self._ask(
                {
                    "flow_runs": {
                        "state": {"type": {"any_": list(_OPEN)}},
                        "parent_flow_run_id": {"any_": sorted(wanted)},
                    }
                }
            )
        known = {row["id"]: row for row in [*rows, *below]}
        return [row for row in known.values() if row["id"] in wanted or row in below]

    async def put(self, rows: Iterable[dict[str, Any]], kind: str, name: str, message: str) -> int:
        """Set these runs to such a state; gives how many there were."""
        count = 0
        for row in rows:
            # Not by force: what is forced leaves the run's place among those allowed at once taken.
            state = {"type": kind, "name": name, "message": message}
            await self._post(f"flow_runs/{row['id']}/set_state", {"state": state, "force": False})
            count += 1
        return count

    async def ended(self, since: datetime, every: float) -> AsyncIterator[dict[str, Any]]:
        """Each run of a deployment that ends from now on, as it is seen; for ever."""
        seen: set[str] = set()
        while True:
            try:
                rows = await self._ask(
                    {
                        "flow_runs": {
                            "end_time": {"after_": since.isoformat()},
                            "parent_task_run_id": {"is_null_": True},
                        },
                        "sort": "END_TIME_DESC",
                        "limit": 20,
                    }
                )
            except httpx.HTTPError:  # the server may be busy, or restarted
                rows = []
            for row in reversed(rows):
                if row["id"] not in seen:
                    yield row
            # What is no more asked for needs not be remembered.
            seen = {row["id"] for row in rows} if rows else seen
            await asyncio.sleep(every)


def now() -> datetime:
    """The time of the machine, to compare with the server's on the same one."""
    return datetime.now(UTC)
