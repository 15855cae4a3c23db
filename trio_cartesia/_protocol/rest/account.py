"""The service's status, access tokens and usage (protocol §5.1, §5.13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from trio_cartesia._protocol.rest.records import extra, hidden

__all__ = ["AccessToken", "Grants", "Status", "Usage", "UsageBucket", "UsageGroup", "UsageInterval"]

UsageInterval = Literal["day", "week", "month"] | str
UsageGroup = Literal["capability", "model", "voice", "api_key"] | str


@attrs.frozen(kw_only=True)
class Status:
    """The status of the service.

    Attributes:
        ok: Whether it is up.
        version: Its default API version.
        extra: Members that this version does not know.
    """

    ok: bool
    version: str = ""
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class Grants:
    """What an access token allows (protocol §1.3); None is not sent.

    Attributes:
        tts: Text to speech.
        stt: Speech to text.
        agent: Calls with agents.
        extra: Members that this version does not know.
    """

    tts: bool | None = None
    stt: bool | None = None
    agent: bool | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class AccessToken:
    """A token that a client without a key may use.

    Attributes:
        token: The token; no ``repr`` shows it.
        extra: Members that this version does not know.
    """

    token: str = hidden()
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class UsageBucket:
    """The credits of a span of time.

    Attributes:
        start_ts: Its start (RFC 3339).
        end_ts: Its end (RFC 3339).
        credits: The credits that were used.
        extra: Members that this version does not know; with ``group_by``, it has the group.
    """

    start_ts: str
    end_ts: str
    credits: float
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class Usage:
    """The credits that were used.

    Attributes:
        data: By time, and by group if one was requested.
        extra: Members that this version does not know.
    """

    data: tuple[UsageBucket, ...] = ()
    extra: Mapping[str, object] = extra()
