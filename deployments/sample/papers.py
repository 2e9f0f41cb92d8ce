"""The three papers together: what each host serves in an edition, and where each article stands."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from deployments.sample import binhminh, dongque, songthuong
from deployments.sample.markup import Resource
from deployments.sample.pages import SITES, Page
from deployments.sample.press import Press
from parsers.errors import SourceFileError

_TEMPLATES = MappingProxyType({"songthuong": songthuong, "binhminh": binhminh, "dongque": dongque})


def article_url(page: Page) -> str:
    """Absolute address at which the site serves the article."""
    return f"http://{SITES[page.site].host}{_TEMPLATES[page.site].article_path(page)}"


def serve(press: Press, edition: int) -> Mapping[str, Mapping[str, Resource]]:
    """What stands on the sites in the edition: by host, then by path with its query.

    Raises SourceFileError where two articles would have the same address, UserError for an edition that
    does not exist.
    """
    pages = press.at(edition)
    # Pages without an article are as old as the oldest article of the first edition.
    opened = min(page.published for page in press.at(1))
    hosts: dict[str, Mapping[str, Resource]] = {}
    for key, site in SITES.items():
        own = tuple(page.as_served() for page in pages if page.site == key)
        paths: dict[str, Page] = {}
        for page in own:
            first = paths.setdefault(_TEMPLATES[key].article_path(page), page)
            if first is not page:
                raise SourceFileError(
                    f"{page.key} and {first.key} have the same address", reason="bad-sample-article"
                )
        hosts[site.host] = MappingProxyType(_TEMPLATES[key].resources(own, opened))
    return MappingProxyType(hosts)
