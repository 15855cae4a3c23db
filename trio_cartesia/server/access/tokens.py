"""Access tokens: JSON Web Tokens that this service signs and verifies (HS256, protocol §1.3).

The secret belongs to the service and is new with every start, so tokens end with the service that
issued them.
"""

from __future__ import annotations

import base64
import hmac
import json
import math
import secrets
import time
from collections.abc import Collection
from typing import Any, Final, Literal

import attrs
import trio

__all__ = ["GRANTS", "Claims", "Grant", "Tokens", "WallClock"]

Grant = Literal["tts", "stt", "agent"]

GRANTS: Final[tuple[Grant, ...]] = ("tts", "stt", "agent")
HEADER: Final = {"alg": "HS256", "typ": "JWT"}
SECRET_BYTES: Final = 32


@attrs.frozen(kw_only=True)
class Claims:
    """The claims of a valid token.

    Attributes:
        account: The id of the account whose key requested it.
        grants: The kinds of endpoints that it allows.
        is_expired: Whether it has expired.
    """

    account: str
    grants: frozenset[Grant]
    is_expired: bool


def _wall_clock_lead() -> float:
    return time.time() - time.perf_counter()


@attrs.define(eq=False)
class WallClock:
    """Trio's clock in seconds since 1970, so that a virtual clock moves expiry times, too.

    It starts at a full second, so that virtual times stay exact. Whole seconds by which the
    machine's clock jumps later, after a suspend or when it is set, are added.
    """

    _offset: float = attrs.field(
        factory=lambda: math.floor(time.time()) - trio.current_time(), init=False
    )
    _lead: float = attrs.field(factory=_wall_clock_lead, init=False)

    def now(self) -> float:
        """Return the seconds since 1970."""
        return trio.current_time() + self._offset + round(_wall_clock_lead() - self._lead)


@attrs.define(eq=False, repr=False)
class Tokens:
    """Signs and verifies the tokens of one service, and derives the ids of accounts."""

    _id_secret: bytes = attrs.field(factory=lambda: secrets.token_bytes(SECRET_BYTES))
    _secret: bytes = attrs.field(factory=lambda: secrets.token_bytes(SECRET_BYTES), init=False)
    _clock: WallClock = attrs.field(factory=WallClock, init=False)

    def account_id(self, credential: bytes) -> str:
        """Return the id of the account with *credential*, from which it cannot be computed."""
        return hmac.digest(self._id_secret, credential, "sha256").hex()

    def sign(self, *, account: str, grants: Collection[Grant], seconds: int) -> str:
        """Return a token that expires after *seconds*, or within the second that follows."""
        now = self._clock.now()
        claims = {
            "iat": math.floor(now),
            "exp": math.ceil(now + seconds),
            "sub": account,
            "grants": {grant: grant in grants for grant in GRANTS},
        }
        signed = f"{_encode(HEADER)}.{_encode(claims)}"
        return f"{signed}.{self._signature(signed.encode()).decode()}"

    def read(self, token: bytes) -> Claims | None:
        """Return the claims of *token*; None if this service has not signed it."""
        signed, _, signature = token.rpartition(b".")
        if not hmac.compare_digest(signature, self._signature(signed)):
            return None
        # The service signed these very bytes, so their structure needs no checks.
        payload = signed.partition(b".")[2]
        claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
        return Claims(
            account=claims["sub"],
            grants=frozenset(grant for grant in GRANTS if claims["grants"][grant]),
            is_expired=self._clock.now() >= claims["exp"],
        )

    def _signature(self, signed: bytes) -> bytes:
        return _base64(hmac.digest(self._secret, signed, "sha256"))


def _encode(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode()).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
