"""``POST /access-token``: short-lived tokens for clients that must not have an API key."""

from __future__ import annotations

from typing import Final

from trio_cartesia.server.access.tokens import GRANTS
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.fields import Fields, read_body

__all__ = ["create_token"]

MAX_SECONDS: Final = 3600  # protocol §1.3
DEFAULT_SECONDS: Final = 60  # the real default is unknown (protocol §7.3 R12)


async def create_token(exchange: Exchange) -> None:
    """Respond with a token for the requested grants and time (protocol §1.3).

    Without grants the token allows nothing; without a time it is valid for a minute.

    Raises:
        APIError: A field is not valid.
    """
    fields = Fields(read_body(exchange.request.body))
    grants = fields.inner("grants")
    requested = [grant for grant in GRANTS if grants.flag(grant)]
    seconds = fields.integer("expires_in", low=1, high=MAX_SECONDS, default=DEFAULT_SECONDS)
    tokens = exchange.state.credentials.tokens
    token = tokens.sign(account=exchange.account.id, grants=requested, seconds=seconds)
    await exchange.respond_json({"token": token})
