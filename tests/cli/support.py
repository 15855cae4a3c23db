from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import memory_stream_pair

import trio_cartesia
from trio_cartesia import Cartesia, ContextOptions, RawOutputFormat
from trio_cartesia.blocking import Cartesia as BlockingCartesia
from trio_cartesia.server import Server, Tones, open_server

PACKAGE_PARENT = Path(trio_cartesia.__file__).parents[1]
COMMAND = [sys.executable, "-m", "trio_cartesia"]
LONG_TEXT = "Good morning, dear all. " * 4000
FORMAT = RawOutputFormat(encoding="pcm_s16le", sample_rate=8000)
SAMPLES = FORMAT.sample_format
OPTIONS = ContextOptions(
    model_id="sonic-latest", voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b", output_format=FORMAT
)
NO_VOICE = "00000000-0000-0000-0000-000000000000"
TAGS = {"pcm_s16le": 1, "pcm_f32le": 3, "pcm_alaw": 6, "pcm_mulaw": 7}


def environment(**more: str) -> dict[str, str]:
    """The process's own, without what is for Cartesia."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CARTESIA_")}
    return {**kept, "PYTHONPATH": str(PACKAGE_PARENT), "COLUMNS": "80", **more}


def spoken_by(url: str, text: str) -> bytes:
    """Return the samples of a text that the service at *url* speaks."""
    with (
        BlockingCartesia(base_url=url) as client,
        client.tts.websocket_connect() as connection,
        connection.speak(text, **OPTIONS) as context,
    ):
        return context.collect().audio


@attrs.frozen
class Outcome:
    code: int
    out: list[str]
    err: list[str]

    @property
    def err_text(self) -> str:
        return "\n".join(self.err)


def run(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, given: str | None = None
) -> Outcome:
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(**(env or {})),
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.splitlines(), done.stderr.splitlines())


async def start(
    nursery: trio.Nursery, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> trio.Process:
    """Start the command line, with pipes to and from it."""
    process: trio.Process = await nursery.start(
        partial(
            trio.run_process,
            [*COMMAND, *arguments],
            cwd=cwd,
            env=environment(**(env or {})),
            check=False,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    )
    return process


async def read_all(stream: trio.abc.ReceiveStream | None) -> str:
    assert stream is not None
    return b"".join([bytes(data) async for data in stream]).decode()


@contextmanager
def full_output() -> Iterator[None]:
    """Make standard output fail for lack of space; closing it must still work afterwards."""
    with pytest.MonkeyPatch.context() as patch, open("/dev/full", "w", encoding="utf-8") as stream:
        patch.setattr(sys, "stdout", stream)
        yield


async def wait_size(path: Path, at_least: int) -> None:
    """Wait until another process has made the file that large."""
    while _size(path) < at_least:  # noqa: ASYNC110  # there is no event to wait for
        await trio.sleep(0.01)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@attrs.frozen(kw_only=True)
class Wav:
    tag: int
    channels: int
    rate: int
    bytes_per_second: int
    bytes_per_frame: int
    bits: int
    frames: int | None
    audio: bytes


def read_wav(data: bytes) -> Wav:
    """Read a RIFF file whose sizes are all exact, and which holds nothing else."""
    riff, size, wave = struct.unpack_from("<4sI4s", data)
    assert (riff, size, wave) == (b"RIFF", len(data) - 8, b"WAVE")
    chunks, position = {}, 12
    while position < len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        chunks[name] = data[position + 8 : position + 8 + size]
        assert len(chunks[name]) == size
        position += 8 + size + size % 2
    assert position == len(data)
    assert list(chunks) in ([b"fmt ", b"data"], [b"fmt ", b"fact", b"data"])
    tag, channels, rate, per_second, width, bits = struct.unpack_from("<HHIIHH", chunks[b"fmt "])
    return Wav(
        tag=tag,
        channels=channels,
        rate=rate,
        bytes_per_second=per_second,
        bytes_per_frame=width,
        bits=bits,
        frames=struct.unpack("<I", chunks[b"fact"])[0] if b"fact" in chunks else None,
        audio=chunks[b"data"],
    )


def is_speech(audio: bytes, silence: bytes = b"\0") -> bool:
    """Tell whether it is anything but silence."""
    return bool(audio.strip(silence))


@attrs.frozen(kw_only=True)
class Served:
    """Attributes:
    wire: What all connections run in: cancelled, they are cut.
    """

    server: Server
    client: Cartesia
    wire: trio.CancelScope


@asynccontextmanager
async def served(*, recognizer: str | None = None) -> AsyncIterator[Served]:
    """A service that speaks in tones, and a client of it, joined in memory."""
    async with (
        open_server(port=None, voice=Tones(), recognizer=recognizer) as server,
        trio.open_nursery() as nursery,
    ):

        async def open_stream(host: str, port: int) -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            ours, theirs = memory_stream_pair()
            nursery.start_soon(server.serve_stream, theirs)
            return ours

        async with Cartesia(
            api_key="local",
            base_url=server.url,
            open_stream=open_stream,
        ) as client:
            yield Served(server=server, client=client, wire=nursery.cancel_scope)
        nursery.cancel_scope.cancel("the test is over")
