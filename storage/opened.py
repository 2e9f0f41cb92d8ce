"""A store that is opened: its connections, and where its files are."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection
from sqlalchemy.engine import URL

from storage.claims import Claims, open_claims
from storage.database import connect_engine, database_url, reading, storing, writing


class Opened:
    """The database of a store and its folder `home`: what all that is done with it begins with."""

    def __init__(self, home: Path, url: str, busy_seconds: float) -> None:
        self.home = home
        self._engine = connect_engine(database_url(url), busy_seconds)
        self.store_id = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @property
    def location(self) -> str:
        """The database's URL, without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    @property
    def url(self) -> URL:
        """The database's URL with all that is needed to connect."""
        return self._engine.url

    @property
    def archive_folder(self) -> Path:
        return self.home / "raw"

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads: one consistent state, and no wait for writers."""
        return reading(self._engine)

    def writing(self) -> AbstractContextManager[Connection]:
        """The one transaction that may write: everything in it is stored, or nothing."""
        return writing(self._engine)

    def storing(self) -> AbstractContextManager[Connection]:
        """Like `writing`; a statement that the database refuses is a StoreError too."""
        return storing(self._engine)

    def claims(self) -> AbstractContextManager[Claims]:
        """Names that one process holds at a time, such as that of a source while it is run."""
        return open_claims(self._engine, self.home, self.store_id)
