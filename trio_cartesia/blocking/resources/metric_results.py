"""`MetricResults` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.metrics import MetricResults as AsyncMetricResults
from trio_cartesia._protocol.rest.metrics import MetricResult
from trio_cartesia.blocking.resources.listing import Listing
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["MetricResults"]


@no_public_constructor("client.agents.metrics.results")
@attrs.define(eq=False, init=False, repr=False)
class MetricResults(Wrapper[AsyncMetricResults]):
    """The results of metrics (protocol §5.9); each method raises as `Cartesia.request`."""

    def list(
        self,
        *,
        agent_id: str | None = None,
        deployment_id: str | None = None,
        metric_id: str | None = None,
        call_id: str | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        limit: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Listing[MetricResult]:
        """List the results of metrics (protocol §5.9).

        Args:
            agent_id: Only those of this agent.
            deployment_id: Only those of this deployment.
            metric_id: Only those of this metric.
            call_id: Only those of this call.
            start_date: Only those from this time on (ISO 8601); a `datetime` needs a time zone.
            end_date: Only those up to this time (ISO 8601).
            limit: The most results a page, 1 to 100; the service's default is 10.
            starting_after: Begin behind the one with this id.
            ending_before: Go backwards from the one with this id.
            **options: See `RequestOptions`.
        """
        return create(
            Listing,
            self._portal,
            self._portal.run_sync(
                self._inner.list,
                agent_id=agent_id,
                deployment_id=deployment_id,
                metric_id=metric_id,
                call_id=call_id,
                start_date=start_date,
                end_date=end_date,
                limit=limit,
                starting_after=starting_after,
                ending_before=ending_before,
                **options,
            ),
        )

    def export(
        self,
        *,
        agent_id: str | None = None,
        deployment_id: str | None = None,
        metric_id: str | None = None,
        call_id: str | None = None,
        start_date: str | datetime | None = None,
        end_date: str | datetime | None = None,
        **options: Unpack[RequestOptions],
    ) -> str:
        """Return the results of metrics as CSV, 100,000 rows at most (protocol §5.9).

        Args:
            agent_id: Only those of this agent.
            deployment_id: Only those of this deployment.
            metric_id: Only those of this metric.
            call_id: Only those of this call.
            start_date: Only those from this time on (ISO 8601); a `datetime` needs a time zone.
            end_date: Only those up to this time (ISO 8601).
            **options: See `RequestOptions`.
        """
        return self._portal.run(
            self._inner.export,
            agent_id=agent_id,
            deployment_id=deployment_id,
            metric_id=metric_id,
            call_id=call_id,
            start_date=start_date,
            end_date=end_date,
            **options,
        )
