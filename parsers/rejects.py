"""Pages that are no articles: what they show, and the reason code that names it.

`before` looks at the page alone, `after` at the record that was made of it. Each rule wants evidence; the
evidence stands in the `Rejection`.
"""

from __future__ import annotations

import re

from parsers.article import Article, Paragraph, ParagraphKind, Rejection, RejectReason
from parsers.html import Page
from parsers.language import legacy_encoding
from parsers.metadata import Metadata
from parsers.text import clean, words_only

MIN_WORDS = 40
"""Syllables of lead and body below which there is no article: about two sentences. The shortest briefs of
the papers we know have 60."""
STUB_WORDS = 220
"""A page with the mark of a wall, a player or an error is taken at its word below this length only."""

_CHALLENGE_WORDS = (
    b"cf-chl-", b"cf_chl_", b"challenge-platform", b"_cf_chl_opt", b"checking your browser",
    b"ddos protection by", b"ddos-guard", b"attention required! | cloudflare", b"px-captcha",
    b"g-recaptcha-response", b"datadome", b"incapsula", b"_incapsula_resource",
    b"please enable javascript and cookies", b"enable javascript and cookies", b"verifying you are human",
    b"just a moment...",
)  # fmt: skip
_COOKIE = b"document.cookie"
_CHALLENGE = re.compile(
    rb"|".join(map(re.escape, _CHALLENGE_WORDS))
    + rb"|document\.cookie\s*=[^<]{0,400}(?:location\.(?:reload|href|replace)|window\.location)",
    re.IGNORECASE,
)
_CHALLENGE_TEXT = 600  # characters of visible text that a challenge page has at most
_CHALLENGE_PARAGRAPHS = 12
_CHALLENGE_BYTES = 200_000
_SOFT_404 = re.compile(
    r"\b404\b|không tìm thấy (?:trang|bài|nội dung|đường dẫn)|(?:trang|bài viết|nội dung|liên kết|đường dẫn)"
    r"[^.]{0,40}(?:không tồn tại|không còn tồn tại|đã bị (?:xóa|xoá|gỡ))|page not found|not be found"
    r"|page (?:does not|doesn't) exist",
    re.IGNORECASE,
)
_GONE_WORDS = ("404", "không", "đã bị", "not", "exist")
_WALL = re.compile(
    r"(?:đăng nhập|đăng ký|đăng kí|trả phí|mua gói|nâng cấp)[^.]{0,60}(?:để|và) (?:đọc|xem)"
    r"|(?:nội dung|bài viết)[^.]{0,30}(?:dành cho|chỉ dành)[^.]{0,30}"
    r"(?:hội viên|thuê bao|thành viên|trả phí|bạn đọc sao)"
    r"|subscribe to (?:continue|read)|subscribers? only|already a subscriber|to continue reading",
    re.IGNORECASE,
)
_WALL_BOX = (
    '[class*="paywall" i], [id*="paywall" i], [class*="subscription-box" i], [class*="subscribe-wall" i]'
)
_PLAYER = (
    'video, [class*="video-player" i], [class*="videoplayer" i], [type=VideoStream], [data-type=video],'
    ' iframe[src*="youtube.com/embed"], iframe[src*="player"]'
)


def before(page: Page, metadata: Metadata, parser: str) -> Rejection | None:
    """What can be told without reading the text: challenge pages, error pages served with 200."""
    bare = _is_bare(page)
    if bare and _shows_little(page) and (found := _challenge(page.source)):
        seen = clean(found.group()[:60].decode("utf-8", "replace"))
        evidence = f"script or text of a challenge page: {seen}"
        return Rejection(page.url, RejectReason.CHALLENGE_PAGE, evidence, parser, metadata.title or None)
    heading = page.tree.css_first("h1") if bare else None
    for text in (clean(heading.text()) if heading is not None else "", metadata.title):
        # A long headline that speaks of a page that is gone is news.
        if (
            0 < len(text) <= 120
            and _may_be_gone(text)
            and _SOFT_404.search(text)
            and _paragraph_words(page) < STUB_WORDS
        ):
            evidence = f"the title says that there is no such page: {text[:80]}"
            return Rejection(page.url, RejectReason.SOFT_404, evidence, parser, metadata.title or None)
    return None


def _may_be_gone(text: str) -> bool:
    """Whether any word of the notices is in a title; hardly a title has one."""
    text = text.casefold()
    return any(map(text.__contains__, _GONE_WORDS))


def _text(paragraph: Paragraph) -> str:
    return paragraph.text


def _is_bare(page: Page) -> bool:
    """Whether so little is on the page that it may be a wall."""
    if len(page.source) > _CHALLENGE_BYTES:
        return False
    position = -1
    for _ in range(_CHALLENGE_PARAGRAPHS + 1):
        position = page.source.find(b"</p>", position + 1)
        if position < 0:
            return len(page.tree.css("p")) <= _CHALLENGE_PARAGRAPHS
    return False


def _challenge(source: bytes) -> re.Match[bytes] | None:
    # Twenty alternatives at every byte are slow, single words are not, and most pages have none of them.
    small = source.lower()
    return _CHALLENGE.search(source) if any(word in small for word in (*_CHALLENGE_WORDS, _COOKIE)) else None


def after(article: Article, page: Page, metadata: Metadata, language: str | None) -> Rejection | None:
    """What the record shows: stubs, players, too little text, another language."""
    # All text is clean: single blanks and line feeds stand between words.
    words = sum(
        text.count(" ") + text.count("\n") + 1
        for text in (article.lead or "", *map(_text, article.paragraphs))
    )

    def reject(reason: RejectReason, evidence: str) -> Rejection:
        return Rejection(page.url, reason, evidence, article.parser, article.title or None)

    if words < STUB_WORDS:
        wall = wall_of(page, metadata)
        if wall:
            return reject(RejectReason.PAYWALL, f"{wall}, and {words} words of text")
        if _og_video(metadata) or ("videoobject" in metadata.types and metadata.article is None):
            return reject(RejectReason.VIDEO, f"marked as a video, and {words} words of text")
    if words < MIN_WORDS:
        if "videoobject" in metadata.types or page.tree.css_first(_PLAYER) is not None or _og_video(metadata):
            return reject(RejectReason.VIDEO, f"a player and {words} words of text")
        if len(article.captions) >= 3:
            return reject(RejectReason.GALLERY, f"{len(article.captions)} captions and {words} words of text")
        return reject(RejectReason.TOO_SHORT, f"{words} words, fewer than {MIN_WORDS}")
    caption_words = sum(len(caption.split()) for caption in article.captions)
    if len(article.captions) >= 5 and caption_words > 2 * words:
        return reject(RejectReason.GALLERY, f"{caption_words} words in captions, {words} in the text")
    if article.language == "und" and (encoding := legacy_encoding(article.text)):
        return reject(RejectReason.LEGACY_ENCODING, f"the text is in {encoding}, not in Unicode")
    if language and article.language != language:
        seen = article.language if article.language != "und" else "another language"
        return reject(RejectReason.WRONG_LANGUAGE, f"the text is in {seen}, not in {language}")
    return None


def lacks_evidence(article: Article, metadata: Metadata) -> str | None:
    """For a page that no site parser knows: why it is not taken for an article, or None.

    One point each for: a headline that the page shows, a date that it shows, an article in JSON-LD (two),
    og:type article, a named writer, a lead, three real paragraphs, 2,000 characters. Three make an
    article; so does much text alone.
    """
    real = sum(
        paragraph.text.count(" ") >= 14
        for paragraph in article.paragraphs
        if paragraph.kind in (ParagraphKind.PARAGRAPH, ParagraphKind.QUOTE)
    )
    sources, length = article.provenance, sum(2 + len(paragraph.text) for paragraph in article.paragraphs)
    length += len(article.lead or "")
    points = {
        "headline": sources.get("title") in ("css:h1", "json-ld"),
        "date": sources.get("published_at", "url") != "url",
        "JSON-LD": metadata.article is not None,
        "NewsArticle": metadata.article is not None,
        "og:type": metadata.one("og:type").lower() == "article",
        "writer": sources.get("authors", "text:byline") != "text:byline",
        "lead": article.lead is not None,
        "three paragraphs": real >= 3,
        "length": length >= 2000,
    }
    substantial = real >= 1 or length >= 300
    if sum(points.values()) >= 3 and (substantial or article.word_count < MIN_WORDS):
        return None
    if real >= 4 and length >= 1500:
        return None
    missing = ", ".join(name for name, given in points.items() if not given)
    return f"{real} real paragraphs; lacking: {missing}"


def wall_of(page: Page, metadata: Metadata) -> str | None:
    """The sign of a paywall on the page, or None."""
    if metadata.article is not None and metadata.article.free is False:
        return "isAccessibleForFree is false"
    box = page.tree.css_first(_WALL_BOX)
    if box is not None and words_only(box.text()):
        return "a paywall box"
    for node in page.tree.css("p, div, h2, h3, strong, span"):
        if (
            node.child is not None
            and len(text := node.text(deep=False)) < 300
            and (found := _WALL.search(text))
        ):
            return f"the words {clean(found.group())[:60]!r}"
    return None


def visible_text(page: Page) -> str:
    """The text of the body without scripts and styles."""
    body = page.tree.body
    if body is None:
        return ""
    hidden = sum(len(node.text()) for node in body.css("script, style, noscript, template"))
    text = body.text(separator=" ")
    return (
        clean(text)
        if not hidden
        else clean(" ".join(n.text() for n in body.css("h1,h2,h3,p,li,a,span,label")))
    )


def _shows_little(page: Page) -> bool:
    """Whether no more text is visible than on a challenge page."""
    left = _CHALLENGE_TEXT
    for node in page.tree.css("p"):
        # The text of the paragraphs alone tells most pages.
        left -= len(" ".join(node.text().split()))
        if left < 0:
            return False
    return len(visible_text(page)) <= _CHALLENGE_TEXT


def _paragraph_words(page: Page) -> int:
    return sum(len(node.text().split()) for node in page.tree.css("p"))


def _og_video(metadata: Metadata) -> bool:
    return metadata.one("og:type").lower().startswith("video")
