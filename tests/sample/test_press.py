"""Reading the sample articles: form, references, editions, and what the shipped press must hold."""

from __future__ import annotations

import unicodedata
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from deployments.sample.body import Bullets, Heading, Paragraph, Photo, Table
from deployments.sample.pages import SITES, Page
from deployments.sample.papers import article_url, serve
from deployments.sample.press import LAST_EDITION, Press, load_press
from parsers.errors import SourceFileError, UserError
from tests.sample import tiny


@pytest.fixture
def press(tmp_path: Path) -> Press:
    return load_press(*tiny.write(tmp_path))


@pytest.fixture(scope="module")
def shipped() -> Press:
    return load_press()


def page(press: Press, key: str, edition: int = LAST_EDITION) -> Page:
    return next(page for page in press.at(edition) if page.key == key)


def test_every_form_of_block_is_read(press: Press) -> None:
    assert page(press, "songthuong/7", 1).blocks == (
        Paragraph("Người dân Bến Cũ đi phà mỗi ngày."),
        Heading("Giá vé"),
        Photo("Phà cập bến. Ảnh: Trần Bình"),
        Bullets(("xe đạp", "xe máy")),
        Table((("Loại", "Giá"), ("Xe máy", "8.000"))),
    )


def test_an_update_holds_from_its_edition_on(press: Press) -> None:
    before, after = page(press, "songthuong/7", 2), page(press, "songthuong/7", 3)
    assert (before.title, before.modified) == ("Phà Bến Cũ & 2 < 3 chuyến", None)
    assert after.title == "Phà Bến Cũ tăng 5 chuyến"
    assert after.lead == before.lead
    assert after.modified is not None
    assert after.modified.isoformat() == "2026-03-04T09:00:00+07:00"
    assert after.blocks == (*before.blocks, Paragraph("Đoạn thêm vào hôm sau."))


def test_a_page_stands_from_its_edition_on_and_newest_come_first(press: Press) -> None:
    assert [page.key for page in press.at(1)] == ["binhminh/301", "songthuong/7", "dongque/22"]
    assert [page.key for page in press.at(2)] == ["dongque/21", "binhminh/301", "songthuong/7", "dongque/22"]


def test_a_reprint_has_the_first_body_of_its_original(press: Press) -> None:
    reprint = page(press, "dongque/21")
    assert reprint.blocks == page(press, "songthuong/7", 1).blocks
    assert reprint.title == "Thêm chuyến phà"


def test_a_reprinted_seed_keeps_its_running_text_only(press: Press) -> None:
    assert page(press, "binhminh/301").blocks == (
        Paragraph("Sáng 13/7, cụm họp."),
        Paragraph("Đơn vị A dẫn đầu “năm thứ hai.”"),
    )


def test_nfd_is_a_matter_of_serving_only(press: Press) -> None:
    reprint = page(press, "dongque/21")
    assert unicodedata.is_normalized("NFC", reprint.title)
    served = reprint.as_served()
    assert served.title != reprint.title
    assert unicodedata.normalize("NFC", served.title) == reprint.title
    assert served.blocks != reprint.blocks
    assert page(press, "dongque/22").as_served() == page(press, "dongque/22")


@pytest.mark.parametrize("edition", [0, LAST_EDITION + 1])
def test_an_edition_that_does_not_exist_is_refused(press: Press, edition: int) -> None:
    with pytest.raises(UserError) as caught:
        press.at(edition)
    assert caught.value.reason == "no-such-edition"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"press/dongque/22-tin-vui.md": "Không có phần đầu."}, "front matter"),
        ({"press/dongque/22-tin-vui.md": tiny.BRIEF.replace("edition = 1", "edition = = 1")}, "line 4"),
        ({"press/dongque/22-tin-vui.md": tiny.BRIEF.replace("edition = 1", "edition = 9")}, "edition"),
        ({"press/dongque/22-tin-vui.md": tiny.BRIEF.replace("edition", "edtion")}, "edtion"),
        ({"press/dongque/22-tin-vui.md": tiny.BRIEF.replace("+07:00", "")}, "published"),
        ({"press/dongque/22-tin-vui.md": tiny.BRIEF.replace("nong-nghiep", "the-thao")}, "the-thao"),
        ({"press/dongque/22-tin-vui.md": tiny.BRIEF.replace("id = 22", "id = 23")}, "23-tin-vui.md"),
        ({"press/dongque/22-tin-vui.md": tiny.BRIEF.replace("Một tin ngắn.", "")}, "body is empty"),
        ({"press/dongque/22-tin-vui.md": tiny.BRIEF.replace("Một", "| Một")}, "row of a table"),
        ({"press/dongque/22-tin-vui.md": tiny.BRIEF.replace("Một", "![Một")}, "photo"),
        ({"press/dongque/22-tin-vui.md": tiny.BRIEF.replace("Một", "- Một\nhai")}, "list"),
        ({"press/dongque/22-tin-vui.md": tiny.BRIEF.replace("Một", "# Một")}, "sub-heading"),
        ({"press/dongque/22-tin-khac.md": tiny.BRIEF.replace("tin-vui", "tin-khac")}, "is that of"),
        ({"press/dongque/21-them-chuyen-pha.md": tiny.REPRINT + "Thừa."}, "no body of its own"),
        ({"press/dongque/21-them-chuyen-pha.md": tiny.REPRINT.replace("thuong/7", "thuong/8")}, "thuong/8"),
        ({"press/binhminh/301-cum-thi-dua.md": tiny.SEED_REPRINT.replace("6071", "6072")}, "6072"),
        ({"press/songthuong/7-pha-ben-cu.md": tiny.FERRY.replace("edition = 3", "edition = 1")}, "updates"),
        ({"seeds/ghi-chu.txt": "x"}, "ghi-chu.txt"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(
    tmp_path: Path, changed: dict[str, str], expected: str
) -> None:
    with pytest.raises(SourceFileError) as caught:
        load_press(*tiny.write(tmp_path, changed))
    (name,) = changed
    assert name in str(caught.value)
    assert expected in str(caught.value)


def test_a_reprint_of_a_reprint_is_refused(tmp_path: Path) -> None:
    second = tiny.REPRINT.replace("id = 21", "id = 23").replace("songthuong/7", "dongque/21")
    with pytest.raises(SourceFileError, match="is a reprint itself"):
        load_press(*tiny.write(tmp_path, {"press/dongque/23-them-chuyen-pha.md": second}))


def test_a_folder_without_articles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceFileError, match="no article of edition 1"):
        load_press(tmp_path, tmp_path)


def test_two_articles_with_one_address_are_refused(tmp_path: Path) -> None:
    # Bình Minh takes the milliseconds of its addresses from the last three digits of the id.
    twin = tiny.SEED_REPRINT.replace("id = 301", "id = 1301")
    press = load_press(*tiny.write(tmp_path, {"press/binhminh/1301-cum-thi-dua.md": twin}))
    with pytest.raises(SourceFileError, match="same address"):
        serve(press, 1)


def test_a_page_keeps_its_bytes_in_the_next_edition_unless_it_shows_what_is_new(press: Press) -> None:
    before, after = serve(press, 1), serve(press, 2)

    def same(host: str, path: str) -> bool:
        return before[host][path] == after[host][path]

    assert same("songthuong.example", "/pha-ben-cu-post7.html")
    assert same("binhminh.example", "/cum-thi-dua-20260302212500301.htm")
    assert same("songthuong.example", "/rss/thoi-su-11.rss")
    # The reprint of edition 2 appears in the aside and in the feed of its paper.
    assert not same("dongque.example", "/nong-nghiep/tin-vui-22.html")
    assert not same("dongque.example", "/feed.atom")


def test_addresses_have_the_form_of_their_family(press: Press) -> None:
    assert {article_url(page) for page in press.at(2)} == {
        "http://songthuong.example/pha-ben-cu-post7.html",
        "http://binhminh.example/cum-thi-dua-20260302212500301.htm",
        "http://dongque.example/doi-song/them-chuyen-pha-21.html",
        "http://dongque.example/nong-nghiep/tin-vui-22.html",
    }


def test_the_shipped_press_is_large_enough_and_grows_every_edition(shipped: Press) -> None:
    last = shipped.at(LAST_EDITION)
    assert sum(page.kind == "article" for page in last) >= 40
    assert {page.site for page in last} == set(SITES)
    assert {"article", "video", "paywall", "soft-404", "english"} == {page.kind for page in last}
    sizes = [len(shipped.at(edition)) for edition in range(1, LAST_EDITION + 1)]
    assert sizes == sorted(set(sizes))


def test_the_shipped_press_dates_each_article_on_the_day_of_its_edition(shipped: Press) -> None:
    first_day = min(page.published for page in shipped.at(1)).date()
    for page in shipped.at(LAST_EDITION):
        assert page.published.date() == first_day + timedelta(days=page.edition - 1), page.key
        assert page.changed >= page.published, page.key


def test_the_shipped_press_has_updates_reprints_and_nfd_articles(shipped: Press) -> None:
    last = shipped.at(LAST_EDITION)
    assert sum(page.modified is not None for page in last) >= 2
    assert sum(page.nfd for page in last) >= 3
    bodies = Counter(page.blocks for page in last)
    assert sum(count - 1 for count in bodies.values() if count > 1) >= 5


def test_the_shipped_press_serves_every_edition(shipped: Press) -> None:
    for edition in range(1, LAST_EDITION + 1):
        assert set(serve(shipped, edition)) == {site.host for site in SITES.values()}
