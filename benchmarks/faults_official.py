"""The cases, played with PyPI ``cartesia``."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
from cartesia import AsyncCartesia
from faults_cases import CASES, GRACE_SECONDS, KEY, PATIENCE_SECONDS, SETTINGS, TEXT, Heard


async def official(url: str, patience_seconds: float | None) -> dict[str, Any]:
    """Play all cases with PyPI cartesia."""
    before = len(asyncio.all_tasks())
    cases = [official_case(url, fault, patience_seconds) for fault in CASES.values()]
    outcomes = dict(zip(CASES, await asyncio.gather(*cases), strict=True))
    await asyncio.sleep(GRACE_SECONDS)
    outcomes["tasks"] = len(asyncio.all_tasks()) - before
    outcomes["left"] = await official_left(url, cancel=False)
    outcomes["cancelled"] = await official_left(url, cancel=True)
    outcomes["unread"] = await official_unread(url)
    outcomes["closing"] = await official_closing(url, patience_seconds)
    return outcomes


def official_client(url: str) -> Any:
    """Return a client that does not try again."""
    return AsyncCartesia(api_key=KEY, base_url=url, max_retries=0)


async def official_case(url: str, fault: str, patience_seconds: float | None) -> Any:
    """Speak with two contexts while something is wrong; tell what became of each."""
    headers = {"X-Fault": fault} if fault else {}
    began, found = Heard(), []
    try:
        async with (
            official_client(url) as client,
            client.tts.websocket_connect(extra_headers=headers) as connection,
        ):
            found += [Heard(), Heard()]
            contexts = [
                connection.context(name, timeout=patience_seconds, **SETTINGS)
                for name in ("v", "o")
            ]
            for context in contexts:
                await context.push(TEXT)
                await context.no_more_inputs()
            await asyncio.gather(*map(official_listen, contexts, found))
    except Exception as error:  # noqa: BLE001  # any: its name is what is shown
        if not found:
            began.end(f"raises {type(error).__name__}")
        for heard in found:
            heard.closing = f"raises {type(error).__name__}"
    return [attrs.asdict(heard) for heard in found or [began]]


async def official_listen(context: Any, heard: Heard) -> None:
    """Receive until the end, whatever it is."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS) as patience:
            async for event in context.receive():
                if event.type == "chunk":
                    heard.audio_bytes += len(event.audio or b"")
                elif event.type == "error":
                    heard.end(f"an event `{event.error_code or event.status_code}`")
                    return
                elif event.type == "done":
                    heard.end("done")
                    return
        heard.end("done")
    except Exception as error:  # noqa: BLE001  # any: its name is what is shown
        if not patience.expired():
            heard.end(f"raises {type(error).__name__}")


async def official_left(url: str, *, cancel: bool) -> Any:
    """Leave 100 receive loops at their first chunk; see what is held, and what is still spoken."""
    async with official_client(url) as client, client.tts.websocket_connect() as connection:
        for number in range(100):
            context = connection.context(f"left-{number}", **SETTINGS)
            await context.push(TEXT)
            async for event in context.receive():
                if event.type == "chunk":
                    break
            if cancel:
                await context.cancel()
        await asyncio.sleep(2)
        queues = connection._context_queues
        return {"contexts": len(queues), "events": sum(queue.qsize() for queue in queues.values())}


async def official_unread(url: str) -> Any:
    """Ask for speech that nobody receives; see how much of it is held."""
    async with official_client(url) as client, client.tts.websocket_connect() as connection:
        for number in range(40):
            context = connection.context(f"unread-{number}", **SETTINGS)
            await context.push(TEXT * 4)
            await context.no_more_inputs()
        await asyncio.sleep(8)
        queues = connection._context_queues.values()
        return sum(len(e.data or "") for q in queues for e in q._queue if e.type == "chunk")


async def official_closing(url: str, patience_seconds: float | None) -> Any:
    """Close a connection while another task receives."""
    heard = Heard()
    async with official_client(url) as client, client.tts.websocket_connect() as connection:
        context = connection.context("closing", timeout=patience_seconds, **SETTINGS)
        await context.push(TEXT)
        task = asyncio.create_task(official_listen(context, heard))
        await asyncio.sleep(0.05)
    await asyncio.wait([task], timeout=PATIENCE_SECONDS + 1)
    return attrs.asdict(heard)
