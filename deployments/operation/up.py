"""The operation from its first process to its last: server, deployments, worker, and the way back."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deployments.operation.children import Child, start, variable_of
from deployments.operation.newsroom import edition_of, follow, prepare_sample
from deployments.operation.runs import Runs, now
from deployments.operation.surroundings import Addresses, common, of_server, of_worker
from deployments.sample import SOURCES
from deployments.sample.server import SampleNewsroom
from flows.configured import claim_store, open_configured_store
from flows.settings import Settings
from parsers.errors import RunnerError, UserError

POOL = "khotin"
FOLDER = "prefect"
SERVER_SECONDS = 180.0
"""So long a server may take to answer for the first time."""
FLOW_SECONDS = 15.0
CHILD_SECONDS = 10.0
"""So long runs, and then server and worker, may take to end before they are killed."""
EVERY_SECONDS = 2.0
STOPPED = "khotin up was stopped"
_PREFECT = (sys.executable, "-m", "prefect")
_ON_SQLITE = (sys.executable, "-m", "deployments.operation.server")


@dataclass(frozen=True, slots=True)
class Operation:
    """What is to be run."""

    settings: Settings
    where: Addresses
    sample: bool
    load: Callable[[], object]
    """Loads what `deploy` needs; called when the environment names the server."""
    deploy: Callable[[], Awaitable[Any]]
    """Puts the plan onto that server; gives what it did."""


Tell = Callable[[str, dict[str, Any]], None]
"""Told what happens: the word for it, and the facts."""


def require_free(where: Addresses) -> None:
    """Raise UserError if something listens on the server's port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((where.host, where.port))
        except OSError as error:
            raise UserError(
                f"port {where.port} on {where.host} cannot be used: {error.strerror or error}",
                reason="port-taken",
                hint="choose another one with --port, or stop what listens there",
            ) from error


async def run(operation: Operation, tell: Tell) -> None:
    """Run it all until SIGINT or SIGTERM, then end it all.

    Raises RunnerError if a part of it ends by itself, UserError for settings with which it cannot begin.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with AsyncExitStack() as stack:
            up = _Up(operation, stack, tell)
            try:
                await _unless(stop, up.begin())
                await _unless(stop, up.watch())
            finally:
                tell("stopping", {})
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    tell("stopped", {})


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do the work to its end, or until the signal to stop."""
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        await _cancel(task)
        await _cancel(stopped)


async def _cancel(task: asyncio.Future[Any]) -> None:
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class _Up:
    """The parts as they are begun; each leaves on the stack how it is ended, the last begun first."""

    def __init__(self, operation: Operation, stack: AsyncExitStack, tell: Tell) -> None:
        self._operation = operation
        self._settings = operation.settings
        self._where = operation.where
        self._folder = operation.settings.home.absolute() / FOLDER
        self._runs = Runs(operation.where.api)
        self._stack = stack
        self._tell = tell
        self._children: list[Child] = []
        self._began = now()

    async def begin(self) -> None:
        """Start everything."""
        require_free(self._where)
        sample, sources = "", self._settings.sources
        if self._operation.sample:
            sample, sources = f"127.0.0.1:{await self._newsroom()}", SOURCES
        else:
            self._settings.user_agent(live=True)  # raises without a contact, before anything is started
            with await asyncio.to_thread(open_configured_store, self._settings) as store:
                claim_store(store, self._settings, sample=False)
        env = common(os.environ, self._settings, self._where, self._folder, sample, sources)
        serve = (*_PREFECT, "server") if self._settings.prefect_database_url else _ON_SQLITE
        self._tell("starting", {"ui": self._where.ui})
        server = start(
            "server",
            [*serve, "start", "--host", self._where.host, "--port", str(self._where.port)],
            of_server(env, self._settings, self._where, self._folder),
            Path.cwd(),
            self._folder / "server.log",
        )
        self._children.append(server)
        self._stack.push_async_callback(server.end, CHILD_SECONDS)
        # What is loaded meanwhile, Prefect itself, must meet the settings of this server.
        os.environ.update({name: env[name] for name in env if name.startswith(("PREFECT_", "KHOTIN_"))})
        loading = asyncio.ensure_future(asyncio.to_thread(self._operation.load))
        await self._answering(server)
        await loading
        if not self._settings.prefect_database_url:
            # Server and workers are all ours, and none of them is left: what seems to run is dead.
            dead = await self._runs.put(
                await self._runs.unended(), "CRASHED", "Crashed", "found dead when khotin up started"
            )
            if dead:
                self._tell("buried", {"runs": dead})
        loaded = self._loaded(env)
        self._tell("deployed", {"applied": await self._operation.deploy()})
        worker = start(
            "worker",
            [*_PREFECT, "worker", "start", "--pool", POOL, "--type", "process"],
            of_worker(env, loaded),
            Path.cwd(),
            self._folder / "worker.log",
        )
        self._children.append(worker)
        self._stack.push_async_callback(self._end_worker, worker)
        self._tell("ready", {"ui": self._where.ui, "api": self._where.api, "pid": os.getpid()})

    async def watch(self) -> None:
        """Tell of each run that ends, until a part of the operation ends by itself."""
        telling = asyncio.ensure_future(self._tell_runs())
        try:
            while True:
                for child in self._children:
                    if child.ended is not None:
                        raise _ended(child)
                await asyncio.sleep(0.5)
        finally:
            await _cancel(telling)

    async def _tell_runs(self) -> None:
        async for row in self._runs.ended(self._began, EVERY_SECONDS):
            facts = {
                "name": row["name"],
                "state": row["state_name"],
                "message": (row["state"] or {}).get("message") or "",
                "seconds": row["total_run_time"],
                "scheduled": row["auto_scheduled"],
                "since_start": (now() - self._began).total_seconds(),
            }
            self._tell("run", facts)

    async def _newsroom(self) -> int:
        """The sample newsroom in this process; gives its port."""
        store = await asyncio.to_thread(open_configured_store, self._settings)
        self._stack.callback(store.close)
        await asyncio.to_thread(prepare_sample, store)
        newsroom = await self._stack.enter_async_context(SampleNewsroom(edition=edition_of(store)))
        self._stack.push_async_callback(_cancel, asyncio.ensure_future(follow(newsroom, store)))
        return newsroom.port

    def _loaded(self, env: Mapping[str, str]) -> Path | None:
        """Start the process that loads what runs need; gives its socket, None where it cannot be."""
        if not hasattr(os, "pidfd_open"):
            return None
        # Not beside the data: the name of a socket may have 107 bytes and no more.
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="khotin-")))
        child = start(
            "loaded",
            [sys.executable, "-m", "flows.scheduled.loaded", str(folder / "socket")],
            of_worker(env),
            Path.cwd(),
            self._folder / "loaded.log",
        )
        self._children.append(child)
        self._stack.push_async_callback(child.end, CHILD_SECONDS)
        return folder / "socket"

    async def _answering(self, server: Child) -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + SERVER_SECONDS
        while not await self._runs.healthy():
            if server.ended is not None:
                raise _ended(server)
            if clock() > until:
                raise RunnerError(
                    f"Prefect's server did not answer within {SERVER_SECONDS:.0f} seconds",
                    reason="part-ended",
                    hint=f"see {server.log}",
                )
            await asyncio.sleep(0.2)

    async def _end_worker(self, worker: Child) -> None:
        """End the worker's runs in Prefect's own way, which is no crash and no alert; then the worker."""
        clock = asyncio.get_running_loop().time
        until = clock() + FLOW_SECONDS
        asked: set[str] = set()
        while worker.ended is None and (flows := worker.below()) and clock() < until:
            ids = {name for pid in flows if (name := variable_of(pid, "PREFECT__FLOW_RUN_ID"))}
            with suppress(httpx.HTTPError):
                rows = [row for row in await self._runs.unended() if row["id"] in ids - asked]
                await self._runs.put(rows, "CANCELLING", "Cancelling", STOPPED)
                asked |= ids
            await asyncio.sleep(0.2)
        left = set(worker.below())
        await worker.end(CHILD_SECONDS)
        if not self._settings.prefect_database_url or left:
            with suppress(httpx.HTTPError):
                rows = await self._runs.unended(asked if self._settings.prefect_database_url else None)
                await self._runs.put(rows, "CANCELLED", "Cancelled", STOPPED)


def _ended(child: Child) -> RunnerError:
    tail = child.log_tail().splitlines()[-5:]
    return RunnerError(
        "\n".join([f"the {child.name} ended by itself with code {child.ended}", *tail]),
        reason="part-ended",
        hint=f"see {child.log}",
    )
