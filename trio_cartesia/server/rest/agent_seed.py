"""The agent that every account has at first, with its deployments, calls and metric results.

The API creates agents outside of its REST endpoints, so an account would have none otherwise. All
accounts see the same records; one gets records of its own with its first change, so that requests
which only read store nothing for each of any number of keys.
"""

from __future__ import annotations

from typing import Any, Final

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.store.database import Store

__all__ = [
    "AGENT",
    "CALL",
    "DEPLOYMENT",
    "METRIC",
    "METRIC_RESULT",
    "PHONE_NUMBER",
    "TEMPLATES",
    "agents_account",
    "own_agents",
]

Json = dict[str, Any]

AGENT: Final = "agent"  # kinds in the store
CALL: Final = "call"
DEPLOYMENT: Final = "deployment"
METRIC: Final = "metric"
METRIC_RESULT: Final = "metric_result"
PHONE_NUMBER: Final = "phone_number"
SEED: Final = "agent_seed"
COMMON: Final = "all"  # no id of an account, which is a digest or empty

AGENT_ID: Final = "agent_local"
METRIC_ID: Final = "metric_local"
NUMBER: Final = "+15550100"
CREATED: Final = {"created_at": "2026-01-05T09:00:00Z"}
DATED: Final = {**CREATED, "updated_at": "2026-01-05T09:00:00Z"}
VOICE: Final = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
BUILD: Final = {
    "build_started_at": "2026-01-05T09:00:00Z",
    "build_completed_at": "2026-01-05T09:01:00Z",
    "deployment_started_at": "2026-01-05T09:01:00Z",
    "deployment_completed_at": "2026-01-05T09:02:00Z",
}
TURNS: Final = (  # of each call: who speaks, from when to when, and what
    ("assistant", 0.0, 2.4, "Good morning. How can I help you?"),
    ("user", 3.0, 5.2, "When do you open on Sunday?"),
    ("assistant", 6.0, 8.1, "On Sunday we open at ten."),
)
TEMPLATES: Final = (
    {
        "id": "template_local",
        "name": "Receptionist",
        "description": "Answers calls.",
        "owner_id": "user_local",
        "repo_url": "https://git.example/templates",
        "root_dir": "receptionist",
        "dependencies": [],
        "required_env_vars": [],
        **DATED,
    },
)


def agents_account(exchange: Exchange) -> str:
    """Return the id of the account whose agents the client sees: its own, or that of all.

    Raises:
        APIError: The store is full.
    """
    store, account = exchange.state.store, exchange.account.id
    if store.find(SEED, account, SEED) is not None:
        return account
    if store.find(SEED, COMMON, SEED) is None:
        with store.transaction():
            _seed(store, COMMON)
    return COMMON


def own_agents(exchange: Exchange) -> None:
    """Store the agent for the account itself, unless that was done; called in a transaction.

    Raises:
        APIError: The store is full.
    """
    store, account = exchange.state.store, exchange.account.id
    if store.find(SEED, account, SEED) is None:
        _seed(store, account)


def _seed(store: Store, account: str) -> None:
    store.add(SEED, account, SEED, {})
    store.add(AGENT, account, AGENT_ID, _agent())
    store.add(PHONE_NUMBER, account, f"{AGENT_ID}_number", _phone_number(), AGENT_ID)
    for deployment_id, is_live in (("deployment_1", False), ("deployment_2", True)):
        store.add(DEPLOYMENT, account, deployment_id, _deployment(is_live), AGENT_ID)
    store.add(METRIC, account, METRIC_ID, _metric())
    for number in (1, 2, 3):
        store.add(CALL, account, f"call_{number}", _call(number), AGENT_ID)
        store.add(METRIC_RESULT, account, f"result_{number}", _result(number))


def _agent() -> Json:
    return {
        "name": "Receptionist",
        "description": "Answers calls.",
        "tts_voice": VOICE,
        "tts_language": "en",
        "deployment_count": 2,
        "has_text_to_agent_run": False,
        "phone_numbers": [{"id": f"{AGENT_ID}_number", "number": NUMBER}],
        **DATED,
    }


def _phone_number() -> Json:
    return {"agent_id": AGENT_ID, "number": NUMBER, "is_cartesia_managed": True, **DATED}


def _deployment(is_live: bool) -> Json:
    return {
        "agent_id": AGENT_ID,
        "status": "deployed" if is_live else "inactive",
        "is_live": is_live,
        "is_pinned": False,
        "git_commit_hash": "0" * 40,
        "source_code_file_id": "file_local",
        "env_var_collection_id": "env_local",
        "build_logs": "Built.",
        **BUILD,
        **DATED,
    }


def _call(number: int) -> Json:
    day = f"2026-01-{5 + number:02}"
    turns = [
        {"role": role, "start_timestamp": start, "end_timestamp": end, "text": text}
        for role, start, end, text in TURNS
    ]
    return {
        "agent_id": AGENT_ID,
        "deployment_id": "deployment_2",
        "status": "completed",
        "start_time": f"{day}T10:00:00Z",
        "end_time": f"{day}T10:00:09Z",
        "summary": "The caller asked for the opening hours.",
        "telephony_params": {"from": "+15550199", "to": NUMBER},
        "transcript": turns,
    }


def _metric() -> Json:
    return {
        "name": "answered",
        "display_name": "Answered",
        "prompt": "Was the question answered?",
        **CREATED,
    }


def _result(number: int) -> Json:
    return {
        "agentId": AGENT_ID,
        "callId": f"call_{number}",
        "deploymentId": "deployment_2",
        "metricId": METRIC_ID,
        "metricName": "answered",
        "createdAt": f"2026-01-{5 + number:02}T10:01:00Z",
        "status": "completed",
        "result": "yes",
        "value": True,
        "summary": "The question was answered.",
    }
