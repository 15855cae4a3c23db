"""The options of commands that transcribe speech."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter, validators

from trio_cartesia._cli.console import UsageError

__all__ = ["Encoding", "Pace", "Rate", "check_raw"]

Encoding = Literal["pcm_s16le", "pcm_s32le", "pcm_f16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"]
Pace = Literal["real_time", "as_fast_as_possible"]
Rate = Annotated[int | None, Parameter(validator=validators.Number(gte=1))]


def check_raw(encoding: Encoding | None, sample_rate: int | None) -> None:
    """Check the options of samples without a header.

    Raises:
        UsageError: Only one of them is given.
    """
    if (encoding is None) != (sample_rate is None):
        raise UsageError("samples without a header need both --encoding and --sample-rate")
