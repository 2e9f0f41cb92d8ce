"""The hostile server itself, seen by an ordinary client."""

from __future__ import annotations

import httpx
import pytest

from tests.hostile_server import Conversation, HostileServer, answer, in_turn, redirect


async def test_serves_scripts_by_path_and_records_what_was_asked() -> None:
    async with (
        HostileServer({"/a": answer(b"hello", headers=[("X-Test", "1")])}) as server,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        found = await client.get(f"http://127.0.0.1:{server.port}/a")
        missing = await client.get(f"http://127.0.0.1:{server.port}/b")
    assert (found.status_code, found.text, found.headers["x-test"]) == (200, "hello", "1")
    assert missing.status_code == 404
    assert server.paths == ["/a", "/b"]
    assert server.asked[0].headers["host"] == f"127.0.0.1:{server.port}"


async def test_scripts_follow_one_another() -> None:
    async with (
        HostileServer({"/a": in_turn(redirect("/a"), answer(b"1"), answer(b"2"))}) as server,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        url = f"http://127.0.0.1:{server.port}/a"
        assert [(await client.get(url)).text for _ in range(4)] == ["", "1", "2", "2"]


async def test_a_reset_is_seen_as_a_broken_connection() -> None:
    async def break_off(conversation: Conversation) -> None:
        conversation.reset()

    async with HostileServer({"/a": break_off}) as server, httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ReadError):
            await client.get(f"http://127.0.0.1:{server.port}/a")
