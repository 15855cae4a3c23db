"""Cartesia's speech API for Trio.

Start with `Cartesia`. Every exception is a `CartesiaError`, and its class says who has to act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_cartesia._lazy import load_on_first_use
from trio_cartesia._version import __version__ as __version__

if TYPE_CHECKING:
    from trio_cartesia._exports import *  # noqa: F403  # the list is there
    from trio_cartesia._pool.pool import Pool as Pool
    from trio_cartesia._pool.statistics import PoolStatistics as PoolStatistics
    from trio_cartesia._protocol.stt.messages import Connected as Connected
    from trio_cartesia._protocol.stt.messages import Gap as Gap
    from trio_cartesia._protocol.stt.messages import Transcript as Transcript
    from trio_cartesia._protocol.stt.messages import TranscriptDone as TranscriptDone
    from trio_cartesia._protocol.stt.messages import TranscriptFlushDone as TranscriptFlushDone
    from trio_cartesia._protocol.stt.messages import TranscriptWord as TranscriptWord
    from trio_cartesia._protocol.stt.messages import TurnEagerEnd as TurnEagerEnd
    from trio_cartesia._protocol.stt.messages import TurnEnd as TurnEnd
    from trio_cartesia._protocol.stt.messages import TurnResume as TurnResume
    from trio_cartesia._protocol.stt.messages import TurnStart as TurnStart
    from trio_cartesia._protocol.stt.messages import TurnUpdate as TurnUpdate
    from trio_cartesia._protocol.stt.session_text import Transcription as Transcription
    from trio_cartesia._protocol.stt.settings import Reconnect as Reconnect
    from trio_cartesia._protocol.text.speakable import AsyncSpeakablePieces as AsyncSpeakablePieces
    from trio_cartesia._protocol.text.speakable import SpeakablePieces as SpeakablePieces
    from trio_cartesia._protocol.text.speakable import speakable as speakable
    from trio_cartesia._runtime.playout.frames import Frame as Frame
    from trio_cartesia._runtime.playout.playout import Playout as Playout
    from trio_cartesia._runtime.stt.auto import AutoFinalizeSession as AutoFinalizeSession
    from trio_cartesia._runtime.stt.manual import ManualFinalizeSession as ManualFinalizeSession
    from trio_cartesia._runtime.stt.speculation import Attempt as Attempt
    from trio_cartesia._runtime.stt.statistics import (
        TranscriptionStatistics as TranscriptionStatistics,
    )
    from trio_cartesia._runtime.stt.turn import Turn as Turn
    from trio_cartesia.playback.speaker import Speaker as Speaker
    from trio_cartesia.playback.speaker import open_speaker as open_speaker
    from trio_cartesia.sources.microphone import Microphone as Microphone
    from trio_cartesia.sources.microphone import open_microphone as open_microphone
    from trio_cartesia.sources.recording import Recording as Recording
    from trio_cartesia.sources.recording import open_recording as open_recording
    from trio_cartesia.sources.statistics import MicrophoneStatistics as MicrophoneStatistics
else:
    __getattr__, __dir__ = load_on_first_use(
        __name__,
        optional={
            "Frame": "trio_cartesia._runtime.playout.frames",
            "Playout": "trio_cartesia._runtime.playout.playout",
            "Pool": "trio_cartesia._pool.pool",
            "PoolStatistics": "trio_cartesia._pool.statistics",
            "Attempt": "trio_cartesia._runtime.stt.speculation",
            "AutoFinalizeSession": "trio_cartesia._runtime.stt.auto",
            "Connected": "trio_cartesia._protocol.stt.messages",
            "Gap": "trio_cartesia._protocol.stt.messages",
            "ManualFinalizeSession": "trio_cartesia._runtime.stt.manual",
            "Reconnect": "trio_cartesia._protocol.stt.settings",
            "Transcript": "trio_cartesia._protocol.stt.messages",
            "TranscriptDone": "trio_cartesia._protocol.stt.messages",
            "TranscriptFlushDone": "trio_cartesia._protocol.stt.messages",
            "TranscriptWord": "trio_cartesia._protocol.stt.messages",
            "Transcription": "trio_cartesia._protocol.stt.session_text",
            "TranscriptionStatistics": "trio_cartesia._runtime.stt.statistics",
            "Turn": "trio_cartesia._runtime.stt.turn",
            "TurnEagerEnd": "trio_cartesia._protocol.stt.messages",
            "TurnEnd": "trio_cartesia._protocol.stt.messages",
            "TurnResume": "trio_cartesia._protocol.stt.messages",
            "TurnStart": "trio_cartesia._protocol.stt.messages",
            "TurnUpdate": "trio_cartesia._protocol.stt.messages",
            "AsyncSpeakablePieces": "trio_cartesia._protocol.text.speakable",
            "SpeakablePieces": "trio_cartesia._protocol.text.speakable",
            "speakable": "trio_cartesia._protocol.text.speakable",
            "Speaker": "trio_cartesia.playback.speaker",
            "open_speaker": "trio_cartesia.playback.speaker",
            "Microphone": "trio_cartesia.sources.microphone",
            "MicrophoneStatistics": "trio_cartesia.sources.statistics",
            "open_microphone": "trio_cartesia.sources.microphone",
            "Recording": "trio_cartesia.sources.recording",
            "open_recording": "trio_cartesia.sources.recording",
        },
    )
