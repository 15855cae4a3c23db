"""``trio-cartesia batch``: speak the texts of a file, each into a file of its own."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import attrs

from trio_cartesia import Cartesia, ContextOptions, LocalProtocolError
from trio_cartesia._cli.batch.progress import show_progress
from trio_cartesia._cli.batch.summary import Summary
from trio_cartesia._cli.client import open_client
from trio_cartesia._cli.console import (
    EXPECTED,
    FAILED,
    PROGRAM,
    invalid_usage,
    print_message,
    print_result,
    report_error,
)
from trio_cartesia.batch import Batch, Item, read_items, speak_all

__all__ = ["Request", "batch"]


@attrs.frozen(kw_only=True)
class Request:
    """The arguments of the command."""

    file: str
    out: str
    jobs: int
    attempts: int
    retry_failed: bool
    options: ContextOptions
    raw: bool
    local: bool
    allow_insecure: bool
    debug: bool


async def batch(request: Request) -> int:
    """Speak all texts that are not done, and return the exit code.

    However it ends, standard output lists the files that were written, and standard error says what
    failed and what is left.

    Raises:
        UsageError: The file or an option is not valid; nothing was sent or written.
    """
    try:
        items = read_items(request.file)
    except LocalProtocolError as error:
        raise invalid_usage(error) from error
    except OSError as error:
        report_error(error, next_step="Nothing was sent.", debug=request.debug)
        return FAILED
    return await _speak_all(request, items)


async def _speak_all(request: Request, items: list[Item]) -> int:
    summary = Summary()
    failure: Exception | None = None
    has_stopped = True
    try:
        async with open_client(
            local=request.local, allow_insecure=request.allow_insecure
        ) as client:
            await _speak(_open(request, items, client), summary)
        has_stopped = False
    except LocalProtocolError as error:
        raise invalid_usage(error) from error
    except EXPECTED as error:
        failure, has_stopped = error, False
    finally:
        if has_stopped and summary.statistics is not None:
            print_message(f"{PROGRAM}: stopped early; the same command goes on where it was.")
        has_printed = _report(summary, debug=request.debug)
    if failure is not None:
        report_error(failure, debug=request.debug)
    return 0 if has_printed and failure is None and summary.is_complete else FAILED


def _open(
    request: Request, items: list[Item], client: Cartesia
) -> AbstractAsyncContextManager[Batch]:
    return speak_all(
        items,
        client=client,
        directory=request.out,
        jobs=request.jobs,
        attempts=request.attempts,
        raw=request.raw,
        retry_failed=request.retry_failed,
        **request.options,
    )


async def _speak(opening: AbstractAsyncContextManager[Batch], summary: Summary) -> None:
    async with opening as batch:
        try:
            async with show_progress(batch.statistics):
                async for result in batch:
                    summary.add(result)
        finally:
            summary.statistics = batch.statistics()


def _report(summary: Summary, *, debug: bool) -> bool:
    """Report failures and the totals, then list the files; return False if that fails."""
    for line in summary.lines():
        print_message(line)
    return all(print_result(str(path), debug=debug) for path in summary.paths)
