"""``client.access_token``, ``client.usage`` and ``client.get_status``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.api import API
from trio_cartesia._http.endpoint import endpoint
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._protocol.rest.account import (
    AccessToken,
    Grants,
    Usage,
    UsageGroup,
    UsageInterval,
)

__all__ = ["AccessTokens", "UsageReports"]


@no_public_constructor("client.access_token")
@attrs.frozen(eq=False, init=False)
class AccessTokens:
    """Access tokens (protocol §1.3); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @endpoint("POST", "/access-token")
    async def create(
        self,
        *,
        expires_in: int,
        grants: Grants | Mapping[str, bool] | None = None,
        **options: Unpack[RequestOptions],
    ) -> AccessToken:
        """Create a token for a client that is to have no key (protocol §1.3).

        Args:
            expires_in: The seconds after which it ends, 1 to 3600.
            grants: What it allows, as `Grants` or a mapping such as ``{"tts": True}``.
            **options: See `RequestOptions`.
        """


@no_public_constructor("client.usage")
@attrs.frozen(eq=False, init=False)
class UsageReports:
    """Usage of credits (protocol §5.13); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @endpoint("GET", "/usage/credits")
    async def credits(
        self,
        *,
        start_ts: str | datetime | None = None,
        end_ts: str | datetime | None = None,
        interval: UsageInterval | None = None,
        group_by: UsageGroup | None = None,
        api_key_id: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Usage:
        """Return the credits that were used; it needs an admin key (protocol §5.13).

        Args:
            start_ts: The start of the time, rounded to days in UTC; a `datetime` needs a time zone.
            end_ts: Its end, at most a year later; now if None.
            interval: ``"day"``, ``"week"`` or ``"month"``; one bucket for all if None.
            group_by: ``"capability"``, ``"model"``, ``"voice"`` or ``"api_key"``.
            api_key_id: Only those of this key.
            **options: See `RequestOptions`.
        """
