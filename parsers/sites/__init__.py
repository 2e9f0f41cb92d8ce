"""The families of sites whose mark-up is known. A new one is a module with a `SiteParser` and a line here."""

from __future__ import annotations

from parsers.sites.dantri import DANTRI
from parsers.sites.epi import EPI
from parsers.sites.onecms import ONECMS
from parsers.sites.qdnd import QDND
from parsers.sites.spec import SiteParser
from parsers.sites.vccorp import VCCORP
from parsers.sites.vietnamnet import VIETNAMNET
from parsers.sites.vnexpress import VNEXPRESS
from parsers.sites.vov import VOV

SITE_PARSERS: tuple[SiteParser, ...] = (EPI, VCCORP, ONECMS, VNEXPRESS, VIETNAMNET, DANTRI, QDND, VOV)
"""In the order in which pages are tried against them."""

__all__ = ["SITE_PARSERS", "SiteParser"]
