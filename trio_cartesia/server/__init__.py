"""A local service that speaks Cartesia's protocol, for development and for tests."""

from __future__ import annotations

from trio_cartesia.server.access.plans import PLANS as PLANS
from trio_cartesia.server.access.plans import Plan as Plan
from trio_cartesia.server.app import Server as Server
from trio_cartesia.server.app import open_server as open_server
from trio_cartesia.server.app import serve as serve
from trio_cartesia.server.behaviour.behaviour import Behaviour as Behaviour
from trio_cartesia.server.faults.faults import FAULTS as FAULTS
from trio_cartesia.server.faults.faults import Fault as Fault
from trio_cartesia.server.faults.faults import FaultKind as FaultKind
from trio_cartesia.server.journal.journal import Journal as Journal
from trio_cartesia.server.journal.records import ConnectionRecord as ConnectionRecord
from trio_cartesia.server.journal.records import ContextRecord as ContextRecord
from trio_cartesia.server.journal.records import JournalStatistics as JournalStatistics
from trio_cartesia.server.journal.records import RequestRecord as RequestRecord
from trio_cartesia.server.journal.records import SpokenUnit as SpokenUnit
from trio_cartesia.server.journal.records import SpokenUnits as SpokenUnits
from trio_cartesia.server.journal.transcriptions import TranscriptionRecord as TranscriptionRecord
from trio_cartesia.server.recognition.interface import Recognized as Recognized
from trio_cartesia.server.recognition.interface import RecognizedWord as RecognizedWord
from trio_cartesia.server.recognition.interface import Recognizer as Recognizer
from trio_cartesia.server.recognition.interface import RecognizerStream as RecognizerStream
from trio_cartesia.server.state import ServerStatistics as ServerStatistics
from trio_cartesia.server.voices.interface import Spoken as Spoken
from trio_cartesia.server.voices.interface import Timed as Timed
from trio_cartesia.server.voices.interface import Utterance as Utterance
from trio_cartesia.server.voices.interface import Voice as Voice
from trio_cartesia.server.voices.opening import default_voice as default_voice
from trio_cartesia.server.voices.opening import open_voice as open_voice
from trio_cartesia.server.voices.tones import Tones as Tones
