"""How soon speech over HTTP begins and stops, and what its containers cost the loop.

Run it with the extra `local` installed: ``python benchmarks/speech_over_http.py``. The service runs
in this process and is asked over TCP, by h11 alone; every figure includes the client.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import h11
import trio

from trio_cartesia.server import Behaviour, Server, open_server

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps. "
TEN_MINUTES = SENTENCE * 170
FORMATS: dict[str, dict[str, Any]] = {
    "raw": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 44100},
    "wav": {"container": "wav", "encoding": "pcm_f32le", "sample_rate": 44100},
    "mp3": {"container": "mp3", "sample_rate": 44100, "bit_rate": 128000},
    "sse": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 44100},
}


class Steps(trio.abc.Instrument):
    """The CPU time of each step of the loop: what all others wait for, however busy the machine."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._since = time.thread_time()  # of the step that adds it

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        """Start the watch."""
        self._since = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        """Stop it."""
        self.seconds.append(time.thread_time() - self._since)


class Asking:
    """One request, and its answer as it comes."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream, self.wire = stream, h11.Connection(h11.CLIENT)

    async def send(self, name: str, text: str) -> None:
        """Ask for a text in the format of that name."""
        asked = {"model_id": "sonic-latest", "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"}
        body = json.dumps({**asked, "transcript": text, "output_format": FORMATS[name]}).encode()
        headers = [("host", "localhost"), ("content-length", str(len(body)))]
        target = "/tts/sse" if name == "sse" else "/tts/bytes"
        for event in (
            h11.Request(method="POST", target=target, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            await self.stream.send_all(self.wire.send(event) or b"")

    async def receive(self) -> int:
        """Return the size of the next piece of the body, 0 at its end."""
        while True:
            event = self.wire.next_event()
            if event is h11.NEED_DATA:
                self.wire.receive_data(bytes(await self.stream.receive_some(65536)))
            elif isinstance(event, h11.Data):
                return len(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return 0


async def ask(server: Server, name: str, text: str) -> Asking:
    """Ask on a connection of its own."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    asking = Asking(await trio.open_tcp_stream(host, int(port)))
    await asking.send(name, text)
    return asking


async def leave(server: Server, asking: Asking) -> float:
    """Return how long after its peer has left a context speaks on."""
    started = time.perf_counter()
    await asking.stream.aclose()
    while server.journal.contexts[-1].ended is None:  # noqa: ASYNC110  # nothing there tells of it
        await trio.lowlevel.checkpoint()
    return time.perf_counter() - started


async def begin(server: Server, name: str) -> tuple[float, float]:
    """Return how long the first audio of ten minutes takes, and then leaving."""
    started = time.perf_counter()
    asking = await ask(server, name, TEN_MINUTES)
    assert await asking.receive()
    taken = time.perf_counter() - started
    assert server.journal.contexts[-1].ended is None
    return taken, await leave(server, asking)


async def whole(server: Server, name: str) -> tuple[float, list[float]]:
    """Return the CPU time of this process for ten minutes as a whole, and that of each step."""
    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    started = time.thread_time()
    asking = await ask(server, name, TEN_MINUTES)
    while await asking.receive():
        pass
    taken = time.thread_time() - started
    trio.lowlevel.remove_instrument(steps)
    await asking.stream.aclose()
    return taken, sorted(steps.seconds)


async def main(runs: int) -> None:
    """Print a line a format."""
    behaviour = Behaviour(times_real_time=float("inf"))
    print("ten minutes: first audio, stops after   all of it (CPU), a step at p99, the longest")
    async with open_server(behaviour=behaviour) as server:
        for name in FORMATS:
            times = [await begin(server, name) for _ in range(runs)]
            first, left = (1000 * statistics.median(column) for column in zip(*times, strict=True))
            taken, steps = await whole(server, name)
            p99 = 1000 * steps[len(steps) * 99 // 100]
            print(
                f"{name:12} {first:8.1f} ms {left:9.1f} ms   {taken:14.1f} s"
                f" {p99:9.1f} ms {1000 * steps[-1]:8.1f} ms"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10)
    trio.run(main, parser.parse_args().runs)
