"""Credentials: API keys and access tokens (protocol §1.3).

If a request has several credentials, the service uses the first one that is not empty, in this
order: ``Authorization: Bearer``, ``X-API-Key``, ``api_key``, ``access_token``. A wrong credential
is not replaced by a later one. ``access_token`` accepts no keys, and ``X-API-Key`` and ``api_key``
accept no tokens; a bearer may be either.

A service without keys accepts any credential, or none. It still refuses credentials that can only
be a mistake: a token of its own that has expired or lacks the grant, and an admin key on an
endpoint that does not require one.

Keys are not stored: the id of an account is a keyed digest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal

import attrs

from trio_cartesia.server.access.plans import Account, Accounts, Plan, find_plan
from trio_cartesia.server.access.tokens import Claims, Grant, Tokens
from trio_cartesia.server.messages.errors import APIError, ErrorBody
from trio_cartesia.server.net.requests import Request

__all__ = ["Access", "Credentials", "Grant"]

# what an endpoint requires: a grant, which every API key has; an API key; or an admin key
Access = Grant | Literal["key", "admin"]

ADMIN: Final = b"sk_car_admin_"
ANONYMOUS: Final = ""  # the id of the account of all clients without a credential


def _unauthorized(message: str) -> ErrorBody:
    return ErrorBody(status=401, title="Unauthorized", message=message)


def _forbidden(message: str) -> ErrorBody:
    return ErrorBody(status=403, title="Forbidden", message=message)


MISSING: Final = _unauthorized("There is no API key and no access token.")
UNKNOWN: Final = _unauthorized("The API key or access token is not known.")
EXPIRED: Final = _unauthorized("The access token has expired.")
KEY_REQUIRED: Final = _forbidden("An access token is not enough here: an API key is needed.")
ADMIN_REQUIRED: Final = _forbidden("An admin key is needed here.")
ADMIN_REFUSED: Final = _forbidden("An admin key is for the organisation alone: use an API key.")


@attrs.frozen(kw_only=True)
class Credential:
    """The credential of a request.

    Attributes:
        secret: The bytes that were sent.
        may_be: The kinds of credentials that the place where it was found accepts.
    """

    secret: bytes = attrs.field(repr=False)
    may_be: Literal["key", "token", "either"]


def find_credential(request: Request) -> Credential | None:
    """Return the first credential of *request*; None if it has none."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (bearer := bearer.strip()):
        return Credential(secret=bearer.encode("latin-1"), may_be="either")
    if key := request.headers.get("x-api-key"):
        return Credential(secret=key.encode("latin-1"), may_be="key")
    for name in ("api_key", "access_token"):
        if secret := request.parameter(name):
            kind: Literal["key", "token"] = "key" if name == "api_key" else "token"
            return Credential(secret=_bytes(secret), may_be=kind)
    return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@attrs.define(eq=False, repr=False)
class Credentials:
    """The API keys that are accepted, the access tokens and the accounts.

    Attributes:
        tokens: Signs and verifies access tokens.
        accounts: The accounts in use.
    """

    tokens: Tokens
    accounts: Accounts
    _known: Collection[str] | None  # ids of accounts; None if every key is accepted

    @classmethod
    def of(
        cls,
        api_keys: Collection[str] | Mapping[str, Plan | str] | None,
        plan: Plan | str,
        *,
        secret: bytes | None = None,
    ) -> Credentials:
        """Accept any of *api_keys*; with None, any key and none. Call it in a Trio run.

        Args:
            api_keys: Each is an account of its own. A mapping has the plan of each.
            plan: The plan of all other accounts.
            secret: With the same one, a key has the same account; None makes a new one.

        Raises:
            TypeError: The keys are one string, or not strings.
            ValueError: There is no such plan, or a key is empty.
        """
        if isinstance(api_keys, (str, bytes)):
            raise TypeError("api_keys must be a collection of keys, not one key")
        tokens = Tokens() if secret is None else Tokens(secret)
        default = find_plan(plan)
        plans = api_keys if isinstance(api_keys, Mapping) else dict.fromkeys(api_keys or (), plan)
        known: dict[str, Plan] = {}
        for key, its_plan in plans.items():
            if not isinstance(key, str):
                raise TypeError("api_keys has a key that is not a string")
            if not key:
                raise ValueError("api_keys has an empty key")
            known[tokens.account_id(_bytes(key))] = find_plan(its_plan)
        return cls(tokens, Accounts(default, known), None if api_keys is None else frozenset(known))

    @property
    def are_required(self) -> bool:
        """True if requests without a known key are refused."""
        return self._known is not None

    def identify(self, request: Request, access: Access) -> Account:
        """Return the account of the client that sent *request*.

        Keep a reference to it for as long as anything counts against its limits.

        Args:
            request: The request; its credential is in a header or in the query.
            access: The credential that the endpoint requires.

        Raises:
            APIError: With 401 if the credential is missing or unknown, with 403 if it does not
                allow the request.
        """
        credential = find_credential(request)
        if credential is None:
            if self._known is not None:
                raise APIError(MISSING)
            return self.accounts.of(ANONYMOUS)
        claims = self.tokens.read(credential.secret)
        if claims is None:
            return self.accounts.of(self._account_of_key(credential, access))
        if credential.may_be == "key":
            raise APIError(UNKNOWN)
        _check_token(claims, access)
        return self.accounts.of(claims.account)

    def _account_of_key(self, credential: Credential, access: Access) -> str:
        """Return the id of the account that has this key."""
        # The id is a keyed digest, so the time of the look-up depends on no key.
        account_id = self.tokens.account_id(credential.secret)
        if self._known is not None and (
            credential.may_be == "token" or account_id not in self._known
        ):
            raise APIError(UNKNOWN)
        if credential.secret.startswith(ADMIN) != (access == "admin"):
            raise APIError(ADMIN_REQUIRED if access == "admin" else ADMIN_REFUSED)
        return account_id


def _check_token(claims: Claims, access: Access) -> None:
    if claims.is_expired:
        raise APIError(EXPIRED)
    if access == "key":
        raise APIError(KEY_REQUIRED)
    if access == "admin":
        raise APIError(ADMIN_REQUIRED)
    if access not in claims.grants:
        raise APIError(_forbidden(f"The access token does not have the grant {access!r}."))
