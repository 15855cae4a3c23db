"""The arguments of ``trio-cartesia transcribe``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from trio_cartesia._cli.audio_options import Encoding, Rate
from trio_cartesia._cli.batch.arguments import Count
from trio_cartesia._cli.common_options import DEFAULT_SERVICE, Flag, ServiceChoice
from trio_cartesia._cli.say.outputs import Subtitles

__all__ = ["transcribe"]


async def transcribe(
    *files: Annotated[str, Parameter(name="FILE", required=True)],
    subtitles: Subtitles | None = None,
    output: str | None = None,
    jobs: Count = 2,
    model: str = "ink-whisper",
    language: str | None = None,
    encoding: Encoding | None = None,
    sample_rate: Rate = None,
    json: Flag = False,
    service: ServiceChoice = DEFAULT_SERVICE,
) -> int:
    """Transcribe recordings that are whole, and print their texts or write them to files.

    Standard output has the text of a single FILE, or a line for each FILE with its name, a tab and
    its text; or the files that were written, one path a line. Messages go to standard error. A FILE
    that cannot be transcribed does not affect the others.

    It uses the API if CARTESIA_API_KEY or CARTESIA_BASE_URL is set, else a local service, which
    recognises English speech with the extra ears.

    Args:
        files: Recordings, such as WAV, MP3 or FLAC files.
        subtitles: Write subtitles in this format to NAME.srt, NAME.vtt, NAME.TextGrid or
            NAME.subtitles.json, beside the FILE. An older file is replaced.
        output: The directory to write to: subtitles, or else each text as NAME.txt. It is made if
            needed.
        jobs: How many recordings are transcribed at once.
        model: The id of a model.
        language: The language of the speech, such as de; by default the service's.
        encoding: The encoding of samples without the header of a file.
        sample_rate: Their rate.
        json: Print a JSON array of the transcripts, with the times of words, at the end.
        service: See `ServiceChoice`.
    """
    # here, since it takes a while that no other command needs
    from trio_cartesia._cli.transcribe.command import transcribe as run_transcribe
    from trio_cartesia._cli.transcribe.request import Request

    return await run_transcribe(
        Request(
            files=files,
            output=output,
            subtitles=subtitles,
            jobs=jobs,
            model=model,
            language=language,
            encoding=encoding,
            sample_rate=sample_rate,
            json=json,
            local=service.local,
            allow_insecure=service.allow_insecure,
            debug=service.debug,
        )
    )
