"""Voices and accents (protocol §5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from trio_cartesia._protocol.rest.records import extra

__all__ = [
    "Accent",
    "AccentList",
    "Access",
    "Gender",
    "GenderPresentation",
    "Visibility",
    "Voice",
    "VoiceLocale",
    "VoiceMetadata",
]

Access = Literal["private", "public"] | str
Visibility = Literal["owner", "all"] | str
GenderPresentation = Literal["masculine", "feminine", "gender_neutral"] | str
Gender = Literal["male", "female"] | str


@attrs.frozen(kw_only=True)
class VoiceLocale:
    """A locale that a voice speaks.

    Attributes:
        locale: A language and a region, such as ``"en-US"``.
        is_native: Whether it is the locale of the recording that the voice was made from.
        extra: Members that this version does not know.
    """

    locale: str
    is_native: bool = False
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class Voice:
    """A voice of the library, or of the account.

    Members that are missing in older API versions are None.

    Attributes:
        id: Its id, for requests.
        name: Its name, without the tagline.
        description: What it sounds like.
        language: The language that it speaks, such as ``"en"``.
        tagline: At most 32 characters; empty if there is none.
        locales: The locales that it speaks, the native one first.
        accent: The id of an accent (`Accent.id`), or None.
        gender: ``"masculine"``, ``"feminine"``, ``"gender_neutral"`` or None.
        country: A country code; deprecated in favour of *locales*.
        access: ``"private"``: for its owner; ``"public"``: for everyone.
        visibility: Whose lists have it: its ``"owner"``'s or those of ``"all"``.
        is_owner: Whether it belongs to the account.
        created_at: A time (RFC 3339).
        preview_file_url: The address of a sample, if ``expand`` has ``"preview_file_url"`` and
            there is one. It requires the same credential, and may change.
        extra: Members that this version does not know.
    """

    id: str
    name: str
    description: str = ""
    language: str = ""
    tagline: str | None = None
    locales: tuple[VoiceLocale, ...] = ()
    accent: str | None = None
    gender: GenderPresentation | None = None
    country: str | None = None
    access: Access | None = None
    visibility: Visibility | None = None
    is_owner: bool | None = None
    created_at: str | None = None
    preview_file_url: str | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class VoiceMetadata:
    """A voice that was just made, by cloning or localizing.

    Attributes:
        id: Its id, for requests.
        name: Its name.
        description: What it sounds like.
        language: The language that it speaks.
        tagline: A few words on it.
        user_id: The id of its owner.
        access: As in `Voice`.
        visibility: As in `Voice`.
        created_at: A time (RFC 3339).
        extra: Members that this version does not know.
    """

    id: str
    name: str
    description: str = ""
    language: str = ""
    tagline: str | None = None
    user_id: str | None = None
    access: Access | None = None
    visibility: Visibility | None = None
    created_at: str | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class Accent:
    """An accent that voices may have.

    Attributes:
        id: Its id in the catalogue, such as ``"southern-us"``.
        name: Its name for display.
        language: The language, such as ``"en"``.
        locale: The locale, such as ``"en-US"``.
        is_locale_default: Whether it is the default of its locale.
        is_localizable: Whether ``voices.localize`` can produce it.
        extra: Members that this version does not know.
    """

    id: str
    name: str = ""
    language: str = ""
    locale: str = ""
    is_locale_default: bool = False
    is_localizable: bool = False
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class AccentList:
    """The catalogue of accents.

    Attributes:
        accents: All of them, by id.
        extra: Members that this version does not know.
    """

    accents: tuple[Accent, ...] = ()
    extra: Mapping[str, object] = extra()
