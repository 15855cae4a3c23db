"""Cartesia's speech API for threads: `trio_cartesia` without ``await``.

Start with `Cartesia`. Events, settings, results and errors are those of `trio_cartesia`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_cartesia._lazy import load_on_first_use

if TYPE_CHECKING:
    from trio_cartesia.blocking._exports import *  # noqa: F403  # the list is there
    from trio_cartesia.blocking.batch import Batch as Batch
    from trio_cartesia.blocking.batch import speak_all as speak_all
    from trio_cartesia.blocking.sources.microphone import Microphone as Microphone
    from trio_cartesia.blocking.sources.microphone import open_microphone as open_microphone
    from trio_cartesia.blocking.sources.recording import Recording as Recording
    from trio_cartesia.blocking.sources.recording import open_recording as open_recording
    from trio_cartesia.blocking.speaker import Speaker as Speaker
    from trio_cartesia.blocking.speaker import open_speaker as open_speaker
    from trio_cartesia.blocking.stt.auto_finalize_session import (
        AutoFinalizeSession as AutoFinalizeSession,
    )
    from trio_cartesia.blocking.stt.manual_finalize_session import (
        ManualFinalizeSession as ManualFinalizeSession,
    )
    from trio_cartesia.blocking.stt.turn import Turn as Turn
else:
    __getattr__, __dir__ = load_on_first_use(
        __name__,
        optional={
            "AutoFinalizeSession": "trio_cartesia.blocking.stt.auto_finalize_session",
            "ManualFinalizeSession": "trio_cartesia.blocking.stt.manual_finalize_session",
            "Turn": "trio_cartesia.blocking.stt.turn",
            "Batch": "trio_cartesia.blocking.batch",
            "speak_all": "trio_cartesia.blocking.batch",
            "Microphone": "trio_cartesia.blocking.sources.microphone",
            "open_microphone": "trio_cartesia.blocking.sources.microphone",
            "Recording": "trio_cartesia.blocking.sources.recording",
            "open_recording": "trio_cartesia.blocking.sources.recording",
            "Speaker": "trio_cartesia.blocking.speaker",
            "open_speaker": "trio_cartesia.blocking.speaker",
        },
    )
