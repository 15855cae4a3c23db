"""``trio-cartesia transcribe``: the texts or the subtitles of recordings."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import trio

from trio_cartesia import Cartesia
from trio_cartesia._cli.client import open_client
from trio_cartesia._cli.console import (
    EXPECTED,
    FAILED,
    audio_step,
    report_error,
)
from trio_cartesia._cli.transcribe.job import Job, concerns_all
from trio_cartesia._cli.transcribe.outputs import choose_outputs, make_directory
from trio_cartesia._cli.transcribe.request import Request, check_request
from trio_cartesia._cli.transcribe.results import Results

__all__ = ["transcribe"]


async def transcribe(request: Request) -> int:
    """Transcribe all recordings, and return the exit code.

    Standard output has their texts or files in their order, each as soon as it is there; failures
    go to standard error. A recording that fails does not affect the others, unless they would fail
    for the same reason: then the rest is listed.

    Raises:
        UsageError: The arguments make no sense; nothing was sent or written.
    """
    check_request(request)
    paths = choose_outputs(request.files, request.output, request.subtitles)
    jobs = [Job(*pair) for pair in zip(request.files, paths, strict=True)]
    results = Results(request, jobs)
    failure: Exception | None = None
    try:
        make_directory(request.output)
        async with open_client(
            local=request.local, allow_insecure=request.allow_insecure, recognizes=True
        ) as client:
            await _transcribe_all(request, jobs, client, results)
    except EXPECTED as error:
        failure = error
    finally:
        results.finish()
    if failure is not None:
        report_error(failure, next_step=audio_step(failure), debug=request.debug)
    return 0 if failure is None and results.are_complete else FAILED


async def _transcribe_all(
    request: Request, jobs: Sequence[Job], client: Cartesia, results: Results
) -> None:
    pending = iter(jobs)

    async def work() -> None:
        for job in pending:
            try:
                await job.run(client, request)
            except EXPECTED as error:
                job.error = error
                report_error(error, job.file, next_step=audio_step(error), debug=request.debug)
            results.print_ready()
            if job.error is not None and concerns_all(job.error):
                deque(pending, maxlen=0)  # nothing is sent for the others

    async with trio.open_nursery() as nursery:
        for _ in range(request.jobs):
            nursery.start_soon(work)
