"""``client.datasets``: recordings for fine-tunes."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.api import API
from trio_cartesia._http.endpoint import endpoint
from trio_cartesia._http.listing import Listing
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.uploads import Progress, Upload
from trio_cartesia._protocol.rest.training import Dataset, DatasetFile

__all__ = ["DatasetFiles", "Datasets"]


@no_public_constructor("client.datasets")
@attrs.frozen(eq=False, init=False)
class Datasets:
    """Datasets (protocol §5.4); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @property
    def files(self) -> DatasetFiles:
        """The files of datasets."""
        return create(DatasetFiles, self._api)

    @endpoint("GET", "/datasets/")
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

    @endpoint("POST", "/datasets/")
    async def create(
        self, *, name: str, description: str, **options: Unpack[RequestOptions]
    ) -> Dataset:
        """Create a dataset (protocol §5.4).

        Args:
            name: Its name.
            description: What is in it.
            **options: See `RequestOptions`.
        """

    @endpoint("GET", "/datasets/{id}")
    async def retrieve(self, id: str, **options: Unpack[RequestOptions]) -> Dataset:
        """Return a dataset (protocol §5.4).

        Args:
            id: The id of the dataset.
            **options: See `RequestOptions`.
        """

    @endpoint("PATCH", "/datasets/{id}")
    async def update(
        self, id: str, *, name: str, description: str, **options: Unpack[RequestOptions]
    ) -> None:
        """Change a dataset (protocol §5.4).

        Args:
            id: The id of the dataset.
            name: Its new name.
            description: Its new description.
            **options: See `RequestOptions`.
        """

    @endpoint("DELETE", "/datasets/{id}")
    async def delete(self, id: str, **options: Unpack[RequestOptions]) -> None:
        """Delete a dataset (protocol §5.4).

        Args:
            id: The id of the dataset.
            **options: See `RequestOptions`.
        """


@no_public_constructor("client.datasets.files")
@attrs.frozen(eq=False, init=False)
class DatasetFiles:
    """The files of datasets (protocol §5.4); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @endpoint("GET", "/datasets/{id}/files")
    def list(
        self,
        id: str,
        *,
        limit: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Listing[DatasetFile]:
        """List the files of a dataset (protocol §5.4).

        Args:
            id: The id of the dataset.
            limit: The most files a page, 1 to 100; the service's default is 10.
            starting_after: Begin behind the one with this id.
            ending_before: Go backwards from the one with this id.
            **options: See `RequestOptions`.
        """

    @endpoint("POST", "/datasets/{id}/files", form=True)
    async def upload(
        self,
        id: str,
        *,
        file: Upload,
        purpose: str | None = None,
        progress: Progress | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Add a file to a dataset (protocol §5.4).

        Args:
            id: The id of the dataset.
            file: The recording.
            purpose: What it is for, such as ``"fine_tune"``.
            progress: Called with the bytes of the file that were sent, and its size or None.
            **options: See `RequestOptions`.
        """

    @endpoint("DELETE", "/datasets/{id}/files/{file_id}")
    async def delete(self, file_id: str, *, id: str, **options: Unpack[RequestOptions]) -> None:
        """Remove a file from a dataset (protocol §5.4).

        Args:
            file_id: The id of the file.
            id: The id of the dataset.
            **options: See `RequestOptions`.
        """
