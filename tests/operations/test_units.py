"""The systemd units and the compose file, as far as they can be checked without running them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.settings import Settings

DEPLOYMENTS = Path(__file__).resolve().parents[2] / "deployments"
UNITS = sorted((DEPLOYMENTS / "systemd").glob("*.service"))
OURS = {f"KHOTIN_{name.upper()}" for name in Settings.model_fields}


def compose() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((DEPLOYMENTS / "compose.yaml").read_text("utf-8"))
    return made


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    # It looks for the programs: here, those of this environment stand for those of the real place.
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/srv/khotin/.venv/bin/prefect", sys.executable)
        text = text.replace("/srv/khotin/.venv/bin/khotin", sys.executable)
        (tmp_path / unit.name).write_text(text.replace("User=khotin", "User=root"), "utf-8")
    told = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ours = [line for line in told.stderr.splitlines() if "khotin" in line]
    assert (told.returncode, ours) == (0, [])


def test_units_follow_one_another_and_read_one_file_of_settings() -> None:
    assert [unit.stem for unit in UNITS] == ["khotin-deploy", "khotin-server", "khotin-worker"]
    for unit in UNITS:
        text = unit.read_text("utf-8")
        assert "EnvironmentFile=/etc/khotin.env" in text
        for other in re.findall(r"^Requires=(\S+)$", text, flags=re.MULTILINE):
            assert (unit.parent / other).exists()
            assert f"After={other}" in text


def test_settings_in_the_units_and_the_compose_file_exist() -> None:
    texts = [(DEPLOYMENTS / "systemd" / "khotin.env").read_text("utf-8"), str(compose())]
    named = {name for text in texts for name in re.findall(r"\bKHOTIN_[A-Z_]+\b", text)}
    assert named
    assert named <= OURS


def test_services_of_the_compose_file_wait_for_services_that_exist() -> None:
    services = compose()["services"]
    assert {"database", "server", "deploy", "worker"} <= set(services)
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], f"{name} waits for {other}, which has no check"
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source == ".." or source in compose()["volumes"]
    assert services["server"]["ports"] == ["127.0.0.1:4200:4200"], "nobody is asked for a password"
