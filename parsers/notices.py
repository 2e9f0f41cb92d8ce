"""Lines of a newspaper's own between and behind the paragraphs: prompts, notices, and who made the article.

Each is told by how it begins, in Vietnamese or English, and must be short.
"""

from __future__ import annotations

import re

from parsers.article import ParagraphKind
from parsers.blocks import Block

_PROMPT = re.compile(
    r"(?:>>+|»|►|▶|xem thêm|đọc thêm|xem tiếp|đọc tiếp|tin liên quan|bài liên quan|tin cùng chuyên mục"
    r"|tham khảo thêm|mời (?:quý |bạn |độc giả |các bạn )|theo dõi .{2,40} trên|có thể bạn quan tâm|read more"
    r"|see also|read also|related(?: articles| stories| posts)?:?$|advertisement$|quảng cáo$"
    r"|share this|sign up for|(?:read|up|watch) next\s*:?|don.t miss\b|also read\b"
    r"|watch(?: this| now)?\s*[|:])",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"(?:advertisement|advertising|quảng cáo|sponsored)\W*$|(?:article|story) continues (?:below|after)"
    r"|scroll (?:down )?to (?:continue|read)|recommended videos?$|loading(?:error loading)?\W*$"
    r"|watch now$|share$|follow$|listen$"
    r"|sign up (?:for|to|here)|subscribe (?:to|now|here)|thanks for signing up"
    r"|your subscription has been|this newsletter may contain"
    r"|get (?:all )?the (?:latest|best) .{0,60}(?:inbox|newsletter|delivered)"
    r"|get .{0,60}\b(?:to|in) your inbox|be the first to know\W*$"
    r"|want (?:more|great) .{0,80}(?:\?|inbox)|by (?:signing up|subscribing|clicking)"
    r"|(?:©|copyright\b|bản quyền (?:thuộc|bài viết))|all rights reserved"
    r"|(?:if you (?:buy|purchase)|when you (?:buy|purchase)|we may (?:earn|receive)|as an amazon associate)"
    r"|image source,|to see this content|join (?:the conversation|our|us on)"
    r"|.{0,80}(?:receive|earn)s? .{0,20}(?:commission|compensation)"
    r"|tagged (?:in|with)\s*:|check (?:out )?our latest .{0,60}$|please use .{2,30} browser"
    r"|follow .{2,60} on (?:facebook|twitter|instagram|x|tiktok|youtube|threads|linkedin|google|zalo)\b"
    r"|like us on|find us on|download (?:the|our) app|click here (?:to|for)"
    r"|(?:most )?popular (?:stories|posts)|you (?:may|might) (?:also )?(?:like|be interested)"
    r"|more (?:from|on|stories)\b.{0,60}$|trending (?:now|stories)"
    r"|(?:tags?|topics?|từ khóa|chủ đề|filed under|categories|posted in)\s*:",
    re.IGNORECASE,
)
_WORDS_FIRST = """
    advertisement advertising quảng sponsored article story scroll recommended loading watch share follow
    listen sign subscribe thanks your this get be want by copyright bản all if when we as image to join like
    find download click most popular you more trending tag tags topic topics từ chủ filed categories posted
    tagged check please loadingerror
"""
_FIRST_WORDS = frozenset(_WORDS_FIRST.split())
_COUNTER = re.compile(
    r"(?:image|photo|slide|picture|ảnh|hình)\s+\d{1,3}\s*(?:/|of|trên)\s*\d{1,3}"
    r"|\d{1,2} min(?:ute)?s? read|\d{1,2} phút đọc",
    re.IGNORECASE,
)
_COUNTER_LONGEST = 20  # characters
_AROUND = " :.,!?…–-|"
_NOTICE_LONGEST = 350  # characters
_HEADING_LONGEST = 60
_CLOSING = re.compile(
    r"\W{0,3}(?:reporting by|editing by|additional reporting|with (?:reporting|files) (?:by|from)|edited by"
    r"|written by|(?:this )?(?:article|story|report|piece) (?:was )?(?:originally|first) "
    r"(?:published|appeared)|originally published|for more .{2,80}, visit|see more\b|special offer"
    r"|disclaimer\s*:"
    r"|follow .{2,80}\b(?:on|at)\b|clarification|correction|updated? (?:to|on|at)\b|editor.s note"
    r"|email .{2,40}@|(?:got|have) a (?:tip|story)|read related"
    r"|.{0,160}contributed (?:reporting )?to this (?:report|story|article)|includes? information from|source:"
    r"|contact .{2,60}@|.{0,60}can be reached at|the associated press$"
    r"|.{2,40}.s (?:\w+ ){0,2}mission is\b|(?:photo|video|editorial) credits?:?$)",
    re.IGNORECASE,
)
_WRITER = re.compile(
    r".{2,60}\b(?:is|was) (?:an?|the) .{0,60}(?:reporter|writer|editor|journalist|correspondent|columnist"
    r"|contributor|author|producer)\b",
    re.IGNORECASE,
)
_CLOSING_LONGEST = 600  # characters
_IS = re.compile(r"\s+(?:is|was|covers?|writes|has|joined|works|reports|là)\b")
_SHORTEST_NAME = 6  # letters
_BEFORE_NAME = 50  # characters: the paper and what the writer is there


def is_prompt(text: str) -> bool:
    """Whether a line asks the reader to read, watch or follow something else."""
    return _PROMPT.match(text) is not None


def is_notice(block: Block) -> bool:
    """Whether a block is a prompt or notice wherever it stands: links, newsletters, rights and so on."""
    text = block.text
    if (block.link_share > 0.3 or len(text) < 40) and is_prompt(text):
        return True
    if len(text) > _NOTICE_LONGEST:
        return False
    if len(text) <= _COUNTER_LONGEST and _COUNTER.fullmatch(text):
        return True
    # Most paragraphs begin with none of the words, and forty alternatives take longer than one look-up.
    first = text.split(" ", 1)[0].casefold().strip(_AROUND)
    if (
        first not in _FIRST_WORDS
        and "commission" not in text
        and "compensation" not in text
        and text[0] != "©"
    ):
        return False
    if _NOTICE.match(text) is None:
        return False
    # A long heading that begins so belongs to the article.
    return block.kind is not ParagraphKind.HEADING or len(text) <= _HEADING_LONGEST


def is_closing(text: str, authors: tuple[str, ...]) -> bool:
    """Whether the last line tells who made the article, where it came from, or what was corrected."""
    return is_colophon(text, authors) or (len(text) <= _CLOSING_LONGEST and _WRITER.match(text) is not None)


def is_colophon(text: str, authors: tuple[str, ...]) -> bool:
    """The same for a line near the end, where one about a writer other than the author is text."""
    if len(text) > _CLOSING_LONGEST:
        return False
    if _CLOSING.match(text):
        return True
    return any(
        (place := text.find(name, 0, _BEFORE_NAME + len(name))) >= 0 and _IS.match(text, place + len(name))
        for name in authors
        if len(name) >= _SHORTEST_NAME
    )
