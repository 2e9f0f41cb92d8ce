"""Đồng Quê Online: a paper with plain mark-up of its own, for which no site parser exists.

Only what every site has: `<article>`, JSON-LD, OpenGraph, and around the text a menu, an aside, a related
box, a share bar, readers' comments and a footer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from deployments.sample.body import Block, Bullets, Heading, Paragraph, Photo, Table
from deployments.sample.markup import (
    HTML,
    ITEMS_PER_FEED,
    XML,
    Listing,
    Resource,
    esc,
    in_section,
    json_ld,
    last_change,
    listings,
    others,
    robots,
    section_title,
    sitemap_index,
    tag_slug,
)
from deployments.sample.pages import SITES, Page

SITE = SITES["dongque"]
BASE = f"http://{SITE.host}"

_COMMENTS = (
    ("Bạn đọc xóm Bãi", "Bài viết hay, mong quý báo có thêm nhiều tin tức về bà con vùng sâu, vùng xa."),
    ("Hai Lúa", "Quê tôi cũng vậy, năm nay ai cũng trông chờ một mùa vụ thuận lợi hơn năm ngoái."),
    ("Minh Nguyệt", "Cảm ơn tác giả. Cho tôi hỏi muốn liên hệ với nhân vật trong bài thì làm thế nào ạ?"),
)


def article_path(page: Page) -> str:
    """`/{section}/{slug}-{id}.html`."""
    return f"/{page.section}/{page.slug}-{page.id}.html"


def resources(pages: Sequence[Page], opened: datetime) -> dict[str, Resource]:
    """Everything the site serves by path and query. `opened` dates what holds no article."""
    served: dict[str, Resource] = {}

    def add(path: str, text: str, content_type: str, modified: datetime) -> None:
        served[path] = Resource(text.encode(), content_type, modified)

    changed = last_change(pages, opened)
    add("/robots.txt", robots(SITE, "Crawl-delay: 0.01"), "text/plain; charset=utf-8", opened)
    add("/tim-kiem", _shell("Tìm kiếm", "", "<p>Nhập từ khóa cần tìm.</p>"), HTML, opened)
    for page in pages:
        # The aside shows the newest articles of the edition: the page changes though its article does not.
        add(article_path(page), _page(page, pages), HTML, changed)
    for section in (None, *SITE.sections):
        members = in_section(pages, section)
        for listing in listings(members):
            path = _listing_path(section, listing.number)
            add(path, _listing(listing, section), HTML, last_change(members, opened))
    newest = pages[:ITEMS_PER_FEED]
    atom = _atom(newest, last_change(newest, opened))
    add("/feed.atom", atom, "application/atom+xml; charset=utf-8", last_change(newest, opened))
    add("/sitemap-news.xml", _news_sitemap(pages), XML, changed)
    add("/sitemap.xml", sitemap_index([(f"{BASE}/sitemap-news.xml", changed)]), XML, changed)
    return served


def _page(page: Page, pages: Sequence[Page]) -> str:
    aside = _aside([other for other in pages if other.key != page.key and other.kind == "article"][:8])
    if page.kind == "soft-404":
        story = "".join(f"<p>{esc(b.text)}</p>" for b in page.blocks if isinstance(b, Paragraph))
        return _shell(
            page.title, "", f'<main><h1>{esc(page.title)}</h1>{story}<a href="/">Trang chủ</a></main>{aside}'
        )
    return _shell(
        page.title, _head(page), _article(page, pages) + aside, "en" if page.kind == "english" else "vi"
    )


def _head(page: Page) -> str:
    url = BASE + article_path(page)
    news: dict[str, object] = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "WebSite", "name": SITE.title, "url": BASE},
            {
                "@type": "VideoObject" if page.kind == "video" else "NewsArticle",
                "url": url,
                "name" if page.kind == "video" else "headline": page.title,
                "description": page.lead,
                "uploadDate" if page.kind == "video" else "datePublished": page.published.isoformat(),
                "dateModified": page.changed.isoformat(),
                "author": [{"@type": "Person", "name": name} for name in page.authors],
                "publisher": {"@type": "Organization", "name": SITE.title},
                "articleSection": section_title(page),
                "keywords": list(page.tags),
                "isAccessibleForFree": page.kind != "paywall",
            },
        ],
    }
    tags = "\n".join(f'<meta property="article:tag" content="{esc(tag)}">' for tag in page.tags)
    return f"""
<meta name="description" content="{esc(page.lead)}">
<link rel="canonical" href="{url}">
<meta property="og:type" content="{"video.other" if page.kind == "video" else "article"}">
<meta property="og:site_name" content="{SITE.title}">
<meta property="og:title" content="{esc(page.title)}">
<meta property="og:description" content="{esc(page.lead)}">
<meta property="og:url" content="{url}">
<meta property="og:image" content="{BASE}/anh/{page.id}.jpg">
<meta property="og:locale" content="{"en_US" if page.kind == "english" else "vi_VN"}">
<meta property="article:published_time" content="{page.published.isoformat()}">
<meta property="article:modified_time" content="{page.changed.isoformat()}">
<meta property="article:section" content="{section_title(page)}">
{tags}
{json_ld(news)}
"""


def _article(page: Page, pages: Sequence[Page]) -> str:
    opening = page.dateline
    lead = ""
    if page.lead:
        lead = f'<p class="lead"><strong>{esc(opening + page.lead)}</strong></p>'
        opening = ""
    parts = []
    if page.kind == "video":
        parts.append(f'<video controls src="/video/{page.id}.mp4" poster="/anh/{page.id}.jpg"></video>')
    related = others(page, pages, 3)
    for number, block in enumerate(page.blocks, start=1):
        parts.append(_block(page, block, number, opening))
        if isinstance(block, Paragraph):
            opening = ""
        if number == 3 and related:
            parts.append(_related(related))
    if page.source_credit:
        parts.append(f'<p class="nguon">{esc(page.source_credit)}</p>')
    if page.kind == "paywall":
        parts.append(
            '<div class="paywall"><p>Bạn đã đọc hết phần miễn phí của bài viết này.</p>'
            '<p>Đăng ký tài khoản trả phí để đọc tiếp.</p><a href="/dang-ky">Đăng ký</a></div>'
        )
    if page.authors:
        parts.append(f'<p class="tac-gia">{esc(" - ".join(page.authors))}</p>')
    body = "\n".join(parts)
    tags = ", ".join(f'<a rel="tag" href="/tu-khoa/{tag_slug(tag)}">{esc(tag)}</a>' for tag in page.tags)
    comments = "\n".join(
        f'<div class="comment"><b>{name}</b><p>{text}</p><a href="#tra-loi">Trả lời</a></div>'
        for name, text in _COMMENTS
    )
    return f"""
<main>
<nav class="duong-dan"><a href="/">Trang chủ</a> ›
<a href="/{page.section}.html">{section_title(page)}</a></nav>
<article>
<h1>{esc(page.title)}</h1>
<div class="thong-tin">
<time datetime="{page.published.isoformat()}">{page.published:%H:%M %d/%m/%Y}</time></div>
<div class="share"><a href="#fb">Chia sẻ</a> <a href="#zalo">Zalo</a> <a href="#in">In bài</a></div>
{lead}
<div class="noi-dung">
{body}
</div>
<div class="share"><a href="#fb">Chia sẻ</a> <a href="#thich">Thích</a> <a href="#luu">Lưu bài</a></div>
<p class="tags">Từ khóa: {tags}</p>
</article>
<section id="comments" class="comments"><h3>Ý kiến bạn đọc ({len(_COMMENTS)})</h3>
{comments}
<form method="post" action="/binh-luan">
<textarea name="y-kien" placeholder="Ý kiến của bạn"></textarea></form>
</section>
</main>
"""


def _block(page: Page, block: Block, number: int, opening: str) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{esc(opening + text)}</p>"
        case Heading(text):
            return f"<h2>{esc(text)}</h2>"
        case Photo(caption):
            return (
                f'<figure><img src="/anh/{page.id}-{number}.jpg" alt="{esc(caption)}">'
                f"<figcaption>{esc(caption)}</figcaption></figure>"
            )
        case Bullets(items):
            return "<ul>\n" + "\n".join(f"<li>{esc(item)}</li>" for item in items) + "\n</ul>"
        case Table(rows):
            head = "".join(f"<th>{esc(cell)}</th>" for cell in rows[0])
            lines = "\n".join(
                f"<tr>{''.join(f'<td>{esc(cell)}</td>' for cell in row)}</tr>" for row in rows[1:]
            )
            return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody></table>"


def _links(pages: Iterable[Page]) -> str:
    return "\n".join(
        f'<li><a href="{article_path(page)}">{esc(page.title)}</a> <span>{page.published:%d/%m}</span></li>'
        for page in pages
    )


def _related(pages: Iterable[Page]) -> str:
    return f'<div class="box-related"><h4>Xem thêm</h4><ul>\n{_links(pages)}\n</ul></div>'


def _aside(pages: Iterable[Page]) -> str:
    return f"""
<aside class="cot-phai"><h3>Tin mới nhận</h3><ul>
{_links(pages)}
</ul><div class="quang-cao"><a href="/quang-cao">Liên hệ đặt quảng cáo tại đây</a></div>
<div class="thoi-tiet"><h3>Thời tiết hôm nay</h3><p>Đồng bằng: 24 - 31 độ C. Miền núi: 17 - 26 độ C.</p></div>
</aside>
"""


def _listing_path(section: str | None, number: int) -> str:
    if number == 1:
        return f"/{section}.html" if section else "/"
    # Without a suffix: "/nong-nghiep/trang-2.html" would have the form of an article.
    return f"/{section}/trang-{number}" if section else f"/trang-{number}"


def _listing(listing: Listing, section: str | None) -> str:
    title = SITE.sections[section] if section else "Trang chủ"
    items = "\n".join(
        f'<li><a href="{article_path(page)}"><h2>{esc(page.title)}</h2></a><p>{esc(page.lead)}</p></li>'
        for page in listing.pages
    )
    more = ""
    if listing.number < listing.last:
        more = f'<a rel="next" href="{_listing_path(section, listing.number + 1)}">Trang sau »</a>'
    return _shell(title, "", f'<main><h1>{title}</h1><ul class="danh-sach">\n{items}\n</ul>{more}</main>')


def _atom(pages: Sequence[Page], updated: datetime) -> str:
    entries = "\n".join(_entry(page) for page in pages)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="vi">
<title>{SITE.title}</title>
<id>{BASE}/</id>
<link rel="self" href="{BASE}/feed.atom"/>
<link rel="alternate" type="text/html" href="{BASE}/"/>
<updated>{updated.isoformat()}</updated>
{entries}
</feed>
"""


def _entry(page: Page) -> str:
    return (
        f"<entry><title>{esc(page.title)}</title><id>tag:{SITE.host},2026:{page.id}</id>"
        f'<link rel="alternate" href="{article_path(page)}"/>'
        f'<link rel="enclosure" href="{BASE}/anh/{page.id}.jpg"/>'
        f"<published>{page.published.isoformat()}</published><updated>{page.changed.isoformat()}</updated>"
        f'<category term="{page.section}"/><summary type="html">{esc(f"<p>{esc(page.lead)}</p>")}</summary>'
        "</entry>"
    )


def _news_sitemap(pages: Sequence[Page]) -> str:
    urls = "\n".join(
        f"<url><loc>{BASE}{article_path(page)}</loc><lastmod>{page.changed.isoformat()}</lastmod><news:news>"
        f"<news:publication><news:name>{SITE.title}</news:name><news:language>vi</news:language></news:publication>"
        f"<news:publication_date>{page.published.isoformat()}</news:publication_date>"
        f"<news:title>{esc(page.title)}</news:title></news:news></url>"
        for page in pages
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">\n{urls}\n</urlset>\n'
    )


def _shell(title: str, head: str, main: str, lang: str = "vi") -> str:
    menu = "\n".join(f'<li><a href="/{slug}.html">{name}</a></li>' for slug, name in SITE.sections.items())
    return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<title>{esc(title)} | {SITE.title}</title>
<meta name="viewport" content="width=device-width">
<link rel="alternate" type="application/atom+xml" title="{SITE.title}" href="/feed.atom">
{head}
<style>
body{{max-width:1100px;margin:auto;font:18px/1.6 serif}}aside{{float:right;width:300px}}main{{width:760px}}
.share a{{padding:4px 8px;border:1px solid #ccc}}.box-related{{background:#f4f6ef;padding:12px}}
</style>
</head>
<body>
<header><a class="ten-bao" href="/">{SITE.title}</a><p>Tiếng nói của người làm ruộng</p>
<form action="/tim-kiem"><input name="q"></form></header>
<nav><ul>
<li><a href="/">Trang chủ</a></li>
{menu}
<li><a href="/tim-kiem?q=moi">Tìm kiếm</a></li>
</ul></nav>
{main}
<footer><p>{SITE.title} - trang tin không có thật, chỉ dùng để thử phần mềm.</p>
<p>Liên hệ: xóm Bãi, xã Đồng Quê. Mọi trích dẫn xin ghi rõ nguồn.</p>
<ul><li><a href="/gioi-thieu">Giới thiệu</a></li><li><a href="/rss">Nguồn tin</a></li></ul></footer>
<script>window.dongque = {{ ready: true }};</script>
</body>
</html>
"""
