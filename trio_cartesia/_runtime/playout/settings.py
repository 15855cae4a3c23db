"""The arguments of `Context.playout`, checked."""

from __future__ import annotations

from typing import Final, Literal

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks

__all__ = ["PACES", "Pace", "PlayoutSettings"]

Pace = Literal["real_time", "as_fast_as_possible"]
PACES: Final = ("real_time", "as_fast_as_possible")


@attrs.frozen(kw_only=True)
class PlayoutSettings:
    """How long frames are, and when they are given out.

    Attributes:
        frame_seconds: The length of a frame, 0.001 to 10.
        lead_seconds: How long before it is played a frame is given out, at most; up to 60, and not
            below *frame_seconds*.
        pace: ``"real_time"`` or ``"as_fast_as_possible"``.

    Raises:
        LocalProtocolError: A value has the wrong type or is out of its range.
    """

    frame_seconds: float = attrs.field(validator=checks.number_between(0.001, 10))
    lead_seconds: float = attrs.field(validator=checks.number_between(0, 60))
    pace: Pace = attrs.field(validator=checks.one_of(PACES))

    def __attrs_post_init__(self) -> None:
        if self.lead_seconds < self.frame_seconds:  # a late wake-up would be a gap each time
            raise LocalProtocolError(
                f"lead_seconds must be at least frame_seconds ({self.frame_seconds}), "
                f"not {self.lead_seconds}"
            )

    def frame_samples(self, sample_rate: int) -> int:
        """Return the samples of a frame.

        Raises:
            LocalProtocolError: Their number is not whole.
        """
        samples = self.frame_seconds * sample_rate
        if abs(samples - round(samples)) > 1e-6:
            raise LocalProtocolError(
                f"frame_seconds={self.frame_seconds} is {samples:g} samples at {sample_rate} Hz, "
                "and must be a whole number of them: 0.02 is one at every sample rate"
            )
        return round(samples)
