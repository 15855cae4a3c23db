"""
What all connections of a server share.
"""

from __future__ import annotations

import attrs

from trio_cartesia.server.access.credentials import Credentials
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.store.files import FileStore
from trio_cartesia.server.voices.interface import Voice

__all__ = ["ServerState"]


@attrs.frozen(kw_only=True)
class ServerState:
    """
    What all connections of a server share.
    """

    voice: Voice
    behaviour: Behaviour
    faults: tuple[Fault, ...]
    journal: Journal
    credentials: Credentials
    files: FileStore = attrs.field(factory=FileStore)
