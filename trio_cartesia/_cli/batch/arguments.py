"""The arguments of ``trio-cartesia batch``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

from trio_cartesia._cli.batch.command import Request
from trio_cartesia._cli.batch.command import batch as run_batch
from trio_cartesia._cli.common_options import (
    DEFAULT_SERVICE,
    DEFAULT_SPEECH,
    Flag,
    ServiceChoice,
    SpeechSettings,
)

__all__ = ["batch"]

Count = Annotated[int, Parameter(validator=validators.Number(gte=1))]


async def batch(
    file: Annotated[str, Parameter(name="FILE")],
    *,
    out: str,
    jobs: Count = 2,
    attempts: Count = 1,
    retry_failed: Flag = False,
    speech: SpeechSettings = DEFAULT_SPEECH,
    service: ServiceChoice = DEFAULT_SERVICE,
) -> int:
    """Speak each text of FILE into a file of its own, and go on where an earlier run stopped.

    Standard output lists the files that this run has written, one path a line, at its end; messages
    go to standard error. After Ctrl-C, a crash or the loss of the network, the same command speaks
    what is missing: OUT/manifest.sqlite has what was done. What it lists as failed, it speaks again
    only with --retry-failed. A text that was changed in FILE is spoken again.

    It uses the API if CARTESIA_API_KEY or CARTESIA_BASE_URL is set, else a local service.

    Args:
        file: The texts. *.csv has the columns id and text, and may have the options of a text, such
            as voice, language, speed, volume and emotion; *.jsonl has a JSON object with the same
            members on each line; any other file has a text on each line.
        out: The directory of the files, which are named after the ids.
        jobs: How many texts are spoken at once: at most what the account's plan allows.
        attempts: How often a text is tried that is cut short by the loss of a connection or a
            failure of the service. The service may bill each attempt.
        retry_failed: Speak texts again that the service has refused.
        speech: See `SpeechSettings`.
        service: See `ServiceChoice`.
    """
    return await run_batch(
        Request(
            file=file,
            out=out,
            jobs=jobs,
            attempts=attempts,
            retry_failed=retry_failed,
            options=speech.options(),
            raw=speech.raw,
            local=service.local,
            allow_insecure=service.allow_insecure,
            debug=service.debug,
        )
    )
