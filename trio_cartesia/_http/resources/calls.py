"""``client.agents.calls``: calls, and their recordings."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.api import API
from trio_cartesia._http.endpoint import endpoint
from trio_cartesia._http.listing import Listing
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.responses import AudioResponse
from trio_cartesia._protocol.rest.calls import AgentCall
from trio_cartesia._runtime.managers import Manager

__all__ = ["Calls"]


@no_public_constructor("client.agents.calls")
@attrs.frozen(eq=False, init=False)
class Calls:
    """Calls of agents (protocol §5.8); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @endpoint("GET", "/agents/calls")
    def list(
        self,
        *,
        agent_id: str,
        expand: str | None = None,
        limit: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Listing[AgentCall]:
        """List the calls of an agent (protocol §5.8).

        Args:
            agent_id: The id of the agent.
            expand: ``"transcript"`` for what was said.
            limit: The most calls a page, 1 to 100; the service's default is 10.
            starting_after: Begin behind the one with this id.
            ending_before: Go backwards from the one with this id.
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/agents/calls/{call_id}")
    async def retrieve(self, call_id: str, **options: Unpack[RequestOptions]) -> AgentCall:
        """Return a call (protocol §5.8).

        Args:
            call_id: The id of the call.
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/agents/calls/{call_id}/audio")
    def download_audio(
        self, call_id: str, **options: Unpack[RequestOptions]
    ) -> Manager[AudioResponse]:
        """Receive the recording of a call, as WAV, in the block (protocol §5.8).

        Args:
            call_id: The id of the call.
            **options: See `RequestOptions`.
        """
