"""VCCorp, the content management of Tuổi Trẻ, Thanh Niên, Người Lao Động, CafeF and others."""

from __future__ import annotations

from datetime import date

from parsers.sites.spec import SiteParser

VCCORP = SiteParser(
    name="vccorp",
    version="2",
    seen_on=("tuoitre.vn", "thanhnien.vn", "nld.com.vn", "cafef.vn", "baochinhphu.vn"),
    valid_from=date(2022, 1, 1),
    recognise=(".detail-content.afcbc-body", "[data-role=content].afcbc-body"),
    title=("h1[data-role=title]", "[data-role=title]", "h1.article-title"),
    lead=("[data-role=sapo]", ".detail-sapo", "h2.sapo"),
    # A pop-up repeats the class with an empty body: the longest is the article.
    body=(".detail-content.afcbc-body", "[data-role=content]"),
    date=(
        'meta[property="article:published_time"]@content',
        'meta[name="pubdate"]@content',
        "[data-role=publishdate]",
    ),
    modified=('meta[property="article:modified_time"]@content',),
    author=(
        ".detail-author .author-item",
        ".detail-author .name",
        "[data-role=author]",
        ".detail-author",
        "p.author",
        ".author-info .name",
    ),
    section=("[data-role=cate-name]", ".detail-cate a", 'meta[property="article:section"]@content'),
    tags=(".detail-tab a.item", ".detail-tab a", "[data-role=tags] a", ".detail-tag-list a", ".tags a"),
    caption=("figcaption.PhotoCMS_Caption", ".PhotoCMS_Caption"),
    remove=(
        "[type=RelatedOneNews]",
        "[type=RelatedNewsBox]",
        "[type=RelatedNews]",
        "[type=VideoStream]",
        ".readmore-body-box",
        "zone",
        ".tindnd",
        ".c-banner",
        ".link-content-footer",
        ".detail-author",
        ".detail-tab",
        ".box-audio",
        ".audioPlayer",
        ".NLPlaceholderShow",
    ),
    keep=("[type=content]",),
    video=("body[data-type=video]", "[data-role=content][data-type=video]", "[data-type=video].detail__main"),
    gallery=("body[data-type=photo]",),
    paywall=(".box-paywall", ".paywall", "[data-role=paywall]", ".detail-paywall"),
)
