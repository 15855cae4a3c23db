"""What a pool refuses before anything is sent."""

from __future__ import annotations

import pytest
import trio

from tests.pool.support import SMALL, service
from trio_cartesia import Cartesia, LocalProtocolError
from trio_cartesia._protocol.base.plans import PLAN_CONTEXTS
from trio_cartesia.server.access.plans import PLANS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give max_contexts, or plan"),
        ({"max_contexts": 0}, "max_contexts must be a positive whole number, not 0"),
        ({"max_contexts": -1}, "max_contexts must be a positive whole number, not -1"),
        ({"max_contexts": True}, "max_contexts must be"),
        ({"max_contexts": 2.5}, "max_contexts must be"),
        ({"max_contexts": "5"}, "max_contexts must be"),
        ({"plan": "gold"}, "plan must be one of 'free', 'pro', 'startup', 'scale', not 'gold'"),
        ({"plan": "enterprise"}, "plan must be one of"),
        ({"plan": 5}, "plan must be one of"),
        ({"plan": "pro", "max_contexts": 4}, "max_contexts=4 is more than the plan 'pro' allows"),
        ({"max_contexts": 2, "max_connections": 3}, "max_connections=3 is more than max_contexts"),
        ({"max_contexts": 2, "max_connections": 0}, "max_connections must be"),
        ({"max_contexts": 2, "max_characters": 0}, "max_characters must be"),
        ({"max_contexts": 2, "outage_seconds": 0}, "outage_seconds must be"),
        ({"max_contexts": 2, "outage_seconds": float("nan")}, "outage_seconds must be"),
        ({"max_contexts": 2, "outage_seconds": "1"}, "outage_seconds must be"),
        ({"max_contexts": 2, "inbox_bytes": 0}, "inbox_bytes must be"),
        ({"max_contexts": 2, "stall_seconds": 0}, "stall_seconds must be"),
    ],
)
def test_a_pool_that_cannot_be(options, message):
    """Each setting is checked where it is given, outside of Trio even, and says what is allowed."""
    with pytest.raises(LocalProtocolError, match=message):
        Cartesia("key").tts.websocket_pool(**options)


@pytest.mark.parametrize("plan", PLAN_CONTEXTS)
def test_plans_are_those_of_the_protocol(plan):
    """A plan's number is that of the service, and the whole of it may be used."""
    assert PLANS[plan].tts_concurrency == PLAN_CONTEXTS[plan]
    Cartesia("key").tts.websocket_pool(plan=plan)
    Cartesia("key").tts.websocket_pool(plan=plan, max_contexts=PLAN_CONTEXTS[plan])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"priority": 1.5}, "priority must be a whole number, not 1.5"),
        ({"priority": True}, "priority must be"),
        ({"inbox_bytes": 0}, "inbox_bytes must be"),
        ({"stall_seconds": -1}, "stall_seconds must be"),
        ({"speed": "swift"}, "speed must be one of"),
        ({"colour": "red"}, "no setting colour"),
        ({"overflow": "block"}, "no setting overflow"),
    ],
)
async def test_a_context_that_cannot_be(options, message, autojump_clock):
    """A context's settings are checked before it waits."""
    async with service() as (client, network):
        network.error = OSError("down")
        async with client.tts.websocket_pool(max_contexts=1) as pool:
            for method in (pool.context, lambda **settings: pool.speak("Hello.", **settings)):
                with pytest.raises(LocalProtocolError, match=message):
                    async with method(**{**SMALL, **options}):
                        pass
            with pytest.raises(LocalProtocolError, match="text_or_pieces must not be empty"):
                pool.speak("", **SMALL)
            with pytest.raises(LocalProtocolError, match="text_or_pieces must be a str"):
                pool.speak(5, **SMALL)
        assert trio.current_time() == 0
