"""`Agents` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.agents import Agents as AsyncAgents
from trio_cartesia._protocol.rest.agents import (
    AgentList,
    AgentPhoneNumber,
    AgentSummary,
    AgentTemplateList,
)
from trio_cartesia.blocking.resources.calls import Calls
from trio_cartesia.blocking.resources.deployments import Deployments
from trio_cartesia.blocking.resources.metrics import Metrics
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["Agents"]


@no_public_constructor("client.agents")
@attrs.define(eq=False, init=False, repr=False)
class Agents(Wrapper[AsyncAgents]):
    """Agents (protocol §5.7); each method raises as `Cartesia.request`."""

    @property
    def calls(self) -> Calls:
        """The calls of agents."""
        return create(Calls, self._portal, self._inner.calls)

    @property
    def deployments(self) -> Deployments:
        """The deployments of agents."""
        return create(Deployments, self._portal, self._inner.deployments)

    @property
    def metrics(self) -> Metrics:
        """Metrics of calls."""
        return create(Metrics, self._portal, self._inner.metrics)

    def list(self, **options: Unpack[RequestOptions]) -> AgentList:
        """Return the agents of the account (protocol §5.7).

        Args:
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.list, **options)

    def retrieve(self, agent_id: str, **options: Unpack[RequestOptions]) -> AgentSummary:
        """Return an agent (protocol §5.7).

        Args:
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.retrieve, agent_id, **options)

    def update(
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
        return self._portal.run(
            self._inner.update,
            agent_id,
            name=name,
            description=description,
            tts_voice=tts_voice,
            tts_language=tts_language,
            **options,
        )

    def delete(self, agent_id: str, **options: Unpack[RequestOptions]) -> None:
        """Delete an agent (protocol §5.7).

        Args:
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """
        self._portal.run(self._inner.delete, agent_id, **options)

    def list_templates(self, **options: Unpack[RequestOptions]) -> AgentTemplateList:
        """Return the templates for agents (protocol §5.7).

        Args:
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.list_templates, **options)

    def list_phone_numbers(
        self, agent_id: str, **options: Unpack[RequestOptions]
    ) -> tuple[AgentPhoneNumber, ...]:
        """Return the phone numbers of an agent (protocol §5.7).

        Args:
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.list_phone_numbers, agent_id, **options)
