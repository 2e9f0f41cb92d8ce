"""Foreign text made harmless: titles and addresses come from sites that may mean ill. Pure.

Whatever a title says, in Markdown, HTML and SVG it stays text on one line: no mark-up, no tag, no entity, no
invisible or direction-changing character. An address becomes a link only if it is an http or https one.
"""

from __future__ import annotations

import re
from html import escape

LONGEST = 200
"""Characters of a foreign text that are shown."""

_LONGEST_ADDRESS = 2_000
# The last two would be made into links where they stand alone.
_MARKDOWN = re.compile(r"[\\`*_\[\]|~#!@$]|:(?=//)|\bwww\.", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_UNSAFE_IN_ADDRESS = re.compile(r"[^A-Za-z0-9\-._~:/?#@!$&*+,;=%]")
_BACKTICKS = re.compile(r"`+")


def plain(text: str | None, longest: int = LONGEST) -> str:
    """The text on one line, without control and invisible characters, cut to `longest` characters."""
    kept = "".join(char if char.isprintable() else " " for char in (text or "")[: 4 * longest])
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def markdown(text: str | None, longest: int = LONGEST) -> str:
    """The text for a place inside a line of Markdown or a cell of its tables."""
    # Angle brackets and ampersands as entities: not every renderer heeds a backslash before them.
    return _MARKDOWN.sub(_escaped, escape(plain(text, longest), quote=False))


def _escaped(found: re.Match[str]) -> str:
    return f"{found[0][:-1]}\\{found[0][-1]}"


def address(url: str | None) -> str | None:
    """The address with all that could end a link percent-encoded; None if it is no http or https address."""
    if url is None or len(url) > _LONGEST_ADDRESS or not _ADDRESS.match(url):
        return None
    return _UNSAFE_IN_ADDRESS.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), url)


def markdown_link(text: str | None, url: str | None) -> str:
    """A link in Markdown; only the text where the address is none that may be followed."""
    target = address(url)
    shown = markdown(text) or markdown(url)
    return f"[{shown}](<{target}>)" if target is not None else shown


def html(text: str | None, longest: int = LONGEST) -> str:
    """The text for HTML and SVG, in elements and in quoted attributes."""
    return escape(plain(text, longest), quote=True)


def html_link(text: str | None, url: str | None) -> str:
    """A link in HTML that tells the other site nothing; only the text where the address is none."""
    target = address(url)
    shown = html(text) or html(url)
    if target is None:
        return shown
    return f'<a href="{escape(target, quote=True)}" rel="noopener noreferrer nofollow">{shown}</a>'


def code_block(text: str, language: str = "", *, lines: int, width: int = LONGEST) -> str:
    """Lines of foreign text as a block of code that nothing inside it can end; at most `lines` of `width`."""
    told = text.splitlines()
    shown = [plain_line(line, width) for line in told[:lines]]
    if len(told) > lines:
        shown.append(f"… {len(told) - lines} more lines")
    longest = max((len(run) for run in _BACKTICKS.findall("\n".join(shown))), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *shown, fence])


def plain_line(line: str, width: int) -> str:
    """A line as it is, without control characters, cut to `width` characters."""
    kept = "".join(char if char.isprintable() else " " for char in line[: width + 1])
    return kept if len(kept) <= width else kept[: width - 1] + "…"
