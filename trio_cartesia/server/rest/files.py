"""``/files``: saved speech, and links to it (protocol §5.12).

The bodies of responses, and the addresses of links, are a guess. A link needs no credential.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from trio_cartesia.server.audio.containers import KINDS, wav_ends
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.fields import Fields
from trio_cartesia.server.messages.queries import Query, page_of
from trio_cartesia.server.net.ranges import requested_range
from trio_cartesia.server.store.file_types import StoredFile

__all__ = [
    "LINK",
    "create_link",
    "delete_file",
    "download_file",
    "follow_link",
    "get_file",
    "list_files",
]

LINK: Final = "/links/{id}"
DEFAULT_LIFETIME: Final = "24h"
MAX_LIFETIME_SECONDS: Final = 7 * 86_400

_LIFETIME: Final = re.compile("([1-9][0-9]{0,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


async def list_files(exchange: Exchange) -> None:
    """Respond with a page of the files of the account.

    Raises:
        APIError: A parameter is not valid.
    """
    files = exchange.state.files.files_of(exchange.account.id)
    newest_first = exchange.behaviour.list_order == "newest"
    page = await page_of(files, Query(exchange.request.query), newest_first=newest_first)
    await exchange.respond_json(page.json(_info))


async def get_file(exchange: Exchange) -> None:
    """Respond with the metadata of a file.

    Raises:
        APIError: There is no file with that id, or it is not complete.
    """
    await exchange.respond_json(_info(_file(exchange)))


async def delete_file(exchange: Exchange) -> None:
    """Delete a file.

    Raises:
        APIError: There is no file with that id, or it is not complete.
    """
    files = exchange.state.files
    files.remove(_file(exchange))
    await files.erase_removed()
    await exchange.respond_empty()


async def download_file(exchange: Exchange) -> None:
    """Respond with a file, or a range of it; with ``format=playback``, raw audio as WAV.

    Raises:
        APIError: There is no file with that id, it is not complete, or the format is unknown.
        HTTPError: The range is not in the file.
    """
    await _respond_content(exchange, _file(exchange))


async def create_link(exchange: Exchange) -> None:
    """Respond with a URL that returns a file without a credential, for its lifetime.

    Raises:
        APIError: There is no such file, or the lifetime is not valid.
    """
    fields = exchange.fields()
    files = exchange.state.files
    file = files.find(exchange.account.id, fields.nonempty_text("file_id"))
    expires_at = exchange.state.clock.now() + _lifetime_seconds(fields)
    path = LINK.format(id=files.add_link(file, expires_at))
    await exchange.respond_json({"url": f"{exchange.origin or ''}{path}"})


async def follow_link(exchange: Exchange) -> None:
    """Respond with the file of a link.

    Raises:
        APIError: The link does not exist or has expired, or the file was deleted.
        HTTPError: The range is not in the file.
    """
    files, now = exchange.state.files, exchange.state.clock.now()
    await _respond_content(exchange, files.find_link(exchange.ids[0], now))


def _lifetime_seconds(fields: Fields) -> int:
    match = _LIFETIME.fullmatch(fields.text("lifetime") or DEFAULT_LIFETIME)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= MAX_LIFETIME_SECONDS:
        raise fields.field_error("lifetime", "a time such as 24h, of at most 7d")
    return seconds


def _info(file: StoredFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "filename": file.name(file.audio.container),
        "size": file.size_bytes,
        "content_type": file.audio.kind,
        "created_at": file.created_at.isoformat().replace("+00:00", "Z"),
    }


async def _respond_content(exchange: Exchange, file: StoredFile) -> None:
    playback = Query(exchange.request.query).choice("format", ("playback",))
    container, ends = file.audio.container, (b"", b"")
    if playback and container == "raw":
        container, ends = "wav", wav_ends(file.audio.samples, file.size_bytes)
    size = file.size_bytes + sum(map(len, ends))
    wanted = requested_range(exchange.request, size)
    headers = [
        ("content-length", str(size if wanted is None else len(wanted))),
        ("content-disposition", f'attachment; filename="{file.name(container)}"'),
        ("accept-ranges", "bytes"),
    ]
    if wanted is not None:
        headers.append(("content-range", f"bytes {wanted.start}-{wanted.stop - 1}/{size}"))
    status = 200 if wanted is None else 206
    async with exchange.streaming(KINDS[container], headers, status=status):
        if exchange.request.method != "HEAD":
            for piece in _pieces(exchange, file, ends, wanted or range(size)):
                await exchange.send(piece)


def _pieces(
    exchange: Exchange, file: StoredFile, ends: tuple[bytes, bytes], wanted: range
) -> Iterator[bytes]:
    """Yield the bytes of a range of a file between its *ends*, some of which may be empty."""
    (header, padding), size = ends, file.size_bytes
    first, last = wanted.start - len(header), wanted.stop - len(header)
    yield header[wanted.start : wanted.stop]
    yield from exchange.state.files.read(file, range(max(0, first), min(size, last)))
    yield padding[max(0, first - size) : max(0, last - size)]


def _file(exchange: Exchange) -> StoredFile:
    return exchange.state.files.find(exchange.account.id, exchange.ids[0])
