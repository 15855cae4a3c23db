"""``client.pronunciation_dicts``: how names and terms are spoken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.api import API
from trio_cartesia._http.endpoint import endpoint
from trio_cartesia._http.listing import Listing
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._protocol.rest.pronunciation import PronunciationDict, PronunciationDictItem

__all__ = ["PronunciationDicts"]


@no_public_constructor("client.pronunciation_dicts")
@attrs.frozen(eq=False, init=False)
class PronunciationDicts:
    """Pronunciation dictionaries (protocol §5.6); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @endpoint("GET", "/pronunciation-dicts/")
    def list(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Listing[PronunciationDict]:
        """List the dictionaries of the account (protocol §5.6).

        Args:
            limit: The most dictionaries a page, 1 to 100; the service's default is 10.
            starting_after: Begin behind the one with this id.
            ending_before: Go backwards from the one with this id.
            **options: See `RequestOptions`.
        """

    @endpoint("POST", "/pronunciation-dicts/")
    async def create(
        self,
        *,
        name: str,
        items: Sequence[PronunciationDictItem | Mapping[str, object]] | None = None,
        **options: Unpack[RequestOptions],
    ) -> PronunciationDict:
        """Create a dictionary (protocol §5.6).

        Args:
            name: Its name.
            items: What it replaces.
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/pronunciation-dicts/{id}")
    async def retrieve(self, id: str, **options: Unpack[RequestOptions]) -> PronunciationDict:
        """Return a dictionary (protocol §5.6).

        Args:
            id: The id of the dictionary.
            **options: See `RequestOptions`.
        """

    @endpoint("PATCH", "/pronunciation-dicts/{id}")
    async def update(
        self,
        id: str,
        *,
        name: str | None = None,
        items: Sequence[PronunciationDictItem | Mapping[str, object]] | None = None,
        **options: Unpack[RequestOptions],
    ) -> PronunciationDict:
        """Change a dictionary, and return it (protocol §5.6).

        Args:
            id: The id of the dictionary.
            name: Its new name.
            items: What it replaces from then on, in place of all its items.
            **options: See `RequestOptions`.
        """

    @endpoint("DELETE", "/pronunciation-dicts/{id}")
    async def delete(self, id: str, **options: Unpack[RequestOptions]) -> None:
        """Delete a dictionary (protocol §5.6).

        Args:
            id: The id of the dictionary.
            **options: See `RequestOptions`.
        """
