"""ePi, the content management of many state papers; its assets come from `common.mcms.one`."""

from __future__ import annotations

from datetime import date

from parsers.sites.spec import SiteParser

EPI = SiteParser(
    name="epi",
    version="2",
    seen_on=(
        "nhandan.vn",
        "vietnamplus.vn",
        "tienphong.vn",
        "cand.vn",
        "sggp.org.vn",
        "plo.vn",
        "anninhthudo.vn",
    ),
    valid_from=date(2022, 1, 1),
    recognise=(".article__body.cms-body", "h1.article__title.cms-title"),
    title=("h1.article__title", "h1.cms-title"),
    lead=(".article__sapo.cms-desc", ".article__sapo"),
    body=(".article__body.cms-body[itemprop=articleBody]", ".article__body.cms-body", ".article__body"),
    date=(
        'meta[property="article:published_time"]@content',
        ".article__meta time[datetime]@datetime",
        "time.time[datetime]@datetime",
        "meta.cms-date@content",
        ".article__meta time",
    ),
    modified=('meta[property="article:modified_time"]@content',),
    # `meta[name=author]` is the paper, never the writer.
    author=(".article__author .name", ".article__author", ".article__meta .author"),
    section=(
        ".breadcrumb .main a.active",
        ".breadcrumb-detail a.active",
        ".breadcrumb .main a",
        ".breadcrumb a",
    ),
    tags=(".article__tag a",),
    remove=(
        ".sda_middle",
        ".rennab",
        ".notebox",
        ".cms-note",
        ".article-relate",
        ".related-news",
        ".article__social",
        ".article__author",
        ".article__tag",
        ".article__audio",
        "[href='#tts']",
        ".many-pack",
        ".trending",
        ".box-content",
        ".player",
        ".audio-player",
        ".wrap-comment",
    ),
    video=(
        r"~dataLayer[^;]{0,200}articleType['\"]?\s*[:=]\s*['\"]video",
        ".detail-video",
        "body.video-detail",
    ),
    gallery=(r"~dataLayer[^;]{0,200}articleType['\"]?\s*[:=]\s*['\"](?:photo|gallery|album)",),
    paywall=(".article__paywall", ".cms-paywall", ".paywall"),
)
