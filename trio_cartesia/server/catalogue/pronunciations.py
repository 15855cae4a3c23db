"""The items of a pronunciation dictionary."""

from __future__ import annotations

import attrs

__all__ = ["Pronunciation"]


@attrs.frozen
class Pronunciation:
    """How one text is pronounced (protocol §5.6).

    Attributes:
        text: The text as it is written; one or more words.
        alias: What is spoken in its place: a respelling, or phonemes in ``<<...>>``.
        is_case_sensitive: If False, any capitalisation of the text matches. If True, only the text
            itself does, and, if it has no capitals, the text with a capital at its start.
    """

    text: str = attrs.field(repr=lambda text: f"<{len(text)} characters>")
    alias: str = attrs.field(repr=lambda alias: f"<{len(alias)} characters>")
    is_case_sensitive: bool = False
