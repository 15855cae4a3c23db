"""``client.agents.metrics``: questions about calls, and their answers."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.api import API
from trio_cartesia._http.endpoint import endpoint
from trio_cartesia._http.listing import Listing
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._protocol.rest.metrics import Metric, MetricResult

__all__ = ["MetricResults", "Metrics"]


@no_public_constructor("client.agents.metrics")
@attrs.frozen(eq=False, init=False)
class Metrics:
    """Metrics of calls (protocol §5.9); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @property
    def results(self) -> MetricResults:
        """The results of metrics."""
        return create(MetricResults, self._api)

    @endpoint("POST", "/agents/metrics")
    async def create(
        self,
        *,
        name: str,
        prompt: str,
        display_name: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Metric:
        """Create a metric (protocol §5.9).

        Args:
            name: Its unique name: lower case letters, digits, ``_``, ``-`` and ``.``.
            prompt: What to judge, and how.
            display_name: Its name in the playground.
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/agents/metrics")
    def list(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Listing[Metric]:
        """List the metrics of the account (protocol §5.9).

        Args:
            limit: The most metrics a page, 1 to 100; the service's default is 10.
            starting_after: Begin behind the one with this id.
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/agents/metrics/{metric_id}")
    async def retrieve(self, metric_id: str, **options: Unpack[RequestOptions]) -> Metric:
        """Return a metric (protocol §5.9).

        Args:
            metric_id: The id of the metric.
            **options: See `RequestOptions`.
        """

    @endpoint("POST", "/agents/{agent_id}/metrics/{metric_id}")
    async def add_to_agent(
        self, metric_id: str, *, agent_id: str, **options: Unpack[RequestOptions]
    ) -> None:
        """Apply a metric to the calls of an agent (protocol §5.9).

        Args:
            metric_id: The id of the metric.
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """

    @endpoint("DELETE", "/agents/{agent_id}/metrics/{metric_id}")
    async def remove_from_agent(
        self, metric_id: str, *, agent_id: str, **options: Unpack[RequestOptions]
    ) -> None:
        """Apply a metric to an agent no longer (protocol §5.9).

        Args:
            metric_id: The id of the metric.
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """


@no_public_constructor("client.agents.metrics.results")
@attrs.frozen(eq=False, init=False)
class MetricResults:
    """The results of metrics (protocol §5.9); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @endpoint("GET", "/agents/metrics/results")
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

    @endpoint("GET", "/agents/metrics/results/export")
    async def export(
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
