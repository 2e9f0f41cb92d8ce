"""What a user sees: `khotin up --sample`, and the pages of its runs, reports and forms in a real browser.

It skips where Debian's chromium and chromium-driver are not installed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browser import Browser, missing, open_browser

KHOTIN = [sys.executable, "-c", "from deployments.command import main; main()"]
PAPERS = ("binhminh", "dongque", "songthuong")
LONG = 240.0

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


class Up:
    """`khotin up --sample`, as it tells of itself line by line."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("KHOTIN_", "PREFECT_"))}
        env = {**clean, "KHOTIN_HOME": str(folder / "data"), "PREFECT_HOME": str(folder / "prefect")}
        self.ui = f"http://127.0.0.1:{port}"
        self._out = folder / "out.log"
        self._err = folder / "err.log"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*KHOTIN, "up", "--sample", "--port", str(port), "--json"],
                env=env, cwd=folder, stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip

    def told(self, word: str, fits: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The first line of this kind that fits, as soon as it is there."""
        deadline = time.monotonic() + LONG
        while True:
            for line in self._out.read_text("utf-8").splitlines():
                row: dict[str, Any] = json.loads(line)
                if row["event"] == word and fits(row):
                    return row
            ended = self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"no {word}:\n{self._out.read_text()}\n{self._err.read_text()}")
            time.sleep(0.3)

    def run_named(self, name: str) -> dict[str, Any]:
        """A flow run by its name."""
        body = {"flow_runs": {"name": {"any_": [name]}}}
        rows: list[dict[str, Any]] = httpx.post(
            f"{self.ui}/api/flow_runs/filter", json=body, timeout=60
        ).json()
        return rows[0]

    def started_by_hand(self, deployment: str) -> str | None:
        """The id of a run of a deployment that no schedule has made."""
        body = {"deployments": {"name": {"any_": [deployment]}}}
        rows = httpx.post(f"{self.ui}/api/flow_runs/filter", json=body, timeout=60).json()
        return next((str(row["id"]) for row in rows if not row["auto_scheduled"]), None)

    def deployment(self, name: str) -> str:
        """The address of a deployment's page."""
        row = httpx.get(f"{self.ui}/api/deployments/name/{name}/{name}", timeout=60).json()
        return f"{self.ui}/v2/deployments/deployment/{row['id']}"

    def stop(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    started = Up(tmp_path_factory.mktemp("up"))
    try:
        started.told("ready")
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


RUN = "//a[contains(@href, '/runs/flow-run/')]"
ARTIFACT = "//a[contains(@href, '/artifacts/artifact/')]"


def submitted(browser: Browser) -> bool:
    """Submit the form until it is gone: a menu that is just closing swallows a click."""
    if browser.address.endswith("/run"):
        with suppress(LookupError):
            browser.try_click(button("Submit"))
        time.sleep(1)
    return not browser.address.endswith("/run")


STATES = (
    "Completed", "NoNewArticles", "NothingDue", "SourcesBusy", "InPart", "Findings", "Failed", "Crashed",
    "Cancelled", "TimedOut",
)  # fmt: skip


def ended(browser: Browser) -> str:
    """The state in which the page of a run says that it has ended."""

    def shown() -> str | None:
        return next((line for line in browser.text.splitlines() if line in STATES), None)

    return str(browser.wait(shown, "the end of the run", LONG))


def tab(name: str) -> str:
    return f"//*[@role='tab'][normalize-space()='{name}']"


def button(name: str) -> str:
    return f"//button[normalize-space()='{name}']"


def test_scheduled_run_is_shown_with_its_state_sources_and_report(
    up: Up, browser: Browser, told: Callable[[str], None]
) -> None:
    run = up.told("run", lambda row: bool(row["scheduled"]) and row["state"] == "Completed")
    told(
        f"browser: the first scheduled run had finished {run['since_start']:.0f} s after `khotin up --sample`"
    )
    browser.open(f"{up.ui}/v2/runs/flow-run/{up.run_named(run['name'])['id']}")
    browser.see(run["name"], "Completed", "Deployment", "Work Pool")
    log = browser.see(run["message"], *(f"{paper}: " for paper in PAPERS))
    assert "discovered = " in log
    browser.click(tab("Subflow Runs"))
    browser.see("3 Subflow runs", *PAPERS)
    browser.click(tab("Artifacts"))
    browser.see("run-report", "run-sums")
    browser.click("//a[contains(@href, '/artifacts/key/run-report')]")
    browser.click(ARTIFACT)
    # The newest of them: on a slow machine another run has ended since.
    report = browser.see("Sums", "New articles", "Against version ")
    assert "binhminh" in report
    # The titles lead to the articles, and what the table says is what the sum says.
    links = browser.run("return [...document.querySelectorAll('table a')].map(a => a.href)")
    new = [link for link in links if ".example/" in link]
    added = re.search(r"Against version \d+: (\d+) added", report)
    assert added is not None
    assert len(new) >= int(added[1]) > 0
    told(f"browser: a report shows {len(new)} links to articles, of sums by source and {added[0]}")


def test_form_explains_its_parameters_rejects_what_is_missing_and_starts_a_run(
    up: Up, browser: Browser, told: Callable[[str], None]
) -> None:
    browser.open(f"{up.deployment('ingest-source')}/run")
    browser.see("The source, by the name of its file.", "Ask now, even if the source is not due.")
    browser.click(button("Submit"))
    browser.see("'source' is a required property")
    browser.click("//button[@aria-label='Select source']")
    browser.see(*PAPERS)
    browser.click("//*[@role='option'][normalize-space()='dongque']")
    browser.wait(lambda: submitted(browser), "the page of the deployment")
    browser.click(RUN)
    # It may find a scheduled run at the source: then it leaves the source to that.
    assert ended(browser) in ("Completed", "NoNewArticles", "SourcesBusy", "NothingDue")
    browser.see("ingest-source dongque")
    browser.click(tab("Parameters"))
    browser.see("dongque")
    told("browser: a run by hand was started from the form and came to its end")


def test_pictures_of_the_sources_health_are_drawn(
    up: Up, browser: Browser, told: Callable[[str], None]
) -> None:
    browser.open(up.deployment("health"))
    browser.click(button("Run"))
    browser.click("//*[@role='menuitem'][normalize-space()='Quick run']")
    run = browser.wait(lambda: up.started_by_hand("health"), "a run that was started by hand")
    browser.open(f"{up.ui}/v2/runs/flow-run/{run}")
    assert ended(browser) == "Completed"
    browser.click(tab("Artifacts"))
    browser.see("health", "articles-by-day", "rejects-by-reason", "source-dongque")
    browser.click("//a[contains(@href, '/artifacts/key/articles-by-day')]")
    browser.click(ARTIFACT)
    size = browser.wait(
        lambda: browser.run(
            "const i = [...document.images].find(i => i.src.startsWith('data:image/svg'));"
            "return i && i.complete && [i.naturalWidth, i.naturalHeight]"
        ),
        "the picture",
    )
    assert size[0] == 800
    told(f"browser: the picture of articles by day is drawn, {size[0]} x {size[1]}")
