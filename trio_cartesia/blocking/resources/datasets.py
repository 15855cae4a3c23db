"""`Datasets` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.datasets import Datasets as AsyncDatasets
from trio_cartesia._protocol.rest.training import Dataset
from trio_cartesia.blocking.resources.dataset_files import DatasetFiles
from trio_cartesia.blocking.resources.listing import Listing
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["Datasets"]


@no_public_constructor("client.datasets")
@attrs.define(eq=False, init=False, repr=False)
class Datasets(Wrapper[AsyncDatasets]):
    """Datasets (protocol §5.4); each method raises as `Cartesia.request`."""

    @property
    def files(self) -> DatasetFiles:
        """The files of datasets."""
        return create(DatasetFiles, self._portal, self._inner.files)

    def list(
        self,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Listing[Dataset]:
        """List the datasets of the account (protocol §5.4).

        Args:
            limit: The most datasets a page, 1 to 100; the service's default is 10.
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

    def create(self, *, name: str, description: str, **options: Unpack[RequestOptions]) -> Dataset:
        """Create a dataset (protocol §5.4).

        Args:
            name: Its name.
            description: What is in it.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.create, name=name, description=description, **options)

    def retrieve(self, id: str, **options: Unpack[RequestOptions]) -> Dataset:
        """Return a dataset (protocol §5.4).

        Args:
            id: The id of the dataset.
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.retrieve, id, **options)

    def update(
        self, id: str, *, name: str, description: str, **options: Unpack[RequestOptions]
    ) -> None:
        """Change a dataset (protocol §5.4).

        Args:
            id: The id of the dataset.
            name: Its new name.
            description: Its new description.
            **options: See `RequestOptions`.
        """
        self._portal.run(self._inner.update, id, name=name, description=description, **options)

    def delete(self, id: str, **options: Unpack[RequestOptions]) -> None:
        """Delete a dataset (protocol §5.4).

        Args:
            id: The id of the dataset.
            **options: See `RequestOptions`.
        """
        self._portal.run(self._inner.delete, id, **options)
