"""`FineTunes` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.fine_tunes import FineTunes as AsyncFineTunes
from trio_cartesia._protocol.rest.training import FineTune
from trio_cartesia._protocol.rest.voices import Voice
from trio_cartesia.blocking.resources.listing import Listing
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["FineTunes"]


@no_public_constructor("client.fine_tunes")
@attrs.define(eq=False, init=False, repr=False)
class FineTunes(Wrapper[AsyncFineTunes]):
    """Fine-tunes (protocol §5.5); each method raises as `Cartesia.request`."""

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
        return create(
            Listing,
            self._portal,
            self._portal.run_sync(
                self._inner.list,
                limit=limit,
                starting_after=starting_after,
                ending_before=ending_before,
                **options,
            ),
        )

    def create(
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
        return self._portal.run(
            self._inner.create,
            name=name,
            description=description,
            language=language,
            model_id=model_id,
            dataset=dataset,
            accent=accent,
            **options,
        )

    def retrieve(self, id: str, **options: Unpack[RequestOptions]) -> FineTune:
        """Return a fine-tune (protocol §5.5).

        Args:
            id: The id of the fine-tune.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.retrieve, id, **options)

    def delete(self, id: str, **options: Unpack[RequestOptions]) -> None:
        """Delete a fine-tune (protocol §5.5).

        Args:
            id: The id of the fine-tune.
            **options: See `RequestOptions`.
        """
        self._portal.run(self._inner.delete, id, **options)

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
        return create(
            Listing,
            self._portal,
            self._portal.run_sync(
                self._inner.list_voices,
                id,
                limit=limit,
                starting_after=starting_after,
                ending_before=ending_before,
                **options,
            ),
        )
