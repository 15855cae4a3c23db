"""The documentation: every block of Python in it runs, and every table of it is the code's."""

from __future__ import annotations

import ast
import doctest
import inspect
import os
import re
import sys
from pathlib import Path
from textwrap import indent

import attrs
import pytest
import trio

import trio_cartesia
import trio_cartesia.blocking
import trio_cartesia.server
import trio_cartesia.testing
from tests.support import check_two_files
from trio_cartesia import (
    CartesiaError,
    ConnectionStatistics,
    ContextStatistics,
    MicrophoneStatistics,
    SampleFormat,
    Timings,
    TranscriptionStatistics,
)
from trio_cartesia._client import client, stt, tokens, tts
from trio_cartesia._http import api, responses, retries, wire
from trio_cartesia._pool import delivery, inputs, resumption, slots, working_limit
from trio_cartesia._pool import settings as pool_settings
from trio_cartesia._protocol.base import backoff
from trio_cartesia._protocol.base import json as json_reader
from trio_cartesia._protocol.rest import sse
from trio_cartesia._protocol.stt import audio, auto, manual, session_text, turns
from trio_cartesia._protocol.stt import settings as stt_settings
from trio_cartesia._protocol.text import markdown_syntax, pieces, text_window
from trio_cartesia._protocol.tts import context_ids as ids
from trio_cartesia._protocol.tts import encoder as requests
from trio_cartesia._protocol.tts import tombstones, unspoken
from trio_cartesia._protocol.tts.context_states import TRANSITIONS, State
from trio_cartesia._runtime import (
    connection,
    inbox,
    keepalive,
    open_session,
    pace,
    piece_feed,
    session,
    stalls,
    writer,
)
from trio_cartesia._runtime.playout import pacing, progress
from trio_cartesia._runtime.stt import audio_sender, reconnecting, reconnector
from trio_cartesia._runtime.stt import session as transcription
from trio_cartesia._runtime.transport import frame_limiter, read_buffer, response_head, tcp
from trio_cartesia._runtime.transport import websocket as transport
from trio_cartesia.blocking import portal, receiving
from trio_cartesia.playback import playing, speaker
from trio_cartesia.server import Server, ServerStatistics, open_server, routes, streams
from trio_cartesia.server.faults import faults
from trio_cartesia.server.faults import shaping as slowness
from trio_cartesia.server.faults import stream as faulty_stream
from trio_cartesia.server.messages import multipart
from trio_cartesia.server.net import http1 as server_wire
from trio_cartesia.server.net import requests as http
from trio_cartesia.server.net import tls
from trio_cartesia.server.rest import voice_previews as previews
from trio_cartesia.server.store import files as stored_files
from trio_cartesia.server.store import usage as stored_usage
from trio_cartesia.server.tts import context as server_context
from trio_cartesia.server.tts import session as speech
from trio_cartesia.sources import microphone, recording
from trio_cartesia.types import HTTPStatistics

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    pytest.param(code, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, code in enumerate(
        re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL), 1
    )
]
DOCUMENTED = [trio_cartesia, trio_cartesia.blocking, trio_cartesia.server, trio_cartesia.testing]


def docstring_examples():
    """Yield the indented block after each ``Example::`` in a docstring, in any module."""
    for path in sorted((ROOT / "trio_cartesia").rglob("*.py")):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "Example::" in text else ():
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                doc = ast.get_docstring(node) or ""
                for code in re.findall(r"Example::\n\n((?:    .*\n?|\n)+)", doc):
                    where = f"{path.relative_to(ROOT)}-{node.name}"
                    yield pytest.param(inspect.cleandoc(code), id=where)


EXAMPLES = list(docstring_examples())


async def run_script(code: str, folder: Path, server: Server) -> str:
    """Run *code* as a program of its own, in *folder*, with the service as its API."""
    environment = {**os.environ, "CARTESIA_BASE_URL": server.url}
    environment.pop("CARTESIA_API_KEY", None)
    done = await trio.run_process(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=environment,
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.mark.slow
@pytest.mark.parametrize("code", BLOCKS)
async def test_every_block_runs(code, tmp_path):
    """Each block of Python in the README and the docs is a program that runs as it stands."""
    async with open_server(voice="tones") as server:
        await run_script(code, tmp_path, server)


@pytest.mark.slow
@pytest.mark.parametrize("code", EXAMPLES)
async def test_every_docstring_example_runs(code, tmp_path):
    """Each example in a docstring is a program that runs as it stands, beside a recording."""
    header = SampleFormat(encoding="pcm_s16le", sample_rate=16000).wav_header(3200)
    (tmp_path / "speech.wav").write_bytes(header + bytes(3200))
    (tmp_path / "speech.pcm").write_bytes(bytes(3200))
    async with open_server(voice="tones") as server:
        await run_script(code, tmp_path, server)


@pytest.mark.slow
async def test_the_proof_piece(tmp_path):
    """The README's example writes two files, whose bytes are what the service spoke for each
    context, and whose frames were interleaved on the wire.
    """
    async with open_server() as server:
        await run_script(BLOCKS[0].values[0], tmp_path, server)
    check_two_files(tmp_path, server)


def test_there_are_examples():
    """The blocks and examples that the tests above run are found."""
    assert len(BLOCKS) >= 6
    written = "".join(path.read_text() for path in (ROOT / "trio_cartesia").rglob("*.py"))
    assert len(EXAMPLES) == written.count("Example::\n") > 10


def test_the_voice_agent_is_quoted_as_it_is():
    """The code on its page is that of the example, but for the indentation of methods."""
    page = (ROOT / "docs/how-to/voice-agent.md").read_text()
    program = (ROOT / "examples/voice_agent/agent.py").read_text()
    functions = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    assert len(functions) > 5
    for function in functions:
        assert function in program or indent(function, "    ") in program


def test_the_diagram_is_the_table():
    """The states in the docs are drawn from the table that the code follows."""
    names = {state: state.value.replace("-", "_") for state in State}
    arrows = [
        f"    {names[source]} --> {names[target]}: {step.value}"
        for (source, step), target in TRANSITIONS.items()
        if source is not target
    ]
    drawn = "\n".join(["stateDiagram-v2", f"    [*] --> {names[State.NEW]}", *arrows])
    assert drawn in (ROOT / "docs/explanation/contexts.md").read_text()


def test_the_diagram_of_turns_is_the_table():
    """The order of a turn's events in the docs is that which the code checks."""
    names = {state: state.value.replace(" ", "_") for state in turns.TurnState}
    arrows = [
        f"    {names[source]} --> {names[target]}: {step.value}"
        for (source, step), target in turns.TRANSITIONS.items()
        if (source, target) != (turns.TurnState.BETWEEN, turns.TurnState.BETWEEN)
    ]
    start = f"    [*] --> {names[turns.TurnState.BETWEEN]}"
    drawn = "\n".join(["stateDiagram-v2", start, *arrows])
    assert f"{drawn}\n```" in (ROOT / "docs/how-to/turns.md").read_text()


def test_the_errors_page_lists_every_error():
    """The page of errors has each exception and what to do about it, in the code's words."""
    page = (ROOT / "docs/reference/errors.md").read_text()
    for kind in vars(trio_cartesia).values():
        if isinstance(kind, type) and issubclass(kind, CartesiaError) and kind is not CartesiaError:
            assert f"| `{kind.__name__}` | {kind.next_step} |" in page


@pytest.mark.parametrize(
    "kind",
    [
        ContextStatistics,
        ConnectionStatistics,
        Timings,
        HTTPStatistics,
        TranscriptionStatistics,
        ServerStatistics,
        MicrophoneStatistics,
    ],
)
def test_the_statistics_page_has_every_number(kind):
    """The page of statistics explains each field and property of the snapshots."""
    page = (ROOT / "docs/reference/statistics.md").read_text()
    section = page.partition(f"## `{kind.__name__}`")[2].partition("\n## ")[0]
    properties = [name for name, value in vars(kind).items() if isinstance(value, property)]
    expected = [field.name for field in attrs.fields(kind)] + properties
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == expected


LIMITS = {
    "MAX_CONNECTIONS": client.MAX_CONNECTIONS,
    "KEPT_SECONDS": wire.KEPT_SECONDS,
    "MAX_RESPONSE_BYTES": api.MAX_RESPONSE_BYTES,
    "MAX_ERROR_BYTES": api.MAX_ERROR_BYTES,
    "ERROR_SECONDS": api.ERROR_SECONDS,
    "MAX_EVENT_BYTES": sse.MAX_EVENT_BYTES,
    "END_SECONDS": responses.END_SECONDS,
    "MAX_RETRIES": retries.MAX_RETRIES,
    "LONGEST_WAIT_SECONDS": retries.LONGEST_WAIT_SECONDS,
    "RENEW_SECONDS": tokens.RENEW_SECONDS,
    "CONNECT_SECONDS": transport.CONNECT_SECONDS,
    "ATTEMPT_SECONDS": tcp.ATTEMPT_SECONDS,
    "MAX_MESSAGE_BYTES": transport.MAX_MESSAGE_BYTES,
    "MAX_FRAGMENTS": frame_limiter.MAX_FRAGMENTS,
    "MAX_VALUES": json_reader.MAX_VALUES,
    "MAX_REQUEST_BYTES": requests.MAX_REQUEST_BYTES,
    "INBOX_BYTES": connection.INBOX_BYTES,
    "EVENT_BYTES": inbox.EVENT_BYTES,
    "CHARACTER_BYTES": inbox.CHARACTER_BYTES,
    "HANDSHAKE_BYTES": response_head.HANDSHAKE_BYTES,
    "STALL_SECONDS": stalls.STALL_SECONDS,
    "LAST_WORDS_SECONDS": session.LAST_WORDS_SECONDS,
    "KEEPALIVE_SECONDS": keepalive.KEEPALIVE_SECONDS,
    "PONG_SECONDS": keepalive.PONG_SECONDS,
    "GOODBYE_SECONDS": open_session.GOODBYE_SECONDS,
    "DRAINING_MOST": tombstones.DRAINING_MOST,
    "DRAINING_SECONDS": tombstones.DRAINING_SECONDS,
    "REMEMBERED_MOST": ids.REMEMBERED_MOST,
    "UNSPOKEN_CHARACTERS": unspoken.UNSPOKEN_CHARACTERS,
    "KEPT_WORDS": unspoken.KEPT_WORDS,
    "UNTIMED_SECONDS": unspoken.UNTIMED_SECONDS,
    "HELD_CHARACTERS": pieces.HELD_CHARACTERS,
    "HELD_SECONDS": piece_feed.HELD_SECONDS,
    "LOOKAHEAD_CHARACTERS": text_window.LOOKAHEAD_CHARACTERS,
    "LINK_CHARACTERS": markdown_syntax.LINK_CHARACTERS,
    "READ_BYTES": read_buffer.READ_BYTES,
    "AHEAD_BYTES": pace.AHEAD_BYTES,
    "IDLE_TURNS": pace.IDLE_TURNS,
    "BATCH_SIZE": writer.BATCH_SIZE,
    "AHEAD_SECONDS": pacing.AHEAD_SECONDS,
    "MOST_GAPS": progress.MOST_GAPS,
    "QUEUE_SECONDS": playing.QUEUE_SECONDS,
    "DEVICE_SECONDS": playing.DEVICE_SECONDS,
    "CLOSE_SECONDS": speaker.CLOSE_SECONDS,
    "DEFAULT_CONNECTIONS": pool_settings.DEFAULT_CONNECTIONS,
    "OUTAGE_SECONDS": tts.OUTAGE_SECONDS,
    "LONGEST_DELAY_SECONDS": backoff.LONGEST_DELAY_SECONDS,
    "STABLE_SECONDS": backoff.STABLE_SECONDS,
    "BREAKER_FAILURES": backoff.BREAKER_FAILURES,
    "PROBATION_SECONDS": backoff.PROBATION_SECONDS,
    "IDLE_SECONDS": slots.IDLE_SECONDS,
    "RECOVERY_SECONDS": working_limit.RECOVERY_SECONDS,
    "LONGEST_RECOVERY_SECONDS": working_limit.LONGEST_RECOVERY_SECONDS,
    "LONGEST_PAUSE_SECONDS": working_limit.LONGEST_PAUSE_SECONDS,
    "KEPT_CHARACTERS": inputs.KEPT_CHARACTERS,
    "LOSSES_WITHOUT_PROGRESS": resumption.LOSSES_WITHOUT_PROGRESS,
    "UNCOVERED_SECONDS": delivery.UNCOVERED_SECONDS,
    "ALIGNED_WORDS": resumption.ALIGNED_WORDS,
    "BATCH_BYTES": receiving.BATCH_BYTES,
    "PIECE_SECONDS": audio.PIECE_SECONDS,
    "AUDIO_QUEUE_BYTES": audio_sender.AUDIO_QUEUE_BYTES,
    "CATCH_UP_SECONDS": audio_sender.CATCH_UP_SECONDS,
    "DRAIN_SECONDS": transcription.DRAIN_SECONDS,
    "GRACE_SECONDS": manual.GRACE_SECONDS,
    "ALMOST_NO_AUDIO_SECONDS": auto.ALMOST_NO_AUDIO_SECONDS,
    "MAX_TRANSCRIPT_CHARACTERS": session_text.MAX_TRANSCRIPT_CHARACTERS,
    "MAX_KEYTERMS": stt_settings.MAX_KEYTERMS,
    "MAX_KEYTERM_CHARACTERS": stt_settings.MAX_KEYTERM_CHARACTERS,
    "stt.INBOX_BYTES": stt.INBOX_BYTES,
    "CHUNK_BYTES": recording.CHUNK_BYTES,
    "BUFFER_SECONDS": microphone.BUFFER_SECONDS,
    "microphone.DEVICE_SECONDS": microphone.DEVICE_SECONDS,
    "microphone.CLOSE_SECONDS": microphone.CLOSE_SECONDS,
    "Reconnect.attempts": stt_settings.Reconnect().attempts,
    "Reconnect.replay_seconds": stt_settings.Reconnect().replay_seconds,
    "REPLAY_SPEED": reconnecting.REPLAY_SPEED,
    "CONFIRM_SECONDS": reconnecting.CONFIRM_SECONDS,
    "SILENCE_CHECK_SECONDS": reconnecting.SILENCE_CHECK_SECONDS,
    "IDLE_CLOSE_SECONDS": reconnector.IDLE_CLOSE_SECONDS,
    "EXIT_SECONDS": portal.EXIT_SECONDS,
}


@pytest.mark.parametrize(("name", "value"), LIMITS.items(), ids=LIMITS)
def test_the_limits_page_has_the_code_s_numbers(name, value):
    """Each bound and grace period stands in the docs with its value."""
    page = (ROOT / "docs/reference/limits.md").read_text()
    assert f"| `{name}` | {value:,.10g} |" in page


LOCAL_LIMITS = {
    "MAX_WAITING": f"{server_context.MAX_WAITING:,} ",
    "MAX_LATE": f"{speech.MAX_LATE:,} ",
    "MAX_FAULTS": f"{faults.MAX_FAULTS} ",
    "MAX_HEADER_BYTES": f"{server_wire.MAX_HEADER_BYTES // 1024} KiB ",
    "MAX_BODY_BYTES": f"{server_wire.MAX_BODY_BYTES // 1024**2} MiB ",
    "MAX_FORM_BYTES": f"{server_wire.MAX_FORM_BYTES // 1024**2} MiB ",
    "MAX_PARTS": f"{multipart.MAX_PARTS} parts ",
    "MAX_LINKS": f"{stored_files.MAX_LINKS} ",
    "MAX_ROWS": f"{stored_usage.MAX_ROWS:,} ",
    "MAX_CHUNKS": f"{server_wire.MAX_CHUNKS:,} ",
    "LINGER_SECONDS": f"{streams.LINGER_SECONDS:g} ",
    "MAX_QUERY_FIELDS": f"{http.MAX_QUERY_FIELDS} ",
    "LINE_BYTES": f"{slowness.LINE_BYTES // 1024**2} MiB ",
    "HANDSHAKE_SECONDS": f"{tls.HANDSHAKE_SECONDS:g} ",
    "CLOSE_SECONDS": f"{streams.CLOSE_SECONDS:g} ",
    "SILENCE_SECONDS": f"{faulty_stream.SILENCE_SECONDS:g} ",
}


@pytest.mark.parametrize(("name", "value"), LOCAL_LIMITS.items(), ids=LOCAL_LIMITS)
def test_the_limits_page_has_the_local_service_s_numbers(name, value):
    """Each bound of the local service that has a name stands in the docs with its value."""
    assert f"| `{name}` | {value}" in (ROOT / "docs/reference/limits.md").read_text()


def test_the_endpoints_that_are_answered_are_listed():
    """What the local service has, and does not put off, is on the page that says how to run it."""
    page = (ROOT / "docs/how-to/local-service.md").read_text()
    for route in routes.ROUTES:
        is_there = route.handler is not routes.not_implemented
        if is_there and route.path != previews.PREVIEW:  # links lead there
            collection = "/".join(route.path.split("/")[:2])  # of resources, which are alike
            assert f"`{route.path or '/'}`" in page or f"`{collection}`" in page


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)
def test_every_page_can_be_found(page):
    """Each page of the docs is in their index."""
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text()
    assert page == docs / "index.md" or f"]({page.relative_to(docs).as_posix()})" in index


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Each relative link of a page names a file that is there."""
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)\)", prose):
        assert (page.parent / target).exists(), target


def test_tests_that_the_readme_names_exist():
    """The comparison in the README names tests that are there."""
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "README.md").read_text()))
    written = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert named
    assert all(f"def {name}(" in written for name in named)


@pytest.mark.parametrize("module", DOCUMENTED, ids=lambda module: module.__name__)
def test_docstrings_hold_no_stale_prompts(module):
    """Whatever a module's docstring shows at a prompt is what comes of it."""
    assert doctest.testmod(module).failed == 0
