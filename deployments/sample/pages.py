"""What the sample newsroom knows: the three papers, and a page as it stands in one edition."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from deployments.sample.body import Block, decomposed

Kind = Literal["article", "video", "paywall", "soft-404", "english"]


@dataclass(frozen=True, slots=True)
class Site:
    """A paper: its key in file names, host, printed name, and sections by slug in menu order."""

    key: str
    host: str
    title: str
    sections: Mapping[str, str]


SITES: Mapping[str, Site] = MappingProxyType(
    {
        site.key: site
        for site in (
            Site(
                "songthuong",
                "songthuong.example",
                "Báo Sông Thương",
                MappingProxyType(
                    {
                        "thoi-su": "Thời sự",
                        "phap-luat": "Pháp luật",
                        "kinh-te": "Kinh tế",
                        "van-hoa": "Văn hóa",
                    }
                ),
            ),
            Site(
                "binhminh",
                "binhminh.example",
                "Bình Minh",
                MappingProxyType(
                    {
                        "thoi-su": "Thời sự",
                        "kinh-doanh": "Kinh doanh",
                        "giao-duc": "Giáo dục",
                        "suc-khoe": "Sức khỏe",
                        "the-thao": "Thể thao",
                    }
                ),
            ),
            Site(
                "dongque",
                "dongque.example",
                "Đồng Quê Online",
                MappingProxyType(
                    {"nong-nghiep": "Nông nghiệp", "doi-song": "Đời sống", "an-ninh": "An ninh"}
                ),
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Page:
    """One article as it stands in one edition. Times are zone-aware; text is NFC, see `as_served`."""

    site: str
    id: int
    slug: str
    section: str
    edition: int
    published: datetime
    modified: datetime | None
    title: str
    lead: str
    authors: tuple[str, ...]
    dateline: str
    source_credit: str
    tags: tuple[str, ...]
    kind: Kind
    nfd: bool
    blocks: tuple[Block, ...]

    @property
    def key(self) -> str:
        """`<site>/<id>`, the form in which other articles refer to this one."""
        return f"{self.site}/{self.id}"

    @property
    def changed(self) -> datetime:
        """Time of the last change: `modified`, else `published`."""
        return self.modified or self.published

    def as_served(self) -> Page:
        """The page with its text in the normal form in which the site sends it: NFD where `nfd` is set."""
        if not self.nfd:
            return self

        def nfd(text: str) -> str:
            return unicodedata.normalize("NFD", text)

        return replace(
            self,
            title=nfd(self.title),
            lead=nfd(self.lead),
            authors=tuple(map(nfd, self.authors)),
            dateline=nfd(self.dateline),
            source_credit=nfd(self.source_credit),
            tags=tuple(map(nfd, self.tags)),
            blocks=tuple(map(decomposed, self.blocks)),
        )
