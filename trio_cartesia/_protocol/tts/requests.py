"""The requests of the TTS WebSocket (protocol §2.2), as frozen values with the wire's field names.

Transcripts are left out of every repr.
"""

from __future__ import annotations

import attrs

from trio_cartesia._protocol.tts.formats import GenerationConfig
from trio_cartesia._protocol.tts.settings import ContextSettings, generation_config_from

__all__ = ["CancelRequest", "GenerationRequest", "Request"]


@attrs.frozen(kw_only=True)
class GenerationRequest:
    """One input of a context: its settings, which every input repeats, and a piece of the
    transcript.

    Attributes:
        settings: The context's.
        context_id: The context's name on its connection.
        transcript: Verbatim; empty in a flush and in a final input.
        continue_: True while more inputs may follow (``continue`` on the wire).
        flush: True ends the segment (protocol §2.7).
        generation_config: Instead of the context's own; None means that.
    """

    settings: ContextSettings
    context_id: str
    transcript: str = attrs.field(repr=False)
    continue_: bool
    flush: bool = False
    generation_config: GenerationConfig | None = attrs.field(
        default=None, converter=generation_config_from
    )


@attrs.frozen(kw_only=True)
class CancelRequest:
    """Asks the service to stop a context (protocol §2.2.2)."""

    context_id: str


Request = GenerationRequest | CancelRequest
