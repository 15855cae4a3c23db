"""``trio-cartesia tokens`` and ``usage``."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter, validators

from trio_cartesia import Cartesia
from trio_cartesia._cli.account.running import (
    DEFAULTS,
    Common,
    print_json,
    print_made,
    print_table,
    record_members,
    run_request,
)

__all__ = ["tokens", "usage"]

tokens = App(name="tokens", help="Create access tokens for clients that are to have no key.")


@tokens.command
async def create(
    *grants: Annotated[Literal["tts", "stt", "agent"], Parameter(name="GRANT")],
    expires_in: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=3600))] = 60,
    common: Common = DEFAULTS,
) -> int:
    """Create an access token, and print it.

    Args:
        grants: What it allows: tts, stt or agent; tts if none is given.
        expires_in: The seconds after which it ends.
        common: See `Common`.
    """

    async def work(client: Cartesia) -> bool:
        allowed: dict[str, bool] = dict.fromkeys(grants or ("tts",), True)
        created = await client.access_token.create(expires_in=expires_in, grants=allowed)
        return print_made(common, created, created.token)

    return await run_request(common, work)


async def usage(
    *,
    start: Annotated[str | None, Parameter(name="--from")] = None,
    end: Annotated[str | None, Parameter(name="--to")] = None,
    interval: Literal["day", "week", "month"] | None = None,
    by: Literal["capability", "model", "voice", "api_key"] | None = None,
    common: Common = DEFAULTS,
) -> int:
    """Show the credits that were used; it needs an admin key.

    Args:
        start: The first day, such as 2026-08-01.
        end: The day behind the last one.
        interval: One line for each day, week or month.
        by: One line for each of these.
        common: See `Common`.
    """

    async def work(client: Cartesia) -> bool:
        found = await client.usage.credits(
            start_ts=start, end_ts=end, interval=interval, group_by=by
        )
        if common.json:
            return print_json(record_members(found))
        rows = (
            (each.start_ts, each.end_ts, each.credits, *map(str, each.extra.values()))
            for each in found.data
        )
        return print_table(("from", "to", "credits", *([by] if by else [])), rows)

    return await run_request(common, work)
