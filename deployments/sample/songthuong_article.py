"""Báo Sông Thương: the article page in the mark-up of the ePi system.

Class names and the places of lead, date, author, tags, captions and clutter follow real ePi pages; see the
ePi parser in `parsers.sites`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployments.sample.body import Block, Bullets, Heading, Paragraph, Photo, Table
from deployments.sample.markup import (
    PLAYER_LABELS,
    esc,
    json_ld,
    link_tags,
    others,
    script_string,
    section_title,
    tag_slug,
    weekday,
)
from deployments.sample.pages import SITES, Page

SITE = SITES["songthuong"]
BASE = f"http://{SITE.host}"

# The number in `/rss/<section>-<n>.rss`.
SECTION_NUMBERS = {section: number for number, section in enumerate(SITE.sections, start=11)}

_AD = '<div id="sda{0}" class="rennab fyi" data-platform="1" data-position="{0}" style="display:none"></div>'


def article_path(page: Page) -> str:
    """`/{slug}-post{id}.html`."""
    return f"/{page.slug}-post{page.id}.html"


def article_page(page: Page, pages: Sequence[Page]) -> str:
    """The page of an article; `pages` are all pages of the site, newest first."""
    if page.kind == "soft-404":
        message = "".join(f"<p>{esc(b.text)}</p>" for b in page.blocks if isinstance(b, Paragraph))
        main = (
            f'<div class="error-page"><h1>{esc(page.title)}</h1>{message}<a href="/">Về trang chủ</a></div>'
        )
        return shell(page.title, "", "error", main + _many_pack(others(page, pages, 6)))
    return shell(page.title, _head(page), _layout(page), _article(page, pages), _lang(page))


def _lang(page: Page) -> str:
    return "en" if page.kind == "english" else "vi"


def _layout(page: Page) -> str:
    return "detail-video" if page.kind == "video" else "detail-normal"


def _head(page: Page) -> str:
    url = BASE + article_path(page)
    tags = ",".join(page.tags)
    article_type = "video" if page.kind == "video" else "detail-normal"
    news: dict[str, object] = {
        "@context": "http://schema.org",
        "@type": "NewsArticle",
        "mainEntityOfPage": {"@type": "WebPage", "@id": url},
        "headline": page.title,
        "description": page.lead,
        "image": {
            "@type": "ImageObject",
            "url": f"{BASE}/images/{page.id}.jpg",
            "width": 1200,
            "height": 630,
        },
        "datePublished": page.published.isoformat(),
        "dateModified": page.changed.isoformat(),
        "author": {"@type": "Person", "name": ", ".join(page.authors) or SITE.title},
        "publisher": {"@type": "Organization", "name": SITE.title},
    }
    if page.kind == "paywall":
        news["isAccessibleForFree"] = False
    crumbs = {
        "@context": "http://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {
                "@type": "ListItem",
                "position": 1,
                "item": {"@id": f"{BASE}/{page.section}.html", "name": section_title(page)},
            }
        ],
    }
    return f"""
<meta name="description" content="{esc(page.lead)}"/>
<meta name="keywords" content="{esc(tags)}"/>
<meta name="news_keywords" content="{esc(tags)}"/>
<link rel="canonical" href="{url}" />
<meta property="og:site_name" content="{SITE.title}"/>
<meta property="og:type" content="article"/>
<meta property="og:url" content="{url}"/>
<meta property="og:image" content="{BASE}/images/{page.id}.jpg"/>
<meta property="og:title" content="{esc(page.title)}"/>
<meta property="og:description" content="{esc(page.lead)}"/>
<meta property="og:locale" content="{"en_US" if page.kind == "english" else "vi_VN"}"/>
<meta property="article:tag" content="{esc(tags)}"/>
<meta property="article:section" content="{section_title(page)}" />
<meta property="article:published_time" content="{page.published.isoformat()}"/>
<meta property="article:modified_time" content="{page.changed.isoformat()}"/>
{json_ld(crumbs)}
{json_ld(news)}
<script> window.dataLayer = window.dataLayer || []; dataLayer.push({{ 'event': 'Pageview',
 'articleId': '{page.id}', 'articleTitle': {script_string(page.title)},
 'articleCategory': {script_string(section_title(page))}, 'articleAlowAds': true,
 'articleAuthor': {script_string(", ".join(page.authors))}, 'articleType': '{article_type}',
 'articleTags': {script_string(tags)}, 'articlePublishDate': '{page.published.isoformat()}' }});
</script>
<script> var cmsConfig = {{ domainDesktop: '{BASE}', siteId: 0, pageType: 1, objectId: {page.id},
 adsZone: {SECTION_NUMBERS[page.section]}, allowAds: true, adsLazy: true, appendRecommendations: true }};
</script>
"""


def _article(page: Page, pages: Sequence[Page]) -> str:
    sapo = ""
    blocks = page.blocks
    if page.lead:
        sapo = f'<div class="article__sapo cms-desc"><p>{esc(page.dateline + page.lead)}</p></div>'
    avatar = ""
    if blocks and isinstance(blocks[0], Photo):
        avatar = f'<figure class="article__avatar">{_picture(page, blocks[0], 0)}</figure>'
        blocks = blocks[1:]
    body = _body(page, blocks, pages)
    if page.kind == "video":
        avatar = (
            '<div class="article__video"><video class="cms-video" controls preload="none" '
            f'poster="{BASE}/images/{page.id}.jpg">'
            f'<source src="/videos/{page.id}.mp4" type="video/mp4"/></video></div>'
        )
    tags = "".join(
        f'<a class="link" href="{BASE}/tu-khoa/{tag_slug(tag)}-tag{page.id}.html" title="{esc(tag)}">'
        f"{esc(tag)}</a>"
        for tag in page.tags
    )
    time = page.published
    related = "".join(story(other) for other in others(page, pages, 2))
    return f"""
<div class="article">
<div class="breadcrumb breadcrumb-detail"><h2 class="main"><a href="{BASE}/{page.section}.html"
 title="{section_title(page)}" class="active">{section_title(page)}</a></h2></div>
<div class="article__header">
<h1 class="article__title cms-title "> {esc(page.title)} </h1>
{sapo}
{_AD.format("Web_SdaArticleAfterSapo")}
</div>
<div class="col"><div class="main-col content-col">
<div class="article__meta">
<time class="time" datetime="{time.isoformat()}" data-time="{int(time.timestamp())}" data-friendly="false"
 data-format="full">{weekday(time)}, ngày {time:%d/%m/%Y} - {time:%H:%M}</time>
<meta class="cms-date" itemprop="datePublished" content="{time.isoformat()}">
<div class="features article__social">
<a href="javascript:void(0);" class="item fb" data-rel="facebook" title="Facebook">
<i class="ic-facebook"></i></a>
<a href="javascript:void(0);" class="bookmark sendbookmark" data-id="{page.id}" title="Lưu tin">Lưu tin</a>
<a href="javascript:void(0);" class="mail sendmail" title="Gửi mail"><i class="ic-email"></i></a>
<a href="javascript:void(0);" class="print sendprint" data-href="/print.html?id={page.id}">Bản in</a>
</div></div>
{avatar}
{_AD.format("Web_SdaArticleAfterAvatar")}
{body}
<div class="article-footer">
<div class="related-news"><h3 class="box-heading"><span class="title">Tin liên quan </span></h3>
<div class="box-content" data-source="related-news">{related}</div></div>
<div class="article__tag">{tags}</div>
<div class="wrap-comment" id="comment{page.id}" data-id="{page.id}" data-type="20">
<h3 class="box-heading"><span class="title">Bình luận</span></h3>
<textarea placeholder="Ý kiến của bạn sẽ được biên tập trước khi đăng.
Xin vui lòng gõ tiếng Việt có dấu."></textarea>
</div></div></div>
{_sidebar(others(page, pages, 8))}
</div></div>
{_many_pack(others(page, pages, 5))}
"""


def _body(page: Page, blocks: Sequence[Block], pages: Sequence[Page]) -> str:
    parts = [_player()] if page.kind == "article" else []
    opening = "" if page.lead else page.dateline
    paragraphs = 0
    for number, block in enumerate(blocks, start=1):
        parts.append(_block(page, block, number, opening))
        if isinstance(block, Paragraph):
            opening = ""
            paragraphs += 1
            if paragraphs == 2:
                parts.append(f'<div class="sda_middle">{_AD.format("Web_SdaArticleMiddle")} Quảng cáo</div>')
            if paragraphs == 3:
                parts.append(_relate(others(page, pages, 2)))
    if page.source_credit:
        parts.append(f'<p style="text-align: right;"><strong>{esc(page.source_credit)}</strong></p>')
    if page.kind == "paywall":
        parts.append(
            '<div class="article__paywall subscription-box"><h3>Nội dung dành cho bạn đọc trả phí</h3>'
            "<p>Đăng ký gói thành viên để đọc tiếp bài viết này.</p>"
            '<a href="/dang-ky.html" class="btn">Đăng ký</a> <a href="/dang-nhap.html">Đăng nhập</a></div>'
        )
    if page.authors:
        names = "".join(f'<p class="name">{esc(name)}</p>' for name in page.authors)
        parts.append(f'<div class="article__author"> {names} </div>')
    parts.append(_AD.format("Web_SdaArticleAfterBody"))
    inner = "\n".join(parts)
    return f'<div class="article__body zce-content-body cms-body" itemprop="articleBody">\n{inner}\n</div>'


def _block(page: Page, block: Block, number: int, opening: str) -> str:
    match block:
        case Paragraph(text):
            link = f'<a href="{BASE}/tu-khoa/{{}}-tag{page.id}.html" class="cms-relate">'
            return f"<p>{esc(opening)}{link_tags(text, page.tags, link)}</p>"
        case Heading(text):
            return f"<h3>{esc(text)}</h3>"
        case Photo():
            return f'<figure class="picture">{_picture(page, block, number)}</figure>'
        case Bullets(items):
            return "<ul>" + "".join(f"<li>{esc(item)}</li>" for item in items) + "</ul>"
        case Table(rows):
            lines = "".join(f"<tr>{''.join(f'<td><p>{esc(c)}</p></td>' for c in row)}</tr>" for row in rows)
            return f'<table class="cms-table"><tbody>{lines}</tbody></table>'


def _picture(page: Page, photo: Photo, number: int) -> str:
    caption = esc(photo.caption)
    return (
        f'<img class="cms-photo" src="{BASE}/images/{page.id}-{number}.jpg" alt="{caption}" '
        f'cms-photo-caption="{caption}"/><figcaption>{caption}</figcaption>'
    )


def _player() -> str:
    voices = "".join(f"<li>{label}</li>" for label in PLAYER_LABELS)
    return (
        '<div class="article__audio"><a href="#tts" class="tts-play" title="Nghe bài viết"></a>'
        f'<span class="time">0:00 / 0:00</span>'
        f'<span class="rest">0:00</span><ul class="voices">{voices}</ul></div>'
    )


def _relate(pages: Iterable[Page]) -> str:
    return '<div class="article-relate"><h3>Tin liên quan</h3>' + "".join(map(story, pages)) + "</div>"


def story(page: Page) -> str:
    """A teaser that links to the article."""
    return (
        f'<article class="story"><h2 class="story__heading" data-tracking="{page.id}"><a class=" cms-link" '
        f'href="{BASE}{article_path(page)}" title="{esc(page.title)}"> {esc(page.title)} </a></h2></article>'
    )


def _sidebar(pages: Iterable[Page]) -> str:
    return (
        '<div class="sub-col sidebar-right"><div class="trending fyi-position"><h3 class="box-heading">'
        '<span class="title">Tin đọc nhiều</span></h3><div class="box-content" data-source="mostread-news">'
        + "".join(map(story, pages))
        + '</div></div><div class="tool-box"><a href="javascript:void(0);" class="active">Thời tiết</a>'
        '<a href="javascript:void(0);">Tỷ giá</a></div></div>'
    )


def _many_pack(pages: Iterable[Page]) -> str:
    stories = "".join(
        f'<figure class="story__thumb"><img class="lazyload" src="/images/{page.id}-t.jpg" alt=""></figure>'
        f"{story(page)}"
        for page in pages
    )
    return (
        '<div class="many-pack"><h3 class="box-heading"><span class="title">Có thể bạn quan tâm</span></h3>'
        f'<div class="box-content content-list">{stories}</div></div>'
    )


def shell(title: str, head: str, layout: str, main: str, lang: str = "vi") -> str:
    """The frame of every page of the site around `main`; `layout` is the class of the body."""
    menu = "\n".join(
        f'<li class="menu-item"><a href="{BASE}/{slug}.html" title="{name}">{name}</a></li>'
        for slug, name in SITE.sections.items()
    )
    return f"""<!DOCTYPE html>
<html lang="{lang}" class="songthuong">
<head>
<title>{esc(title)} | {SITE.title}</title>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-language" content="{lang}" />
<meta name="author" content="{SITE.title}" />
<meta name="robots" content="index, follow, max-image-preview:large" />
<link rel="alternate" type="application/rss+xml" title="{SITE.title}" href="{BASE}/rss/home.rss">
{head}
<style>
.site-header{{display:flex;height:64px;border-bottom:1px solid #ddd}}
.menu{{display:flex;gap:16px;list-style:none}}
.container{{width:1200px;margin:0 auto}}.main-col{{width:820px;float:left}}.sub-col{{width:340px;float:right}}
.article__title{{font-size:34px;line-height:1.25}}.article__sapo{{font-weight:700}}.rennab{{min-height:90px}}
.story__heading{{font-size:18px;margin:0 0 8px}}.many-pack{{clear:both;border-top:2px solid #8a1c1c}}
</style>
</head>
<body class="{layout}">
<div id="sdaWeb_SdaMasthead" class="rennab rennab-top" data-platform="1"></div>
<header class="site-header"><a href="/" class="logo" title="{SITE.title}">{SITE.title}</a>
<form action="/tim-kiem" class="search"><input name="q" placeholder="Tìm kiếm"></form>
<ul class="menu">
<li class="menu-item"><a href="/" title="Trang chủ">Trang chủ</a></li>
{menu}
<li class="menu-item"><a href="{BASE}/tim-kiem?q=moi">Tìm kiếm</a></li>
</ul></header>
<div class="site-body"><div class="container">
{main}
</div></div>
<footer class="site-footer"><p>{SITE.title} - Cơ quan ngôn luận của một vùng đất không có trên bản đồ.</p>
<p>Tòa soạn: số 1 đường Bến Cũ, thị xã Thượng Giang. Điện thoại: 0200 000 000.</p>
<p>Ghi rõ nguồn "{SITE.title}" khi phát hành lại thông tin từ trang này.</p>
<ul><li><a href="/gioi-thieu.html">Giới thiệu</a></li>
<li><a href="/lien-he.html">Liên hệ quảng cáo</a></li></ul>
</footer>
<script>(function(){{var b=document.querySelectorAll('.rennab');
for(var i=0;i<b.length;i++){{b[i].hidden=true;}}}})();</script>
</body>
</html>
"""
