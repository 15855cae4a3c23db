"""The classes of the blocking face, and where they differ from the asynchronous ones."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ASYNC_ONLY",
    "BODIES",
    "CLASSES",
    "CLIENTS",
    "FOLDERS",
    "IMPORTS",
    "MERGED",
    "MODULES",
    "OPENERS",
    "TYPES",
    "UNCHANGING",
]

CLASSES: Final = {  # public classes, the modules that they are in, and what they are derived from
    "Cartesia": ("trio_cartesia._client.client", "ClientBase"),
    "TTS": ("trio_cartesia._client.tts", "Wrapper[AsyncTTS]"),
    "STT": ("trio_cartesia._client.stt", "Wrapper[AsyncSTT]"),
    "AutoFinalize": ("trio_cartesia._client.stt", "Wrapper[AsyncAutoFinalize]"),
    "AutoFinalizeSession": (
        "trio_cartesia._runtime.stt.auto",
        "SessionBase[AsyncAutoFinalizeSession]",
    ),
    "TurnReceiver": ("trio_cartesia._runtime.stt.turn", "IteratorWrapper[AsyncTurnReceiver]"),
    "Turn": ("trio_cartesia._runtime.stt.turn", "Wrapper[AsyncTurn]"),
    "TextReceiver": ("trio_cartesia._runtime.stt.turn", "IteratorWrapper[AsyncTextReceiver]"),
    "ManualFinalize": ("trio_cartesia._client.stt", "Wrapper[AsyncManualFinalize]"),
    "ManualFinalizeSession": (
        "trio_cartesia._runtime.stt.manual",
        "SessionBase[AsyncManualFinalizeSession]",
    ),
    "Pool": ("trio_cartesia._pool.pool", "Wrapper[AsyncPool]"),
    "Connection": ("trio_cartesia._runtime.connection", "Wrapper[AsyncConnection]"),
    "Context": ("trio_cartesia._runtime.context", "ContextBase"),
    "Playout": ("trio_cartesia._runtime.playout.playout", "IteratorWrapper[AsyncPlayout]"),
    "Speaker": ("trio_cartesia.playback.speaker", "SpeakerBase"),
    "Recording": ("trio_cartesia.sources.recording", "IteratorWrapper[AsyncRecording]"),
    "Microphone": ("trio_cartesia.sources.microphone", "IteratorWrapper[AsyncMicrophone]"),
    "Batch": ("trio_cartesia.batch.speaking", "IteratorWrapper[AsyncBatch]"),
    "AudioResponse": ("trio_cartesia._http.responses", "IteratorWrapper[AsyncAudioResponse]"),
    "EventsResponse": ("trio_cartesia._http.responses", "IteratorWrapper[AsyncEventsResponse]"),
    "Listing": ("trio_cartesia._http.listing", "IteratorWrapper[AsyncListing[T]], Generic[T]"),
    "Pages": ("trio_cartesia._http.listing", "IteratorWrapper[AsyncPages[T]], Generic[T]"),
    "AccessTokens": ("trio_cartesia._http.resources.account", "Wrapper[AsyncAccessTokens]"),
    "UsageReports": ("trio_cartesia._http.resources.account", "Wrapper[AsyncUsageReports]"),
    "Agents": ("trio_cartesia._http.resources.agents", "Wrapper[AsyncAgents]"),
    "Deployments": ("trio_cartesia._http.resources.agents", "Wrapper[AsyncDeployments]"),
    "Calls": ("trio_cartesia._http.resources.calls", "Wrapper[AsyncCalls]"),
    "Datasets": ("trio_cartesia._http.resources.datasets", "Wrapper[AsyncDatasets]"),
    "DatasetFiles": ("trio_cartesia._http.resources.datasets", "Wrapper[AsyncDatasetFiles]"),
    "FineTunes": ("trio_cartesia._http.resources.fine_tunes", "Wrapper[AsyncFineTunes]"),
    "Metrics": ("trio_cartesia._http.resources.metrics", "Wrapper[AsyncMetrics]"),
    "MetricResults": ("trio_cartesia._http.resources.metrics", "Wrapper[AsyncMetricResults]"),
    "PronunciationDicts": (
        "trio_cartesia._http.resources.pronunciation_dicts",
        "Wrapper[AsyncPronunciationDicts]",
    ),
    "VoiceChanger": ("trio_cartesia._http.resources.voice_changer", "Wrapper[AsyncVoiceChanger]"),
    "Voices": ("trio_cartesia._http.resources.voices", "Wrapper[AsyncVoices]"),
}
MERGED: Final = {  # bases whose members belong to each class that is derived from them
    "TranscriptionSession": "trio_cartesia._runtime.stt.session",
}
OPENERS: Final = {  # functions whose blocks yield an object of a class
    "Speaker": "open_speaker",
    "Recording": "open_recording",
    "Microphone": "open_microphone",
    "Batch": "speak_all",
}
CLIENTS: Final = {  # what they have a client for
    "Speaker": "The client whose contexts will be played; its block has to be entered.",
    "Recording": "The client in whose thread it is read; its block has to be entered.",
    "Microphone": "The client in whose thread it is received; its block has to be entered.",
}
MODULES: Final = {"Cartesia": "client"}  # of classes whose modules are not called as they are
FOLDERS: Final = {  # of classes, by the start of their modules' names
    "trio_cartesia._http.": "resources",
    "trio_cartesia._client.stt": "stt",
    "trio_cartesia._runtime.stt.": "stt",
    "trio_cartesia.sources.": "sources",
}

ASYNC_ONLY: Final = {"Turn.speculate"}  # work of the caller's that has to be cancelled

BODIES: Final = {  # PASS_ON is what other methods do
    "AutoFinalizeSession.feed": "self._feed(chunks, pace)",
    "AutoFinalizeSession.receive": """
self._portal.run_sync(self._inner.receive)
return cast("Iterator[AutoFinalizeEvent]", self._events)
""",
    "AutoFinalizeSession.send_audio": "self._send(audio)",
    "Cartesia.__init__": "super().__init__(AsyncCartesia(ARGUMENTS))",
    "Cartesia.with_options": "return self._derived(self._inner.with_options(ARGUMENTS))",
    "Context.audio": "self._portal.run_sync(self._inner.audio); return self._audio",
    "Context.cancel": "self._put_back(); PASS_ON",
    "Context.collect": "self._put_back(); PASS_ON",
    "Context.feed": """
if isinstance(pieces, str):
    self._portal.run(self._inner.feed, pieces)
else:
    feed_from_caller(self._portal, self._inner.feed, pieces)
""",
    "Context.playout": "self._put_back(); PASS_ON",
    "Context.receive": "self._portal.run_sync(self._inner.receive); return self._events",
    "ManualFinalizeSession.feed": "self._feed(chunks, pace)",
    "ManualFinalizeSession.send_audio": "self._send(audio)",
    "ManualFinalizeSession.receive": """
self._portal.run_sync(self._inner.receive)
return cast("Iterator[ManualFinalizeEvent]", self._events)
""",
    "Speaker.play": "context._put_back(); return self._play(context._inner, on_event)",
    "Turn.__aiter__": "PASS_ON",
    "TurnReceiver.__anext__": "return create(Turn, self._portal, self._next())",
}
UNCHANGING: Final = {  # read from any thread
    "AudioResponse.file_id",
    "AudioResponse.headers",
    "AudioResponse.request_id",
    "AudioResponse.status_code",
    "Connection.request_id",
    "Context.output_format",
    "EventsResponse.headers",
    "EventsResponse.request_id",
    "EventsResponse.status_code",
}

TYPES: Final = {  # in annotations
    "AsyncIterator": "Iterator",
    "AudioReceiver": "Iterator[bytes]",
}
IMPORTS: Final = {
    "AbstractContextManager": "contextlib",
    "Block": "trio_cartesia.blocking.block",
    "Generic": "typing",
    "ClientBase": "trio_cartesia.blocking.client_base",
    "ContextBase": "trio_cartesia.blocking.context_base",
    "Iterable": "collections.abc",
    "Iterator": "collections.abc",
    "IteratorWrapper": "trio_cartesia.blocking.wrapper",
    "Manager": "trio_cartesia.blocking.block",
    "MuteBlock": "trio_cartesia.blocking.block",
    "SessionBase": "trio_cartesia.blocking.stt.session_base",
    "SpeakerBase": "trio_cartesia.blocking.speaker_base",
    "Wrapper": "trio_cartesia.blocking.wrapper",
    "create": "trio_cartesia._constructors",
    "feed_from_caller": "trio_cartesia.blocking.pieces",
    "no_public_constructor": "trio_cartesia._constructors",
    "pieces_from_thread": "trio_cartesia.blocking.pieces",
}
