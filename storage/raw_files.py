"""The files of the raw archive, taken along by a backup or a copy.

Only what the index names is needed: each file is copied up to the end of its last named record. What a run
has begun to write behind it is left out, so that a copy has no torn tail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class RawCopy:
    """What was taken along; `damaged` are files that the index names and that are missing or too short."""

    files: int
    size: int
    damaged: tuple[str, ...]


def copy_raw(
    source: Path,
    target: Path,
    extents: Mapping[str, int],
    *,
    link: bool = False,
    advance: Callable[[], None] = lambda: None,
) -> RawCopy:
    """Copy (or hard-link) the named files (`extents`: name -> bytes needed) from one archive to another.

    Each appears under its name only when it is whole and synced; those that are there already are kept, so
    that an interrupted copy can be repeated. Raises OSError when the target cannot be written.
    """
    damaged, size, files = [], 0, 0
    folders = {target}
    for name, needed in extents.items():
        advance()
        origin, goal = source / name, target / name
        if not _within(source, origin) or not origin.is_file():
            damaged.append(name)
            continue
        there = origin.stat().st_size
        if there < needed:
            damaged.append(name)
        goal.parent.mkdir(parents=True, exist_ok=True)
        folders |= {parent for parent in goal.parents if parent.is_relative_to(target)}
        wanted = min(there, needed)
        if not goal.is_file() or goal.stat().st_size < wanted:
            _place(origin, goal, wanted, link=link)
        files, size = files + 1, size + wanted
    for folder in sorted(folders):
        if folder.is_dir():
            sync_path(folder)
    return RawCopy(files, size, tuple(damaged))


def _within(folder: Path, path: Path) -> bool:
    """A damaged index must not lead out of the archive."""
    return path.resolve().is_relative_to(folder.resolve())


def _place(origin: Path, goal: Path, length: int, *, link: bool) -> None:
    temporary = goal.with_name(f".{goal.name}.{os.getpid()}.part")
    try:
        if link:
            temporary.hardlink_to(origin)
        else:
            with origin.open("rb") as source, temporary.open("xb") as stream:
                _copy_bytes(source, stream, length)
                stream.flush()
                os.fsync(stream.fileno())
            shutil.copystat(origin, temporary)
        temporary.replace(goal)
    finally:
        temporary.unlink(missing_ok=True)


def _copy_bytes(source: BinaryIO, target: BinaryIO, length: int) -> None:
    while length > 0:
        data = source.read(min(_CHUNK, length))
        if not data:
            return
        target.write(data)
        length -= len(data)


def sync_path(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
