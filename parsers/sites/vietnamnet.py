"""VietNamNet, in the form of 2019 and in today's."""

from __future__ import annotations

from datetime import date

from parsers.sites.spec import SiteParser

VIETNAMNET = SiteParser(
    name="vietnamnet",
    version="2",
    seen_on=("vietnamnet.vn",),
    valid_from=date(2016, 1, 1),
    recognise=(".maincontent.main-content", "h1.content-detail-title", "#ArticleContent.ArticleContent"),
    title=("h1.content-detail-title", "#ArticleHolder h1.title", "h1.title"),
    lead=(".content-detail-sapo", ".ArticleContent .ArticleLead"),
    body=(".maincontent.main-content", "#ArticleContent"),
    date=(
        ".bread-crumb-detail__time",
        ".ArticleDate",
        'meta[property="article:published_time"]@content',
    ),
    modified=('meta[property="article:modified_time"]@content',),
    author=(".article-detail-author .name", ".article-detail-author__info .name"),
    section=(".bread-crumb-detail a[href]:not([href='/'])", ".top-cate-head-title a"),
    tags=(".tag-cotnent a", ".tag-content a", ".TagBox a"),
    caption=("figcaption", ".image_desc"),
    remove=(
        ".ArticleLead",
        ".article-relate",
        ".inner-article",
        ".insert-wiki-content",
        ".box-taitro",
        ".VnnAdsPos",
        ".vnn-content-relate",
        ".article-detail-author",
    ),
)
