"""``GET /files/{id}`` (protocol §5.12). The details of the responses are a guess."""

from __future__ import annotations

from typing import Final

from trio_cartesia.server.audio.containers import KINDS, Part, playable
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.queries import Query
from trio_cartesia.server.store.files import StoredFile

__all__ = ["download_file", "get_file"]

PIECE_BYTES: Final = 64 * 1024


async def get_file(exchange: Exchange) -> None:
    """Respond with the metadata of a file.

    Raises:
        APIError: There is no file with that id, or it is not complete.
    """
    file = _file(exchange)
    await exchange.respond_json(
        {
            "id": file.id,
            "filename": file.name(file.audio.container),
            "size": file.size_bytes,
            "content_type": file.audio.kind,
            "created_at": file.created_at.isoformat().replace("+00:00", "Z"),
        }
    )


async def download_file(exchange: Exchange) -> None:
    """Respond with a file; with ``format=playback``, raw audio as WAV.

    Raises:
        APIError: There is no file with that id, it is not complete, or the format is unknown.
    """
    file = _file(exchange)
    playback = Query(exchange.request.query).choice("format", ("playback",))
    container, parts = file.audio.container, list(file.parts)
    if playback and container == "raw":
        container, parts = "wav", playable(file.audio, parts)
    headers = [
        ("content-length", str(sum(map(len, parts)))),
        ("content-disposition", f'attachment; filename="{file.name(container)}"'),
    ]
    async with exchange.streaming(KINDS[container], headers):
        if exchange.request.method != "HEAD":
            for part in parts:
                await _send(exchange, part)


async def _send(exchange: Exchange, part: Part) -> None:
    for start in range(0, len(part), PIECE_BYTES):
        await exchange.send(bytes(part[start : start + PIECE_BYTES]))


def _file(exchange: Exchange) -> StoredFile:
    return exchange.state.files.find(exchange.account, exchange.ids[0])
