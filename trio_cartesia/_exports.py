"""
The public names of `trio_cartesia`, all of which the package loads when the first one is used.
"""

from __future__ import annotations

from trio_cartesia._client.client import Cartesia as Cartesia
from trio_cartesia._errors import AuthenticationFailed as AuthenticationFailed
from trio_cartesia._errors import BadRequest as BadRequest
from trio_cartesia._errors import CartesiaError as CartesiaError
from trio_cartesia._errors import ConcurrencyLimited as ConcurrencyLimited
from trio_cartesia._errors import ConnectFailed as ConnectFailed
from trio_cartesia._errors import ConnectionLost as ConnectionLost
from trio_cartesia._errors import ContextExpired as ContextExpired
from trio_cartesia._errors import ContextFailed as ContextFailed
from trio_cartesia._errors import ContextStalled as ContextStalled
from trio_cartesia._errors import InboxOverflow as InboxOverflow
from trio_cartesia._errors import InternalError as InternalError
from trio_cartesia._errors import LocalProtocolError as LocalProtocolError
from trio_cartesia._errors import ModelNotFound as ModelNotFound
from trio_cartesia._errors import NotFound as NotFound
from trio_cartesia._errors import PermissionDenied as PermissionDenied
from trio_cartesia._errors import QuotaExceeded as QuotaExceeded
from trio_cartesia._errors import RemoteProtocolError as RemoteProtocolError
from trio_cartesia._errors import RequestFailed as RequestFailed
from trio_cartesia._errors import ServiceFailed as ServiceFailed
from trio_cartesia._errors import VoiceNotFound as VoiceNotFound
from trio_cartesia._protocol.base.audio import SampleFormat as SampleFormat
from trio_cartesia._protocol.base.audio import WholeFrames as WholeFrames
from trio_cartesia._protocol.tts.formats import GenerationConfig as GenerationConfig
from trio_cartesia._protocol.tts.formats import MP3OutputFormat as MP3OutputFormat
from trio_cartesia._protocol.tts.formats import RawOutputFormat as RawOutputFormat
from trio_cartesia._protocol.tts.formats import WavOutputFormat as WavOutputFormat
from trio_cartesia._protocol.tts.messages import Chunk as Chunk
from trio_cartesia._protocol.tts.messages import Done as Done
from trio_cartesia._protocol.tts.messages import Event as Event
from trio_cartesia._protocol.tts.messages import FlushDone as FlushDone
from trio_cartesia._protocol.tts.messages import PhonemeTimes as PhonemeTimes
from trio_cartesia._protocol.tts.messages import PhonemeTimestamps as PhonemeTimestamps
from trio_cartesia._protocol.tts.messages import UnknownEvent as UnknownEvent
from trio_cartesia._protocol.tts.messages import WordTimes as WordTimes
from trio_cartesia._protocol.tts.messages import WordTimestamps as WordTimestamps
from trio_cartesia._protocol.tts.settings import ContextOptions as ContextOptions
from trio_cartesia._protocol.tts.settings import ContextSettings as ContextSettings
from trio_cartesia._protocol.tts.speech import Segment as Segment
from trio_cartesia._protocol.tts.speech import Speech as Speech
from trio_cartesia._protocol.tts.speech import TimedText as TimedText
from trio_cartesia._runtime.connection import Connection as Connection
from trio_cartesia._runtime.context import Context as Context
from trio_cartesia._runtime.statistics import ConnectionStatistics as ConnectionStatistics
from trio_cartesia._runtime.statistics import ContextStatistics as ContextStatistics
