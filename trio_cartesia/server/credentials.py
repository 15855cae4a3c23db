"""
Who may come in. Keys are compared here and go nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterator
from typing import Final

import attrs

from .http import Request
from .refusals import Refusal

UNAUTHORIZED: Final = Refusal(
    status=401,
    title="Unauthorized",
    message="The API key or access token is missing or not known.",
)


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode("utf-8", "replace")).digest()


def presented(request: Request) -> Iterator[str]:
    """
    Yield every credential that *request* carries, wherever it may stand (protocol §1.3).
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        yield token.strip()
    if key := request.headers.get("x-api-key"):
        yield key
    for name in ("api_key", "access_token"):
        yield from filter(None, request.query.get(name, ()))


@attrs.frozen(repr=False)
class Credentials:
    """
    The keys that are accepted: those of a collection, or any and none at all.
    """

    _digests: tuple[bytes, ...] | None

    @classmethod
    def of(cls, api_keys: Collection[str] | None) -> Credentials:
        """
        Accept one of *api_keys*; with None, accept everybody.
        """
        if isinstance(api_keys, str):
            raise TypeError("api_keys is a collection of keys, not one key")
        return cls(None if api_keys is None else tuple(map(_digest, api_keys)))

    def accept(self, request: Request) -> bool:
        """
        Return whether *request* may be served.
        """
        if self._digests is None:
            return True
        offers = [_digest(credential) for credential in presented(request)]
        # A list, for all() and any() would stop early and so tell how far they came.
        matches = [hmac.compare_digest(a, b) for a in offers for b in self._digests]
        return any(matches)
