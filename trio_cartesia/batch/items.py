"""The texts of a batch, with their ids, which also name their files."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.tts.settings import ContextSettings, settings_from

__all__ = ["Item", "Job", "jobs_from"]

LONGEST_ID_BYTES: Final = 200  # file systems allow 255 bytes for a name
FORBIDDEN: Final = re.compile(r'[/\\:*?"<>|]|^\.|[. ]$|^ ')  # in a file name, on any system


@attrs.frozen
class Item:
    r"""One text of a batch.

    Attributes:
        id: Its id, which is unique in the batch and names its file. It has at most 200 bytes in
            UTF-8, without ``/ \ : * ? " < > |``, without a dot at its ends, and it is printable.
        text: The text to be spoken.
        settings: Settings of `Connection.context` for this text alone.
        line: The line of the file that it was read from, for messages; otherwise None.
    """

    id: str
    text: str = attrs.field(repr=False)
    settings: Mapping[str, object] = attrs.field(factory=dict, kw_only=True)
    line: int | None = attrs.field(default=None, kw_only=True, eq=False)

    @property
    def place(self) -> str:
        """The words for it in messages."""
        return f"item {checks.quoted(self.id)}" if self.line is None else f"line {self.line}"


@attrs.frozen
class Job:
    """One item, checked, with everything that its speech depends on.

    Attributes:
        fingerprint: A digest of the text and of the settings.
        file_name: The name of its file of audio.
    """

    id: str
    text: str = attrs.field(repr=False)
    settings: ContextSettings
    fingerprint: str
    file_name: str

    @property
    def options(self) -> dict[str, Any]:
        """The settings, as keyword arguments."""
        return attrs.asdict(self.settings, recurse=False)

    @property
    def part_name(self) -> str:
        """The name of the file while it is written."""
        return f".{self.file_name}.part"

    @property
    def replaced_name(self) -> str:
        """The name of the file of an earlier text after this one was refused."""
        return f"{self.file_name}.old"


def jobs_from(items: Iterable[Item], shared: Mapping[str, object], *, raw: bool) -> list[Job]:
    """Check all items.

    Args:
        items: The items.
        shared: The settings of items that have no others.
        raw: Whether the files have no headers.

    Raises:
        LocalProtocolError: One is not valid, or two have the same id; it names the item.
    """
    jobs: list[Job] = []
    seen: dict[str, Item] = {}
    for item in items:
        if not isinstance(item, Item):
            raise LocalProtocolError(f"items must be Item objects, not {type(item).__name__}")
        try:
            first = seen.setdefault(_key(item.id), item)
            if first is not item:
                raise LocalProtocolError(_duplicate(item, first))
            jobs.append(_job(item, shared, raw=raw))
        except LocalProtocolError as error:
            raise LocalProtocolError(f"{item.place}: {error}") from None
    return jobs


def _key(item_id: object) -> str:
    """Return what file systems compare, some of which know no case and no forms of Unicode."""
    name = checks.text(item_id, "id")
    if not name or not name.isprintable() or FORBIDDEN.search(name):
        raise LocalProtocolError(
            f"the id {checks.quoted(name)} cannot name a file: use printable characters "
            'without / \\ : * ? " < > |, and no dot or space at its ends'
        )
    if len(name.encode()) > LONGEST_ID_BYTES:
        raise LocalProtocolError(f"an id has at most {LONGEST_ID_BYTES} bytes in UTF-8")
    return unicodedata.normalize("NFC", name).casefold()


def _duplicate(item: Item, first: Item) -> str:
    where = "" if first.line is None else f" of line {first.line}"
    if item.id == first.id:
        return f"the id {checks.quoted(item.id)}{where} is there twice"
    return (
        f"the id {checks.quoted(item.id)} differs from {checks.quoted(first.id)}{where} only in "
        "its case or its form of Unicode, so some systems have one file for both"
    )


def _job(item: Item, shared: Mapping[str, object], *, raw: bool) -> Job:
    text = checks.text(item.text, "text")
    if not text.strip():
        raise LocalProtocolError("the text is empty")
    own: object = item.settings
    if not isinstance(own, Mapping) or not all(isinstance(name, str) for name in own):
        raise LocalProtocolError(
            f"settings must be a mapping with keys of str, not {checks.quoted(own)}"
        )
    settings = settings_from({**shared, **own})
    given = attrs.asdict(settings, filter=lambda _, value: value is not None)
    content = json.dumps([text, given, raw])
    return Job(
        id=item.id,
        text=text,
        settings=settings,
        fingerprint=hashlib.sha256(content.encode()).hexdigest(),
        file_name=item.id + (".pcm" if raw else ".wav"),
    )
