"""Types of the options of commands that transcribe speech."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter, validators

__all__ = ["Encoding", "Pace", "Rate"]

Encoding = Literal["pcm_s16le", "pcm_s32le", "pcm_f16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"]
Pace = Literal["real_time", "as_fast_as_possible"]
Rate = Annotated[int | None, Parameter(validator=validators.Number(gte=1))]
