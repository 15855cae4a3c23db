"""Calls of agents, and what was said in them (protocol §5.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from trio_cartesia._protocol.rest.records import extra, hidden, named

__all__ = [
    "AgentCall",
    "AgentTranscript",
    "CallStatus",
    "EndReason",
    "LogEvent",
    "LogMetric",
    "Role",
    "TelephonyParams",
    "TextChunk",
    "ToolCall",
]

CallStatus = Literal["active", "completed", "failed", "cancelled"] | str
Role = Literal["user", "assistant", "system"] | str
EndReason = Literal["call_ended", "interrupted", "tts_completed"] | str


@attrs.frozen(kw_only=True)
class TelephonyParams:
    """The two ends of a phone call.

    Attributes:
        from_: The agent's number (``from`` on the wire).
        to: The caller's number.
        extra: Members that this version does not know.
    """

    from_: str = named("from", default="")
    to: str = ""
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class TextChunk:
    """A piece of a turn's text.

    Attributes:
        text: The text; no ``repr`` shows it.
        start_timestamp: Seconds from the start of the call.
        extra: Members that this version does not know.
    """

    text: str = hidden()
    start_timestamp: float
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class ToolCall:
    """A tool that the agent called.

    Attributes:
        id: The id of the call.
        name: The name of the tool.
        arguments: What it was passed; no ``repr`` shows them.
        extra: Members that this version does not know.
    """

    id: str
    name: str = ""
    arguments: Mapping[str, object] = hidden(factory=dict)
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class LogEvent:
    """An event that the agent's code logged.

    Attributes:
        event: Its name.
        metadata: What was logged with it; no ``repr`` shows it.
        timestamp: Seconds from the start of the call.
        extra: Members that this version does not know.
    """

    event: str
    metadata: Mapping[str, object] = hidden(factory=dict)
    timestamp: float | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class LogMetric:
    """A number that the agent's code logged.

    Attributes:
        name: Its name.
        value: The number.
        timestamp: Seconds from the start of the call.
        extra: Members that this version does not know.
    """

    name: str
    value: float
    timestamp: float | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class AgentTranscript:
    """A turn of a call, or something that was logged in it.

    Attributes:
        role: ``"user"``, ``"assistant"`` (the agent) or ``"system"`` (logs).
        start_timestamp: Seconds from the start of the call.
        end_timestamp: Likewise.
        text: What was said; no ``repr`` shows it.
        text_chunks: The same in pieces, with their times.
        tool_calls: The tools that were called in the turn.
        end_reason: Why the agent's turn ended: ``"call_ended"``, ``"interrupted"`` or
            ``"tts_completed"``.
        log_event: What the agent's code logged, for the role ``"system"``.
        log_metric: Likewise.
        tts_ttfb: The seconds until the agent's first audio.
        vad_buffer_ms: The milliseconds of audio that voice detection held back.
        extra: Members that this version does not know.
    """

    role: Role
    start_timestamp: float | None = None
    end_timestamp: float | None = None
    text: str | None = hidden(default=None)
    text_chunks: tuple[TextChunk, ...] | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    end_reason: EndReason | None = None
    log_event: LogEvent | None = None
    log_metric: LogMetric | None = None
    tts_ttfb: float | None = None
    vad_buffer_ms: int | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class AgentCall:
    """A call of an agent.

    Attributes:
        id: Its id.
        agent_id: The id of the agent.
        status: ``"active"``, ``"completed"``, ``"failed"`` or ``"cancelled"``.
        deployment_id: The id of the deployment, or None.
        start_time: A time (RFC 3339), or None.
        end_time: A time (RFC 3339), or None.
        error_message: Why it failed, or None.
        summary: What it was about, in the service's words; no ``repr`` shows it.
        telephony_params: Its two ends, for phone calls.
        transcript: What was said, if ``expand="transcript"``.
        extra: Members that this version does not know.
    """

    id: str
    agent_id: str
    status: CallStatus = ""
    deployment_id: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    error_message: str | None = None
    summary: str | None = hidden(default=None)
    telephony_params: TelephonyParams | None = None
    transcript: tuple[AgentTranscript, ...] | None = hidden(default=None)
    extra: Mapping[str, object] = extra()
