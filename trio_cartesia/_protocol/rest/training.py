"""Datasets, their files, and fine-tunes (protocol §5.4, §5.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from trio_cartesia._protocol.rest.records import extra

__all__ = ["Dataset", "DatasetFile", "FineTune", "FineTuneStatus"]

FineTuneStatus = Literal["created", "training", "completed", "failed"] | str


@attrs.frozen(kw_only=True)
class Dataset:
    """A collection of recordings for fine-tunes.

    Attributes:
        id: Its id.
        name: Its name.
        description: What is in it.
        created_at: A time (RFC 3339).
        extra: Members that this version does not know.
    """

    id: str
    name: str
    description: str = ""
    created_at: str | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class DatasetFile:
    """A file of a dataset.

    Attributes:
        id: Its id.
        filename: The name that it was uploaded with.
        size: Its size in bytes.
        created_at: A time (RFC 3339).
        extra: Members that this version does not know.
    """

    id: str
    filename: str = ""
    size: int | None = None
    created_at: str | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class FineTune:
    """The training of voices from a dataset.

    Attributes:
        id: Its id.
        name: Its name.
        description: What it is for.
        language: The language of the recordings.
        model_id: The model that is trained.
        dataset: The id of the dataset.
        status: ``"created"``, ``"training"``, ``"completed"`` or ``"failed"``.
        accent: The id of an accent, or None.
        extra: Members that this version does not know.
    """

    id: str
    name: str
    description: str = ""
    language: str = ""
    model_id: str = ""
    dataset: str = ""
    status: FineTuneStatus = ""
    accent: str | None = None
    extra: Mapping[str, object] = extra()
