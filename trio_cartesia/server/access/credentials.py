"""
Who may come in, and for what (protocol §1.3). Keys are compared here and go nowhere else.

Of several credentials one counts: the first of ``Authorization: Bearer``, ``X-API-Key``,
``api_key`` and ``access_token`` that is not empty. A wrong one is not made good by another. Keys do
not pass as ``access_token``, nor tokens as ``X-API-Key`` or ``api_key``; a bearer may have either.

A service without keys of its own lets everybody in, with any credential or none. It still refuses
what can only be a mistake: a token of its own that has expired or lacks the grant, and an admin key
where none belongs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal

import attrs

from trio_cartesia.server.access.plans import Account, Accounts, Plan, find_plan
from trio_cartesia.server.access.tokens import Claims, Grant, Tokens
from trio_cartesia.server.messages.errors import Refusal, Refused
from trio_cartesia.server.net.requests import Request

__all__ = ["Credentials", "Grant", "Identity", "Need"]

Need = Grant | Literal["admin"] | None  # None: an API key, which no token stands in for

ADMIN: Final = b"sk_car_admin_"
ANONYMOUS: Final = ""  # the id of the account of all who say nothing


def _unauthorized(message: str) -> Refusal:
    return Refusal(status=401, title="Unauthorized", message=message)


def _forbidden(message: str) -> Refusal:
    return Refusal(status=403, title="Forbidden", message=message)


MISSING: Final = _unauthorized("There is no API key and no access token.")
UNKNOWN: Final = _unauthorized("The API key or access token is not known.")
EXPIRED: Final = _unauthorized("The access token has expired.")
KEY_REQUIRED: Final = _forbidden("An access token is not enough here: an API key is needed.")
ADMIN_REQUIRED: Final = _forbidden("An admin key is needed here.")
ADMIN_REFUSED: Final = _forbidden("An admin key is for the organisation alone: use an API key.")


@attrs.frozen(kw_only=True)
class Credential:
    """
    The credential that counts.

    Attributes:
        secret: As the bytes that were sent.
        may_be: What it passes as where it stands.
    """

    secret: bytes = attrs.field(repr=False)
    may_be: Literal["key", "token", "either"]


def find_credential(request: Request) -> Credential | None:
    """
    Return the credential of *request* that counts; None if it has none.
    """
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (bearer := bearer.strip()):
        return Credential(secret=bearer.encode("latin-1"), may_be="either")
    if key := request.headers.get("x-api-key"):
        return Credential(secret=key.encode("latin-1"), may_be="key")
    for name in ("api_key", "access_token"):
        if secret := next(filter(None, request.query.get(name, ())), ""):
            kind: Literal["key", "token"] = "key" if name == "api_key" else "token"
            return Credential(secret=_bytes(secret), may_be=kind)
    return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@attrs.frozen(kw_only=True)
class Identity:
    """
    Who asks.

    Attributes:
        account: Whose limits apply. Hold it for as long as something of it is open.
    """

    account: Account


@attrs.define(eq=False, repr=False)
class Credentials:
    """
    The keys that are accepted, those of a collection or any and none at all, and the tokens.

    Attributes:
        tokens: Signs tokens, and knows them again.
        accounts: Those that do something now.
    """

    tokens: Tokens
    accounts: Accounts
    _known: Collection[str] | None

    @classmethod
    def of(
        cls, api_keys: Collection[str] | Mapping[str, Plan | str] | None, plan: Plan | str
    ) -> Credentials:
        """
        Accept one of *api_keys*; with None, accept everybody. Call it in a Trio run.

        Args:
            api_keys: Each is an account of its own. A mapping tells the plan of each.
            plan: Of the accounts whose plan is not told.

        Raises:
            TypeError: The keys are one string, or not strings.
            ValueError: There is no such plan, or a key is empty.
        """
        if isinstance(api_keys, (str, bytes)):
            raise TypeError("api_keys is a collection of keys, not one key")
        tokens, default = Tokens(), find_plan(plan)
        plans = api_keys if isinstance(api_keys, Mapping) else dict.fromkeys(api_keys or (), plan)
        known: dict[str, Plan] = {}
        for key, its_plan in plans.items():
            if not isinstance(key, str):
                raise TypeError("api_keys holds what is not a string")
            if not key:
                raise ValueError("api_keys holds an empty key")
            known[tokens.account_id(_bytes(key))] = find_plan(its_plan)
        return cls(tokens, Accounts(default, known), None if api_keys is None else frozenset(known))

    @property
    def are_required(self) -> bool:
        """
        Whether nobody comes in without a key.
        """
        return self._known is not None

    def identify(self, request: Request, need: Need) -> Identity:
        """
        Return who sent *request*.

        Args:
            request: With its credentials, wherever they stand.
            need: What the credential must allow; None if only an API key will do.

        Raises:
            Refused: With 401 if the credential is missing or unknown, with 403 if it does not
                allow this.
        """
        credential = find_credential(request)
        if credential is None:
            if self._known is not None:
                raise Refused(MISSING)
            return Identity(account=self.accounts.of(ANONYMOUS))
        claims = self.tokens.read(credential.secret)
        if claims is None:
            return Identity(account=self.accounts.of(self._check_key(credential, need)))
        if credential.may_be == "key":
            raise Refused(UNKNOWN)
        _check_token(claims, need)
        return Identity(account=self.accounts.of(claims.account))

    def _check_key(self, credential: Credential, need: Need) -> str:
        """
        Return the id of the account that has this key.
        """
        # The id is a keyed digest: how long a look-up takes tells nothing about the keys.
        account_id = self.tokens.account_id(credential.secret)
        if self._known is not None and (
            credential.may_be == "token" or account_id not in self._known
        ):
            raise Refused(UNKNOWN)
        if credential.secret.startswith(ADMIN) != (need == "admin"):
            raise Refused(ADMIN_REQUIRED if need == "admin" else ADMIN_REFUSED)
        return account_id


def _check_token(claims: Claims, need: Need) -> None:
    if claims.is_expired:
        raise Refused(EXPIRED)
    if need is None:
        raise Refused(KEY_REQUIRED)
    if need == "admin":
        raise Refused(ADMIN_REQUIRED)
    if need not in claims.grants:
        raise Refused(_forbidden(f"The access token does not have the grant {need!r}."))
