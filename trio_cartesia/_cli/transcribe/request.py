"""The arguments of ``transcribe``, checked."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trio_cartesia._cli.audio_options import Encoding, check_raw
from trio_cartesia._cli.console import UsageError
from trio_cartesia._cli.say.outputs import Subtitles

__all__ = ["Request", "check_request"]


@attrs.frozen(kw_only=True)
class Request:
    """The arguments of the command.

    Attributes:
        files: The paths of the recordings.
        output: The directory of the files that are written, or None.
        subtitles: The format of subtitles, or None for texts.
        jobs: How many recordings are transcribed at once.
        encoding: Of samples without a header, else None.
        sample_rate: Likewise.
        json: Print JSON.
        local: Use the local service.
        allow_insecure: Use plain http to other machines.
        debug: Show tracebacks.
    """

    files: Sequence[str]
    output: str | None
    subtitles: Subtitles | None
    jobs: int
    model: str
    language: str | None
    encoding: Encoding | None
    sample_rate: int | None
    json: bool
    local: bool
    allow_insecure: bool
    debug: bool


def check_request(request: Request) -> None:
    """Check the arguments, before anything is sent or written.

    Raises:
        UsageError: They make no sense.
    """
    if request.json and (request.output is not None or request.subtitles is not None):
        raise UsageError("--json prints the texts; give it without --output and --subtitles")
    check_raw(request.encoding, request.sample_rate)
    for file in request.files:
        if request.files.count(file) > 1:
            raise UsageError(f"the recording {file} is there twice")
