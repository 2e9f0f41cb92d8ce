"""TOML files that a person wrote: each is checked by a model and named like what it holds."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final, Protocol, Self, TypeVar

from pydantic import ValidationError

from parsers.errors import UserError

MAX_FILE_BYTES: Final = 256 * 1024
"""Such a file has some hundred bytes; a larger one is not read."""


class Model(Protocol):
    """What a file holds: a model of pydantic with a name."""

    @property
    def name(self) -> str: ...

    @classmethod
    def model_validate(cls, obj: Any) -> Self: ...


M = TypeVar("M", bound=Model)


def load_folder(folder: Path, model: type[M], what: str, refusal: type[UserError]) -> list[M]:
    """What the `*.toml` files of the folder hold, sorted by name.

    A name is that of its file, so no two can have the same. `what` a file holds stands in faults of no single
    key. Raises one `refusal` for all wrong files, one line for each fault, naming file and key; and for a
    folder that is not there.
    """
    if not folder.is_dir():
        raise refusal(f"there is no folder {folder}")
    held: list[M] = []
    faults: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        found = read_file(path, model, what)
        if not isinstance(found, list):
            held.append(found)
        else:
            faults.extend(f"{path.name}: {fault}" for fault in found)
    if faults:
        raise refusal("\n".join(faults))
    return sorted(held, key=lambda item: item.name)


def read_file(path: Path, model: type[M], what: str, *, any_name: bool = False) -> M | list[str]:
    """What a file holds, or its faults as `key: what is wrong`."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return [f"file: larger than {MAX_FILE_BYTES} bytes"]
        held = model.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        return [f"file: cannot be read: {error.strerror}"]
    except UnicodeDecodeError:
        return ["file: not UTF-8"]
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return [f"file: not TOML: {error}"]
    except ValidationError as error:
        return [_fault(detail["loc"], detail["msg"], what) for detail in error.errors(include_url=False)]
    if held.name != path.stem and not any_name:
        return [f"name: {held.name!r} is not the name of the file"]
    return held


def _fault(location: tuple[int | str, ...], message: str, what: str) -> str:
    key = ".".join(map(str, location)) or what
    return f"{key}: {message.removeprefix('Value error, ')}".replace("\n", " ")
