"""``GET /usage/credits`` (protocol §5.13): what was spoken, for an admin key.

The names of the fields of groups, and where weeks begin, are a guess (protocol §7.3 R8).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.errors import APIError, invalid
from trio_cartesia.server.messages.queries import Query
from trio_cartesia.server.store.usage import UsageRow

__all__ = ["get_credits"]

DAY: Final = timedelta(days=1)
DEFAULT_DAYS: Final = 7  # our own: "the last few days"
MAX_DAYS: Final = 366
GROUPS: Final = ("capability", "model", "voice", "api_key")
TOO_LONG: Final = invalid("start_ts must be before end_ts, by a year at the most.")


async def get_credits(exchange: Exchange) -> None:
    """Respond with the credits of all accounts, in buckets of days.

    Raises:
        APIError: A parameter is not valid, or two exclude each other.
    """
    query = Query(exchange.request.query)
    interval = query.choice("interval", ("day", "week", "month"))
    group_by = query.choice("group_by", GROUPS)
    key_id = query.text("api_key_id")
    if group_by and interval not in (None, "day"):
        raise query.field_error("interval", "day or left out where group_by is given")
    if group_by == "api_key" and key_id:
        raise query.field_error("api_key_id", "left out where group_by is api_key")
    first, end = _days(query, datetime.fromtimestamp(exchange.state.clock.now(), UTC))
    rows: defaultdict[date, list[UsageRow]] = defaultdict(list)
    for row in exchange.state.store.usage.rows(first, end - DAY):
        if key_id in (None, _key_id(row.account)):
            rows[row.day].append(row)
    data = [
        bucket
        for start, stop in _buckets(first, end, interval)
        for bucket in _sums(start, stop, rows, group_by)
    ]
    await exchange.respond_json({"data": data})


def _days(query: Query, now: datetime) -> tuple[date, date]:
    """Return the first day, and the day after the last one."""
    end = query.time("end_ts") or now
    if not MINYEAR < end.year < MAXYEAR:  # days and months around it exist
        raise query.field_error("end_ts", f"in the years {MINYEAR + 1} to {MAXYEAR - 1}")
    last = (end - timedelta(microseconds=1)).date()
    start = query.time("start_ts")
    first = last - DAY * (DEFAULT_DAYS - 1) if start is None else start.date()
    if not 0 <= (last - first).days < MAX_DAYS:
        raise APIError(TOO_LONG)
    return first, last + DAY


def _buckets(first: date, end: date, interval: str | None) -> Iterator[tuple[date, date]]:
    """Yield the start of each bucket and the start of the next: months are those of calendars."""
    start = first
    while start < end:
        if interval is None:
            stop = end
        elif interval == "month":
            stop = (start.replace(day=1) + 31 * DAY).replace(day=1)
        else:
            stop = start + DAY * (7 if interval == "week" else 1)
        yield start, min(stop, end)
        start = stop


def _sums(
    start: date, stop: date, rows: Mapping[date, list[UsageRow]], group_by: str | None
) -> Iterator[dict[str, Any]]:
    """Yield one bucket, or one for each group in it."""
    sums: defaultdict[str, float] = defaultdict(float)
    if group_by is None:
        sums[""] = 0
    for number in range((stop - start).days):
        for row in rows.get(start + number * DAY, ()):
            sums[_group(row, group_by)] += row.credits
    for group, amount in sorted(sums.items()):
        named = {} if group_by is None else {group_by: group}
        yield {"start_ts": _midnight(start), "end_ts": _midnight(stop), "credits": amount, **named}


def _group(row: UsageRow, group_by: str | None) -> str:
    if group_by is None:
        return ""
    return _key_id(row.account) if group_by == "api_key" else str(getattr(row, group_by))


def _key_id(account: str) -> str:
    """Return the id of the key that belongs to an account, as a UUID."""
    return str(UUID(hex=account[:32].ljust(32, "0")))


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"
