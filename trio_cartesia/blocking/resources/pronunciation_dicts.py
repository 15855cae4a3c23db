"""`PronunciationDicts` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.pronunciation_dicts import (
    PronunciationDicts as AsyncPronunciationDicts,
)
from trio_cartesia._protocol.rest.pronunciation import PronunciationDict, PronunciationDictItem
from trio_cartesia.blocking.resources.listing import Listing
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["PronunciationDicts"]


@no_public_constructor("client.pronunciation_dicts")
@attrs.define(eq=False, init=False, repr=False)
class PronunciationDicts(Wrapper[AsyncPronunciationDicts]):
    """Pronunciation dictionaries (protocol §5.6); each method raises as `Cartesia.request`."""

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
        items: Sequence[PronunciationDictItem | Mapping[str, object]] | None = None,
        **options: Unpack[RequestOptions],
    ) -> PronunciationDict:
        """Create a dictionary (protocol §5.6).

        Args:
            name: Its name.
            items: What it replaces.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.create, name=name, items=items, **options)

    def retrieve(self, id: str, **options: Unpack[RequestOptions]) -> PronunciationDict:
        """Return a dictionary (protocol §5.6).

        Args:
            id: The id of the dictionary.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.retrieve, id, **options)

    def update(
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
        return self._portal.run(self._inner.update, id, name=name, items=items, **options)

    def delete(self, id: str, **options: Unpack[RequestOptions]) -> None:
        """Delete a dictionary (protocol §5.6).

        Args:
            id: The id of the dictionary.
            **options: See `RequestOptions`.
        """
        self._portal.run(self._inner.delete, id, **options)
