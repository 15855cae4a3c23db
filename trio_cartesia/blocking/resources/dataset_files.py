"""`DatasetFiles` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.datasets import DatasetFiles as AsyncDatasetFiles
from trio_cartesia._http.uploads import Progress, Upload
from trio_cartesia._protocol.rest.training import DatasetFile
from trio_cartesia.blocking.resources.listing import Listing
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["DatasetFiles"]


@no_public_constructor("client.datasets.files")
@attrs.define(eq=False, init=False, repr=False)
class DatasetFiles(Wrapper[AsyncDatasetFiles]):
    """The files of datasets (protocol §5.4); each method raises as `Cartesia.request`."""

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
        return create(
            Listing,
            self._portal,
            self._portal.run_sync(
                self._inner.list,
                id,
                limit=limit,
                starting_after=starting_after,
                ending_before=ending_before,
                **options,
            ),
        )

    def upload(
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
        self._portal.run(
            self._inner.upload, id, file=file, purpose=purpose, progress=progress, **options
        )

    def delete(self, file_id: str, *, id: str, **options: Unpack[RequestOptions]) -> None:
        """Remove a file from a dataset (protocol §5.4).

        Args:
            file_id: The id of the file.
            id: The id of the dataset.
            **options: See `RequestOptions`.
        """
        self._portal.run(self._inner.delete, file_id, id=id, **options)
