"""Pronunciation dictionaries (protocol §5.6)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trio_cartesia._protocol.rest.records import extra

__all__ = ["PronunciationDict", "PronunciationDictItem"]


@attrs.frozen(kw_only=True)
class PronunciationDictItem:
    """A text, and how it is spoken; requests take this or a mapping of its fields.

    Attributes:
        text: The text as it is written.
        alias: A respelling, or phonemes between ``<<`` and ``>>`` (protocol §5.6).
        case_sensitive: False matches any capitalisation of *text* (the service's default, from
            sonic-3.6 on); True is the matching of before.
        extra: Members that this version does not know.
    """

    text: str
    alias: str | None = None
    case_sensitive: bool | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class PronunciationDict:
    """A pronunciation dictionary; requests for speech name it by its id.

    Attributes:
        id: Its id.
        name: Its name.
        items: What it replaces.
        owner_id: The id of its owner.
        pinned: Whether the owner has pinned it.
        created_at: A time (RFC 3339).
        extra: Members that this version does not know.
    """

    id: str
    name: str
    items: tuple[PronunciationDictItem, ...] = ()
    owner_id: str | None = None
    pinned: bool = False
    created_at: str | None = None
    extra: Mapping[str, object] = extra()
