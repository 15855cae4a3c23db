"""``/agents``: agents, their deployments and phone numbers, and calls (protocol §5.7, §5.8)."""

from __future__ import annotations

from typing import Any, Final

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.audio.containers import KINDS, Audio, playable
from trio_cartesia.server.catalogue.models import LANGUAGES
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.fields import Fields
from trio_cartesia.server.messages.queries import Query, page_of
from trio_cartesia.server.rest.agent_seed import (
    AGENT,
    CALL,
    DEPLOYMENT,
    PHONE_NUMBER,
    TEMPLATES,
    agents_account,
    own_agents,
)
from trio_cartesia.server.rest.resources import Field, Resource, name, text
from trio_cartesia.server.rest.synthesis import speak_aside
from trio_cartesia.server.store.database import Record
from trio_cartesia.server.store.rows import RowList
from trio_cartesia.server.voices.interface import Utterance

__all__ = [
    "AGENTS",
    "CALLS",
    "DEPLOYMENTS",
    "get_call_audio",
    "list_agents",
    "list_calls",
    "list_deployments",
    "list_phone_numbers",
    "list_templates",
]

TRANSCRIPT: Final = "transcript"
CALLER: Final = "a0e99841-438c-4a64-b679-ae501e7d6091"  # the voice of users
SAMPLE_RATE: Final = 16000
PAUSE_SECONDS: Final = 0.3  # between the turns of a call
RAW: Final = Audio(
    container="raw", samples=SampleFormat(encoding="pcm_s16le", sample_rate=SAMPLE_RATE)
)


def _language(fields: Fields, key: str) -> Any:
    return fields.choice(key, sorted(LANGUAGES))


AGENTS: Final = Resource(
    kind=AGENT,
    title="Agent",
    prefix="agent_",
    fields={
        "name": Field(name, required=True),
        "description": Field(text),
        "tts_voice": Field(name, required=True),
        "tts_language": Field(_language, required=True),
    },
    account=agents_account,
    prepare=own_agents,
)
DEPLOYMENTS: Final = Resource(
    kind=DEPLOYMENT,
    title="Deployment",
    prefix="deployment_",
    fields={},
    account=agents_account,
)
CALLS: Final = Resource(kind=CALL, title="Call", prefix="call_", fields={}, account=agents_account)


async def list_agents(exchange: Exchange) -> None:
    """Respond with all agents."""
    shown = [AGENTS.show(exchange, agent) for agent in AGENTS.records(exchange)]
    await exchange.respond_json({"summaries": shown})


async def list_templates(exchange: Exchange) -> None:
    """Respond with the templates, which are the same for everybody."""
    await exchange.respond_json({"templates": TEMPLATES})


async def list_deployments(exchange: Exchange) -> None:
    """Respond with all deployments of an agent, as a bare list.

    Raises:
        APIError: There is no such agent.
    """
    found = _belonging(exchange, DEPLOYMENT, exchange.ids[0])
    await exchange.respond_json([DEPLOYMENTS.show(exchange, each) for each in found])


async def list_phone_numbers(exchange: Exchange) -> None:
    """Respond with all phone numbers of an agent, as a bare list.

    Raises:
        APIError: There is no such agent.
    """
    found = _belonging(exchange, PHONE_NUMBER, exchange.ids[0])
    await exchange.respond_json([each.fields for each in found])


async def list_calls(exchange: Exchange) -> None:
    """Respond with a page of the calls of an agent, newest first.

    Raises:
        APIError: The agent is missing or does not exist, or a parameter is not valid.
    """
    query = Query(exchange.request.query)
    agent_id = query.text("agent_id")
    if agent_id is None:
        raise query.field_error("agent_id", "the id of an agent")
    is_expanded = TRANSCRIPT in query.each("expand", (TRANSCRIPT,))
    calls = _belonging(exchange, CALL, agent_id)  # in the order of their starts

    def show(call: Record) -> dict[str, Any]:
        shown = CALLS.show(exchange, call)
        if not is_expanded:
            del shown[TRANSCRIPT]
        return shown

    page = await page_of(calls, query, newest_first=True)
    await exchange.respond_json(page.json(show))


async def get_call_audio(exchange: Exchange) -> None:
    """Respond with a WAV in which the turns of a call are spoken one after the other.

    Raises:
        APIError: There is no such call, or the synthesis failed.
    """
    call = CALLS.find(exchange, exchange.ids[0]).fields
    agent = AGENTS.find(exchange, call["agent_id"]).fields
    silence = bytes(2 * round(PAUSE_SECONDS * SAMPLE_RATE))
    parts: list[bytes] = []
    for turn in call[TRANSCRIPT]:
        voice_id = CALLER if turn["role"] == "user" else agent["tts_voice"]
        utterance = Utterance(
            text=turn["text"],
            voice_id=voice_id,
            voice=exchange.find_voice(voice_id),
            language=agent["tts_language"],
            sample_rate=SAMPLE_RATE,
        )
        parts += [await speak_aside(exchange, utterance), silence]
    await exchange.respond(200, b"".join(playable(RAW, parts)), KINDS["wav"])


def _belonging(exchange: Exchange, kind: str, agent_id: str) -> RowList[Record]:
    """Return the list of the records of an agent, oldest first."""
    agent = AGENTS.find(exchange, agent_id)
    return exchange.state.store.records(kind, AGENTS.account(exchange), agent.id)
