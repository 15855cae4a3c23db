"""``client.agents``: agents, and the deployments of their code."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.api import API
from trio_cartesia._http.endpoint import endpoint
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.calls import Calls
from trio_cartesia._http.resources.metrics import Metrics
from trio_cartesia._protocol.rest.agents import (
    AgentList,
    AgentPhoneNumber,
    AgentSummary,
    AgentTemplateList,
    Deployment,
)

__all__ = ["Agents", "Deployments"]


@no_public_constructor("client.agents")
@attrs.frozen(eq=False, init=False)
class Agents:
    """Agents (protocol §5.7); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @property
    def calls(self) -> Calls:
        """The calls of agents."""
        return create(Calls, self._api)

    @property
    def deployments(self) -> Deployments:
        """The deployments of agents."""
        return create(Deployments, self._api)

    @property
    def metrics(self) -> Metrics:
        """Metrics of calls."""
        return create(Metrics, self._api)

    @endpoint("GET", "/agents")
    async def list(self, **options: Unpack[RequestOptions]) -> AgentList:
        """Return the agents of the account (protocol §5.7).

        Args:
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/agents/{agent_id}")
    async def retrieve(self, agent_id: str, **options: Unpack[RequestOptions]) -> AgentSummary:
        """Return an agent (protocol §5.7).

        Args:
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """

    @endpoint("PATCH", "/agents/{agent_id}")
    async def update(
        self,
        agent_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        tts_voice: str | None = None,
        tts_language: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> AgentSummary:
        """Change an agent, and return it (protocol §5.7).

        Args:
            agent_id: The id of the agent.
            name: Its new name.
            description: Its new description.
            tts_voice: The id of its new voice.
            tts_language: The language that it speaks.
            **options: See `RequestOptions`.
        """

    @endpoint("DELETE", "/agents/{agent_id}")
    async def delete(self, agent_id: str, **options: Unpack[RequestOptions]) -> None:
        """Delete an agent (protocol §5.7).

        Args:
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/agents/templates")
    async def list_templates(self, **options: Unpack[RequestOptions]) -> AgentTemplateList:
        """Return the templates for agents (protocol §5.7).

        Args:
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/agents/{agent_id}/phone-numbers")
    async def list_phone_numbers(
        self, agent_id: str, **options: Unpack[RequestOptions]
    ) -> tuple[AgentPhoneNumber, ...]:
        """Return the phone numbers of an agent (protocol §5.7).

        Args:
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """


@no_public_constructor("client.agents.deployments")
@attrs.frozen(eq=False, init=False)
class Deployments:
    """Deployments of agents (protocol §5.7); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @endpoint("GET", "/agents/{agent_id}/deployments")
    async def list(
        self, agent_id: str, **options: Unpack[RequestOptions]
    ) -> tuple[Deployment, ...]:
        """Return the deployments of an agent (protocol §5.7).

        Args:
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/agents/deployments/{deployment_id}")
    async def retrieve(self, deployment_id: str, **options: Unpack[RequestOptions]) -> Deployment:
        """Return a deployment (protocol §5.7).

        Args:
            deployment_id: The id of the deployment.
            **options: See `RequestOptions`.
        """
