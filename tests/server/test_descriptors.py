"""A process that is out of file descriptors, which a service for a team is some day."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from tests.server.http_client import an_error, over_http, speech
from tests.server.support import catch_logs, connected, generation, on_virtual_time
from trio_cartesia.server import Tones, Utterance
from trio_cartesia.server.catalogue.voices import VOICES


class Exhausted(Tones):
    """A voice that needs a file and gets none, as a voice with a process of its own may."""

    async def speak(self, _: Utterance) -> Any:
        try:
            raise OSError(errno.EMFILE, "Too many open files")
        except OSError as error:
            raise RuntimeError("the engine cannot be started") from error


@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse", f"/voices/{VOICES[0].id}/preview"])
@on_virtual_time
async def test_a_request_that_needs_a_descriptor_is_refused(path: str) -> None:
    """A request that cannot be served for want of a file is 503 without a traceback in the log, and
    the connection goes on.
    """
    async with over_http(voice=Exhausted()) as (client, _):
        with catch_logs(logging.DEBUG) as lines:
            if path.startswith("/tts"):
                answer = await client.ask("POST", path, speech("Hello."))
            else:
                answer = await client.ask("GET", path)
        assert an_error(answer, 503)
        assert not any("Traceback" in line for line in lines)
        assert (await client.ask("GET", "/")).status == 200


@on_virtual_time
async def test_a_context_that_needs_a_descriptor_is_refused() -> None:
    """On a WebSocket the context ends with an error event of status 503."""
    async with connected(voice=Exhausted()) as (client, _):
        (event,) = await client.speak(generation("a", "Hello."))
        assert (event["type"], event["status_code"]) == ("error", 503)


@on_virtual_time
async def test_an_endpoint_that_needs_a_descriptor_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An endpoint of any kind that runs out of files is 503; other errors of the system are
    bugs.
    """
    code = errno.EMFILE

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("trio_cartesia.server.rest.voices.find_voice", fail)
    async with over_http() as (client, _):
        assert an_error(await client.ask("GET", "/voices/x"), 503)
        code = errno.EPERM
        with catch_logs(logging.ERROR) as lines:
            await client.send("GET", "/voices/x")
            assert await client.stream.receive_some() == b""
        assert lines == ["a connection's handler crashed"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of descriptors to set")
def test_a_process_without_descriptors_goes_on() -> None:
    """Without one descriptor left, connections that are open are served, a new one waits until
    there are some, and the log has one line about it and no traceback.
    """
    code = """
        import logging, os, resource, socket, sys, trio
        from trio_cartesia.server import open_server

        BODY = (
            b'{"model_id":"sonic-3.5","voice":"6ccbfb76-1fc6-48f7-b71d-91ac6298247b",'
            b'"output_format":{"container":"raw","encoding":"pcm_s16le","sample_rate":8000},'
            b'"transcript":"Hi."}'
        )
        LINES = b"POST /tts/bytes HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: %s\\r\\n"
        LENGTH = b"Content-Length: %d\\r\\n\\r\\n" % len(BODY)

        async def main():
            async with open_server(voice="tones") as server:
                port = int(server.url.rpartition(":")[2])
                early = await trio.open_tcp_stream("127.0.0.1", port)
                await trio.testing.wait_all_tasks_blocked(0.1)
                late = trio.socket.socket()
                _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
                resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
                held = []
                try:
                    while True:
                        held.append(os.open(os.devnull, os.O_RDONLY))
                except OSError:
                    pass
                await late.connect(("127.0.0.1", port))
                await early.send_all(LINES % b"close" + LENGTH + BODY)
                answer = b"".join([bytes(part) async for part in early])
                assert answer.startswith(b"HTTP/1.1 200 "), answer
                assert answer.endswith(b"\\r\\n0\\r\\n\\r\\n"), answer[-40:]
                await trio.sleep(0.3)
                for descriptor in held:
                    os.close(descriptor)
                await late.send(b"GET / HTTP/1.0\\r\\n\\r\\n")
                answer = await late.recv(4096)
                assert answer.startswith(b"HTTP/1.1 200 "), answer
                late.close()

        import trio.testing
        logging.basicConfig(level=logging.WARNING, format="%(message)s")
        trio.run(main)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == "new connections have to wait: Too many open files\n"
