"""A process that has loaded what flow runs need, and forks for each run.

    python -m flows.scheduled.loaded SOCKET

start.py asks for the forks and says why there are any. A connection stands for a run: bytes that come over
it are signals for the run, its end kills the run, and the exit code of the run goes back over it. No thread
may be started here and nothing opened, for a fork would have halves of them.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flows.scheduled.start import ENDED, ENGINE, LENGTH

FLOWS = ("flows.scheduled.ingest", "flows.scheduled.past", "flows.scheduled.keeping", "prefect.flow_engine",
         "prefect.task_engine")  # fmt: skip
"""What is loaded: the flows, and what Prefect imports only when it runs one."""

REQUEST_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Request:
    """What a run was started with: its environment, its folder, and its standard streams."""

    env: dict[str, str]
    cwd: str
    streams: tuple[int, ...]


class _Runs:
    """The runs that go on, each a child of this process."""

    def __init__(self, listener: socket.socket) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ, self._begin)

    def serve(self) -> Request:
        """Fork for each request, for ever. Returns in the forks only, with what is to be done there."""
        while True:
            for key, _ in self._selector.select():
                request = key.data()
                if request is not None:
                    return request  # type: ignore[no-any-return]

    def _begin(self) -> Request | None:
        connection, _ = self._listener.accept()
        connection.settimeout(REQUEST_SECONDS)
        try:
            request = _read(connection)
        except (OSError, ValueError, KeyError):
            connection.close()
            return None
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._selector.close()
            self._listener.close()
            connection.close()
            _die_with(parent)
            return request
        for stream in request.streams:
            os.close(stream)
        ended = os.pidfd_open(pid)
        self._selector.register(connection, selectors.EVENT_READ, partial(self._told, connection, pid))
        self._selector.register(ended, selectors.EVENT_READ, partial(self._ended, connection, pid, ended))
        return None

    def _told(self, connection: socket.socket, pid: int) -> None:
        if connection.fileno() < 0:  # the run has just ended
            return
        numbers = b""
        with suppress(OSError):
            numbers = connection.recv(16)
        if not numbers:
            # Whoever stood for the run was killed.
            self._selector.unregister(connection)
            os.kill(pid, signal.SIGKILL)
        for number in numbers:
            os.kill(pid, number)

    def _ended(self, connection: socket.socket, pid: int, ended: int) -> None:
        _, status = os.waitpid(pid, 0)
        self._selector.unregister(ended)
        os.close(ended)
        with suppress(KeyError):
            self._selector.unregister(connection)
        with suppress(OSError):
            connection.sendall(ENDED.pack(os.waitstatus_to_exitcode(status)))
        connection.close()


def _read(connection: socket.socket) -> Request:
    head, streams, _, _ = socket.recv_fds(connection, LENGTH.size, 3)
    try:
        (length,) = LENGTH.unpack(head)
        body = connection.recv(length, socket.MSG_WAITALL)
        told: dict[str, Any] = json.loads(body)
        return Request(told["env"], told["cwd"], tuple(streams))
    except BaseException:
        for stream in streams:
            os.close(stream)
        raise


def _die_with(parent: int) -> None:
    """End this process when its parent is killed: nobody would be told how the run ends."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it has died since
        os.kill(os.getpid(), signal.SIGTERM)


def become(request: Request) -> None:
    """Make this process what the one that asked for it was started as."""
    for number, stream in enumerate(request.streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request.env)
    os.chdir(request.cwd)
    # As `python -m` has it, so that flows beside the run are found.
    sys.path[0] = request.cwd


def load() -> None:
    """Import what runs need, and take it out of the sight of the garbage collection."""
    gc.disable()  # while only things are made that stay
    for name in FLOWS:
        __import__(name)
    gc.freeze()
    gc.enable()


def main() -> None:
    """Listen on a socket that is made here, and run what is asked for."""
    path, engine = Path(sys.argv[1]), (*sys.argv[2:], ENGINE)[0]
    load()
    path.unlink(missing_ok=True)  # left by one that was killed
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(16)
        request = _Runs(listener).serve()
    become(request)
    if engine == ENGINE:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
    sys.argv = [engine]
    sys.modules.pop(engine, None)  # Prefect's other modules have imported it; it is to be run, too
    runpy.run_module(engine, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
