"""Processes that this one starts and ends: each in a session of its own, its output in a log file.

A session of its own keeps Ctrl-C in the terminal from them, so that they are ended in order; and all that
they start themselves is found by it. On Linux they are told to end if this process is killed.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LOG_TAIL = 2000
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(slots=True)
class Child:
    """A running child. `log` is where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def ended(self) -> int | None:
        """The exit code; None while it runs."""
        return self.process.poll()

    def log_tail(self) -> str:
        """The end of what it wrote."""
        with suppress(OSError):
            return self.log.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace").strip()
        return ""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child itself."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def below(self) -> list[int]:
        """The processes that it, or one of those, has started."""
        return [pid for pid in session_of(self.process.pid) if pid != self.process.pid]

    async def end(self, seconds: float) -> None:
        """Ask it to end, wait so long, then kill whatever is left of its session."""
        self.signal(signal.SIGTERM)
        await self._wait(seconds)
        for pid in session_of(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.ended is None:
            self.process.kill()
            await self._wait(seconds)

    async def _wait(self, seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while self.ended is None and clock() < until:  # noqa: ASYNC110 - nobody tells of a child's end
            await asyncio.sleep(0.05)


def start(name: str, command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> Child:
    """Start a child; the log of the time before is kept beside the new one as `.old`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(f"{log.name}.old"))
    parent = os.getpid()

    def die_with_parent() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it has died since
                os.kill(os.getpid(), signal.SIGTERM)

    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - the command is ours
            list(command),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    return Child(name, process, log)


def session_of(leader: int) -> list[int]:
    """The processes of a session, by /proc; only its leader where there is none."""
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        return [leader] if _alive(leader) else []
    found = []
    for entry in proc.iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                # After the name in parentheses: state, parent, group, session.
                facts = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(facts[3]) == leader and facts[0] != "Z":
                    found.append(int(entry.name))
    return found


def variable_of(pid: int, name: str) -> str | None:
    """A variable of the environment that a process was started with; None if it cannot be seen."""
    with suppress(OSError):
        for item in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            key, _, value = item.partition(b"=")
            if key.decode("utf-8", "replace") == name:
                return value.decode("utf-8", "replace")
    return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
