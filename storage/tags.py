"""Versions by name: tags, dates, numbers and `latest`, read by the one function `resolve`.

A tag names one version for ever. A date stands for the state at the end of that day in Vietnam, where the
corpus is from: what was committed later is not in it, so the same date always gives the same version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, insert, select

from parsers.errors import NotFound, UserError
from storage.reading import read_version
from storage.tables import Tag, Version, table_of
from storage.versions import VersionRow, last_version

HOME_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LATEST = "latest"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NUMBER = re.compile(r"[0-9]+")
_LIKE_A_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_TOLD_TAGS = 20


@dataclass(frozen=True, slots=True)
class TagRow:
    """A name that was given to a version; `created_at` is when."""

    name: str
    version_id: int
    message: str
    created_at: datetime


def names_a_version(text: str) -> bool:
    """Whether a word on the command line can only mean a version: addresses and seed ids have a colon."""
    return bool(_NAME.fullmatch(text)) or _LIKE_A_DATE.match(text) is not None


def read_moment(text: str, *, end_of_day: bool = False) -> datetime | None:
    """A date (its first moment, or its last one) or an ISO 8601 time; None if the text is neither.

    What has no zone is told in that of Vietnam. Raises UserError for a date that does not exist.
    """
    if _LIKE_A_DATE.match(text) is None:
        return None
    try:
        if len(text) == len("YYYY-MM-DD"):
            day = date.fromisoformat(text)
            start = datetime.combine(day, time(), HOME_ZONE)
            return start + timedelta(days=1, microseconds=-1) if end_of_day else start
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=HOME_ZONE) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"{text!r} is no date or time",
            reason="bad-date",
            hint="write YYYY-MM-DD, or a time as in 2026-03-02T08:00:00+07:00",
        ) from error


def resolve(connection: Connection, text: str) -> VersionRow:
    """The version that a user means: a number, a tag, a date, a time, or `latest`.

    A date gives the last version that was committed on or before the end of that day in Asia/Ho_Chi_Minh, a
    time the last one at or before it. Raises NotFound (`no-such-version`, `no-such-tag`, `empty-store`) and
    says which there are.
    """
    if text == LATEST:
        return _newest(connection)
    if _NUMBER.fullmatch(text):
        return read_version(connection, int(text))
    moment = read_moment(text, end_of_day=True)
    return _tagged(connection, text) if moment is None else _as_of(connection, text, moment)


def _newest(connection: Connection) -> VersionRow:
    newest = last_version(connection)
    if newest is None:
        raise NotFound(
            "the store holds no version yet", reason="empty-store", hint="run `khotin ingest --sample`"
        )
    return newest


def _as_of(connection: Connection, text: str, moment: datetime) -> VersionRow:
    table = table_of(Version)
    query = select(func.max(table.c.id)).where(table.c.created_at <= moment)
    found = connection.execute(query).scalar()
    if found is not None:
        return read_version(connection, found)
    _newest(connection)
    first = read_version(connection, 1).created_at.astimezone(HOME_ZONE)
    raise NotFound(
        f"no version was committed on or before {text}",
        reason="no-such-version",
        hint=f"version 1 is of {first.isoformat(sep=' ', timespec='seconds')}",
    )


def _tagged(connection: Connection, name: str) -> VersionRow:
    tag = _read_tag(connection, name)
    if tag is not None:
        return read_version(connection, tag.version_id)
    names = [row.name for row in read_tags(connection)]
    there = ", ".join(names[-_TOLD_TAGS:]) + (", and older ones" if len(names) > _TOLD_TAGS else "")
    raise NotFound(
        f"there is no tag {name!r}",
        reason="no-such-tag",
        hint=f"there are: {there}" if names else "no version has a tag yet: `khotin tag NAME` gives one",
    )


def read_tags(connection: Connection) -> list[TagRow]:
    """All tags, in the order in which they were given."""
    table = table_of(Tag)
    query = select(*(table.c[name] for name in TagRow.__slots__)).order_by(table.c.created_at, table.c.name)
    return [TagRow(*row) for row in connection.execute(query)]


def _read_tag(connection: Connection, name: str) -> TagRow | None:
    table = table_of(Tag)
    query = select(*(table.c[column] for column in TagRow.__slots__)).where(table.c.name == name)
    row = connection.execute(query).first()
    return TagRow(*row) if row else None


def write_tag(connection: Connection, name: str, version: VersionRow, message: str, now: datetime) -> TagRow:
    """Give a version a name, inside a write transaction; giving it the same name again changes nothing.

    Raises UserError: `bad-tag` for what would be read as something else, `tag-taken` for a name that another
    version has.
    """
    if not _NAME.fullmatch(name) or name.startswith("-"):
        raise UserError(
            f"{name!r} is no name for a version",
            reason="bad-tag",
            hint="use 1 to 64 letters a to z, digits, dots, hyphens and underscores; no hyphen first",
        )
    if name == LATEST or _NUMBER.fullmatch(name) or _LIKE_A_DATE.match(name):
        raise UserError(
            f"{name!r} cannot be a tag: it already means a version",
            reason="bad-tag",
            hint="choose a name that is no number, no date and not `latest`, such as release-1",
        )
    there = _read_tag(connection, name)
    if there is None:
        made = TagRow(name, version.id, message, now)
        values = {column: getattr(made, column) for column in TagRow.__slots__}
        connection.execute(insert(table_of(Tag)), [values])
        return made
    if there.version_id != version.id:
        raise UserError(
            f"{name} is version {there.version_id} and stays so",
            reason="tag-taken",
            hint="choose another name: a tag is given once",
        )
    return there
