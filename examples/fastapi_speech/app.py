"""A FastAPI service that streams speech, with the blocking client in FastAPI's own threads.

``POST /speech {"text": "..."}`` answers with WAV audio as it is generated. A client that
disconnects ends its context. ``python app.py`` sends itself one request; ``python app.py 8000``
serves on that port. Without a key it uses a local service.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import chain

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from trio_cartesia import CartesiaError, RawOutputFormat
from trio_cartesia.blocking import Cartesia
from trio_cartesia.testing import service_in_thread

CONTEXTS = 4  # at once, as the account's plan allows; further requests wait
FORMAT = RawOutputFormat(encoding="pcm_s16le", sample_rate=24000)
SETTINGS = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": FORMAT,
}


class Body(BaseModel):
    """What to speak."""

    text: str = Field(min_length=1, max_length=100_000, pattern=r"\w")


class SpeechResponse(StreamingResponse):
    """Streams audio out of a context's block, and leaves the block however the response ends."""

    def __init__(self, audio: Iterable[bytes], block: ExitStack) -> None:
        super().__init__(audio, media_type="audio/wav")
        self.block = block

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, to its end or until the client disconnects."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.block.close()  # waits for nothing: what is left of the context is cancelled


@contextmanager
def open_client() -> Iterator[Cartesia]:
    """Make a client of the API if there is a key, else of a local service."""
    if os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL"):
        with Cartesia() as client:
            yield client
    else:
        with service_in_thread() as service, Cartesia(base_url=service.url) as client:
            yield client


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep one pool of connections for the whole program."""
    with open_client() as client, client.tts.websocket_pool(max_contexts=CONTEXTS) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/speech")
def speech(body: Body, request: Request) -> SpeechResponse:
    """Speak a text. This is no ``async def``, so FastAPI calls it in a thread."""
    with ExitStack() as stack:
        try:
            context = stack.enter_context(request.app.state.pool.speak(body.text, **SETTINGS))
            audio = context.audio()
            first = next(audio, b"")  # until there is audio, an error is a status
        except CartesiaError as error:
            raise HTTPException(502, f"the text was not spoken: {error}") from error
        header = FORMAT.sample_format.wav_header()  # of unknown size
        return SpeechResponse(chain([header, first], audio), stack.pop_all())


@contextmanager
def serve_in_thread() -> Iterator[str]:
    """Serve the app on a free port for the block, whose value is its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def show_request() -> None:
    """Ask a server of our own for a text, and print when its audio arrives."""
    data = json.dumps({"text": "This is streamed while it is generated."}).encode()
    with serve_in_thread() as url:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{url}/speech", data, headers)  # noqa: S310  # http
        began_at = time.perf_counter()
        with urllib.request.urlopen(request) as response:  # noqa: S310  # http
            first = response.read(1000)
            first_seconds = time.perf_counter() - began_at
            size = len(first + response.read())
    print(f"{size} bytes of {response.headers['Content-Type']}, first after {first_seconds:.2f} s")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        uvicorn.run(app, port=int(sys.argv[1]))
    else:
        show_request()
