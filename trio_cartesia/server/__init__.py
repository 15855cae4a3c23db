"""
A local service that speaks Cartesia's protocol, for development and for tests.
"""

from __future__ import annotations

from .accounts import PLANS as PLANS
from .accounts import Plan as Plan
from .app import Server as Server
from .app import open_server as open_server
from .app import serve as serve
from .behaviour import Behaviour as Behaviour
from .faults import FAULTS as FAULTS
from .faults import Fault as Fault
from .faults import FaultKind as FaultKind
from .journal import Journal as Journal
from .journal import JournalStatistics as JournalStatistics
from .records import ConnectionRecord as ConnectionRecord
from .records import ContextRecord as ContextRecord
from .records import RequestRecord as RequestRecord
from .records import SpokenUnit as SpokenUnit
from .records import SpokenUnits as SpokenUnits
from .voice import Spoken as Spoken
from .voice import Timed as Timed
from .voice import Tones as Tones
from .voice import Utterance as Utterance
from .voice import Voice as Voice
from .voice import default_voice as default_voice
from .voice import open_voice as open_voice
