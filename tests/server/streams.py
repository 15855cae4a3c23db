"""Streams that cut what they carry, or break."""

from __future__ import annotations

from typing import Any

import trio


class Sliced(trio.abc.Stream):
    """Hands out what is received in slices of the given sizes, again and again."""

    def __init__(self, stream: trio.abc.Stream, sizes: list[int]) -> None:
        self.stream, self.sizes, self.turn = stream, sizes, 0

    async def send_all(self, data: Any) -> None:
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, _: int | None = None) -> bytes | bytearray:
        self.turn += 1
        return await self.stream.receive_some(self.sizes[self.turn % len(self.sizes)])

    async def aclose(self) -> None:
        await self.stream.aclose()


class Breaking(Sliced):
    """Breaks when it is written to for the nth time, while reading goes on."""

    def __init__(self, stream: trio.abc.Stream, writes: int) -> None:
        super().__init__(stream, [65536])
        self.writes = writes

    async def send_all(self, data: Any) -> None:
        self.writes -= 1
        if not self.writes:
            raise trio.BrokenResourceError
        await super().send_all(data)
