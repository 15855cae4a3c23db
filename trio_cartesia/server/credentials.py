"""
Who may come in. Keys are compared here and go nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterator
from typing import Final, Literal

import attrs

from .accounts import Account, Plan
from .http import Request
from .refusals import Refusal, Refused

Grant = Literal["tts", "stt", "agent"]

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


@attrs.frozen(kw_only=True, repr=False)
class Identity:
    """
    Who asks.

    Attributes:
        account: Whose limits apply.
    """

    account: Account


@attrs.define(eq=False, repr=False)
class Credentials:
    """
    The keys that are accepted: those of a collection, or any and none at all.
    """

    _digests: tuple[bytes, ...] | None
    _plan: Plan
    _accounts: dict[bytes, Account] = attrs.field(factory=dict, init=False)

    @classmethod
    def of(cls, api_keys: Collection[str] | None, plan: Plan) -> Credentials:
        """
        Accept one of *api_keys*; with None, accept everybody.
        """
        if isinstance(api_keys, str):
            raise TypeError("api_keys is a collection of keys, not one key")
        return cls(None if api_keys is None else tuple(map(_digest, api_keys)), plan)

    def identify(self, request: Request, grant: Grant | None) -> Identity:
        """
        Return who sent *request*.

        Args:
            request: With its credentials, wherever they stand.
            grant: What an access token must allow; None if only an API key will do.

        Raises:
            Refused: With 401 if the credential is missing or unknown, with 403 if it does not
                allow this.
        """
        offers = [_digest(credential) for credential in presented(request)]
        if self._digests is None:
            return Identity(account=self._account(offers[0] if offers else b""))
        # A list, for next() would stop early and so tell how far it came.
        matches = [a for a in offers for b in self._digests if hmac.compare_digest(a, b)]
        if not matches:
            raise Refused(UNAUTHORIZED)
        return Identity(account=self._account(matches[0]))

    def _account(self, digest: bytes) -> Account:
        return self._accounts.setdefault(digest, Account(self._plan))
