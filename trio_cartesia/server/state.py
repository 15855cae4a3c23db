"""The state that all connections of a server share."""

from __future__ import annotations

import attrs

from trio_cartesia.server.access.credentials import Credentials
from trio_cartesia.server.access.tokens import WallClock
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.recognition.interface import (
    HasStatistics,
    RecognitionStatistics,
    Recognizer,
)
from trio_cartesia.server.store.database import Store
from trio_cartesia.server.store.files import FileStore
from trio_cartesia.server.voices.interface import Voice

__all__ = ["ServerState", "ServerStatistics"]


@attrs.frozen(kw_only=True)
class ServerStatistics:
    """The current size of what a service holds, apart from its journal.

    Attributes:
        records: The number of stored resources.
        held_bytes: The size of their fields.
        usage_rows: The number of rows of usage.
        files: The files of saved speech.
        file_bytes: The size of these files.
        dropped_files: The number of files that were dropped since the service started.
        recognition: What is held to recognise its own speech; None if the recogniser does not.
    """

    records: int
    held_bytes: int
    usage_rows: int
    files: int
    file_bytes: int
    dropped_files: int
    recognition: RecognitionStatistics | None


@attrs.frozen(kw_only=True)
class ServerState:
    """The state that all connections of a server share.

    Attributes:
        recognizer: Turns the speech that clients send into text.
        local_names: Names of this machine, in lower case, that ``/_local`` accepts without keys.
    """

    voice: Voice
    recognizer: Recognizer
    behaviour: Behaviour
    faults: tuple[Fault, ...]
    journal: Journal
    credentials: Credentials
    local_names: frozenset[str]
    store: Store
    files: FileStore = attrs.field(init=False)
    clock: WallClock = attrs.field(factory=WallClock)

    @files.default
    def _files_of_store(self) -> FileStore:
        return FileStore(self.store)

    def statistics(self) -> ServerStatistics:
        """Return the counters as they are now."""
        store, files, recognizer = self.store.statistics(), self.files.statistics(), self.recognizer
        return ServerStatistics(
            **attrs.asdict(store),
            files=files.files,
            file_bytes=files.held_bytes,
            dropped_files=files.dropped_files,
            recognition=recognizer.statistics() if isinstance(recognizer, HasStatistics) else None,
        )
