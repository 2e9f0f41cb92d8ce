"""Bình Minh: the article page in the mark-up of the VCCorp system.

`data-role` attributes, object boxes inside the body, an empty second body for pop-ups and doubly escaped
JSON-LD follow real VCCorp pages; see the VCCorp parser in `parsers.sites`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployments.sample.body import Block, Bullets, Heading, Paragraph, Photo, Table
from deployments.sample.markup import (
    entities,
    esc,
    json_ld,
    link_tags,
    others,
    script_string,
    section_title,
    tag_slug,
)
from deployments.sample.pages import SITES, Page

SITE = SITES["binhminh"]
BASE = f"http://{SITE.host}"

_AUTHOR_BASE = "/tac-gia"


def article_path(page: Page) -> str:
    """`/{slug}-{YYYYMMDDHHMMSSmmm}.htm`: time of publication, its milliseconds taken from the id."""
    return f"/{page.slug}-{_object_id(page)}.htm"


def _object_id(page: Page) -> str:
    return f"{page.published:%Y%m%d%H%M%S}{page.id % 1000:03}"


def article_page(page: Page, pages: Sequence[Page]) -> str:
    """The page of an article; `pages` are all pages of the site, newest first."""
    if page.kind == "soft-404":
        message = "".join(f"<p>{esc(b.text)}</p>" for b in page.blocks if isinstance(b, Paragraph))
        text = f'<h1 class="title">{esc(page.title)}</h1>{message}<a href="/">Trang chủ</a>'
        main = f'<div class="page-404">{text}</div>{_same_category(others(page, pages, 6))}'
        return shell(page.title, "", "page-404", main)
    layout = "detail-page detail-video" if page.kind == "video" else "detail-page"
    return shell(
        page.title, _head(page), layout, _article(page, pages), "en" if page.kind == "english" else "vi"
    )


def _head(page: Page) -> str:
    url = BASE + article_path(page)
    summary = page.dateline + page.lead if page.lead else ""
    tags = ",".join(page.tags)

    def twice(text: str) -> str:
        # The CMS escapes text for HTML and then escapes the result again for JSON.
        return entities(esc(text), above=383).replace("&#", "&amp;#")

    news: dict[str, object] = {
        "@context": "http://schema.org",
        "@type": "NewsArticle",
        "mainEntityOfPage": {"@type": "WebPage", "@id": url},
        "headline": twice(page.title),
        "description": twice(summary),
        "image": [f"{BASE}/thumb_w/1200/{page.id}.jpg"],
        "datePublished": page.published.isoformat(),
        "dateModified": page.changed.isoformat(),
        "author": {"@type": "Person", "name": twice(", ".join(page.authors) or SITE.title)},
        "publisher": {"@type": "Organization", "name": twice(SITE.title)},
    }
    if page.kind == "paywall":
        news["isAccessibleForFree"] = "False"
    return f"""
<meta name="description" content="{esc(summary)}" />
<meta name="keywords" content="{esc(tags)}" />
<meta itemprop="name" content="{esc(page.title)}" />
<link rel="canonical" href="{url}" />
<meta property="og:type" content="article" />
<meta property="og:site_name" content="{SITE.title.upper()} ONLINE" />
<meta property="og:title" content="{esc(page.title)}" />
<meta property="og:url" content="{url}" />
<meta property="og:image" content="{BASE}/thumb_w/1200/{page.id}.jpg" />
<meta property="og:description" content="{esc(summary)}" />
<meta property="og:locale" content="{"en_US" if page.kind == "english" else "vi_VN"}" />
<meta property="article:tag" content="{esc(tags)}" />
<meta property="article:section" content="{section_title(page)}" />
<meta property="article:published_time" content="{page.published.isoformat()}" />
<meta property="article:modified_time" content="{page.changed.isoformat()}" />
<meta name="pubdate" content="{page.published.isoformat()}" />
<meta name="lastmod" content="{page.changed.isoformat()}" />
<meta property="dable:item_id" content="{_object_id(page)}" />
<meta property="dable:author" content="{esc(";".join(page.authors))}" />
{json_ld(news)}
<script>window.dataLayer = window.dataLayer || [];dataLayer.push({{  'articleId': '{_object_id(page)}',
 'articleTitle': {script_string(page.title)}, 'articleCategory': {script_string(section_title(page))},
 'articleAlowAds': '1', 'articleSponsor': '0',
 'articleType': '{"Video" if page.kind == "video" else "Normal"}',
 'articleTags': {script_string(";".join(page.tags))},
 'articlePublishDate': Date.parse("{page.published.isoformat()}") }});</script>
<script>var _ADM_Channel = '%2F{page.section}%2Fdetail%2F'; var pageSettings = {{ domain: "{BASE}",
 ajaxDomain: "{BASE}", allowAds: "true", allowComment: "true" }};</script>
"""


def _article(page: Page, pages: Sequence[Page]) -> str:
    sapo = ""
    if page.lead:
        sapo = f'<h2 class="detail-sapo" data-role="sapo">\n{esc(page.dateline + page.lead)}\n</h2>'
    tags = "".join(
        f'<a href="/{tag_slug(tag)}.html" title="{esc(tag)}" class="item">{esc(tag)}</a>' for tag in page.tags
    )
    return f"""
<div class="main" id="content"><div class="detail__section"><div class="container"><div class="detail__flex">
<div class="detail__sticky"><div class="detail-social network">
<a href="#" class="btn-font"><span class="plus">+</span>
<span class="font">aA</span><span class="minus">-</span></a>
<a href="javascript:;" class="sharefb" title="Chia sẻ Facebook"><span class="icon"></span></a>
<a href="javascript:;" class="box_comment" title="Comment"><span class="count">0</span></a>
<a href="/print{article_path(page)}" title="In bài viết">In</a></div></div>
<div class="detail__main" data-type="{"video" if page.kind == "video" else "news"}">
<div class="detail__cmain" id="main-detail">
<div class="detail-top"><div class="detail-cate"><a href="/{page.section}.htm" title="{section_title(page)}"
 data-role="cate-name">{section_title(page)}</a></div>
<div class="detail-time"><div data-role="publishdate">
 {page.published:%d/%m/%Y %H:%M} GMT+7
</div></div></div>
<h1 class="detail-title article-title" data-role="title">{esc(page.title)}</h1>
<div class="detail-info">{_author(page)}
<div class="detail-info-action"><div class="detail-player"></div></div></div>
{sapo}
<div data-check-position="body_start"></div>
<div class="detail-cmain clearfix">
{_video(page)}
<div class="detail-content afcbc-body" data-role="content" itemprop="articleBody">
{_body(page, pages)}
<div class="readmore-body-box d-none"><a href="#" class="readmore-body-btn" title="Đọc tiếp">Đọc tiếp</a>
<a class="return-thread-body-btn" href="/nhom-chu-de.htm">Về trang Chủ đề</a></div>
</div>
<div class="box-author-detail">{_byline(page)}</div>
</div>
<div id="detail_comment" class="detail-comment"><section class="comment-wrapper clearfix">
<span class="box-head">Bình luận (0)</span><textarea placeholder="Chia sẻ ý kiến của bạn"></textarea>
<p class="text-no-comment">Hiện chưa có bình luận nào, hãy là người đầu tiên bình luận</p></section></div>
<div class="detail-tab"><span class="txttag">Chủ đề:</span>{tags}</div>
<zone id="bm{page.id % 97}related"></zone>
</div>
{_same_category(others(page, pages, 8))}
</div></div></div></div></div>
<div class="popup-detail"><div class="detail-cmain"><div class="content-popup"><h1 class="article-title"></h1>
<div class="detail-content afcbc-body" id="objectPopupBody" data-role="content"></div></div></div></div>
"""


def _author(page: Page) -> str:
    """The writers above the lead: the first by name, all of them in a list that opens on a click."""
    if not page.authors:
        return ""
    names = [
        f'<a href="{_AUTHOR_BASE}/{tag_slug(name)}.htm" class="name" title="{esc(name)}">{esc(name)}</a>'
        for name in page.authors
    ]
    if len(names) == 1:
        return f'<div class="detail-author"><div class="author-info">{names[0]}</div></div>'
    more = f'<br><span class="morenameauthor">và {len(names) - 1} tác giả khác</span>'
    slides = "".join(
        f'<div class="swiper-slide"><div class="author-item"><div class="author-item-name">{name}'
        "</div></div></div>"
        for name in names
    )
    return (
        f'<div class="detail-author twoauthor"><div class="author-info">{names[0]}{more}</div>'
        f'<div class="swiper detail-author-list-sw"><div class="swiper-wrapper">{slides}</div></div></div>'
    )


def _byline(page: Page) -> str:
    names = "".join(
        f'<a href="{_AUTHOR_BASE}/{tag_slug(name)}.htm" class="name" title="{esc(name)}">{esc(name)}</a>'
        for name in page.authors
    )
    return f'<div class="detail-author-bot">{names}</div>' if names else ""


def _video(page: Page) -> str:
    if page.kind != "video":
        return ""
    return (
        f'<div class="VCSortableInPreviewMode" type="VideoStream" data-type="video" '
        f'data-vid="bm/{page.id}.mp4">'
        f'<video controls poster="/thumb_w/640/{page.id}.jpg" src="/video/{page.id}.mp4"></video></div>'
    )


def _body(page: Page, pages: Sequence[Page]) -> str:
    opening = "" if page.lead else page.dateline
    parts = []
    for number, block in enumerate(page.blocks, start=1):
        parts.append(_block(page, block, number, opening))
        if isinstance(block, Paragraph):
            opening = ""
    # As real editors do, the last headed part of a long article stands in a coloured object box.
    headings = [place for place, block in enumerate(page.blocks) if isinstance(block, Heading)]
    if len(headings) > 1:
        boxed = "".join(parts[headings[-1] :])
        parts[headings[-1] :] = [
            f'<div class="VCSortableInPreviewMode alignCenter" data-back="#FFFBF2" '
            f'id="ObjectBoxContent_{page.id}" type="content">'
            f'<div placeholder="Nhập nội dung...">{boxed}</div></div>'
        ]
    related = others(page, pages, 3)
    if related and len(parts) > 2:
        parts.insert(2, _one_related(related[0]))
        parts.insert(
            2, f"<script>admicroAD.unit.push(function () {{ admicroAD.show('adm{page.id}') }});</script>"
        )
    if page.source_credit:
        parts.append(f'<p style="text-align: right;"><b>{esc(page.source_credit)}</b></p>')
    if page.kind == "paywall":
        parts.append(
            '<div class="box-paywall" data-role="paywall"><h3>Bài viết dành cho độc giả trả phí</h3>'
            "<p>Mời bạn đăng nhập hoặc đăng ký gói đọc để xem toàn bộ nội dung.</p>"
            '<a href="/dang-ky.htm" class="btn-subscribe">Đăng ký</a></div>'
        )
    if len(related) > 1:
        parts.append(_related_box(related[1:]))
    return "\n".join(parts)


def _block(page: Page, block: Block, number: int, opening: str) -> str:
    match block:
        case Paragraph(text):
            link = f'<a class="VCCTagItemInNews" data-zoneid="0" data-id="{page.id}" href="{BASE}/{{}}.html">'
            return f"<p>{esc(opening)}{link_tags(text, page.tags, link)}</p>"
        case Heading(text):
            return f"<h2>{esc(text)}</h2>"
        case Photo(caption):
            return (
                f'<figure class="VCSortableInPreviewMode" type="Photo"><div><img data-author="" '
                f'src="/thumb_w/730/{page.id}-{number}.jpg" alt="{esc(page.title)} - Ảnh {number}." '
                f'title="{esc(page.title)} - Ảnh {number}." rel="lightbox" loading="lazy" width="900" '
                'height="597"></div><figcaption class="PhotoCMS_Caption">'
                '<p data-placeholder="Nhập chú thích ảnh">'
                f"{esc(caption)}</p></figcaption></figure>"
            )
        case Bullets(items):
            return "<ul>" + "".join(f"<li>{esc(item)}</li>" for item in items) + "</ul>"
        case Table(rows):
            lines = "".join(f"<tr>{''.join(f'<td>{esc(cell)}</td>' for cell in row)}</tr>" for row in rows)
            table = f"<table><tbody>{lines}</tbody></table>"
            return f'<div class="VCSortableInPreviewMode" type="Table">{table}</div>'


def _one_related(page: Page) -> str:
    path = article_path(page)
    return (
        f'<div type="RelatedOneNews" class="VCSortableInPreviewMode"><a href="{path}">'
        f'<img src="/thumb_w/150/{page.id}.jpg" alt="" width="150" height="120"></a>'
        f'<a href="{path}" class="OneNewsTitle">{esc(page.title)}</a>'
        f'<p class="VCObjectBoxRelatedNewsItemSapo">{esc(page.lead)}</p></div>'
    )


def _related_box(pages: Iterable[Page]) -> str:
    items = "".join(
        f'<li class="kbwscwlrl" data-date="{page.published:%d/%m/%Y %H:%M}" data-id="{_object_id(page)}" '
        f'data-url="{article_path(page)}"><span class="kbwscwlrl-label">Tham khảo thêm</span>'
        f'<div class="kbwscwlrl-content"><h4 class="kbwscwlrl-title"><a target="_blank" '
        f'href="{article_path(page)}" class="title link-callout">{esc(page.title)}</a></h4></div></li>'
        for page in pages
    )
    return (
        '<div class="VCSortableInPreviewMode alignCenter type-6" type="RelatedNewsBox" '
        f'data-style="align-center"><div class="kbwscwl-relatedbox type-6">'
        f'<ul class="kbwscwlr-list">{items}</ul></div></div>'
    )


def category_item(page: Page) -> str:
    """A teaser that links to the article."""
    path = article_path(page)
    return (
        f'<div class="box-category-item"><a class="box-category-link-with-avatar img-resize" data-type="0" '
        f'href="{path}" title="{esc(page.title)}">'
        f'<img data-type="avatar" src="/zoom/212_132/{page.id}.jpg" alt=""></a>'
        f'<div class="box-category-content"><h3><a class="box-category-link-title" '
        f'data-linktype="newsdetail" href="{path}" title="{esc(page.title)}">{esc(page.title)}</a>'
        "</h3></div></div>"
    )


def _same_category(pages: Iterable[Page]) -> str:
    return (
        '<div class="detail__same-category"><div class="box-category box-border-top" data-layout="23">'
        '<div class="box-category-top"><p class="box-category-title">Tin cùng chuyên mục</p></div>'
        f'<div class="box-category-middle">{"".join(map(category_item, pages))}</div></div></div>'
    )


def shell(title: str, head: str, layout: str, main: str, lang: str = "vi") -> str:
    """The frame of every page of the site around `main`; `layout` is the class of the body."""
    menu = "\n".join(
        f'<li><a class="nav-link" href="/{slug}.htm" title="{name}">{name}</a></li>'
        for slug, name in SITE.sections.items()
    )
    return f"""<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<title>{esc(title)} - {SITE.title}</title>
<meta http-equiv="x-dns-prefetch-control" content="on" />
<meta id="metaRobots" name="robots" content="index,follow,all,max-image-preview:large" />
<meta name="author" content="{SITE.title.upper()} ONLINE" />
<meta name="Language" content="{lang}" />
{head}
<style>
html{{scroll-behavior:smooth}}body{{font-family:Roboto;font-size:14px;line-height:20px;color:#333;margin:0}}
.container{{width:1310px;margin:0 auto}}.detail__main{{width:calc(100% - 550px)}}
[data-role=content] h2{{font-size:23px}}
[data-role=content] .VCSortableInPreviewMode .PhotoCMS_Caption p{{font-size:16px;margin-bottom:0}}
.VCSortableInPreviewMode[type="RelatedNewsBox"] .kbwscwl-relatedbox{{display:block;width:100%}}
</style>
</head>
<body class="{layout}">
<div id="admwrapper" data-role="page">
<div class="header"><div class="header__top"><a href="/" class="logo" title="{SITE.title}">{SITE.title}</a>
<div class="box-search"><a href="/tim-kiem.htm">Tìm kiếm</a></div></div>
<ul class="header__nav menu-nav">
<li><a class="nav-link home" href="/" title="Trang chủ">Trang chủ</a></li>
{menu}
</ul></div>
{main}
<div class="footer"><div class="container"><p>Báo điện tử {SITE.title} - một tờ báo không có thật.</p>
<p>Địa chỉ: 12 phố Hừng Đông, quận Phương Đông. Đường dây nóng: 0300 000 000.</p>
<p>Không sao chép lại nội dung khi chưa có sự đồng ý bằng văn bản của tòa soạn.</p>
<a href="/lien-he.htm">Liên hệ</a> <a href="/dieu-khoan.htm">Điều khoản bảo mật</a></div></div>
</div>
<script>(runinit = window.runinit || []).push(function () {{
 document.body.setAttribute('data-ready', '1'); }});</script>
</body>
</html>
"""
