"""Access tokens that are renewed before they end (protocol §1.3)."""

from __future__ import annotations

import base64
import inspect
import json
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import attrs
import trio

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base.credentials import Credential, Headers

__all__ = ["CreateToken", "TokenSource"]

CreateToken = Callable[[], Awaitable[str]]

RENEW_SECONDS: Final = 30.0  # before the end of a token; at most half of its time


@attrs.define(eq=False)
class TokenSource:
    """The token that requests are sent with now, from a function that makes new ones.

    The time that a token is valid for is read from the token itself, and counted on Trio's clock
    from the moment that it was made. A token without it is used until the service refuses it.
    """

    _create: CreateToken = attrs.field(repr=False)
    _credential: Credential | None = attrs.field(default=None, init=False)
    _renew_at: float = attrs.field(default=-math.inf, init=False)
    _lock: trio.Lock = attrs.field(factory=trio.Lock, init=False, repr=False)

    async def current(self) -> Credential:
        """Return a token that is valid, after making one if need be; one is made at a time.

        Raises:
            LocalProtocolError: The function returned no token.
        """
        async with self._lock:
            if self._credential is None or trio.current_time() >= self._renew_at:
                self._credential = None
                self._take(await self._made())
            assert self._credential is not None
            return self._credential

    def discard(self, refused: Headers) -> None:
        """Have the next request make a new token, unless *refused* have an older one."""
        current = self._credential
        if current is not None and ("Authorization", current.authorization) in refused:
            self._credential = None

    async def _made(self) -> object:
        making: object = self._create()
        if not inspect.isawaitable(making):
            raise LocalProtocolError("token must be a str, or an async function that returns one")
        return await making

    def _take(self, token: object) -> None:
        if not isinstance(token, str):
            raise LocalProtocolError(
                f"the function given as token must return a str, not {type(token).__name__}"
            )
        self._credential = Credential.choose(None, token)
        seconds = _valid_seconds(token)
        self._renew_at = trio.current_time() + seconds - min(RENEW_SECONDS, seconds / 2)


def _valid_seconds(token: str) -> float:
    """Return the time that a JSON Web Token is valid for; infinity if that cannot be read."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    with suppress(ValueError, TypeError, KeyError, OverflowError, RecursionError):
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        seconds = claims["exp"] - claims.get("iat", time.time())
        return max(float(seconds), 0.0) if math.isfinite(seconds) else math.inf
    return math.inf
