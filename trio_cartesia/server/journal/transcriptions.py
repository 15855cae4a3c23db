"""The records of speech to text. They have counts alone, and neither speech nor text."""

from __future__ import annotations

import attrs

__all__ = ["TranscriptionRecord"]


@attrs.define(eq=False, kw_only=True)
class TranscriptionRecord:
    """One stream of speech to text: a WebSocket or a request.

    Attributes:
        connection: The number of its WebSocket, or 0 for a request over HTTP.
        path: The path of its endpoint.
        request_id: The id of its handshake or request.
        language: The language that the client asked for.
        encoding: The encoding of its samples; empty if they were in a file that has it.
        sample_rate: Their rate; 0 if they were in a file that has it.
        audio_bytes: The size of the audio that was received.
        audio_seconds: The duration of the audio that the recogniser has got.
        interim_transcripts: The number of transcripts or updates of turns that were not final.
        final_transcripts: The number of transcripts and ends of turns.
        characters: The number of characters in these.
        credits: The price of the audio (protocol §1.9), once it has ended.
        ended: ``done``, ``error`` or ``lost``; None while it is open.
    """

    connection: int
    path: str
    request_id: str
    model: str
    language: str
    encoding: str = ""
    sample_rate: int = 0
    audio_bytes: int = attrs.field(default=0, init=False)
    audio_seconds: float = attrs.field(default=0.0, init=False)
    interim_transcripts: int = attrs.field(default=0, init=False)
    final_transcripts: int = attrs.field(default=0, init=False)
    characters: int = attrs.field(default=0, init=False)
    credits: int = attrs.field(default=0, init=False)
    ended: str | None = attrs.field(default=None, init=False)

    def count_final(self, text: str) -> None:
        """Count a final transcript."""
        self.final_transcripts += 1
        self.characters += len(text)
