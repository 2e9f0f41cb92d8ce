"""`khotin sources new`: what it writes loads, and its case passes at once, in a copy of the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.sources import Source, load_sources
from tests.command.test_command import khotin
from tests.conftest import ROOT
from tests.parsers import made_up

URL = "https://bao-moi.example/doi-song/day-boi-post1234.html"
HEAD = (
    '<link rel="canonical" href="https://bao-moi.example/doi-song/day-boi-post1234.html">'
    '<link rel="alternate" type="application/rss+xml" href="/rss/home.rss">'
)


def own_page() -> bytes:
    """A page of no family, with names of its own for everything."""
    p = made_up.PARAGRAPHS
    return f"""<!DOCTYPE html><html lang="vi"><head><meta charset="utf-8"><title>{made_up.TITLE}</title>
<meta property="og:site_name" content="Báo Mới"><meta property="og:type" content="article">{HEAD}
<meta property="article:published_time" content="{made_up.PUBLISHED}"></head><body>
<nav class="menu"><a href="/">Trang chủ</a><a href="/doi-song">Đời sống</a></nav>
<div class="bai-viet"><h1 class="tua-bai">{made_up.TITLE}</h1><span class="ngay-dang">09/06/2026 08:15</span>
<h2 class="tom-tat">{made_up.LEAD}</h2>
<div class="noi-dung x12345"><p>{p[0]}</p><figure><img src="/b.jpg">
<figcaption>{made_up.CAPTION}</figcaption></figure><p>{p[1]}</p>
<div class="tin-lien-quan"><a href="/x-post99.html">{made_up.RELATED}</a></div><p>{p[2]}</p><p>{p[3]}</p>
<p class="but-danh">{made_up.AUTHOR}</p></div></div></body></html>""".encode()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a checkout needs to load sources and to run the cases."""
    root = tmp_path / "checkout"
    for name in ("parsers", "storage", "flows", "deployments/sources", "tests/parsers"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "tests/__init__.py", "tests/conftest.py"):
        shutil.copy(ROOT / name, root / name)
    return root


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The folders of a checkout, for what writes nothing into them."""
    root = tmp_path / "checkout"
    for name in ("parsers/sites", "tests/parsers"):
        (root / name).mkdir(parents=True)
    return root


def new(checkout: Path, name: str, page: bytes, url: str = URL) -> subprocess.CompletedProcess[str]:
    saved = checkout / "saved.html"
    saved.write_bytes(page)
    args = ("sources", "new", name, str(saved), "--url", url, "--checkout", str(checkout))
    return khotin(checkout.parent / "data", *args)


def python(checkout: Path, *args: str) -> str:
    """Run Python on the copy."""
    env = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *args],
        cwd=checkout,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expected(checkout: Path, name: str) -> Any:
    return json.loads((checkout / "tests/parsers/site_cases" / name / "expected.json").read_text("utf-8"))


CASES = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/parsers/test_site_cases.py")
LOAD = """
from pathlib import Path
from flows.sources import load_sources
from parsers import parse_article
page = Path("saved.html").read_bytes()
print([s.parser for s in load_sources(Path("deployments/sources")) if s.name == "bao-moi"],
      parse_article(page, {url!r}).parser)
"""


def test_page_of_no_family_gives_source_parser_and_case(checkout: Path) -> None:
    done = new(checkout, "bao-moi", own_page())
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("wrote ") == 4
    case = expected(checkout, "bao-moi")
    assert (case["checked"], case["parser"], case["title"]) == (False, "bao-moi", made_up.TITLE)
    assert (case["lead"], case["paragraphs"]) == (made_up.LEAD, list(made_up.PARAGRAPHS))
    assert (case["captions"], case["authors"]) == ([made_up.CAPTION], [made_up.AUTHOR])
    parser = (checkout / "parsers/sites/bao_moi.py").read_text("utf-8")
    for selector in ("h1.tua-bai", "h2.tom-tat", "div.noi-dung", "tin-lien-quan", "p.but-danh"):
        assert selector in parser
    assert "x12345" not in parser, "a name with a number is that of one build of the site"
    assert "guessed" in parser
    every = "tests/parsers/test_site_parsers.py::test_every_site_parser_has_a_made_up_page_or_a_case"
    assert "3 passed" in python(checkout, *CASES, every), "the shipped case, the new one, and the parser's"
    assert python(checkout, "-c", LOAD.format(url=URL)) == "['bao-moi'] bao-moi\n"


def test_page_of_a_known_family_needs_no_parser(checkout: Path) -> None:
    done = new(checkout, "bao-moi", made_up.epi(head=HEAD))
    assert done.returncode == 0, done.stderr
    assert "the mark-up is that of epi" in done.stdout
    assert not (checkout / "parsers/sites/bao_moi.py").exists()
    (source,) = (s for s in load_sources(checkout / "deployments/sources") if s.name == "bao-moi")
    assert (source.parser, source.enabled) == ("epi", False)
    assert source.feeds == ("https://bao-moi.example/rss/home.rss",)
    assert source.article_id(URL) == "id:1234"
    assert source.is_article("https://www.bao-moi.example/the-gioi/tin-khac-han-post98765.html")
    assert not source.is_article("https://bao-moi.example/doi-song/")
    assert expected(checkout, "bao-moi")["lead"] == made_up.LEAD
    assert "2 passed" in python(checkout, *CASES)


@pytest.mark.parametrize(
    ("url", "like", "unlike"),
    [
        ("https://b.example/tin-tuc/cau-moi-20260302101530.htm", "/xa-hoi/x-y-20250101.htm", "/xa-hoi.htm"),
        ("https://b.example/cau-moi-d123456.html", "/bai-khac-d99.html", "/bai-khac-e99.html"),
        ("https://b.example/123456.html", "/99.html", "/gioi-thieu.html"),
        ("https://b.example/xa-hoi/cau-moi", "/the-gioi/bai-khac", "/"),
    ],
)
def test_pattern_is_that_of_the_address(url: str, like: str, unlike: str) -> None:
    from deployments.command.skeletons import _pattern

    source = Source(
        name="b", title="b", home="https://b.example/", feeds=("https://b.example/f",),
        article_pattern=_pattern(url, "b.example"),
    )  # fmt: skip
    assert source.is_article(url)
    assert source.is_article(f"https://b.example{like}")
    assert not source.is_article(f"https://b.example{unlike}")


def test_nothing_is_overwritten_and_nothing_is_left_half_done(bare: Path) -> None:
    case = bare / "tests/parsers/site_cases/bao-moi/page.html"
    case.parent.mkdir(parents=True)
    case.write_bytes(b"mine")
    before = sorted(path for path in bare.rglob("*") if path.name != "saved.html")
    done = new(bare, "bao-moi", own_page())
    assert done.returncode == 2
    assert "[target-exists]" in done.stderr
    assert case.read_bytes() == b"mine"
    assert sorted(path for path in bare.rglob("*") if path.name != "saved.html") == before


@pytest.mark.parametrize(
    ("name", "page", "url", "reason"),
    [
        ("bao-moi", b"<p>x</p>", URL, "not-an-article"),
        ("bao-moi", b"", URL, "empty"),
        ("Báo Mới", own_page(), URL, "bad-source-file"),
        ("bao-moi", own_page(), "bao-moi", "bad-url"),
        ("../x", own_page(), URL, "bad-source-file"),
    ],
)
def test_what_gives_no_skeleton_is_told(bare: Path, name: str, page: bytes, url: str, reason: str) -> None:
    done = new(bare, name, page, url)
    assert done.returncode == 2, done.stdout
    assert f"[{reason}]" in done.stderr
