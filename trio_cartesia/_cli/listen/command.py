"""``trio-cartesia listen``: show the text of speech while it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from trio_cartesia import Cartesia, LocalProtocolError, Microphone
from trio_cartesia._cli.client import open_client
from trio_cartesia._cli.console import (
    EXPECTED,
    FAILED,
    PROGRAM,
    READER_GONE,
    audio_step,
    invalid_usage,
    print_message,
    print_note,
    report_error,
)
from trio_cartesia._cli.listen.live import LiveTranscript, Session
from trio_cartesia._cli.listen.request import Request, Source, check_request, open_source
from trio_cartesia._cli.listen.screen import Lines, open_output

__all__ = ["listen"]


async def listen(request: Request) -> int:
    """Transcribe the audio, and return the exit code.

    However it ends, standard output has the text so far.

    Raises:
        UsageError: The arguments make no sense, or the audio cannot be transcribed; nothing was
            sent.
    """
    check_request(request)
    try:
        with open_output(as_json=request.json) as output:
            async with open_source(request) as source:
                await _transcribe(request, source, output)
    except LocalProtocolError as error:
        raise invalid_usage(error) from error
    except BrokenPipeError:  # the reader of standard output has what it wants
        return READER_GONE
    except EXPECTED as error:
        report_error(error, next_step=audio_step(error), debug=request.debug)
        return FAILED
    return 0


async def _transcribe(request: Request, source: Source, output: Lines) -> None:
    is_live = isinstance(source, Microphone)  # it has a pace of its own
    pace = "as_fast_as_possible" if is_live else request.pace
    live = LiveTranscript(_open_session(request, source), source, pace, output)
    has_stopped = True
    try:
        await live.run()
        has_stopped = False
    except EXPECTED:
        has_stopped = False
        raise
    finally:
        if has_stopped:
            print_message(f"{PROGRAM}: stopped after {live.audio_seconds:.1f} s of audio.")
        if isinstance(source, Microphone) and (dropped := source.statistics().dropped_seconds):
            print_message(f"{dropped:.1f} s of audio were dropped: they could not be sent in time")


@asynccontextmanager
async def _open_session(request: Request, source: Source) -> AsyncIterator[Session]:
    """Open a session, with a local service of its own if need be, so that both end together."""
    async with (
        open_client(
            local=request.local, allow_insecure=request.allow_insecure, recognizes=True
        ) as client,
        _session(request, source, client) as session,
    ):
        if isinstance(source, Microphone):
            print_note("the microphone is open; Ctrl-C stops it")
        yield session


def _session(
    request: Request, source: Source, client: Cartesia
) -> AbstractAsyncContextManager[Session]:
    if request.has_turns:
        return client.stt.auto_finalize.websocket(
            model=request.model, encoding=source.encoding, sample_rate=source.sample_rate
        )
    return client.stt.manual_finalize.websocket(
        model=request.model,
        encoding=source.encoding,
        sample_rate=source.sample_rate,
        language=request.language,
    )
