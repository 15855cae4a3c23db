"""
What all connections of a server share.
"""

from __future__ import annotations

import attrs

from .behaviour import Behaviour
from .credentials import Credentials
from .faults import Fault
from .files import FileStore
from .journal import Journal
from .voice import Voice

__all__ = ["Service"]


@attrs.frozen(kw_only=True)
class Service:
    """
    What all connections of a server share.
    """

    voice: Voice
    behaviour: Behaviour
    faults: tuple[Fault, ...]
    journal: Journal
    credentials: Credentials
    files: FileStore = attrs.field(factory=FileStore)
