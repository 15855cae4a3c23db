"""Compressed messages (RFC 7692): negotiation, and limits against malicious peers."""

from __future__ import annotations

from typing import Any, Final

import attrs
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits

__all__ = ["DEFLATED_BYTES", "Deflate"]

DEFLATED_BYTES: Final = 4096  # per read, since they may inflate to a thousand times as many
PADDING_BYTES: Final = 64  # allowed after the last block of a message


@attrs.frozen
class Deflate:
    """The compression that both sides agreed on.

    Attributes:
        answer: The value of ``Sec-WebSocket-Extensions``.
    """

    answer: str
    _extension: Extension

    @classmethod
    def negotiate(cls, offers: str) -> Deflate | None:
        """Accept ``permessage-deflate`` if the peer *offers* it; None if it does not."""
        for offer in offers.split(","):
            extension = _Messages()
            try:
                accepted = extension.accept(offer)
            except ValueError:  # an invalid parameter
                continue
            if offer.partition(";")[0].strip() == extension.name and isinstance(accepted, str):
                return cls("; ".join(filter(None, (extension.name, accepted))), extension)
        return None

    def extensions(self) -> list[Extension]:
        """Return wsproto's extensions."""
        return [self._extension]


class _Messages(PerMessageDeflate):
    """wsproto's compression, with two corrections.

    Control frames between the fragments of a message are not part of it. And after a block that the
    peer marked as the last one (RFC 7692 §7.2.3.4), zlib would store everything that follows: here
    the message ends with that block, and the next one starts with a fresh decompressor.
    """

    _is_control = False

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Inspect a frame header; return the reserved bits that this extension uses."""
        self._is_control = opcode.iscontrol()
        if self._is_control:
            return RsvBits(False, False, False)
        return super().frame_inbound_header(proto, opcode, rsv, payload_length)

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        """Return a part of a frame's payload, decompressed."""
        if self._is_control:
            return data
        found = super().frame_inbound_payload_data(proto, data)
        unused = b"" if self._decompressor is None else self._decompressor.unused_data
        return found if len(unused) <= PADDING_BYTES else CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        """Return the rest of the payload at the end of a frame."""
        if self._is_control:
            return None
        found = super().frame_inbound_complete(proto, fin)
        if fin and self._decompressor is not None and self._decompressor.eof:
            self._decompressor = None
        return found
