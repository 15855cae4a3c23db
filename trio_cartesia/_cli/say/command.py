"""``trio-cartesia say``: speak texts into files, or play them, on one connection."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import trio

from trio_cartesia import Cartesia, Speaker, open_speaker
from trio_cartesia._cli.client import open_client
from trio_cartesia._cli.console import (
    EXPECTED,
    FAILED,
    PROGRAM,
    print_message,
    print_result,
    report_error,
)
from trio_cartesia._cli.say.job import Job
from trio_cartesia._cli.say.outputs import Target, choose, make_directory
from trio_cartesia._cli.say.progress import show_progress
from trio_cartesia._cli.say.request import STANDARD, Request, check_request

__all__ = ["say"]


async def say(request: Request) -> int:
    """Speak all texts, and return the exit code.

    However it ends, standard output lists the files with speech, and standard error has a line
    about each text.

    Raises:
        UsageError: The arguments make no sense; nothing was sent or written.
    """
    check_request(request)
    pairs = zip(request.texts, _targets(request), strict=True)
    jobs = [Job(request, number, *pair) for number, pair in enumerate(pairs, start=1)]
    code: int | None = None
    try:
        if request.has_files:
            make_directory(request.out)
        async with (
            open_speaker(request.output_format) if request.play else nullcontext() as speaker,
            open_client(local=request.local, allow_insecure=request.allow_insecure) as client,
        ):
            await _speak_all(client, jobs, speaker, live=STANDARD not in request.texts)
        code = max(job.code for job in jobs)
    except EXPECTED as error:
        report_error(error, debug=request.debug)
        code = FAILED
    finally:
        if code is None:
            kept = "; the speech so far is kept" if request.has_files else ""
            print_message(f"{PROGRAM}: stopped early{kept}.")
        has_printed = _report_ends(jobs, debug=request.debug)
    return code if has_printed else FAILED


def _targets(request: Request) -> Sequence[Target | None]:
    if not request.has_files:
        return [None] * len(request.texts)
    return choose(len(request.texts), request.out, request.beside, raw=request.raw)


async def _speak_all(
    client: Cartesia, jobs: Sequence[Job], speaker: Speaker | None, *, live: bool
) -> None:
    reports = [job.report for job in jobs]
    async with (
        client.tts.websocket_connect() as connection,
        show_progress(reports, live=live),  # ends before the goodbye, which may take a while
        trio.open_nursery() as nursery,
    ):
        for job in jobs:
            if speaker is None:
                nursery.start_soon(job.run, client, connection)
            else:
                await job.run(client, connection, speaker)


def _report_ends(jobs: Sequence[Job], *, debug: bool) -> bool:
    """Report all ends, then list the files; return False if standard output fails."""
    for job in jobs:
        job.report_end()
    return all(print_result(job.report.name, debug=debug) for job in jobs if job.has_file)
