"""The cases, played with trio_cartesia."""

from __future__ import annotations

from typing import Any

import attrs
import trio
from faults_cases import CASES, KEY, PATIENCE_SECONDS, SETTINGS, TEXT, Heard

from trio_cartesia import Cartesia, Connection


async def ours(url: str) -> dict[str, Any]:
    """Play all cases with trio_cartesia."""
    outcomes: dict[str, Any] = {}
    before = trio.lowlevel.current_statistics().tasks_living

    async def play(name: str, fault: str) -> None:
        outcomes[name] = await ours_case(url, fault)

    async with trio.open_nursery() as nursery:
        for name, fault in CASES.items():
            nursery.start_soon(play, name, fault)
    outcomes["tasks"] = trio.lowlevel.current_statistics().tasks_living - before
    outcomes["left"] = await ours_left(url, cancel=False)
    outcomes["cancelled"] = await ours_left(url, cancel=True)
    outcomes["unread"] = await ours_unread(url)
    outcomes["closing"] = await ours_closing(url)
    return outcomes


def ours_client(url: str, **headers: str) -> Any:
    """Return a client."""
    return Cartesia(KEY, base_url=url, headers=headers)


async def ours_case(url: str, fault: str) -> Any:
    """Speak with two contexts while something is wrong; tell what became of each."""
    headers = {"X-Fault": fault} if fault else {}
    began, found = Heard(), [Heard(), Heard()]
    try:
        async with ours_client(url, **headers).tts.websocket_connect() as connection:
            async with trio.open_nursery() as nursery:
                for name, heard in zip(("v", "o"), found, strict=True):
                    nursery.start_soon(ours_listen, connection, name, heard)
            return [attrs.asdict(heard) for heard in found]
    except Exception as error:  # noqa: BLE001  # any: its name is what is shown
        began.end(f"raises {type(error).__name__}")
        return [attrs.asdict(began)]


async def ours_listen(connection: Connection, name: str, heard: Heard) -> None:
    """Receive until the end, whatever it is."""
    with trio.move_on_after(PATIENCE_SECONDS):
        try:
            async with connection.speak(TEXT, context_id=name, **SETTINGS) as context:
                async for audio in context.audio():
                    heard.audio_bytes += len(audio)
            heard.end("done")
        except Exception as error:  # noqa: BLE001  # any: its name is what is shown
            heard.end(f"raises {type(error).__name__}")


async def ours_left(url: str, *, cancel: bool) -> Any:
    """Leave 100 receive loops at their first chunk; see what is held."""
    async with ours_client(url).tts.websocket_connect() as connection:
        for number in range(100):
            async with connection.context(context_id=f"left-{number}", **SETTINGS) as context:
                await context.push(TEXT)
                async for event in context.receive():
                    if event.type == "chunk":
                        break
                if cancel:
                    context.cancel()
        await trio.sleep(2)
        held = connection.statistics()
        return {"contexts": held.contexts_open + held.contexts_draining, "events": held.inbox_bytes}


async def ours_unread(url: str) -> Any:
    """Ask for speech that nobody receives; see how much of it is held."""
    async with ours_client(url).tts.websocket_connect(inbox_bytes=500_000) as connection:

        async def ask(number: int) -> None:
            async with connection.context(context_id=f"unread-{number}", **SETTINGS) as context:
                await context.push(TEXT * 4)
                await context.no_more_inputs()
                await trio.sleep_forever()

        async with trio.open_nursery() as nursery:
            for number in range(40):
                nursery.start_soon(ask, number)
            await trio.sleep(8)
            held = connection.statistics().inbox_peak_bytes
            nursery.cancel_scope.cancel()
    return held


async def ours_closing(url: str) -> Any:
    """Close a connection while another task receives."""
    heard = Heard()
    async with trio.open_nursery() as nursery:  # noqa: SIM117  # it outlives the connection
        async with ours_client(url).tts.websocket_connect() as connection:
            nursery.start_soon(ours_listen, connection, "closing", heard)  # noqa: ASYNC111
            await trio.sleep(0.05)
    return attrs.asdict(heard)
