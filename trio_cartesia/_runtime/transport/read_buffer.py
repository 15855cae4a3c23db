"""The buffer that all connections of a thread read into.

A connection with a buffer of its own would hold it for as long as it lives, and use it for a few
microseconds at a time. So nothing may be awaited between a read and the copy of what is to stay.
"""

from __future__ import annotations

import threading
from typing import Final

__all__ = ["READ_BYTES", "ReadBuffer", "read_buffer"]

READ_BYTES: Final = 2**20


class ReadBuffer(threading.local):
    """Bytes to read into, one set a thread; what they hold is from an earlier read.

    Attributes:
        data: The bytes.
        view: The same bytes.
    """

    def __init__(self) -> None:
        self.data = bytearray(READ_BYTES)
        self.view = memoryview(self.data)


read_buffer: Final = ReadBuffer()
