"""Seed documents: the plain text files that the corpus starts from.

A file is named `NNN_<16 hex digits>.txt` (running number, id in the collection it was taken from). Its text
is what an older extractor left of a news page: perhaps a prefix ` date YYYY-MM[-DD] `, a line with the date,
the title, labels of an audio player, a dateline, captions (often twice), a byline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from parsers import bylines
from parsers.article import Paragraph, ParagraphKind, Precision
from parsers.dates import Dated, parse_date
from parsers.language import detect_language
from parsers.text import clean, ends_sentence, once, words_only

_NAME = re.compile(r"(\d{3,9})_([0-9a-f]{16})\.txt")
_PREFIX = re.compile(r"\s*date\s+(\d{4}-\d{2}(?:-\d{2})?)(?!\d)[ \t]*")
_BLANK_LINE = re.compile(r"\n\s*\n")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TITLE_WORDS = 35
_CAPTION_WORDS = 35
# Who does what where, in one sentence at the end of a line: what stands under a photo of a meeting.
_PHOTO = re.compile(
    r"\b(?:phát biểu|trình bày|báo cáo|chủ trì|trao|tặng|tham dự|chúc mừng|ký kết|kiểm tra|tham quan)"
    r"(?: (?:ý kiến|chỉ đạo|khai mạc|bế mạc|kết luận|tham luận|báo cáo|tham gia ý kiến)){0,2}"
    r"(?: tại (?:hội nghị|buổi làm việc|buổi lễ|lễ|chương trình|cuộc họp|đại hội|hội thảo)[^,.;]{0,40})?\.?$",
    re.IGNORECASE,
)
_PHOTO_CREDIT = re.compile(r"(?:^|[\s(.])(?:ảnh|photo)\s*:\s*\S.{0,60}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SeedDocument:
    """One seed. `published_at` is zone-aware (+07:00) and known as far as `published_precision` says."""

    number: int
    upstream_id: str
    url: str
    title: str | None
    paragraphs: tuple[Paragraph, ...]
    lead: str | None = None
    captions: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    agency: str | None = None
    published_at: datetime | None = None
    published_precision: Precision | None = None
    language: str = "vi"

    @property
    def text(self) -> str:
        """The paragraphs, separated by blank lines; neither title nor captions are in it."""
        parts = [self.lead] if self.lead else []
        return "\n\n".join([*parts, *(paragraph.text for paragraph in self.paragraphs)])


@dataclass(frozen=True, slots=True)
class SeedProblem:
    """A seed file that cannot be imported.

    `reason`: bad-name, empty, not-utf8, malformed (binary or control characters), no-text (title or captions
    and nothing else).
    """

    name: str
    reason: str
    message: str


def parse_seed(name: str, data: bytes) -> SeedDocument | SeedProblem:
    """Read one seed file from its name and bytes. Never raises on any bytes."""
    named = _NAME.fullmatch(name)
    if named is None:
        return SeedProblem(name, "bad-name", "the name is not NNN_<16 hex digits>.txt")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return SeedProblem(name, "not-utf8", f"byte {error.start} is not UTF-8")
    if _CONTROLS.search(text):
        return SeedProblem(name, "malformed", "control characters: this is no plain text")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    published, text = _take_prefix(text)
    lines = _lines(text)
    if lines and (dated := _date_line(lines[0])):
        published = dated
        lines = lines[1:]
    if not lines:
        return SeedProblem(name, "empty", "there is no text in the file")
    title = lines.pop(0) if _is_title(lines) else None
    authors = _take_byline(lines)
    captions = _take_captions(lines)
    agency = _take_agency(lines)
    paragraphs = tuple(map(_paragraph, lines))
    if not any(paragraph.kind is ParagraphKind.PARAGRAPH for paragraph in paragraphs):
        return SeedProblem(name, "no-text", "there are no paragraphs in the file")
    number, upstream_id = named.groups()
    return SeedDocument(
        number=int(number),
        upstream_id=upstream_id,
        url=f"seed:{upstream_id}",
        title=title,
        paragraphs=paragraphs,
        captions=tuple(captions),
        authors=authors,
        agency=agency,
        published_at=published[0] if published else None,
        published_precision=published[1] if published else None,
        language=detect_language("\n".join(lines)),
    )


def _take_prefix(text: str) -> tuple[Dated | None, str]:
    match = _PREFIX.match(text)
    dated = parse_date(match.group(1)) if match else None
    return (dated, text[match.end() :]) if match and dated else (None, text)


def _lines(text: str) -> list[str]:
    """Clean lines without players' labels, lone punctuation and repeated halves; order is kept.

    A line that stands twice in a row stays twice here: it is how captions are told.
    """
    lines = [once(clean(line)) for block in _BLANK_LINE.split(text) for line in block.splitlines()]
    return [line for line in lines if line and not bylines.is_residue(line)]


def _date_line(line: str) -> Dated | None:
    dated = parse_date(line) if len(line) <= 60 and not ends_sentence(line) else None
    return dated if dated and dated[1] in (Precision.SECOND, Precision.MINUTE, Precision.DAY) else None


def _is_title(lines: list[str]) -> bool:
    first = lines[0]
    if len(lines) < 2 or len(first.split()) > _TITLE_WORDS or ends_sentence(first):
        return False
    return bylines.split_dateline(first)[0] is None and words_only(first) != words_only(lines[1])


def _take_byline(lines: list[str]) -> tuple[str, ...]:
    if len(lines) >= 2 and bylines.is_byline(lines[-1]):
        return bylines.names(lines.pop())
    return ()


def _take_captions(lines: list[str]) -> list[str]:
    """Take captions out of the lines: what stands twice in a row, and lines that read like one."""
    captions: list[str] = []
    known: set[str] = set()
    kept: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        doubled = position + 1 < len(lines) and words_only(line) == words_only(lines[position + 1])
        short = len(line.split()) <= _CAPTION_WORDS
        if short and (doubled or (kept and _reads_as_caption(line))):
            if words_only(line) not in known:
                captions.append(line)
            known.add(words_only(line))
        elif words_only(line) not in known:
            kept.append(line)
        position += 2 if doubled else 1
    lines[:] = kept
    return captions


def _reads_as_caption(line: str) -> bool:
    # One sentence: no full stop before the end ("TP. HCM" has one, and is then read as text).
    if "." in line[:-1] and not _PHOTO_CREDIT.search(line):
        return False
    return bool(_PHOTO.search(line) or _PHOTO_CREDIT.search(line))


def _take_agency(lines: list[str]) -> str | None:
    if not lines:
        return None
    agency, lines[0] = bylines.split_dateline(lines[0])
    return agency


def _paragraph(line: str) -> Paragraph:
    heading = len(line.split()) <= 20 and not ends_sentence(line)
    return Paragraph(line, ParagraphKind.HEADING if heading else ParagraphKind.PARAGRAPH)
