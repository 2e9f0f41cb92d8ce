"""What the names in class, id, role and itemprop say of an element: container of the text, junk, lead.

Every name is folded first (small letters, no dashes or underscores), so that `article-body`, `article__body`,
`articleBody` and `ArticleBody_k3x9` meet. One family of sites has its own names in `parsers.sites`.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache
from operator import add

JUNK = 1
"""No part of the article: links to others, sharing, comments, navigation, advertisements, legal notes."""
LEAD = 2
"""The lead, which often stands outside the body."""
CAPTION = 4
"""Text below a picture."""
STRONG = 8
"""Junk for sure, however much text it holds: comments of readers, links to other articles."""
RANK = 16
"""The flags from here on are the rank of a container, the surest 1; 0 where it is none."""

_MARKS = JUNK | STRONG | LEAD | CAPTION
_JUNK_ROLES = frozenset(("navigation", "complementary", "banner", "dialog", "search", "contentinfo"))
_CAMEL = re.compile(r"(?=[A-Z])(?<=[a-z0-9])")
_FOLDED = bytes.maketrans(
    b"-_:/." + string.ascii_uppercase.encode(), b"     " + string.ascii_lowercase.encode()
)
"""Bytes are folded and split in a fifth of the time that text takes."""


def _encoded(words: str) -> frozenset[bytes]:
    return frozenset(words.encode().split())


_WORDS_JUNK = """
    related relate relates lienquan relatedposts relatedarticles relatedstories relatedcontent relatednews
    recommend recommended recommendation recommendations recommends recirc recirculation readmore morenews
    morestories morearticles morefrom othernews tinkhac mostread mostviewed mostpopular popular trending
    readtoo relatebox yarpp jprelatedposts seealso boxnews listnews storythumb teaser teasers readnext upnext
    nextup
    share shares sharing sharer sharebar sharebox sharebuttons sharetools addthis sharethis social socials
    socialshare comment comments binhluan disqus rating ratings vote poll
    nav navbar navigation menu submenu breadcrumb breadcrumbs footer sidebar pagination pager pagenav skiplink
    promo promos promotion newsletter newsletters newslettersignup subscribe subscription signup sponsor
    sponsored advert adverts advertisement advertising ad ads adslot adunit adsbygoogle banner quangcao rennab
    outbrain taboola mgid revcontent donate donation interstitial
    tags tagcloud taglist keywords bio byline authorbox authorbio authorinfo aboutauthor aboutthe
    notebox articlefooter postfooter entryfooter storyfooter meta metadata postmeta entrymeta articlemeta
    toolbar audioplayer podcastplayer carousel slideshow slider gallery
    modal popup overlay tooltip cookie cookies consent gdpr login signin visuallyhidden screenreadertext
    sronly copyright disclaimer disclosure affiliate toc tableofcontents jumplink
    tweet twittertweet instagram instagrammedia
"""
_WORDS_STRONG = """
    comment comments commentlist binhluan disqus related relatedposts relatedarticles relatedstories
    relatednews lienquan recommended recommendations mostread popular trending readmore
"""
# Containers by their rank from 2 on; itemprop=articleBody is the first.
_WORDS_RANKED = (
    "articlebody articlebodycontent articlecontent articletext articlecopy articlebodycomponent",
    """
    storybody storycontent storytext storycopy storybodytext postbody postcontent posttext postcopy
    entrybody entrycontent entrytext singlebody singlecontent singletext detailbody detailcontent detailtext
    newsbody newscontent newstext newsdetail newsarticlebody newsarticlecontent blogpostbody blogpostcontent
    blogbody blogcontent blogtext contentdetail contentarticle contentbody bodycontent bodycopy bodytext
    divnewscontent fckdetail cmsbody singularcontent maincontent detailnormal fieldnamebody
    """,
    "richtext wysiwyg textcontent prose articlemain articlewrap storymain postmain",
)
_WORDS_LEAD = """
    sapo standfirst chapeau dek articlelead postlead entrylead storylead detaillead newslead articlesummary
    articledek articledeck articleexcerpt postexcerpt entryexcerpt articlesubtitle storysubtitle
    articlesubhead articlesubheadline
"""
_WORDS_CAPTION = """
    caption figcaption wpcaptiontext captiontext imagecaption photocaption credit credits imagecredit
    photocredit imagedesc phototext imagetext photosource imagesource photolegend
"""
_WORDS_WHOLE = "hidden zone print widget audio player meta embed noprint"
_WHOLE_WORDS = _encoded(_WORDS_WHOLE)
"""Words that name junk only when they are all of a name: `overflow-hidden` and `elementor-widget` do not."""
_NOT_BEFORE = _encoded("has with no without not hide below above after before")
_SIDES = _encoded("sidebar banner menu nav footer comments ad ads share")
"""Words that, at the head of a longer name, may tell what stands beside: `sidebar-layout`."""
_LAYOUT = _encoded("layout content main page enabled on off active visible")
_NO_NAMES = (b"category-", b"tag-", b"topic-", b"section-")
"""WordPress writes an article's sections and tags into its classes."""
_KNOWN: dict[bytes, int] = {
    **{name: number * RANK for number, names in enumerate(_WORDS_RANKED, 2) for name in _encoded(names)},
    **dict.fromkeys(_encoded(_WORDS_CAPTION), CAPTION),
    **dict.fromkeys(_encoded(_WORDS_LEAD), LEAD),
    **dict.fromkeys(_encoded(_WORDS_JUNK), JUNK),
    **dict.fromkeys(_encoded(_WORDS_STRONG), JUNK | STRONG),
}
_TELLING = _WHOLE_WORDS.union(_KNOWN)
_BEGUN = frozenset(name[:end] for name in _TELLING for end in range(1, len(name)))
"""What the first of two words may be that are one such name together."""
RANK_ARTICLE = 5
"""The rank of the element `article`, which has no name."""
RANKS = 6
_MAIN = RANKS * RANK


def flags(attributes: dict[str, str | None]) -> int:
    """What the names of an element say: JUNK, LEAD and CAPTION, and RANK times its rank."""
    get = attributes.get
    classes = get("class")
    found = _said(classes) if classes else 0
    if len(attributes) == 1 and classes:
        return found
    identity, prop, role, style = get("id"), get("itemprop"), get("role"), get("style")
    if prop and "articlebody" in prop.lower():
        return RANK
    if identity and (known := _said(identity)):
        rank, other = found & ~_MARKS, known & ~_MARKS
        # The main part of a page is a guess beside any other name; of those the surest counts.
        if other and (not rank or rank == _MAIN or other < rank):
            rank = other
        found = (found | known) & _MARKS | rank
    if role:
        if role in _JUNK_ROLES:
            found |= JUNK
        elif found < RANK and role in ("main", "article"):
            found |= _MAIN
    if "hidden" in attributes or (style and "none" in style and "display:none" in style.replace(" ", "")):
        found |= JUNK
    return found


@lru_cache(maxsize=1024)
def _said(names: str) -> int:
    """What all names in a class or id say: elements that repeat on a page have the same."""
    raw = (names if names.islower() else _CAMEL.sub("/", names)).encode("utf-8", "replace")
    # Most say nothing, which a look at all words at once tells; it is the single names that take long.
    words = raw.translate(_FOLDED).split()
    if not _tell(words):
        return _MAIN if names in ("main", "content") else 0
    single = raw.split()
    if len(single) == 1:
        return _named(single[0], words)
    found = rank = 0
    for name in single:
        words = name.translate(_FOLDED).split()
        if _tell(words) and (known := _named(name, words)):
            found |= known & _MARKS
            if known >= RANK and (rank == 0 or known < rank):
                rank = known & ~_MARKS
    return found | rank


def _tell(words: list[bytes]) -> bool:
    """Whether a word, or two beside one another, may say anything."""
    return not _TELLING.isdisjoint(words) or not (
        _BEGUN.isdisjoint(words) or _TELLING.isdisjoint(map(add, words, words[1:]))
    )


def _named(name: bytes, words: list[bytes]) -> int:
    """What one name says, of which the words are in small letters."""
    if len(words) == 1:
        if name in _WHOLE_WORDS:
            return JUNK
        return _KNOWN.get(words[0], 0)
    if name.startswith(_NO_NAMES):
        return 0
    if (
        not _NOT_BEFORE.isdisjoint(words)
        or (words[-1] in _LAYOUT and words[-2] in _SIDES)
        or (b"sidebar" in words and b"content" in words)
    ):
        return 0
    found = rank = 0
    for known in (*map(_KNOWN.get, words), *map(_KNOWN.get, map(add, words, words[1:]))):
        if known:
            if known < RANK:
                found |= known
            elif rank == 0 or known < rank:
                rank = known
    return found | rank
