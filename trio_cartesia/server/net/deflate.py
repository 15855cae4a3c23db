"""
Compressed messages (RFC 7692): what is agreed on, and what a peer may do with it.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits

__all__ = ["DEFLATED_BYTES", "Deflate"]

DEFLATED_BYTES: Final = 4096  # received at once; deflate may make a thousand times as much of them
PADDING_BYTES: Final = 64  # that may follow the last block of a message


@attrs.frozen
class Deflate:
    """
    What was agreed on compression.

    Attributes:
        answer: The value of ``Sec-WebSocket-Extensions``.
    """

    answer: str
    _extension: Extension

    @classmethod
    def agreed(cls, offers: str) -> Deflate | None:
        """
        Accept ``permessage-deflate`` if it is among what the peer *offers* (RFC 7692).
        """
        for offer in offers.split(","):
            extension = _Messages()
            try:
                accepted = extension.accept(offer)
            except ValueError:  # a parameter that makes no sense
                continue
            if offer.partition(";")[0].strip() == extension.name and isinstance(accepted, str):
                return cls("; ".join(filter(None, (extension.name, accepted))), extension)
        return None

    def extensions(self) -> list[Extension]:
        """
        Return what the frames go through.
        """
        return [self._extension]


class _Messages(PerMessageDeflate):
    """
    Compression that wsproto does, but for two things.

    Control frames may stand between the fragments of a message and are no part of it. And once a
    peer has marked a block as its last one (RFC 7692 §7.2.3.4), zlib would keep all that follows:
    a message ends with such a block, and the next one starts anew.
    """

    _is_control = False

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """
        Look at the start of a frame, and tell which bits are understood.
        """
        self._is_control = opcode.iscontrol()
        if self._is_control:
            return RsvBits(False, False, False)
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        """
        Return what is in a piece of a frame.
        """
        if self._is_control:
            return data
        found = super().frame_inbound_payload_data(proto, data)
        unused = b"" if self._decompressor is None else self._decompressor.unused_data
        return found if len(unused) <= PADDING_BYTES else CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        """
        Return what is left at the end of a frame.
        """
        if self._is_control:
            return None
        found = super().frame_inbound_complete(proto, fin)
        if fin and self._decompressor is not None and self._decompressor.eof:
            self._decompressor = None
        return found
