"""Metrics of agents, and their results (protocol §5.9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from trio_cartesia._protocol.rest.calls import AgentTranscript
from trio_cartesia._protocol.rest.records import extra, hidden, named

__all__ = ["Metric", "MetricResult", "MetricStatus"]

MetricStatus = Literal["completed", "failed"] | str


@attrs.frozen(kw_only=True)
class Metric:
    """A question that a model answers about calls.

    Attributes:
        id: Its id.
        name: Its unique name.
        prompt: What to judge, and how.
        display_name: Its name in the playground, or None.
        created_at: A time (RFC 3339).
        extra: Members that this version does not know.
    """

    id: str
    name: str
    prompt: str = ""
    display_name: str | None = None
    created_at: str | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class MetricResult:
    """The answer for one call. Its members are in camel case on the wire.

    Attributes:
        id: Its id.
        agent_id: The id of the agent.
        call_id: The id of the call.
        deployment_id: The id of the deployment.
        metric_id: The id of the metric.
        metric_name: The name of the metric.
        run_id: The id of the run, or None.
        status: ``"completed"`` or ``"failed"``.
        result: The answer as text; no ``repr`` shows it.
        json_result: The answer as an object, or None.
        value: The answer's value, of any type.
        summary: What the call was about; no ``repr`` shows it.
        transcript: What was said in the call, or None.
        created_at: A time (RFC 3339).
        extra: Members that this version does not know.
    """

    id: str
    agent_id: str = named("agentId", default="")
    call_id: str = named("callId", default="")
    deployment_id: str | None = named("deploymentId", default=None)
    metric_id: str = named("metricId", default="")
    metric_name: str = named("metricName", default="")
    run_id: str | None = named("runId", default=None)
    status: MetricStatus = ""
    result: str = hidden(default="")
    json_result: Mapping[str, object] | None = named("jsonResult", default=None, hash=False)
    value: object = hidden(default=None)
    summary: str | None = hidden(default=None)
    transcript: tuple[AgentTranscript, ...] | None = hidden(default=None)
    created_at: str | None = named("createdAt", default=None)
    extra: Mapping[str, object] = extra()
