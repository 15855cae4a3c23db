"""``trio-cartesia voices``: the voices of the library and of the account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import App, Parameter, validators

from trio_cartesia import Cartesia
from trio_cartesia._cli.account.deleting import Ids, delete_each
from trio_cartesia._cli.account.running import (
    DEFAULTS,
    Common,
    print_json,
    print_made,
    print_table,
    record_members,
    run_request,
)
from trio_cartesia._cli.account.uploading import show_upload
from trio_cartesia._cli.common_options import Flag

if TYPE_CHECKING:
    from trio_cartesia.types import Voice

__all__ = ["app"]

PAGE: Final = 100  # the most that the service sends at once (protocol §5.2)
Limit = Annotated[int | None, Parameter(validator=validators.Number(gte=1), show_default=False)]
Id = Annotated[str, Parameter(name="ID")]

app = App(name="voices", help="List, search, show, clone and delete voices.")


@app.command(name="list")
async def list_voices(
    *,
    language: str | None = None,
    gender: str | None = None,
    own: Flag = False,
    limit: Limit = None,
    common: Common = DEFAULTS,
) -> int:
    """List the voices of the library and of the account.

    Args:
        language: Only those that speak this language, such as en.
        gender: Only those that are masculine, feminine or gender_neutral.
        own: Only those of the account.
        limit: The most voices to list.
        common: See `Common`.
    """
    filters = {"language": language, "gender": gender, "is_owner": own or None}
    return await _print_voices(common, filters, limit)


@app.command
async def search(
    text: Annotated[str, Parameter(name="TEXT")],
    *,
    language: str | None = None,
    limit: Limit = None,
    common: Common = DEFAULTS,
) -> int:
    """List the voices whose name, description or id has TEXT.

    Args:
        text: The text to search for.
        language: Only those that speak this language.
        limit: The most voices to list.
        common: See `Common`.
    """
    return await _print_voices(common, {"q": text, "language": language}, limit)


@app.command
async def show(voice_id: Id, *, common: Common = DEFAULTS) -> int:
    """Show everything that is known about a voice.

    Args:
        voice_id: The id of the voice.
        common: See `Common`.
    """

    async def work(client: Cartesia) -> bool:
        members = record_members(await client.voices.get(voice_id))
        if common.json:
            return print_json(members)
        return print_table(("member", "value"), members.items())

    return await run_request(common, work)


@app.command
async def clone(
    clip: Annotated[str, Parameter(name="CLIP")],
    *,
    name: str,
    language: str = "en",
    description: str | None = None,
    common: Common = DEFAULTS,
) -> int:
    """Make a voice from a recording of about five seconds, and print its id.

    Args:
        clip: The file of the recording.
        name: The name of the voice.
        language: The language of the recording.
        description: What the voice sounds like.
        common: See `Common`.
    """

    async def work(client: Cartesia) -> bool:
        with show_upload(clip) as progress:
            voice = await client.voices.clone(
                clip=clip,
                name=name,
                language=language,
                description=description,
                progress=progress,
            )
        return print_made(common, voice, voice.id)

    return await run_request(common, work)


@app.command
async def delete(*ids: Ids, common: Common = DEFAULTS) -> int:
    """Delete voices of the account, and print the ids of those that were deleted.

    Args:
        ids: The ids of the voices.
        common: See `Common`.
    """
    return await delete_each(common, ids, lambda client: client.voices.delete)


async def _print_voices(common: Common, filters: dict[str, Any], limit: int | None) -> int:
    async def work(client: Cartesia) -> bool:
        given = {name: value for name, value in filters.items() if value is not None}
        page = PAGE if limit is None else min(PAGE, limit)
        voices = await _first(client.voices.list(limit=page, **given), limit)
        if common.json:
            return print_json([record_members(voice) for voice in voices])
        rows = ((v.id, v.name, v.language, v.gender, v.description) for v in voices)
        return print_table(("id", "name", "language", "gender", "description"), rows)

    return await run_request(common, work)


async def _first(voices: AsyncIterator[Voice], limit: int | None) -> Sequence[Voice]:
    """Return the voices, at most *limit*."""
    found: list[Voice] = []
    async for voice in voices:
        found.append(voice)
        if len(found) == limit:
            break
    return found
