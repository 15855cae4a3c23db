"""The arguments of ``trio-cartesia listen``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from trio_cartesia._cli.audio_options import Encoding, Pace, Rate
from trio_cartesia._cli.common_options import DEFAULT_SERVICE, Flag, ServiceChoice

__all__ = ["listen"]


async def listen(
    file: Annotated[str | None, Parameter(name="FILE", allow_leading_hyphen=True)] = None,
    /,
    *,
    microphone: Flag = False,
    model: str = "ink-2",
    language: str | None = None,
    encoding: Encoding | None = None,
    sample_rate: Rate = None,
    pace: Pace = "real_time",
    json: Flag = False,
    service: ServiceChoice = DEFAULT_SERVICE,
) -> int:
    """Transcribe speech while it is spoken, from a file, a pipe or the microphone.

    Standard output has a line for each turn: what was said until the speaker paused. On a terminal,
    the last line shows the text while it grows. Ctrl-C ends the audio, and the text of what was
    said until then is still printed.

    It uses the API if CARTESIA_API_KEY or CARTESIA_BASE_URL is set, else a local service, which
    recognises English speech with the extra ears.

    Args:
        file: A WAV file with one channel. - reads standard input, as it arrives.
        microphone: Transcribe what this machine's microphone records (extra play).
        model: The id of a model.
        language: The language of the speech, such as de. With it, or with an ink-whisper model, a
            line is what the service has transcribed at a time, and not a turn.
        encoding: The encoding of samples without the header of a WAV file.
        sample_rate: Their rate, or that of the microphone.
        pace: real_time sends a FILE as fast as it was spoken, for a service that accepts no more;
            as_fast_as_possible does not wait.
        json: Print a JSON object for each change of the text, on a line of its own, whose type is
            interim or final.
        service: See `ServiceChoice`.
    """
    # here, since it takes a quarter of a second that no other command needs
    from trio_cartesia._cli.listen.command import listen as run_listen
    from trio_cartesia._cli.listen.request import Request

    return await run_listen(
        Request(
            file=file,
            microphone=microphone,
            model=model,
            language=language,
            encoding=encoding,
            sample_rate=sample_rate,
            pace=pace,
            json=json,
            local=service.local,
            allow_insecure=service.allow_insecure,
            debug=service.debug,
        )
    )
