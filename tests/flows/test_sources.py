"""Source files: what is accepted, what is refused, and the files that are shipped."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.sources import Source, load_sources
from parsers.errors import SourceFileError
from tests.flows.running import scripted_source

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "deployments" / "sources"

MINIMAL = """
name = "{name}"
title = "Báo Mẫu"
home = "https://bao.example/"
feeds = ["https://bao.example/rss/home.rss"]
article_pattern = '^https://bao\\.example/[a-z0-9-]+-\\d+\\.html$'
"""


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.toml").write_text(text.replace("{name}", name), "utf-8")


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(SourceFileError) as caught:
        load_sources(folder)
    return caught.value.message.splitlines()


def test_a_minimal_file_has_careful_defaults(tmp_path: Path) -> None:
    write(tmp_path, "mau", MINIMAL)
    (source,) = load_sources(tmp_path)
    assert source.name == "mau"
    assert (source.parser, source.language, source.enabled, source.trust_lastmod) == (
        "auto",
        "vi",
        True,
        True,
    )
    assert (source.poll_minutes, source.sitemap_minutes, source.listing_minutes) == (30, 360, 60)
    assert (source.window_days, source.allow_loopback, source.sitemaps) == (3, False, ())
    assert source.limits.model_dump() == {
        "articles_per_run": 200,
        "requests_per_day": 5000,
        "min_delay_seconds": 1.0,
        "concurrency": 1,
    }


def test_sources_are_sorted_and_other_files_passed_over(tmp_path: Path) -> None:
    for name in ("b", "a", "c-2"):
        write(tmp_path, name, MINIMAL)
    (tmp_path / "README.md").write_text("x", "utf-8")
    assert [source.name for source in load_sources(tmp_path)] == ["a", "b", "c-2"]


def test_the_pattern_tells_articles_from_other_pages(tmp_path: Path) -> None:
    write(tmp_path, "mau", MINIMAL)
    (source,) = load_sources(tmp_path)
    assert source.is_article("https://bao.example/cau-moi-123.html")
    assert not source.is_article("https://bao.example/thoi-su.html")
    assert not source.is_article("https://khac.example/?x=https://bao.example/cau-moi-123.html")


def test_a_source_owns_its_hosts_with_and_without_www(tmp_path: Path) -> None:
    write(tmp_path, "mau", MINIMAL + 'extra_hosts = ["cu.example"]\n')
    (source,) = load_sources(tmp_path)
    assert source.owns("https://www.bao.example/a")
    assert source.owns("http://cu.example/a")
    assert not source.owns("https://bao.example.khac.example/a")
    assert not source.owns("seed:0a1b")


def test_a_source_cannot_be_changed(tmp_path: Path) -> None:
    write(tmp_path, "mau", MINIMAL)
    (source,) = load_sources(tmp_path)
    with pytest.raises(ValidationError):
        source.enabled = False


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("title =", "ttl = 1\ntitle =", "ttl: Extra inputs are not permitted"),
        ('title = "Báo Mẫu"', "", "title: Field required"),
        ('"{name}"', '"Mau"', "name: String should match pattern"),
        ('"{name}"', '"khac"', "name: 'khac' is not the name of the file"),
        (
            "https://bao.example/rss",
            "ftp://bao.example/rss",
            "feeds: 'ftp://bao.example/rss/home.rss': the scheme is 'ftp'",
        ),
        (
            "https://bao.example/rss",
            "https://khac.example/rss",
            "source: 'https://khac.example/rss/home.rss' is not on",
        ),
        ('feeds = ["https://bao.example/rss/home.rss"]', "", "source: one of feeds, sitemaps and listings"),
        ('rss"]', 'rss", "https://bao.example/rss/home.rss"]', "feeds: an address stands there twice"),
        ("'^https", "'https", "article_pattern: the pattern must begin with ^"),
        ("[a-z0-9-]+", "([a-z", "article_pattern: not a regular expression"),
        ("title =", 'parser = "wordpress"\ntitle =', "parser: 'wordpress' is none of auto, dantri,"),
        ("title =", 'poll_minutes = "30"\ntitle =', "poll_minutes: Input should be a valid integer"),
        ("title =", "poll_minutes = -1\ntitle =", "poll_minutes: Input should be greater than or equal to 0"),
        ("title =", "enabled = 1\ntitle =", "enabled: Input should be a valid boolean"),
        ("title =", "limits = {concurrency = 99}\ntitle =", "limits.concurrency: Input should be less than"),
        (
            "title =",
            "limits = {min_delay_seconds = nan}\ntitle =",
            "limits.min_delay_seconds: Input should be",
        ),
        ("title =", "limits = {per_day = 9}\ntitle =", "limits.per_day: Extra inputs are not permitted"),
        ("title =", 'extra_hosts = ["https://cu.example/"]\ntitle =', "extra_hosts: 'https://cu.example/':"),
        (
            "title =",
            'extra_hosts = ["CU.example"]\ntitle =',
            "extra_hosts: 'CU.example': write the bare host name",
        ),
        ("title =", "title", "file: not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_file_and_key(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in MINIMAL
    write(tmp_path, "mau", MINIMAL.replace(old, new))
    (line,) = faults_of(tmp_path)
    assert line.startswith(f"mau.toml: {fault}")


def test_all_wrong_files_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "a", MINIMAL.replace('title = "Báo Mẫu"', "la = 1"))
    write(tmp_path, "b", MINIMAL)
    (tmp_path / "c.toml").write_bytes(b"name = '\xff'")
    (tmp_path / "d.toml").write_bytes(b"#" * 300_000)
    assert [line.split(": ")[:2] for line in faults_of(tmp_path)] == [
        ["a.toml", "title"],
        ["a.toml", "la"],
        ["c.toml", "file"],
        ["d.toml", "file"],
    ]


def test_a_name_cannot_be_taken_twice(tmp_path: Path) -> None:
    write(tmp_path, "a", MINIMAL)
    (tmp_path / "b.toml").write_text(MINIMAL.replace("{name}", "a"), "utf-8")
    assert faults_of(tmp_path) == ["b.toml: name: 'a' is not the name of the file"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert faults_of(tmp_path / "x") == [f"there is no folder {tmp_path / 'x'}"]
    assert load_sources(tmp_path) == ()


@pytest.fixture(scope="module")
def shipped() -> dict[str, Source]:
    return {source.name: source for source in load_sources(SHIPPED)}


def test_the_papers_of_the_seeds_and_the_others_are_shipped(shipped: dict[str, Source]) -> None:
    assert set(shipped) == {
        "anninhthudo", "baochinhphu", "baonghean", "bocongan", "cafef", "cand", "congannghean",
        "dantri", "hanoimoi", "laodong", "nhandan", "nld", "qdnd", "sggp", "thanhnien", "tienphong",
        "tuoitre", "vietnamnet", "vietnamplus", "vnexpress", "vov",
    }  # fmt: skip
    assert [source.name for source in shipped.values() if not source.enabled] == ["laodong"]
    assert "cookie wall" in shipped["laodong"].notes
    assert not shipped["bocongan"].trust_lastmod


def test_no_shipped_source_may_reach_this_machine_or_hurry(shipped: dict[str, Source]) -> None:
    for source in shipped.values():
        assert not source.allow_loopback
        assert source.limits.min_delay_seconds >= 1.0
        assert source.limits.concurrency == 1


@pytest.mark.parametrize(
    ("name", "article", "other"),
    [
        ("anninhthudo", "https://www.anninhthudo.vn/cau-moi-post1234.antd", "https://www.anninhthudo.vn/phap-luat-4/"),
        ("anninhthudo", "https://anninhthudo.vn/phap-luat/cau-moi/1234.antd", "https://anninhthudo.vn/rss.antd"),
        ("baochinhphu", "https://baochinhphu.vn/cau-moi-102260304071500123.htm", "https://baochinhphu.vn/chu-de/cau-274.htm"),
        ("baonghean", "https://baonghean.vn/cau-moi-10212345.html", "https://baonghean.vn/thoi-su"),
        ("bocongan", "https://bocongan.gov.vn/bai-viet/cau-moi-1772600000", "https://bocongan.gov.vn/bai-viet"),
        ("cafef", "https://cafef.vn/cau-moi-188260304071500123.chn", "https://cafef.vn/thi-truong.chn"),
        ("cand", "https://cand.vn/cau-moi-post1234.html", "https://cand.vn/phap-luat/"),
        ("cand", "https://cand.com.vn/Phap-luat/Cau-moi-612345/", "https://cand.com.vn/Phap-luat/"),
        ("congannghean", "https://congan.nghean.gov.vn/an-ninh/202603/cau-moi-1234/index.htm", "https://congan.nghean.gov.vn/an-ninh"),
        ("congannghean", "http://congannghean.vn/a/b/202007/cau-moi-1234", "http://congannghean.vn/a/b/202007"),
        ("dantri", "https://dantri.com.vn/thoi-su/cau-moi-20260304071500123.htm", "https://dantri.com.vn/video/cau-moi-187976.htm"),
        ("hanoimoi", "https://hanoimoi.vn/cau-moi-712345.html", "https://hanoimoi.vn/xa-hoi"),
        ("laodong", "https://laodong.vn/xa-hoi/cau-moi-1234567.ldo", "https://laodong.vn/xa-hoi"),
        ("nhandan", "https://nhandan.vn/cau-moi-post1234.html", "https://nhandan.vn/kinhte/"),
        ("nld", "https://nld.com.vn/cau-moi-196260304071500123.htm", "https://nld.com.vn/thoi-su.htm"),
        ("qdnd", "https://www.qdnd.vn/chinh-tri/tin-tuc/cau-moi-812345", "https://www.qdnd.vn/chinh-tri/tin-tuc"),
        ("sggp", "https://www.sggp.org.vn/cau-moi-post1234.html", "https://www.sggp.org.vn/kinh-te/"),
        ("thanhnien", "https://thanhnien.vn/cau-moi-185260304071500123.htm", "https://thanhnien.vn/thoi-su.htm"),
        ("tienphong", "https://tienphong.vn/cau-moi-post1234.tpo", "https://tienphong.vn/xa-hoi/"),
        ("tuoitre", "https://tuoitre.vn/cau-moi-20260304071500123.htm", "https://tuoitre.vn/gia-vang-e592.htm"),
        ("vietnamnet", "https://vietnamnet.vn/cau-moi-2495141.html", "https://vietnamnet.vn/cau-tag14642850852768478603.html"),
        ("vietnamplus", "https://www.vietnamplus.vn/cau-moi-post1234.vnp", "https://www.vietnamplus.vn/kinhte/"),
        ("vnexpress", "https://vnexpress.net/cau-moi-4954454.html", "https://e.vnexpress.net/news/cau-moi-4954454.html"),
        ("vov", "https://vov.vn/xa-hoi/cau-moi-post1234.vov", "https://vov.vn/xa-hoi"),
    ],
)  # fmt: skip
def test_a_shipped_pattern_takes_articles_only(
    shipped: dict[str, Source], name: str, article: str, other: str
) -> None:
    source = shipped[name]
    assert source.is_article(article)
    assert source.owns(article)
    assert not source.is_article(other)
    assert not any(
        source.is_article(url) for url in (source.home, *source.feeds, *source.sitemaps, *source.listings)
    )


def test_every_shipped_file_says_that_it_was_not_checked_live() -> None:
    for path in SHIPPED.glob("*.toml"):
        assert re.search(r"^# Not checked against the live site", path.read_text("utf-8"), re.MULTILINE), (
            path.name
        )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"listings": ["https://a.example/{year}/{mm}"]}, "{year}"),
        ({"listing_pattern": "{stem}/{seite}"}, "{seite}"),
        ({"listing_pattern": "{stem}/trang-2"}, "{page}"),
        ({"poll_minutes": 800}, "max_poll_minutes"),
        ({"max_poll_minutes": 0}, "max_poll_minutes"),
        ({"listing_pages": 0}, "listing_pages"),
    ],
)
def test_wrong_addresses_of_pages_and_waits_are_refused(changes: dict[str, object], told: str) -> None:
    values: dict[str, object] = {
        "name": "a",
        "title": "A",
        "home": "https://a.example/",
        "feeds": ["https://a.example/rss"],
        "article_pattern": "^https://a",
        **changes,
    }
    with pytest.raises(ValueError, match=re.escape(told)):
        Source.model_validate(values)


def test_number_of_an_article_is_told_with_its_group() -> None:
    source = scripted_source(article_pattern=r"^https?://a\.example/(?:bai-(?P<id>\d+)|cu/(?P<id_old>\d+))")
    assert source.article_id("https://a.example/bai-5") == "id:5"
    assert source.article_id("http://a.example/cu/5") == "id_old:5"
    assert source.article_id("http://a.example/khac") is None
    assert scripted_source().article_id("http://a.example/bai-5.html") is None


@pytest.mark.parametrize("source", load_sources(SHIPPED), ids=lambda source: source.name)
def test_shipped_sources_wait_between_floor_and_ceiling(source: Source) -> None:
    for kind in ("feed", "sitemap", "sitemap-index", "listing"):
        assert timedelta(minutes=10) <= source.floor(kind) <= source.ceiling <= timedelta(days=1)
