"""Where an export is written: beside its target under a hidden name, renamed when it is whole.

So an interrupted export never looks like a finished one. Nothing that is there is replaced unless asked, and
a folder only if it is an older export of ours: a slip of the hand must not empty somebody's home.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from parsers.errors import StoreError, UserError

_MANY_FILES = 1_000
"""From so many on, the whole machine is synced once: a million files one by one would take hours."""


@contextmanager
def file_place(target: Path, beside: Path, *, force: bool) -> Iterator[tuple[Path, Path]]:
    """Temporary paths for a file and for the file `beside` it that vouches for it, which appears last."""
    _refuse_existing(target, force=force)
    if target.is_dir():
        raise UserError(f"{target} is a folder", hint="name a file for this format")
    temporary, temporary_beside = _hidden(target, "part"), _hidden(beside, "part")
    with _told(target):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary, temporary_beside
            _sync(temporary)
            _sync(temporary_beside)
            _refuse_existing(target, force=force)
            beside.unlink(missing_ok=True)  # it must never vouch for another file
            temporary.replace(target)
            temporary_beside.replace(beside)
            _sync(target.parent)
        finally:
            temporary.unlink(missing_ok=True)
            temporary_beside.unlink(missing_ok=True)


@contextmanager
def folder_place(target: Path, *, force: bool, is_export: Callable[[Path], bool]) -> Iterator[Path]:
    """A temporary folder that becomes `target`; what stood there is removed only when `is_export` knows
    it.
    """
    free = target.is_dir() and not target.is_symlink() and not any(target.iterdir())
    if not free:
        _refuse_existing(target, force=force)
    if (target.exists() or target.is_symlink()) and not free and not is_export(target):
        raise UserError(
            f"{target} is there and is no export of khotin: it is left alone",
            reason="export-exists",
            hint="name another folder",
        )
    temporary, old = _hidden(target, "part"), _hidden(target, "old")
    with _told(target):
        try:
            temporary.mkdir(parents=True)
            yield temporary
            _sync_folder(temporary)
            if target.exists() and not free:
                target.rename(old)
            try:
                temporary.rename(target)
            except OSError:
                if old.exists():
                    old.rename(target)
                raise
            _sync(target.parent)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if target.exists():
                shutil.rmtree(old, ignore_errors=True)


def _hidden(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{suffix}")


def _refuse_existing(target: Path, *, force: bool) -> None:
    if not force and (target.exists() or target.is_symlink()):
        raise UserError(
            f"{target} is there already", reason="export-exists", hint="name another target, or add --force"
        )


def _sync_folder(folder: Path) -> None:
    paths = [folder, *folder.rglob("*")]
    if len(paths) > _MANY_FILES:
        os.sync()
        return
    for path in paths:
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write {target}: {error.strerror or error}",
            reason="export-not-written",
            hint="name a target in a folder that you may write to, on a disk with room",
        ) from error
