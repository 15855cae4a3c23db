from __future__ import annotations

import gc
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.server.access.test_tokens import token
from tests.server.support import (
    TONES,
    TWO_SENTENCES,
    WEBSOCKET,
    APIError,
    Client,
    audio,
    connect,
    connected,
    generation,
    on_virtual_time,
    tones,
)
from tests.server.test_routes import ask
from trio_cartesia.server import PLANS, Behaviour, Plan, Server, open_server
from trio_cartesia.server.access.plans import Account, Accounts
from trio_cartesia.server.messages.errors import APIError as NotAllowed

SLOW = Behaviour(times_real_time=0.01)


async def open_sockets(server: Server, nursery: trio.Nursery, query: str) -> int:
    """How many WebSockets can be opened, and stay so, until one is refused in the right way."""
    for count in range(1000):
        try:
            await connect(server, nursery, WEBSOCKET + query)
        except APIError as refused:
            assert refused.status == 429
            assert json.loads(refused.body)["error_code"] == "concurrency_limited"
            assert "retry-after" not in refused.headers
            return count
    raise AssertionError


async def active(client: Client, count: int) -> list[str]:
    """The ids of as many contexts, started one after another, as were let to speak."""
    await client.send(generation("first", TWO_SENTENCES * 9))
    names = {f"c{number}" for number in range(1, count)}
    for name in sorted(names):
        await client.send(generation(name, TWO_SENTENCES * 9))
    heard: dict[str, str] = {}
    while len(heard) < count:
        event = await client.receive()
        if heard.setdefault(event["context_id"], event["type"]) == "error":
            assert (event["status_code"], event["error_code"]) == (429, "concurrency_limited")
    return [name for name, kind in heard.items() if kind == "chunk"]


@pytest.mark.parametrize(
    ("name", "contexts", "sockets"),
    [("free", 2, 20), ("pro", 3, 30), ("startup", 5, 50), ("scale", 15, 150)],
)
@on_virtual_time
async def test_a_plan_has_its_limits(name: str, contexts: int, sockets: int) -> None:
    """As many contexts as the plan says may speak at once, over ten times as many sockets; one more
    gets 429.
    """
    async with (
        connected(voice=TONES, plan=name, behaviour=SLOW) as (client, server),
        trio.open_nursery() as nursery,
    ):
        assert len(await active(client, contexts + 2)) == contexts
        assert await open_sockets(server, nursery, "") == sockets - 1
        nursery.cancel_scope.cancel()


@on_virtual_time
async def test_what_has_ended_makes_room() -> None:
    """A context that is over, and a socket that is closed, leave their places to others."""
    async with connected(plan=Plan(name="one", tts_concurrency=1, stt_concurrency=1)) as (
        client,
        server,
    ):
        for name in "abc":
            assert audio(await client.speak(generation(name, "Hello."))) == await tones("Hello.")
        async with trio.open_nursery() as nursery:
            assert await open_sockets(server, nursery, "") == 9
            nursery.cancel_scope.cancel()
        async with trio.open_nursery() as nursery:
            await trio.sleep(5)
            assert await open_sockets(server, nursery, "") == 9
            nursery.cancel_scope.cancel()


@on_virtual_time
async def test_each_key_is_an_account() -> None:
    """What one key does is not counted against another, nor against who has none."""
    one = Plan(name="one", tts_concurrency=1, stt_concurrency=1)
    async with (
        open_server(port=None, voice=TONES, plan=one, behaviour=SLOW) as server,
        trio.open_nursery() as nursery,
    ):
        for query in ("&api_key=a", "&api_key=b", "&access_token=c", ""):
            client = await connect(server, nursery, WEBSOCKET + query)
            assert await active(client, 2) == ["first"]
            assert await open_sockets(server, nursery, query) == 9
        nursery.cancel_scope.cancel()


@on_virtual_time
async def test_tokens_count_for_the_account_of_their_key() -> None:
    """However many tokens a key makes, and wherever it stands itself, they share one limit."""
    async with (
        open_server(
            port=None, voice=TONES, plan="free", api_keys=["sk_car_1"], behaviour=SLOW
        ) as server,
        trio.open_nursery() as nursery,
    ):
        targets = [f"&access_token={await token(server)}" for _ in range(2)]
        clients = [await connect(server, nursery, WEBSOCKET + target) for target in targets]
        await clients[0].send(generation("a", TWO_SENTENCES * 9))
        assert (await clients[0].receive())["type"] == "chunk"
        assert await active(clients[1], 2) == ["first"]
        client = await connect(server, nursery, f"{WEBSOCKET}&api_key=sk_car_1")
        assert (await client.ask(generation("a", "Hello.")))["status_code"] == 429
        assert await open_sockets(server, nursery, targets[0]) == 20 - 3
        nursery.cancel_scope.cancel()


@on_virtual_time
async def test_keys_may_have_plans_of_their_own() -> None:
    """A mapping gives each key its plan, by name or as it is; tokens have the plan of their key."""
    mine = Plan(name="mine", tts_concurrency=1, stt_concurrency=1)
    keys: Mapping[str, Plan | str] = {"sk_car_1": "pro", "b": mine}
    async with (
        open_server(port=None, voice=TONES, plan="free", api_keys=keys) as server,
        trio.open_nursery() as nursery,
    ):
        assert await open_sockets(server, nursery, "&api_key=sk_car_1") == 30
        assert await open_sockets(server, nursery, "&api_key=b") == 10
        query = f"&access_token={await token(server)}"
        assert await open_sockets(server, nursery, query) == 0
        nursery.cancel_scope.cancel()


def test_plans_are_documented() -> None:
    """The page on access has the plans as they are."""
    page = Path(__file__).parents[3] / "docs/reference/access.md"
    table = page.read_text().partition("| plan |")[2].partition("\n\n")[0]
    rows = [re.findall(r"[\w,]+", row) for row in table.splitlines()[2:]]
    found = {row[0]: tuple(int(n.replace(",", "")) for n in row[-3:]) for row in rows}
    assert found == {
        name: (plan.tts_concurrency, plan.tts_sockets, plan.stt_concurrency)
        for name, plan in PLANS.items()
    }


@pytest.mark.parametrize("wrong", [{"plan": "none"}, {"api_keys": {"sk_car_1": "none"}}])
@on_virtual_time
async def test_plans_have_names(wrong: dict[str, Any]) -> None:
    """A plan that nobody knows is refused at once, with the names of those there are."""
    with pytest.raises(ValueError, match="free, pro, startup, scale, enterprise"):
        async with open_server(port=None, voice="tones", **wrong):
            pass
    with pytest.raises(ValueError, match="tts_concurrency"):
        Plan(name="mine", tts_concurrency=0, stt_concurrency=1)


@on_virtual_time
async def test_accounts_that_do_nothing_are_forgotten() -> None:
    """Keys that come and go leave nothing behind."""
    async with open_server(port=None, voice="tones") as server, trio.open_nursery() as nursery:
        accounts = server._state.credentials.accounts
        await connect(server, nursery, f"{WEBSOCKET}&api_key=stays")
        for number in range(100):
            async with trio.open_nursery() as coming:
                await connect(server, coming, f"{WEBSOCKET}&api_key={number}")
                assert len(accounts) <= 3
                coming.cancel_scope.cancel()
        gc.collect()
        assert len(accounts) == 1
        nursery.cancel_scope.cancel()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_limits_hold_whatever_comes_and_goes(steps: list[tuple[str, bool]]) -> None:
    """In any order of contexts that start and end, an account counts those that are active."""
    accounts = Accounts(PLANS["free"], {"c": PLANS["pro"]})
    held: dict[str, list[Account]] = {name: [] for name in "abc"}
    for name, starts in steps:
        account, limit = accounts.of(name), 3 if name == "c" else 2
        if starts and len(held[name]) < limit:
            account.acquire_context()
            held[name].append(account)
        elif starts:
            with pytest.raises(NotAllowed):
                account.acquire_context()
        elif held[name]:
            held[name].pop().release_context()
        assert account.contexts == len(held[name])
    assert len(accounts) <= sum(map(bool, held.values())) + 1


@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse"])
@on_virtual_time
async def test_requests_count_as_contexts_do(path: str) -> None:
    """While an account's contexts speak on a WebSocket, its requests over HTTP get 429."""
    body = json.dumps(generation("a", "Hello.")).encode()
    async with connected(f"{WEBSOCKET}&api_key=a", voice=TONES, plan="free", behaviour=SLOW) as (
        client,
        server,
    ):
        assert len(await active(client, 2)) == 2
        for key, status in [("a", 429), ("b", 200)]:
            found, headers, answer = await ask(server, f"POST {path}?api_key={key}", body=body)
            assert found == status
            assert "retry-after" not in headers
            if status == 429:
                assert json.loads(answer)["error_code"] == "concurrency_limited"
        line = f"POST {path}?api_key=a"
        _, _, answer = await ask(server, line, "Cartesia-Version: 2025-11-04", body=body)
        assert answer.startswith(b"Concurrency limit reached: ")


@on_virtual_time
async def test_a_refused_handshake_has_a_body_of_its_version() -> None:
    """Old versions hear in a line of text that there are too many sockets."""
    one = Plan(name="one", tts_concurrency=1, stt_concurrency=1)
    async with (
        open_server(port=None, voice=TONES, plan=one) as server,
        trio.open_nursery() as nursery,
    ):
        await open_sockets(server, nursery, "")
        with pytest.raises(APIError) as caught:
            await connect(server, nursery, "/tts/websocket?cartesia_version=2025-04-16")
        assert caught.value.status == 429
        assert caught.value.body.startswith(b"Too many connections: ")
        nursery.cancel_scope.cancel()


def test_a_block_counts_for_as_long_as_it_lasts() -> None:
    """`speaking` counts one context, however its block ends."""
    account = Account(PLANS["free"])
    with account.context_slot(), account.context_slot():
        with pytest.raises(NotAllowed), account.context_slot():
            pass
    with pytest.raises(KeyError), account.context_slot():
        raise KeyError
    assert account.contexts == 0
