"""`Voices` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.voices import Voices as AsyncVoices
from trio_cartesia._http.uploads import Progress, Upload
from trio_cartesia._protocol.rest.unchanged import UNCHANGED, Unchanged
from trio_cartesia._protocol.rest.voices import (
    AccentList,
    Gender,
    GenderPresentation,
    Voice,
    VoiceMetadata,
)
from trio_cartesia.blocking.resources.listing import Listing
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["Voices"]


@no_public_constructor("client.voices")
@attrs.define(eq=False, init=False, repr=False)
class Voices(Wrapper[AsyncVoices]):
    """Voices and accents (protocol §5.2); each method raises as `Cartesia.request`."""

    def list(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        q: str | None = None,
        is_owner: bool | None = None,
        gender: GenderPresentation | None = None,
        language: str | None = None,
        expand: Sequence[str] | None = None,
        **options: Unpack[RequestOptions],
    ) -> Listing[Voice]:
        """List the voices of the library and of the account (protocol §5.2).

        Args:
            limit: The most voices a page, 1 to 100; the service's default is 10.
            starting_after: Begin behind the one with this id.
            ending_before: Go backwards from the one with this id.
            q: Only those whose name, description or id has this text.
            is_owner: True: only those of the account.
            gender: Only those of this gender.
            language: Only those of this language.
            expand: ``["preview_file_url"]`` for the addresses of samples.
            **options: See `RequestOptions`.
        """
        return create(
            Listing,
            self._portal,
            self._portal.run_sync(
                self._inner.list,
                limit=limit,
                starting_after=starting_after,
                ending_before=ending_before,
                q=q,
                is_owner=is_owner,
                gender=gender,
                language=language,
                expand=expand,
                **options,
            ),
        )

    def get(
        self, id: str, *, expand: Sequence[str] | None = None, **options: Unpack[RequestOptions]
    ) -> Voice:
        """Return a voice (protocol §5.2).

        Args:
            id: The id of the voice.
            expand: As in `list`.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.get, id, expand=expand, **options)

    def update(
        self,
        id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        gender: GenderPresentation | Unchanged | None = UNCHANGED,
        accent: str | Unchanged | None = UNCHANGED,
        **options: Unpack[RequestOptions],
    ) -> Voice:
        """Change a voice of the account, and return it (protocol §5.2).

        Args:
            id: The id of the voice.
            name: Its new name.
            description: Its new description.
            gender: Its new gender; None removes it.
            accent: A catalogue id, such as ``"southern-us"`` (`Accent.id`); None removes it.
            **options: See `RequestOptions`.
        """
        return self._portal.run(
            self._inner.update,
            id,
            name=name,
            description=description,
            gender=gender,
            accent=accent,
            **options,
        )

    def delete(self, id: str, **options: Unpack[RequestOptions]) -> None:
        """Delete a voice of the account (protocol §5.2).

        Args:
            id: The id of the voice.
            **options: See `RequestOptions`.
        """
        self._portal.run(self._inner.delete, id, **options)

    def clone(
        self,
        *,
        clip: Upload,
        name: str,
        language: str,
        description: str | None = None,
        accent: str | None = None,
        base_voice_id: str | None = None,
        progress: Progress | None = None,
        **options: Unpack[RequestOptions],
    ) -> VoiceMetadata:
        """Make a voice from a recording (protocol §5.2).

        Args:
            clip: The recording, of about five seconds.
            name: The name of the voice.
            language: The language of the recording.
            description: What it sounds like.
            accent: A catalogue id, such as ``"southern-us"`` (`Accent.id`).
            base_voice_id: The id of a voice that it is derived from.
            progress: Called with the bytes of the recording that were sent, and its size or None.
            **options: See `RequestOptions`.
        """
        return self._portal.run(
            self._inner.clone,
            clip=clip,
            name=name,
            language=language,
            description=description,
            accent=accent,
            base_voice_id=base_voice_id,
            progress=progress,
            **options,
        )

    def localize(
        self,
        *,
        voice_id: str,
        name: str,
        accent: str,
        language: str | None = None,
        dialect: str | None = None,
        description: str | None = None,
        tagline: str | None = None,
        original_speaker_gender: Gender | None = None,
        **options: Unpack[RequestOptions],
    ) -> VoiceMetadata:
        """Make a voice that speaks another language or accent (protocol §5.2).

        Args:
            voice_id: The id of the voice to start from.
            name: The name of the new voice.
            accent: A catalogue id, such as ``"southern-us"`` (`Accent.id`).
            language: The language; if None, that of the accent.
            dialect: A dialect of the language.
            description: What it sounds like.
            tagline: A few words on it.
            original_speaker_gender: ``"male"`` or ``"female"``.
            **options: See `RequestOptions`.
        """
        return self._portal.run(
            self._inner.localize,
            voice_id=voice_id,
            name=name,
            accent=accent,
            language=language,
            dialect=dialect,
            description=description,
            tagline=tagline,
            original_speaker_gender=original_speaker_gender,
            **options,
        )

    def add_accents(
        self, id: str, *, accents: Sequence[str], **options: Unpack[RequestOptions]
    ) -> Voice:
        """Let a cloned voice speak more accents, and return it (protocol §5.2).

        Args:
            id: The id of the voice.
            accents: Catalogue ids; a voice has ten accents at most, its own included.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.add_accents, id, accents=accents, **options)

    def delete_accent(self, accent_id: str, *, id: str, **options: Unpack[RequestOptions]) -> Voice:
        """Remove an accent from a cloned voice, and return it (protocol §5.2).

        Args:
            accent_id: The catalogue id of the accent.
            id: The id of the voice.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.delete_accent, accent_id, id=id, **options)

    def list_accents(self, **options: Unpack[RequestOptions]) -> AccentList:
        """Return the catalogue of accents (protocol §5.2).

        Args:
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.list_accents, **options)
