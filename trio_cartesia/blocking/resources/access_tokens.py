"""`AccessTokens` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.account import AccessTokens as AsyncAccessTokens
from trio_cartesia._protocol.rest.account import AccessToken, Grants
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["AccessTokens"]


@no_public_constructor("client.access_token")
@attrs.define(eq=False, init=False, repr=False)
class AccessTokens(Wrapper[AsyncAccessTokens]):
    """Access tokens (protocol §1.3); each method raises as `Cartesia.request`."""

    def create(
        self,
        *,
        expires_in: int,
        grants: Grants | Mapping[str, bool] | None = None,
        **options: Unpack[RequestOptions],
    ) -> AccessToken:
        """Create a token for a client that is to have no key (protocol §1.3).

        Args:
            expires_in: The seconds after which it ends, 1 to 3600.
            grants: What it allows, as `Grants` or a mapping such as ``{"tts": True}``.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.create, expires_in=expires_in, grants=grants, **options)
