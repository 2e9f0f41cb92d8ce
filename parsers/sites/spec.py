"""`SiteParser`: where a family of sites keeps the parts of an article, as a value."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SiteParser:
    """The selectors of one family of sites, and from when to when its pages looked so.

    A selector is CSS; `selector@attribute` reads an attribute instead of the text. Where a field has
    several selectors they are tried in order and the first that gives something wins; `author`, `tags`,
    `caption`, `remove` and `keep` take all that match.

    name, version: stand in every record that the parser makes; the version grows when the records change.
    valid_from, valid_to: first and last day on which pages were seen in this form; None where unknown.
    seen_on: hosts on whose pages the selectors were seen to fit.
    recognise: a page belongs to the family when any of these matches.
    body: required; of several matches of one selector the longest is the article.
    remove: parts inside the body that are no text; `keep` wins over it.
    video, gallery, paywall: marks of pages that are no articles. A mark with a leading "~" is no selector
    but a regular expression over the page's source.
    """

    name: str
    version: str
    recognise: tuple[str, ...]
    title: tuple[str, ...]
    body: tuple[str, ...]
    lead: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    section: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    caption: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    video: tuple[str, ...] = ()
    gallery: tuple[str, ...] = ()
    paywall: tuple[str, ...] = ()
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    seen_on: tuple[str, ...] = ()
