"""Markup that stays in force (protocol §2.14), for the rest of a text that is spoken elsewhere."""

from __future__ import annotations

import attrs

from trio_cartesia._protocol.text.markup import LASTING_TAG, LONGEST_TAG

__all__ = ["MarkupState"]


@attrs.define
class MarkupState:
    """The tags in force behind the text that was read.

    Text may be read in any pieces, also where a tag is split over two of them.
    """

    _tags: dict[str, str] = attrs.field(factory=dict, init=False)
    _is_spelling: bool = attrs.field(default=False, init=False)
    _half_tag: str = attrs.field(default="", init=False, repr=False)

    def read(self, text: str) -> None:
        """Read on."""
        text = self._half_tag + text
        for tag in LASTING_TAG.finditer(text):
            if tag[1]:
                self._tags.pop(tag[1], None)
                self._tags[tag[1]] = tag[0]
            else:
                self._is_spelling = not tag[2]
        start = text.rfind("<", max(0, len(text) - LONGEST_TAG))
        self._half_tag = text[start:] if start >= 0 and ">" not in text[start:] else ""

    @property
    def prefix(self) -> str:
        """The tags that put further text into the same state."""
        return "".join(self._tags.values()) + "<spell>" * self._is_spelling
