"""Reports as artifacts: keys that Prefect takes, pictures that need no server, and no report worth a run."""

from __future__ import annotations

import base64
import logging
import re

import pytest

from flows.health import Ailment, Health, HealthFinding, SourceHealth
from flows.scheduled import artifacts
from flows.scheduled.artifacts import (
    MOST_SOURCES,
    Steps,
    as_address,
    publish_publication,
    shown_progress,
    shown_sources,
    source_key,
)
from tests.conftest import START


def source(name: str, *findings: HealthFinding, enabled: bool = True) -> SourceHealth:
    return SourceHealth(name, name, enabled, None, None, "", None, 0, 0, (), findings)


def test_keys_are_such_as_prefect_takes() -> None:
    names = [value for name, value in vars(artifacts).items() if name.isupper() and isinstance(value, str)]
    assert len(names) >= 9
    for key in [*names, source_key("bao-24h")]:
        assert re.fullmatch(r"[a-z0-9-]+", key)


def test_picture_is_in_its_address() -> None:
    kind, _, data = as_address("<svg>Đ</svg>").partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == "<svg>Đ</svg>"


def test_sources_with_findings_are_shown_first_and_no_more_than_can_be_read() -> None:
    late = HealthFinding("z", Ailment.LATE, "was due")
    many = [source(f"s{number:03}") for number in range(MOST_SOURCES + 5)]
    health = Health(
        at=START, first_day=START.date(), last_day=START.date(), reasons=(), runs=(), last_success=None,
        sources=(*many, source("off", enabled=False), source("z", late)),
    )  # fmt: skip
    shown = shown_sources(health)
    assert len(shown) == MOST_SOURCES
    assert shown[0].name == "z"
    assert all(item.enabled for item in shown)


def test_progress_is_told_in_percent_of_what_is_known() -> None:
    steps = Steps()
    assert steps.percent == 0
    steps.source_selected("a", 10, 3)
    steps.source_selected("b", 10, 1)
    steps.page_done("a")
    assert steps.percent == 25
    steps(9, 8)
    assert steps.percent == 100


async def test_report_that_cannot_be_shown_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    nowhere = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(nowhere), caplog.at_level(logging.WARNING):
        await publish_publication(None)
        async with shown_progress("Work", total=2, first=0.0, every=0.01) as steps:
            steps(1, 2)
    assert "a publication could not be shown" in caplog.text
