"""The command that starts a flow run: in a process that has everything loaded, where there is one.

To load Prefect and our own modules takes a second of CPU and more, which most runs, those that find no source
due, would spend on nothing else. `khotin up` therefore keeps a process that has loaded them (loaded.py) and
tells where it listens. This one, which imports next to nothing, has it fork, and then stands for the fork: it
passes signals on, is killed with it, and ends as it ends. Without such a process the run goes on in this one.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any

ENGINE = "prefect.engine"
LISTENS = "KHOTIN_LOADED"
"""The variable that names the socket of the process that has everything loaded."""

LENGTH = struct.Struct("!I")
ENDED = struct.Struct("!i")


def run_there(path: str) -> int | None:
    """Have the run done in a fork; None if nobody is there for it.

    Gives its exit code, or the number of the signal that killed it, negative.
    Raises ConnectionError if it cannot be said how the run ended.
    """
    with socket.socket(socket.AF_UNIX) as there:
        try:
            there.connect(path)
        except OSError:
            return None

        def pass_on(number: int, _frame: Any) -> None:
            there.send(bytes([number]))

        request = json.dumps({"env": dict(os.environ), "cwd": str(Path.cwd())}).encode()
        socket.send_fds(there, [LENGTH.pack(len(request))], [0, 1, 2])
        there.sendall(request)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, pass_on)
        told = there.recv(ENDED.size, socket.MSG_WAITALL)
    if len(told) < ENDED.size:
        raise ConnectionError("the process that had everything loaded has ended before the run")
    return int(ENDED.unpack(told)[0])


def main() -> None:
    """Run the flow run that the environment names."""
    path = os.environ.get(LISTENS)
    code = run_there(path) if path else None
    if code is None:
        runpy.run_module(ENGINE, run_name="__main__", alter_sys=True)
        return
    if code < 0:
        # Who started this process shall see the signal as if the run had been here.
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
