"""``client.fine_tunes``: professional clones of voices."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.api import API
from trio_cartesia._http.endpoint import endpoint
from trio_cartesia._http.listing import Listing
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._protocol.rest.training import FineTune
from trio_cartesia._protocol.rest.voices import Voice

__all__ = ["FineTunes"]


@no_public_constructor("client.fine_tunes")
@attrs.frozen(eq=False, init=False)
class FineTunes:
    """Fine-tunes (protocol §5.5); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @endpoint("GET", "/fine-tunes/")
    def list(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Listing[FineTune]:
        """List the fine-tunes of the account (protocol §5.5).

        Args:
            limit: The most fine-tunes a page, 1 to 100; the service's default is 10.
            starting_after: Begin behind the one with this id.
            ending_before: Go backwards from the one with this id.
            **options: See `RequestOptions`.
        """

    @endpoint("POST", "/fine-tunes/")
    async def create(
        self,
        *,
        name: str,
        description: str,
        language: str,
        model_id: str,
        dataset: str,
        accent: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> FineTune:
        """Start a fine-tune (protocol §5.5).

        Args:
            name: Its name.
            description: What it is for.
            language: The language of the recordings.
            model_id: The model to train, such as ``"sonic-3-2026-01-12"``.
            dataset: The id of the dataset.
            accent: A catalogue id, such as ``"southern-us"`` (`Accent.id`).
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/fine-tunes/{id}")
    async def retrieve(self, id: str, **options: Unpack[RequestOptions]) -> FineTune:
        """Return a fine-tune (protocol §5.5).

        Args:
            id: The id of the fine-tune.
            **options: See `RequestOptions`.
        """

    @endpoint("DELETE", "/fine-tunes/{id}")
    async def delete(self, id: str, **options: Unpack[RequestOptions]) -> None:
        """Delete a fine-tune (protocol §5.5).

        Args:
            id: The id of the fine-tune.
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/fine-tunes/{id}/voices")
    def list_voices(
        self,
        id: str,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Listing[Voice]:
        """List the voices that a fine-tune made (protocol §5.5).

        Args:
            id: The id of the fine-tune.
            limit: The most voices a page, 1 to 100; the service's default is 10.
            starting_after: Begin behind the one with this id.
            ending_before: Go backwards from the one with this id.
            **options: See `RequestOptions`.
        """
