"""``/agents/metrics`` and their results (protocol §5.9).

Metrics are not evaluated: the only results are those of the agent that an account has at first.
That a date without a time includes its whole day is a guess.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Any, Final

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.errors import APIError, invalid
from trio_cartesia.server.messages.fields import Fields
from trio_cartesia.server.messages.queries import Query
from trio_cartesia.server.rest.agent_seed import METRIC, METRIC_RESULT, agents_account, own_agents
from trio_cartesia.server.rest.agents import AGENTS
from trio_cartesia.server.rest.resources import Field, Resource, name, text, timestamp
from trio_cartesia.server.store.database import Record

__all__ = [
    "METRICS",
    "add_metric",
    "export_results",
    "list_results",
    "remove_metric",
]

AGENT_METRIC: Final = "agent_metric"
TAKEN: Final = invalid("A metric of this name exists: names are unique.")
FILTERS: Final = {
    "agent_id": "agentId",
    "call_id": "callId",
    "deployment_id": "deploymentId",
    "metric_id": "metricId",
}
COLUMNS: Final = (
    *("id", "agentId", "callId", "deploymentId", "metricId", "metricName", "createdAt"),
    *("status", "result", "summary"),
)
MAX_ROWS: Final = 100_000
CSV: Final = "text/csv; charset=utf-8"

_NAME: Final = re.compile("[a-z0-9_.-]+")


def _metric_name(fields: Fields, key: str) -> str | None:
    value = name(fields, key)
    if value is not None and not _NAME.fullmatch(value):
        raise fields.field_error(key, "lower-case letters, digits and the characters _ - .")
    return value


def _added(exchange: Exchange, values: dict[str, Any]) -> dict[str, Any]:
    if exchange.state.store.has(METRIC, exchange.account.id, "name", values["name"]):
        raise APIError(TAKEN)
    return {"created_at": timestamp(exchange.state.clock.now())}


METRICS: Final = Resource(
    kind=METRIC,
    title="Metric",
    prefix="metric_",
    fields={
        "name": Field(_metric_name, required=True),
        "prompt": Field(text, required=True),
        "display_name": Field(text),
    },
    added=_added,
    account=agents_account,
    prepare=own_agents,
)
RESULTS: Final = Resource(
    kind=METRIC_RESULT,
    title="Result",
    prefix="result_",
    fields={},
    account=agents_account,
)


async def add_metric(exchange: Exchange) -> None:
    """Attach a metric to an agent; one that is attached stays so.

    Raises:
        APIError: There is no such agent or metric, or the store is full.
    """
    agent_id, key, attached = _attachment(exchange)
    if attached is None:
        exchange.state.store.add(AGENT_METRIC, exchange.account.id, key, {}, agent_id)
    await exchange.respond_empty()


async def remove_metric(exchange: Exchange) -> None:
    """Detach a metric from an agent, if it is attached.

    Raises:
        APIError: There is no such agent or metric.
    """
    _, _, attached = _attachment(exchange)
    if attached is not None:
        exchange.state.store.remove(AGENT_METRIC, exchange.account.id, attached)
    await exchange.respond_empty()


def _attachment(exchange: Exchange) -> tuple[str, str, Record | None]:
    """Return the id of the agent, the key of the attachment, and its record if there is one."""
    agent_id = AGENTS.find(exchange, exchange.ids[0]).id
    key = f"{agent_id} {METRICS.find(exchange).id}"
    return agent_id, key, exchange.state.store.find(AGENT_METRIC, exchange.account.id, key)


async def list_results(exchange: Exchange) -> None:
    """Respond with a page of the results that match the query.

    Raises:
        APIError: A parameter is not valid.
    """
    matches = _matcher(Query(exchange.request.query))
    await RESULTS.respond_page(exchange, matches)


async def export_results(exchange: Exchange) -> None:
    """Respond with the results that match the query, as CSV with a header.

    Raises:
        APIError: A parameter is not valid.
    """
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    matches = _matcher(Query(exchange.request.query))
    for result in islice(filter(matches, RESULTS.records(exchange)), MAX_ROWS):
        writer.writerow(RESULTS.show(exchange, result))
    await exchange.respond(200, table.getvalue(), CSV)


def _matcher(query: Query) -> Callable[[Record], bool]:
    """Return a function that returns whether a result matches *query*."""
    wanted = {field: query.text(parameter) for parameter, field in FILTERS.items()}
    start, end = query.time("start_date"), query.time("end_date", is_end=True)

    def matches(result: Record) -> bool:
        fields = result.fields
        created = datetime.fromisoformat(fields["createdAt"])
        return (
            all(value in (None, fields[field]) for field, value in wanted.items())
            and (start is None or start <= created)
            and (end is None or created <= end)
        )

    return matches
