"""``stt.transcribe``: the text of a recording (protocol §4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._http.api import API
from trio_cartesia._http.multipart import Multipart, form_fields
from trio_cartesia._http.requests import Request, query_pairs
from trio_cartesia._http.uploads import Progress, Upload, source_of
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.rest.reading import read
from trio_cartesia._protocol.rest.transcription import RecordingTranscript
from trio_cartesia._protocol.stt.audio import STTEncoding, raw_format

__all__ = ["transcribe"]


async def transcribe(
    api: API,
    file: Upload,
    *,
    model: str,
    language: str | None,
    timestamp_granularities: Sequence[str] | None,
    encoding: STTEncoding | None,
    sample_rate: int | None,
    progress: Progress | None,
    options: Mapping[str, Any],
) -> RecordingTranscript:
    """Send a recording, and return its text; raises as `API.whole`."""
    samples = raw_format(encoding, sample_rate)
    query: dict[str, object] = {} if samples is None else attrs.asdict(samples)
    if isinstance(timestamp_granularities, str):
        raise LocalProtocolError("timestamp_granularities must be a list, such as ['word']")
    fields = {
        "model": checks.printable(model, "model"),
        "language": None if language is None else checks.printable(language, "language"),
        "timestamp_granularities": timestamp_granularities,
    }
    form = Multipart(
        fields=form_fields(fields), files=[("file", source_of(file, "file"))], progress=progress
    )
    request = Request(method="POST", path="/stt", query=query_pairs(query), form=form)
    return await api.json(request, options, partial(read, kind=RecordingTranscript))
