"""The arguments of ``trio-cartesia batch``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators

from trio_cartesia import RawOutputFormat
from trio_cartesia._cli.batch.command import Request
from trio_cartesia._cli.batch.command import batch as run_batch
from trio_cartesia._cli.speech_options import (
    DEFAULT_MODEL,
    DEFAULT_VOICE,
    Encoding,
    Flag,
    SampleRate,
    speech_options,
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
    voice: str = DEFAULT_VOICE,
    model: str = DEFAULT_MODEL,
    language: str = "en",
    encoding: Encoding = "pcm_s16le",
    sample_rate: SampleRate = 44100,
    raw: Flag = False,
    speed: float | None = None,
    volume: float | None = None,
    emotion: str | None = None,
    local: Flag = False,
    allow_insecure: Flag = False,
    debug: Flag = False,
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
        voice: The id of a voice, as GET /voices lists them.
        model: The id of a model.
        language: The language of the texts.
        encoding: The encoding of the samples.
        sample_rate: Samples per second.
        raw: Write samples without the header of a WAV file (.pcm).
        speed: The speed of the speech, 0.6 to 1.5 times the usual.
        volume: Its volume, 0.5 to 2.0 times the usual.
        emotion: Its emotion, such as happy or calm.
        local: Use the local service even if CARTESIA_API_KEY or CARTESIA_BASE_URL is set.
        allow_insecure: Accept a CARTESIA_BASE_URL with plain http:// to another machine, such as a
            local service on a trusted network. The key is sent unencrypted.
        debug: Show tracebacks of errors.
    """
    options = speech_options(
        model=model,
        voice=voice,
        language=language,
        output_format=RawOutputFormat(encoding=encoding, sample_rate=sample_rate),
        speed=speed,
        volume=volume,
        emotion=emotion,
    )
    return await run_batch(
        Request(
            file=file,
            out=out,
            jobs=jobs,
            attempts=attempts,
            retry_failed=retry_failed,
            options=options,
            raw=raw,
            local=local,
            allow_insecure=allow_insecure,
            debug=debug,
        )
    )
