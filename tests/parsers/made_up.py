"""Made-up articles in the mark-up of each family of sites, and what is to be read from them."""

from __future__ import annotations

import json
from html import escape

TITLE = "Xã Đồng Vại mở lớp dạy bơi miễn phí cho trẻ em"
LEAD = "Từ đầu tháng 6, gần hai trăm em nhỏ ở xã Đồng Vại được học bơi ngay tại hồ chứa nước của thôn."
PARAGRAPHS = (
    "Lớp học do đoàn thanh niên xã đứng ra tổ chức, mỗi tuần ba buổi, từ 16 giờ đến 17 giờ 30. Hồ được quây "
    "phao và lưới, sâu nhất 1,1 m, có bốn người trông coi suốt buổi học.",
    "Theo bà Mai Thị Lụa, Bí thư Đoàn xã, mỗi lớp không quá 25 em để thầy cô kèm từng em một. “Chúng tôi dạy "
    "các em nổi người và kêu cứu trước, rồi mới dạy kiểu bơi”, bà nói.",
    "Năm ngoái xã có hai vụ đuối nước ở đoạn sông gần chợ. Sau đó người dân góp 46 triệu đồng mua phao, dựng "
    "biển báo và thuê thợ đổ bậc thang xuống hồ.",
    "Dự kiến đến hết tháng 8, toàn bộ học sinh lớp 3 đến lớp 7 của xã sẽ bơi được ít nhất 50 m.",
)
LINKED_PARAGRAPH = PARAGRAPHS[2].replace("đuối nước", '<a class="cms-relate" href="/y">đuối nước</a>')
HEADING = "Học nổi trước khi học bơi"
CAPTION = "Buổi học đầu tiên ở hồ Đồng Vại. Ảnh: Lê Cẩn"
AUTHOR = "Vũ Hoài Sa"
PUBLISHED = "2026-06-09T08:15:00+07:00"
RELATED = "Ba thôn ven sông dựng chòi canh đuối nước suốt mùa mưa"


def epi(title: str = TITLE, lead: str = LEAD, extra: str = "", head: str = "") -> bytes:
    """An ePi page (as Nhân Dân has them)."""
    return f"""<!DOCTYPE html><html lang="vi"><head><title>{escape(title)} | Báo Thử Nghiệm</title>
<meta property="article:published_time" content="2026-06-09T08:15:32+07:00">
<meta name="author" content="Báo Thử Nghiệm">{head}</head><body class="detail-normal">
<header><a class="logo" href="/">Báo Thử Nghiệm</a></header>
<div class="breadcrumb breadcrumb-detail"><h2 class="main"><a class="active" href="/doi-song">Đời sống</a>
</h2></div>
<div class="article"><div class="article__header"><h1 class="article__title cms-title ">{escape(title)}</h1>
<div class="article__sapo cms-desc"><p>{escape(lead)}</p></div></div>
<div class="article__meta">
<time class="time" datetime="2026-06-09T08:15:32+07:00">Thứ Ba, 09/06/2026 - 08:15</time>
<div class="article__social"><a>Chia sẻ bài viết</a></div></div>
<figure class="article__avatar"><img src="/a.jpg"></figure>
<div class="article__body zce-content-body cms-body" itemprop="articleBody">
<p>{PARAGRAPHS[0]}</p>
<div class="sda_middle"><div class="rennab">Quảng cáo giữa bài</div></div>
<figure><img src="/b.jpg"><figcaption>{CAPTION}</figcaption></figure>
<h3>{HEADING}</h3>
<p>{PARAGRAPHS[1]}</p>
<div class="article-relate"><a href="/x-post2.html">{RELATED}</a></div>
<p>{LINKED_PARAGRAPH}</p>
<p>{PARAGRAPHS[3]}</p>{extra}
<div class="article__author"><p class="name">{AUTHOR}</p></div>
</div>
<div class="article__tag"><a>học bơi</a><a>xã Đồng Vại</a></div>
<div class="many-pack"><article class="story"><h2 class="story__heading"><a href="/z">{RELATED}</a></h2>
</article></div>
</div></body></html>""".encode()


def vccorp(title: str = TITLE) -> bytes:
    """A VCCorp page (as Tuổi Trẻ has them): a second, empty body, and double-escaped JSON-LD."""
    linked = json.dumps(
        {
            "@type": "NewsArticle",
            "headline": "".join(f"&amp;#{ord(c)};" if ord(c) > 127 else c for c in title),
            "datePublished": PUBLISHED,
            "author": [{"@type": "Person", "name": AUTHOR}],
        }
    )
    return f"""<!DOCTYPE html><html><head><title>{escape(title)} - Báo Thử</title>
<script type="application/ld+json">{linked}</script>
<meta property="article:published_time" content="2026-06-09T08:15:00&#x2B;07:00"></head><body>
<div class="detail-cate"><a data-role="cate-name" href="/doi-song.htm">Đời sống</a></div>
<div data-role="publishdate">09/06/2026 08:15 GMT+7</div>
<h1 class="detail-title article-title" data-role="title">{escape(title)}</h1>
<div class="detail-author"><div class="author-info"><a class="name">{AUTHOR}</a> và 1 tác giả khác</div>
<div class="author-item">{AUTHOR}</div><div class="author-item">Chu Bá Nhạ</div></div>
<h2 class="detail-sapo" data-role="sapo">(Báo Thử) - {LEAD}</h2>
<div class="detail-content afcbc-body" data-role="content" itemprop="articleBody">
<figure class="VCSortableInPreviewMode" type="Photo"><img><figcaption class="PhotoCMS_Caption">
<p>{CAPTION}</p>
</figcaption></figure>
<p>{PARAGRAPHS[0]}</p><h2>{HEADING}</h2><p>{PARAGRAPHS[1]}</p>
<div class="VCSortableInPreviewMode" type="content"><div><p>{PARAGRAPHS[2]}</p></div></div>
<div class="VCSortableInPreviewMode" type="RelatedOneNews"><a class="OneNewsTitle">{RELATED}</a>
<p>Mỗi chòi có hai người trực từ sáng đến tối, kèm phao và dây cứu sinh.</p></div>
<p>{PARAGRAPHS[3]}</p><zone id="z1">Quảng cáo</zone>
<div class="readmore-body-box">Đọc tiếp</div></div>
<div class="detail-tab"><span>Chủ đề:</span><a class="item">học bơi</a><a class="item">xã Đồng Vại</a></div>
<div class="detail-content afcbc-body" id="objectPopupBody" data-role="content"></div>
</body></html>""".encode()


def onecms() -> bytes:
    """A OneCMS page (as Hà Nội Mới has them)."""
    return f"""<html><head><title>{TITLE}</title></head><body>
<h1 class="sc-longform-header-title">{TITLE}</h1><span class="block-sc-author">{AUTHOR}</span>
<span class="block-sc-publish-time">09/06/2026 08:15</span><p class="block-sc-sapo">{LEAD}</p>
<div class="entry"><p>{PARAGRAPHS[0]}</p><figure><img><figcaption>{CAPTION}</figcaption></figure>
<h3>{HEADING}</h3>
<p>{PARAGRAPHS[1]}</p><p>{PARAGRAPHS[2]}</p><p>{PARAGRAPHS[3]}</p></div></body></html>""".encode()


def vnexpress_2019() -> bytes:
    """A VnExpress page of 2019: the meta element gives the right clock with a wrong zone."""
    return f"""<html><head><title>{TITLE} - VnExpress</title>
<meta content="2026-06-09T08:15:20+08:00" itemprop="datePublished" name="pubdate"></head><body>
<section class="sidebar_1"><header class="clearfix">
<span class="time left">Thứ ba, 9/6/2026, 08:15 (GMT+7)</span></header>
<h1 class="title_news_detail mb10">{TITLE}</h1>
<p class="description"><span class="location-stamp">Bắc Giang</span>{LEAD}</p>
<article class="content_detail fck_detail"><p class="Normal">{PARAGRAPHS[0]}</p>
<table class="tplCaption"><tbody><tr><td><img></td></tr><tr><td><p class="Image">{CAPTION}</p></td></tr>
</tbody></table>
<p class="Normal">{HEADING}</p><p class="Normal">{PARAGRAPHS[1]}</p><p class="Normal">{PARAGRAPHS[2]}</p>
<p class="Normal">{PARAGRAPHS[3]}</p><p class="Normal" style="text-align:right;"><strong>{AUTHOR}</strong>
</p>
</article></section></body></html>""".encode()


def vietnamnet_2019() -> bytes:
    """A VietNamNet page of 2019: lead and related links inside the body, day-first date in JSON-LD."""
    linked = json.dumps(
        {"@type": "NewsArticle", "headline": TITLE, "datePublished": "09-06-2026T08:15:00+07:00"}
    )
    return f"""<html><head><title>{TITLE} - VietNamNet</title>
<script type="application/ld+json">{linked}</script></head>
<body><div id="ArticleHolder"><h1 class="title f-22">{TITLE}</h1>
<span class="ArticleDate right">09/06/2026 &nbsp;08:15 GMT+7</span>
<div id="ArticleContent" class="ArticleContent"><div class="bold ArticleLead"><h2><p>{LEAD}</p></h2></div>
<div class="article-relate"><div class="item"><a href="/x">{RELATED}</a></div></div>
<p>{PARAGRAPHS[0]}</p><table class="image"><tbody><tr><td><img></td></tr><tr><td>{CAPTION}</td></tr>
</tbody></table>
<p><strong>{HEADING}</strong></p><p>{PARAGRAPHS[1]}</p><p>{PARAGRAPHS[2]}</p><p>{PARAGRAPHS[3]}</p>
<p><strong>{AUTHOR}</strong> (theo Báo Khác)</p><div class="inner-article"><a href="/y"><h4>{RELATED}</h4>
</a>
<p class="summary">Mỗi chòi có hai người trực.</p></div></div></div></body></html>""".encode()


def dantri() -> bytes:
    """A Dân trí page of 2026: utility classes only, `data-slot` names the parts."""
    return f"""<html><head><title>{TITLE}</title></head><body><main><article data-slot="container">
<h1 data-slot="title" class="dt-text-4xl">{TITLE}</h1><div><a href="/tac-gia/vu-hoai-sa-1.htm">{AUTHOR}</a>
<time datetime="2026-06-09 08:15">Thứ ba, 09/06/2026 - 08:15</time></div>
<h2 data-slot="sapo">(Dân trí) - {LEAD}</h2><div data-slot="content" id="desktop-in-article">
<p>{PARAGRAPHS[0]}</p><div class="dantri-widget">Biểu đồ</div><figure><img>
<figcaption>{CAPTION}</figcaption></figure>
<p><strong>{HEADING}</strong></p><p>{PARAGRAPHS[1]}</p><p>{PARAGRAPHS[2]}</p><p>{PARAGRAPHS[3]}</p></div>
</article></main>
<article><h3><a href="/x">{RELATED}</a></h3></article></body></html>""".encode()


def qdnd() -> bytes:
    """A page of Quân đội nhân dân, as other crawlers describe them: the date stands below the title too."""
    return f"""<html><head><title>{TITLE}</title><meta name="description" content="{LEAD}">
<meta property="article:published_time" content="2026-06-09T08:15:00+07:00"></head>
<body><h1 class="post-title">{TITLE}</h1>
<div class="post-subinfo"><span>Thứ Ba, 09/06/2026 - 08:15</span></div>
<div class="post-summary">{LEAD}</div><div itemprop="articleBody" class="post-content">
<p>{PARAGRAPHS[0]}</p><figure><img><figcaption>{CAPTION}</figcaption></figure><p><strong>{HEADING}</strong></p>
<p>{PARAGRAPHS[1]}</p><p>{PARAGRAPHS[2]}</p><p>{PARAGRAPHS[3]}</p><p>{AUTHOR}</p></div>
<div class="post-related"><a href="/x">{RELATED}</a></div></body></html>""".encode()


def vov() -> bytes:
    """A page of VOV, as other crawlers describe them."""
    return f"""<html><head><title>{TITLE}</title>
<meta property="article:published_time" content="2026-06-09T08:15:00+07:00"></head><body>
<h1 class="article-title">{TITLE}</h1><div class="article-summary">{LEAD}</div>
<div class="article-author">{AUTHOR}</div><div class="detail detail--normal">
<p>{PARAGRAPHS[0]}</p><figure><img><figcaption>{CAPTION}</figcaption></figure><h3>{HEADING}</h3>
<p>{PARAGRAPHS[1]}</p><div class="related-news"><a href="/x">{RELATED}</a></div>
<p>{PARAGRAPHS[2]}</p><p>{PARAGRAPHS[3]}</p></div></body></html>""".encode()


def plain(body: str | None = None, head: str = "", heading: str = TITLE, around: str = "") -> bytes:
    """A page of no family: text in `<article>`, navigation, related links, comments and a footer around."""
    if body is None:
        body = "".join(f"<p>{text}</p>" for text in (LEAD, *PARAGRAPHS))
    return f"""<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8">
<title>{escape(heading)} - Đồng Quê</title>
<meta property="og:title" content="{escape(heading)}"><meta property="og:site_name" content="Đồng Quê">
<meta name="description" content="{LEAD}"><meta property="og:type" content="article">{head}</head><body>
<nav><ul><li><a href="/">Trang chủ</a></li><li><a href="/doi-song">Đời sống</a></li></ul></nav>
<main><h1>{escape(heading)}</h1>
<p class="info">Thứ Ba, 09/06/2026, 08:15 <span class="date">09/06/2026 08:15</span></p>
<article>{body}<div class="share-bar">Chia sẻ bài này cho bạn bè</div>
<div class="related-box"><h3>Tin liên quan</h3><ul><li><a href="/x">{RELATED}</a></li></ul></div>
</article>{around}
<section id="comments">
<p>Bạn đọc Ngọc: bài viết rất hay, mong các xã khác cũng mở lớp như vậy cho các cháu.</p></section></main>
<aside><p>Giá lúa hôm nay ở chợ Vại tăng 200 đồng mỗi kg so với hôm qua, thương lái cho biết.</p></aside>
<footer>
<p>Giấy phép số 00/GP, cơ quan chủ quản là một hội không có thật, tổng biên tập là người bịa ra.</p>
</footer>
</body></html>""".encode()
