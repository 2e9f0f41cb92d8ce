"""Publishing and checking: done once, completed after a kill, and every damage told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.checking import check, publications
from flows.publishing import next_name, publish
from storage import Store, open_store
from storage.export import Form
from storage.export_manifest import manifest_beside
from storage.tags import read_tags, resolve
from storage.verify_export import verify_export
from tests.flows.running import run_edition

NOW = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)  # already the third in Vietnam


def tags(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        return {tag.name: tag.version_id for tag in read_tags(connection)}


async def test_version_is_tagged_and_exported_once(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert publish(store, folder, NOW) is None
    await run_edition(store, 1)
    told: list[tuple[int, int]] = []
    first = publish(store, folder, NOW, advance=lambda done, total: told.append((done, total)))
    assert first is not None
    assert told == [(n + 1, first.documents) for n in range(first.documents)]
    assert (first.tag, first.version, first.written) == ("published-2026-03-03", 1, True)
    assert verify_export(first.target).sound
    before = first.target.stat()
    again = publish(store, folder, NOW.replace(day=9))
    assert again is not None
    assert (again.tag, again.target, again.written) == (first.tag, first.target, False)
    assert again.documents == first.documents
    assert first.target.stat().st_mtime_ns == before.st_mtime_ns
    await run_edition(store, 2)
    second = publish(store, folder, NOW)
    assert second is not None
    assert second.tag == "published-2026-03-03.2"
    assert tags(store) == {first.tag: 1, second.tag: 2}
    assert publications(folder) == (second.target, first.target)


@pytest.mark.parametrize("form", [Form.PARQUET, Form.HF])
async def test_publication_that_was_killed_is_completed(form: Form, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "out"
    with open_store(home, f"sqlite:///{home / 'khotin.db'}") as store:
        await run_edition(store, 1)
        first = publish(store, folder, NOW, form=form)
        assert first is not None
        # Killed between the rename of the file and that of its manifest.
        manifest = first.target / "manifest.json" if form is Form.HF else manifest_beside(first.target)
        if form is Form.HF:
            for path in first.target.rglob("*"):
                if path.is_file():
                    path.unlink()
            for path in sorted(first.target.iterdir()):
                path.rmdir()
        else:
            manifest.unlink()
        again = publish(store, folder, NOW, form=form)
        assert again is not None
        assert again.written
        assert again.tag == first.tag
        assert verify_export(again.target).sound
        if form is Form.PARQUET:
            manifest.unlink()
            await run_edition(store, 2)
            newer = publish(store, folder, NOW, form=form)
            assert newer is not None
            assert newer.version == 2
            assert verify_export(first.target).version == 1


async def test_tag_that_was_given_before_a_kill_is_used(store: Store, tmp_path: Path) -> None:
    from storage.tags import write_tag

    await run_edition(store, 1)
    with store.writing() as connection:
        write_tag(connection, "published-2026-02-28", resolve(connection, "latest"), "", NOW)
    found = publish(store, tmp_path / "out", NOW)
    assert found is not None
    assert (found.tag, found.written) == ("published-2026-02-28", True)


def test_names_of_one_day_are_counted() -> None:
    day = NOW.date()
    assert next_name(set(), day) == "published-2026-03-02"
    assert next_name({"published-2026-03-02", "published-2026-03-02.2"}, day) == "published-2026-03-02.3"


async def test_check_tells_damage_of_the_store_and_of_publications(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "out"
    url = f"sqlite:///{home / 'khotin.db'}"
    with open_store(home, url) as store:
        await run_edition(store, 1)
        first = publish(store, folder, NOW, form=Form.JSONL)
        assert first is not None
    sound = check(home, url, published=folder)
    assert sound.sound
    assert [export.version for export in sound.exports] == [1]
    (home / "HEAD.json").write_text("{}")
    first.target.write_bytes(first.target.read_bytes().replace(b"2026", b"2025"))
    (folder / "published-2026-01-01.jsonl").write_bytes(b"")
    found = check(home, url, published=folder)
    assert not found.sound
    told = {(finding.table, finding.what) for finding in found.findings}
    assert ("checkpoint", "bad-checkpoint") in told
    assert ("export", "unfinished") in told
    named = {finding.id.split(":")[0] for finding in found.findings if finding.table == "export"}
    assert named == {first.target.name, "published-2026-01-01.jsonl"}
    assert not check(home, url).exports
