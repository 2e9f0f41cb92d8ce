"""Each family's made-up page gives the same article, by name and by its mark-up alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from parsers import Article, ParagraphKind, Precision, Rejection, RejectReason, parse_article
from parsers.errors import UserError
from parsers.sites import SITE_PARSERS
from tests.parsers import made_up
from tests.parsers.made_up import AUTHOR, CAPTION, HEADING, LEAD, PARAGRAPHS, PUBLISHED, TITLE

CASES = Path(__file__).parent / "site_cases"
URL = "https://bao.example/doi-song/day-boi-post12.html"
PAGES: dict[str, Callable[[], bytes]] = {
    "epi": made_up.epi,
    "vccorp": made_up.vccorp,
    "onecms": made_up.onecms,
    "vnexpress": made_up.vnexpress_2019,
    "vietnamnet": made_up.vietnamnet_2019,
    "dantri": made_up.dantri,
    "qdnd": made_up.qdnd,
    "vov": made_up.vov,
}


def read(page: bytes, parser: str | None = None) -> Article:
    result = parse_article(page, URL, parser=parser)
    assert isinstance(result, Article), result
    return result


def test_every_site_parser_has_a_made_up_page_or_a_case() -> None:
    cases = {json.loads(path.read_text("utf-8"))["parser"] for path in CASES.glob("*/expected.json")}
    assert set(PAGES) | cases == {spec.name for spec in SITE_PARSERS}


@pytest.mark.parametrize("parser", [None, "auto", "by-name"])
@pytest.mark.parametrize("name", PAGES)
def test_article_is_read_whole(name: str, parser: str | None) -> None:
    article = read(PAGES[name](), name if parser == "by-name" else parser)
    assert article.parser == name
    assert article.title == TITLE
    assert article.lead == LEAD
    assert [paragraph.text for paragraph in article.paragraphs] == [
        PARAGRAPHS[0],
        HEADING,
        *PARAGRAPHS[1:],
    ]
    assert article.captions == (CAPTION,)
    assert article.authors[0] == AUTHOR
    assert article.published_at is not None
    assert article.published_at.replace(second=0) == datetime.fromisoformat(PUBLISHED)
    assert article.published_at.utcoffset() == datetime.fromisoformat(PUBLISHED).utcoffset()
    assert article.published_precision in (Precision.MINUTE, Precision.SECOND)
    assert article.language == "vi"


@pytest.mark.parametrize("name", PAGES)
def test_generic_extractor_reads_the_same_text(name: str) -> None:
    article = read(PAGES[name](), "generic")
    assert article.parser == "generic"
    texts = [paragraph.text for paragraph in article.paragraphs]
    assert [text for text in texts if text in PARAGRAPHS] == list(PARAGRAPHS)
    assert article.title == TITLE
    assert article.published_at is not None
    assert article.published_at.replace(second=0) == datetime.fromisoformat(PUBLISHED)


@pytest.mark.parametrize(("name", "agency"), [("vccorp", "Báo Thử"), ("dantri", "Dân trí"), ("epi", None)])
def test_dateline_becomes_the_agency(name: str, agency: str | None) -> None:
    assert read(PAGES[name]()).agency == agency


def test_several_writers_are_kept_in_order() -> None:
    assert read(made_up.vccorp()).authors == (AUTHOR, "Chu Bá Nhạ")


@pytest.mark.parametrize("name", ["epi", "vccorp"])
def test_section_and_tags_are_read(name: str) -> None:
    article = read(PAGES[name]())
    assert article.section == "Đời sống"
    assert article.tags == ("học bơi", "xã Đồng Vại")


def test_a_date_below_the_title_is_read_where_no_meta_element_gives_it() -> None:
    page = made_up.qdnd().replace(b"article:published_time", b"article:other")
    published = read(page).published_at
    assert published is not None
    assert published.isoformat() == PUBLISHED
    assert read(page).provenance["published_at"] == "css:.post-subinfo span"


def test_sub_headings_are_marked() -> None:
    kinds = [paragraph.kind for paragraph in read(made_up.epi()).paragraphs]
    assert kinds[1] is ParagraphKind.HEADING
    assert kinds.count(ParagraphKind.HEADING) == 1


def test_provenance_names_where_fields_came_from() -> None:
    provenance = read(made_up.epi()).provenance
    assert provenance["title"].startswith("css:")
    assert provenance["published_at"].startswith("meta:")
    assert provenance["authors"].startswith("css:.article__author")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_without_the_selectors_has_drifted(name: str) -> None:
    result = parse_article(made_up.plain(), URL, parser=name)
    assert isinstance(result, Rejection)
    assert result.reason is RejectReason.DRIFT
    assert result.parser == name


def test_a_body_without_text_has_drifted_and_is_no_empty_article() -> None:
    page = b"<h1 class='article__title cms-title'>T</h1><div class='article__body cms-body'><div></div></div>"
    result = parse_article(page, URL, parser="epi")
    assert isinstance(result, Rejection)
    assert result.reason is RejectReason.DRIFT


def test_an_unknown_parser_is_a_user_error() -> None:
    with pytest.raises(UserError, match="no parser 'nope'"):
        parse_article(b"<p>x</p>", URL, parser="nope")


def test_paper_name_is_taken_off_the_title() -> None:
    head = '<meta property="og:site_name" content="Báo Thử Nghiệm">'
    page = made_up.epi(title=f"{TITLE} - Báo Thử Nghiệm", head=head)
    assert read(page).title == TITLE


def test_dashes_inside_a_title_stay() -> None:
    title = "Lạng Giang - Bố Hạ: đường mới - cầu mới"
    assert read(made_up.epi(title=title)).title == title
