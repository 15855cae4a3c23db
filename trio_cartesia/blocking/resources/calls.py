"""`Calls` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.calls import Calls as AsyncCalls
from trio_cartesia._protocol.rest.calls import AgentCall
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.resources.audio_response import AudioResponse
from trio_cartesia.blocking.resources.listing import Listing
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["Calls"]


@no_public_constructor("client.agents.calls")
@attrs.define(eq=False, init=False, repr=False)
class Calls(Wrapper[AsyncCalls]):
    """Calls of agents (protocol §5.8); each method raises as `Cartesia.request`."""

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
        return create(
            Listing,
            self._portal,
            self._portal.run_sync(
                self._inner.list,
                agent_id=agent_id,
                expand=expand,
                limit=limit,
                starting_after=starting_after,
                ending_before=ending_before,
                **options,
            ),
        )

    def retrieve(self, call_id: str, **options: Unpack[RequestOptions]) -> AgentCall:
        """Return a call (protocol §5.8).

        Args:
            call_id: The id of the call.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.retrieve, call_id, **options)

    def download_audio(
        self, call_id: str, **options: Unpack[RequestOptions]
    ) -> Manager[AudioResponse]:
        """Receive the recording of a call, as WAV, in the block (protocol §5.8).

        Args:
            call_id: The id of the call.
            **options: See `RequestOptions`.
        """
        return Block(self._portal, self._inner.download_audio(call_id, **options), AudioResponse)
