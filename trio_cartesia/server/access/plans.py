"""
How much an account may do at once (protocol §1.8).

Contexts that are active count, and so does every open socket. Whoever would exceed the plan is
refused with 429, and nothing of the account's other work is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from weakref import WeakValueDictionary

import attrs
from attrs.validators import ge

from trio_cartesia.server.messages.errors import Refusal, Refused

__all__ = ["PLANS", "Account", "Accounts", "Plan", "find_plan"]

SOCKETS_PER_CONTEXT: Final = 10


@attrs.frozen(kw_only=True)
class Plan:
    """
    What an account has paid for.

    Attributes:
        name: One of `PLANS`, or your own.
        tts_concurrency: How many contexts may be active at once, over all connections; ten times
            as many WebSockets may be open.
        stt_concurrency: How many streams of audio may be open at once.
    """

    name: str
    tts_concurrency: int = attrs.field(validator=ge(1))
    stt_concurrency: int = attrs.field(validator=ge(1))

    @property
    def tts_sockets(self) -> int:
        """
        How many WebSockets for speaking may be open at once.
        """
        return SOCKETS_PER_CONTEXT * self.tts_concurrency


PLANS: Final = {
    plan.name: plan
    for plan in (
        Plan(name="free", tts_concurrency=2, stt_concurrency=8),
        Plan(name="pro", tts_concurrency=3, stt_concurrency=12),
        Plan(name="startup", tts_concurrency=5, stt_concurrency=20),
        Plan(name="scale", tts_concurrency=15, stt_concurrency=60),
        Plan(name="enterprise", tts_concurrency=1000, stt_concurrency=4000),  # "custom": ours
    )
}


def find_plan(plan: Plan | str) -> Plan:
    """
    Return the plan of that name, or the plan itself.

    Raises:
        ValueError: None of `PLANS` has that name.
    """
    if isinstance(plan, Plan):
        return plan
    if plan not in PLANS:
        raise ValueError(f"no plan is called {plan!r}; there are {', '.join(PLANS)}")
    return PLANS[plan]


TOO_MANY_CONTEXTS: Final = Refusal(
    status=429,
    title="Concurrency limit reached",
    message="The plan allows no more contexts at once. Wait until one has ended.",
    code="concurrency_limited",
)
TOO_MANY_SOCKETS: Final = Refusal(
    status=429,
    title="Too many connections",
    message="The plan allows no more WebSockets at once. Close one first.",
    code="concurrency_limited",
)


@attrs.define(eq=False)
class Account:
    """
    One customer: what the plan allows, and what is in use.

    Attributes:
        plan: What it may do.
        id: A name for it, from which its key cannot be told.
        contexts: How many contexts are active now.
        sockets: How many WebSockets are open now.
    """

    plan: Plan
    id: str = ""
    contexts: int = attrs.field(default=0, init=False)
    sockets: int = attrs.field(default=0, init=False)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """
        Count one more active context for as long as the block lasts.

        Raises:
            Refused: The plan allows no more.
        """
        self.claim()
        try:
            yield
        finally:
            self.release()

    def claim(self) -> None:
        """
        Count one more active context until `release`.

        Raises:
            Refused: The plan allows no more.
        """
        if self.contexts >= self.plan.tts_concurrency:
            raise Refused(TOO_MANY_CONTEXTS)
        self.contexts += 1

    def release(self) -> None:
        """
        Count one active context less.
        """
        self.contexts -= 1

    @contextmanager
    def connected(self) -> Iterator[None]:
        """
        Count one more WebSocket for as long as the block lasts.

        Raises:
            Refused: The plan allows no more.
        """
        if self.sockets >= self.plan.tts_sockets:
            raise Refused(TOO_MANY_SOCKETS)
        self.sockets += 1
        try:
            yield
        finally:
            self.sockets -= 1


@attrs.define(eq=False, repr=False)
class Accounts:
    """
    The accounts that do something now.

    Whoever serves a request holds its account, and so does what is kept for it. An account that
    nobody holds has nothing open and is forgotten: there are never more of them than there are
    connections and stored files.
    """

    _plan: Plan
    _plans: Mapping[str, Plan]
    _live: WeakValueDictionary[str, Account] = attrs.field(factory=WeakValueDictionary, init=False)

    def __len__(self) -> int:
        return len(self._live)

    def of(self, account_id: str) -> Account:
        """
        Return the account of that id, which has a plan of its own or the plan of all others.
        """
        account = self._live.get(account_id)
        if account is None:
            account = Account(self._plans.get(account_id, self._plan), account_id)
            self._live[account_id] = account
        return account
