"""What is played with each client, and how what becomes of it is told."""

from __future__ import annotations

import time
from typing import Any, Final

import attrs

PATIENCE_SECONDS: Final = 50.0  # longer than either client's keepalive
GRACE_SECONDS: Final = 12.0  # for closing handshakes that nobody answers
KEY: Final = "sk_car_side_by_side"
SETTINGS: Final[dict[str, Any]] = {
    "model_id": "sonic-3.5",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16000},
}
TEXT: Final = "This is one sentence of a text that goes on for quite a while. " * 8
V3: Final = "context_id=v at_frame=3"

CASES: Final[dict[str, str]] = {
    "nothing is wrong": "",
    "the connection is reset": f"reset {V3}",
    "the stream ends without a word": f"fin {V3}",
    "the stream ends inside a frame": f"truncated_frame {V3}",
    "closed with 1011": f"close {V3} code=1011",
    "closed politely, with 1000": f"close {V3} code=1000",
    "the service stalls": "stall at_frame=6",
    "nothing comes back any more": "silence at_frame=6",
    "one context falls silent": f"stall {V3}",
    "a message is no JSON": f"malformed_json {V3}",
    "audio is no base64": f"bad_base64 {V3}",
    "a message has no context id": f"missing_context_id {V3}",
    "a message has somebody else's context id": f"unknown_context_id {V3}",
    "a message of 1.5 MB": f"oversized_frame {V3} size_bytes=1500000",
    "an error for one context": f"quota_exceeded {V3}",
    "an error without a context id": f"connection_error {V3}",
    "events and fields that nobody knows": f"unknown_event {V3}, unknown_fields",
    "everything is fragmented": "fragmented_frame size_bytes=1000",
    "the end comes twice, and more after it": "duplicate_terminal, late_frames",
    "the handshake is refused with 429": "refused_handshake status=429",
    "the handshake is never answered": "stalled_handshake",
    "the answer to the handshake is garbage": "garbage_handshake",
}


@attrs.define
class Heard:
    """What became of one context."""

    audio_bytes: int = 0
    ended: str = ""
    seconds: float = 0.0
    closing: str = ""  # what closing the connection raises
    began: float = attrs.field(factory=time.monotonic)

    def end(self, how: str) -> None:
        """Note how it ended, and when."""
        self.ended, self.seconds = how, time.monotonic() - self.began

    def told(self, whole_bytes: int) -> str:
        """Return it in words."""
        if self.ended == "done":
            told = "whole" if self.audio_bytes >= whole_bytes else "**silently cut short**"
        elif self.ended:
            told = self.ended if self.seconds < 2 else f"{self.ended} after {self.seconds:.0f} s"
        else:
            told = "**hangs**"
        return f"{told}; closing {self.closing}" if self.closing else told
