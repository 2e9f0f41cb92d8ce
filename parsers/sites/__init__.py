"""The families of sites whose mark-up is known. A new one is a module with a `SiteParser`: it is found."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from parsers.sites.dantri import DANTRI
from parsers.sites.epi import EPI
from parsers.sites.onecms import ONECMS
from parsers.sites.qdnd import QDND
from parsers.sites.spec import SiteParser
from parsers.sites.vccorp import VCCORP
from parsers.sites.vietnamnet import VIETNAMNET
from parsers.sites.vnexpress import VNEXPRESS
from parsers.sites.vov import VOV

_FIRST: tuple[SiteParser, ...] = (EPI, VCCORP, ONECMS, VNEXPRESS, VIETNAMNET, DANTRI, QDND, VOV)
_NO_SITES = frozenset({"engine", "spec"})


def _others() -> tuple[SiteParser, ...]:
    """Those of all other modules of this package, by the name of the module."""
    found: dict[str, SiteParser] = {}
    for name in sorted(module.name for module in iter_modules(__path__)):
        if name in _NO_SITES:
            continue
        for value in vars(import_module(f"{__name__}.{name}")).values():
            if isinstance(value, SiteParser) and value not in _FIRST:
                found.setdefault(value.name, value)
    return tuple(found.values())


SITE_PARSERS: tuple[SiteParser, ...] = (*_FIRST, *_others())
"""In the order in which pages are tried against them."""

__all__ = ["SITE_PARSERS", "SiteParser"]
