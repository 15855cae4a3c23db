"""`Metrics` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.metrics import Metrics as AsyncMetrics
from trio_cartesia._protocol.rest.metrics import Metric
from trio_cartesia.blocking.resources.listing import Listing
from trio_cartesia.blocking.resources.metric_results import MetricResults
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["Metrics"]


@no_public_constructor("client.agents.metrics")
@attrs.define(eq=False, init=False, repr=False)
class Metrics(Wrapper[AsyncMetrics]):
    """Metrics of calls (protocol §5.9); each method raises as `Cartesia.request`."""

    @property
    def results(self) -> MetricResults:
        """The results of metrics."""
        return create(MetricResults, self._portal, self._inner.results)

    def create(
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
        return self._portal.run(
            self._inner.create, name=name, prompt=prompt, display_name=display_name, **options
        )

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
        return create(
            Listing,
            self._portal,
            self._portal.run_sync(
                self._inner.list, limit=limit, starting_after=starting_after, **options
            ),
        )

    def retrieve(self, metric_id: str, **options: Unpack[RequestOptions]) -> Metric:
        """Return a metric (protocol §5.9).

        Args:
            metric_id: The id of the metric.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.retrieve, metric_id, **options)

    def add_to_agent(
        self, metric_id: str, *, agent_id: str, **options: Unpack[RequestOptions]
    ) -> None:
        """Apply a metric to the calls of an agent (protocol §5.9).

        Args:
            metric_id: The id of the metric.
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """
        self._portal.run(self._inner.add_to_agent, metric_id, agent_id=agent_id, **options)

    def remove_from_agent(
        self, metric_id: str, *, agent_id: str, **options: Unpack[RequestOptions]
    ) -> None:
        """Apply a metric to an agent no longer (protocol §5.9).

        Args:
            metric_id: The id of the metric.
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """
        self._portal.run(self._inner.remove_from_agent, metric_id, agent_id=agent_id, **options)
