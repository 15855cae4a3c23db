"""The types of requests and responses over HTTP.

::

    from trio_cartesia.types import Voice

    def is_female(voice: Voice) -> bool:
        return voice.gender == "feminine"
"""

from __future__ import annotations

from trio_cartesia._http.connections import HTTPStatistics as HTTPStatistics
from trio_cartesia._http.generic import RawResponse as RawResponse
from trio_cartesia._http.listing import Listing as Listing
from trio_cartesia._http.listing import Pages as Pages
from trio_cartesia._http.requests import RequestOptions as RequestOptions
from trio_cartesia._http.requests import ResponseInfo as ResponseInfo
from trio_cartesia._http.responses import AudioResponse as AudioResponse
from trio_cartesia._http.responses import EventsResponse as EventsResponse
from trio_cartesia._http.speech import BytesOptions as BytesOptions
from trio_cartesia._http.speech import EventsOptions as EventsOptions
from trio_cartesia._http.speech import InfillOptions as InfillOptions
from trio_cartesia._http.uploads import Upload as Upload
from trio_cartesia._http.uploads import UploadFile as UploadFile
from trio_cartesia._protocol.rest.account import AccessToken as AccessToken
from trio_cartesia._protocol.rest.account import Grants as Grants
from trio_cartesia._protocol.rest.account import Status as Status
from trio_cartesia._protocol.rest.account import Usage as Usage
from trio_cartesia._protocol.rest.account import UsageBucket as UsageBucket
from trio_cartesia._protocol.rest.agents import AgentList as AgentList
from trio_cartesia._protocol.rest.agents import AgentPhoneNumber as AgentPhoneNumber
from trio_cartesia._protocol.rest.agents import AgentSummary as AgentSummary
from trio_cartesia._protocol.rest.agents import AgentTemplate as AgentTemplate
from trio_cartesia._protocol.rest.agents import AgentTemplateList as AgentTemplateList
from trio_cartesia._protocol.rest.agents import Deployment as Deployment
from trio_cartesia._protocol.rest.agents import GitRepository as GitRepository
from trio_cartesia._protocol.rest.agents import PhoneNumber as PhoneNumber
from trio_cartesia._protocol.rest.calls import AgentCall as AgentCall
from trio_cartesia._protocol.rest.calls import AgentTranscript as AgentTranscript
from trio_cartesia._protocol.rest.calls import LogEvent as LogEvent
from trio_cartesia._protocol.rest.calls import LogMetric as LogMetric
from trio_cartesia._protocol.rest.calls import TelephonyParams as TelephonyParams
from trio_cartesia._protocol.rest.calls import TextChunk as TextChunk
from trio_cartesia._protocol.rest.calls import ToolCall as ToolCall
from trio_cartesia._protocol.rest.metrics import Metric as Metric
from trio_cartesia._protocol.rest.metrics import MetricResult as MetricResult
from trio_cartesia._protocol.rest.pages import Page as Page
from trio_cartesia._protocol.rest.pronunciation import PronunciationDict as PronunciationDict
from trio_cartesia._protocol.rest.pronunciation import (
    PronunciationDictItem as PronunciationDictItem,
)
from trio_cartesia._protocol.rest.training import Dataset as Dataset
from trio_cartesia._protocol.rest.training import DatasetFile as DatasetFile
from trio_cartesia._protocol.rest.training import FineTune as FineTune
from trio_cartesia._protocol.rest.transcription import RecordingTranscript as RecordingTranscript
from trio_cartesia._protocol.rest.unchanged import UNCHANGED as UNCHANGED
from trio_cartesia._protocol.rest.voices import Accent as Accent
from trio_cartesia._protocol.rest.voices import AccentList as AccentList
from trio_cartesia._protocol.rest.voices import Voice as Voice
from trio_cartesia._protocol.rest.voices import VoiceLocale as VoiceLocale
from trio_cartesia._protocol.rest.voices import VoiceMetadata as VoiceMetadata
