"""Write a file whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterable
from contextlib import suppress
from pathlib import Path

import trio

from trio_cartesia._protocol.rest.wav import LONGEST_HEADER, repaired

__all__ = ["save_pieces"]


async def save_pieces(pieces: AsyncIterable[bytes], path: str | os.PathLike[str]) -> None:
    """Write pieces of audio to *path*, with the sizes of a WAV file put right.

    They go to a file beside it, which takes its name once it is complete and on the disk. Whatever
    ends this early removes that file.
    """
    target = Path(path)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        async with await trio.open_file(part, "xb") as file:
            head, size = bytearray(), 0
            async for piece in pieces:
                await file.write(piece)
                head += piece[: LONGEST_HEADER - len(head)]
                size += len(piece)
            if (repair := repaired(bytes(head), size)) is not None:
                header, padding = repair
                await file.write(padding)
                await file.seek(0)
                await file.write(header)
            await file.flush()
            await trio.to_thread.run_sync(os.fsync, file.fileno())
        with trio.CancelScope(shield=True):  # a rename cannot be half done
            await trio.to_thread.run_sync(os.replace, part, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(part)
        raise
