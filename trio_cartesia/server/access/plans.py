"""Plans, and the concurrency limits of accounts (protocol §1.8).

A plan limits the active contexts and the open WebSockets of an account. The service refuses one
more with 429; the other contexts of the account continue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from weakref import WeakValueDictionary

import attrs
from attrs.validators import ge

from trio_cartesia._protocol.base.plans import PLAN_CONTEXTS, SOCKETS_PER_CONTEXT
from trio_cartesia.server.messages.errors import APIError, ErrorBody

__all__ = ["PLANS", "Account", "Accounts", "Plan", "find_plan"]


@attrs.frozen(kw_only=True)
class Plan:
    """The limits of an account.

    Attributes:
        name: One of `PLANS`, or your own.
        tts_concurrency: The number of contexts that may be active at once, over all connections;
            ten times as many WebSockets may be open.
        stt_concurrency: The number of speech-to-text streams that may be open at once.
    """

    name: str
    tts_concurrency: int = attrs.field(validator=ge(1))
    stt_concurrency: int = attrs.field(validator=ge(1))

    @property
    def tts_sockets(self) -> int:
        """The number of WebSockets for text-to-speech that may be open at once."""
        return SOCKETS_PER_CONTEXT * self.tts_concurrency


PLANS: Final = {
    plan.name: plan
    for plan in (
        Plan(name="free", tts_concurrency=PLAN_CONTEXTS["free"], stt_concurrency=8),
        Plan(name="pro", tts_concurrency=PLAN_CONTEXTS["pro"], stt_concurrency=12),
        Plan(name="startup", tts_concurrency=PLAN_CONTEXTS["startup"], stt_concurrency=20),
        Plan(name="scale", tts_concurrency=PLAN_CONTEXTS["scale"], stt_concurrency=60),
        # protocol §1.8 has "custom" here; the numbers are our own
        Plan(name="enterprise", tts_concurrency=1000, stt_concurrency=4000),
    )
}


def find_plan(plan: Plan | str) -> Plan:
    """Return the plan of that name, or the plan itself.

    Raises:
        ValueError: None of `PLANS` has that name.
    """
    if isinstance(plan, Plan):
        return plan
    if plan not in PLANS:
        raise ValueError(f"no plan is called {plan!r}; there are {', '.join(PLANS)}")
    return PLANS[plan]


TOO_MANY_CONTEXTS: Final = ErrorBody(
    status=429,
    title="Concurrency limit reached",
    message="The plan allows no more contexts at once. Wait until one has ended.",
    code="concurrency_limited",
)
TOO_MANY_SOCKETS: Final = ErrorBody(
    status=429,
    title="Too many connections",
    message="The plan allows no more WebSockets at once. Close one first.",
    code="concurrency_limited",
)


TOO_MANY_STREAMS: Final = ErrorBody(
    status=429,
    title="Concurrency limit reached",
    message="The plan allows no more speech-to-text streams at once. Close one first.",
    code="concurrency_limited",
)


@attrs.define(eq=False)
class Account:
    """An account: its plan, and its current usage.

    Attributes:
        plan: The limits of the account.
        id: An id from which its key cannot be computed.
        contexts: The number of active contexts.
        sockets: The number of open WebSockets for text-to-speech.
        streams: The number of open WebSockets and requests of speech-to-text.
    """

    plan: Plan
    id: str = ""
    contexts: int = attrs.field(default=0, init=False)
    sockets: int = attrs.field(default=0, init=False)
    streams: int = attrs.field(default=0, init=False)

    @property
    def owner_id(self) -> str:
        """The id of the account in resources."""
        return f"user_{self.id[:24] or 'local'}"

    @contextmanager
    def context_slot(self) -> Iterator[None]:
        """Count one more active context for as long as the block lasts.

        Raises:
            APIError: The plan allows no more.
        """
        self.acquire_context()
        try:
            yield
        finally:
            self.release_context()

    def acquire_context(self) -> None:
        """Count one more active context until `release_context`.

        Raises:
            APIError: The plan allows no more.
        """
        if self.contexts >= self.plan.tts_concurrency:
            raise APIError(TOO_MANY_CONTEXTS)
        self.contexts += 1

    def release_context(self) -> None:
        """Count one active context less."""
        self.contexts -= 1

    @contextmanager
    def socket_slot(self) -> Iterator[None]:
        """Count one more open WebSocket for as long as the block lasts.

        Raises:
            APIError: The plan allows no more.
        """
        if self.sockets >= self.plan.tts_sockets:
            raise APIError(TOO_MANY_SOCKETS)
        self.sockets += 1
        try:
            yield
        finally:
            self.sockets -= 1

    @contextmanager
    def stream_slot(self) -> Iterator[None]:
        """Count one more speech-to-text stream for as long as the block lasts (protocol §1.8).

        Raises:
            APIError: The plan allows no more.
        """
        if self.streams >= self.plan.stt_concurrency:
            raise APIError(TOO_MANY_STREAMS)
        self.streams += 1
        try:
            yield
        finally:
            self.streams -= 1


@attrs.define(eq=False, repr=False)
class Accounts:
    """The accounts in use.

    A request that is served refers to its account. An account without such references has nothing
    open and is dropped, so there are never more accounts than connections.
    """

    _plan: Plan
    _plans: Mapping[str, Plan]
    _live: WeakValueDictionary[str, Account] = attrs.field(factory=WeakValueDictionary, init=False)

    def __len__(self) -> int:
        return len(self._live)

    def of(self, account_id: str) -> Account:
        """Return the account with that id, with its own plan or the default plan."""
        account = self._live.get(account_id)
        if account is None:
            account = Account(self._plans.get(account_id, self._plan), account_id)
            self._live[account_id] = account
        return account
