"""`UsageReports` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.account import UsageReports as AsyncUsageReports
from trio_cartesia._protocol.rest.account import Usage, UsageGroup, UsageInterval
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["UsageReports"]


@no_public_constructor("client.usage")
@attrs.define(eq=False, init=False, repr=False)
class UsageReports(Wrapper[AsyncUsageReports]):
    """Usage of credits (protocol §5.13); each method raises as `Cartesia.request`."""

    def credits(
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
        return self._portal.run(
            self._inner.credits,
            start_ts=start_ts,
            end_ts=end_ts,
            interval=interval,
            group_by=group_by,
            api_key_id=api_key_id,
            **options,
        )
