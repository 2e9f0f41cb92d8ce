"""What subcommands take as arguments, read into values; mistakes are told as the user's."""

from __future__ import annotations

from parsers.errors import UrlError, UserError
from parsers.urls import canonical_url


def document_id(text: str) -> str:
    """The id under which a document is stored: a canonical URL, or a seed's `seed:<hex>`."""
    if text.startswith(("seed:", "seed-file:")):
        return text
    try:
        return canonical_url(text)
    except UrlError as error:
        raise UserError(
            f"{text!r} is no address of a document: {error.message}",
            reason=error.reason,
            hint="write the whole address, https://..., or seed:<16 hex digits>",
        ) from error
