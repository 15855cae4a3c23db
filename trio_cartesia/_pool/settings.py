"""What a pool and its contexts are opened with."""

from __future__ import annotations

from typing import Final

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.plans import PLAN_CONTEXTS
from trio_cartesia._protocol.tts.settings import ContextSettings

__all__ = ["DEFAULT_CONNECTIONS", "Opening", "PoolSettings", "pool_settings"]

DEFAULT_CONNECTIONS: Final = 2


@attrs.frozen(kw_only=True)
class PoolSettings:
    """Checked settings of a pool.

    Attributes:
        max_contexts: Contexts that may be open at once.
        max_connections: Connections that carry them.
        max_characters: Characters that may be sent in the pool's life; None for no limit.
        outage_seconds: How long contexts wait for a connection while none can be made.
        inbox_bytes: What may wait in a context, unless it has a budget of its own.
        stall_seconds: How long text may be owed, unless the context has a time of its own.
    """

    max_contexts: int
    max_connections: int
    max_characters: int | None
    outage_seconds: float
    inbox_bytes: int
    stall_seconds: float


@attrs.frozen(kw_only=True)
class Opening:
    """What a context is opened with, as often as that is done."""

    settings: ContextSettings
    inbox_bytes: int
    stall_seconds: float
    is_fed: bool


def pool_settings(
    *,
    max_contexts: int | None,
    plan: str | None,
    max_connections: int | None,
    max_characters: int | None,
    outage_seconds: float | None,
    inbox_bytes: int,
    stall_seconds: float,
) -> PoolSettings:
    """Return the settings of a pool, with the defaults of what is None.

    Raises:
        LocalProtocolError: One is of the wrong type or out of range, or the pool is larger than
            the plan.
    """
    contexts = _contexts(max_contexts, plan)
    if max_connections is None:
        connections = min(DEFAULT_CONNECTIONS, contexts)
    else:
        connections = checks.positive_whole(max_connections, "max_connections")
    if connections > contexts:
        raise LocalProtocolError(
            f"max_connections={connections} is more than max_contexts={contexts}: "
            "a connection without contexts serves nobody"
        )
    if max_characters is not None:
        checks.positive_whole(max_characters, "max_characters")
    return PoolSettings(
        max_contexts=contexts,
        max_connections=connections,
        max_characters=max_characters,
        outage_seconds=checks.positive_or_none(outage_seconds, "outage_seconds"),
        inbox_bytes=checks.positive_whole(inbox_bytes, "inbox_bytes"),
        stall_seconds=stall_seconds,
    )


def _contexts(max_contexts: int | None, plan: str | None) -> int:
    if plan is None:
        if max_contexts is None:
            raise LocalProtocolError(
                "give max_contexts, or plan: what the account may have open at once"
            )
        return checks.positive_whole(max_contexts, "max_contexts")
    checks.choice(plan, "plan", PLAN_CONTEXTS)
    allowed = PLAN_CONTEXTS[plan]
    if max_contexts is None:
        return allowed
    if (count := checks.positive_whole(max_contexts, "max_contexts")) > allowed:
        raise LocalProtocolError(
            f"max_contexts={count} is more than the plan {plan!r} allows at once, {allowed}"
        )
    return count
