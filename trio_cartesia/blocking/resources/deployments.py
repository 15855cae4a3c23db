"""`Deployments` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.agents import Deployments as AsyncDeployments
from trio_cartesia._protocol.rest.agents import Deployment
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["Deployments"]


@no_public_constructor("client.agents.deployments")
@attrs.define(eq=False, init=False, repr=False)
class Deployments(Wrapper[AsyncDeployments]):
    """Deployments of agents (protocol §5.7); each method raises as `Cartesia.request`."""

    def list(self, agent_id: str, **options: Unpack[RequestOptions]) -> tuple[Deployment, ...]:
        """Return the deployments of an agent (protocol §5.7).

        Args:
            agent_id: The id of the agent.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.list, agent_id, **options)

    def retrieve(self, deployment_id: str, **options: Unpack[RequestOptions]) -> Deployment:
        """Return a deployment (protocol §5.7).

        Args:
            deployment_id: The id of the deployment.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.retrieve, deployment_id, **options)
