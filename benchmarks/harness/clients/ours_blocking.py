"""The blocking face of this package."""

from __future__ import annotations

from contextlib import ExitStack

from harness.clients.tasks import KEY, SETTINGS, BlockingClient, authority
from trio_cartesia.blocking import Cartesia, Connection, Context


class TrioCartesiaBlocking(BlockingClient):
    """This package, without tasks."""

    def connect(self, url: str, stack: ExitStack) -> Connection:
        """Open a client and a connection."""
        client = stack.enter_context(Cartesia(KEY, websocket_base_url=url, ssl_context=authority()))
        return stack.enter_context(client.tts.websocket_connect())

    def context(self, connection: Connection, name: str, stack: ExitStack) -> Context:
        """Open a context."""
        return stack.enter_context(connection.context(context_id=name, **SETTINGS))
