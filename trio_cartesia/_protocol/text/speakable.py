"""Text as models write it, with its Markdown, as a person would read it aloud."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import overload

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.text.markdown import MarkdownReader

__all__ = ["AsyncSpeakablePieces", "SpeakablePieces", "speakable"]


@overload
def speakable(pieces: Iterable[str], *, code_blocks: str = "") -> SpeakablePieces: ...
@overload
def speakable(pieces: AsyncIterable[str], *, code_blocks: str = "") -> AsyncSpeakablePieces: ...
def speakable(
    pieces: Iterable[str] | AsyncIterable[str], *, code_blocks: str = ""
) -> SpeakablePieces | AsyncSpeakablePieces:
    r"""Return an iterator of what a person would read aloud of a text with Markdown.

    Marks of headings, emphasis, lists, quotes and tables are left out, and so are emoji, rules,
    comments, footnotes, HTML tags and blocks of code. Of a link its text is spoken, of an image its
    description, of a bare address the name of its host, and code within a line as it is. A full
    stop is added to headings, entries, rows and paragraphs that end without a mark, since a reader
    pauses there; cells of a table are joined by commas. Markup of Cartesia stays (protocol §2.14).

    Pieces may end anywhere: what they give, joined, is the same however the text is split. At most
    1,024 characters are held until it is known what they are.

    Args:
        pieces: A text, or an iterable or asynchronous iterable of its pieces.
        code_blocks: What is spoken instead of each block of code, such as "Here is some code.".

    Raises:
        LocalProtocolError: An argument is of another type; or, from the iterator, a piece is.

    Example::

        from trio_cartesia import speakable

        text = "# Tea\n\n- boil **water**\n- see [the guide](https://example.com/tea)"
        pieces = speakable(text)
        spoken = "".join(pieces)
        assert spoken == "Tea.\n\nboil water.\nsee the guide"
        start, end = pieces.source_span(spoken.index("guide"), len(spoken))
        assert text[start:end] == "guide"
    """
    reader = MarkdownReader(_checked_text(code_blocks, "code_blocks").strip())
    _check_pieces(pieces)
    if isinstance(pieces, AsyncIterable):
        return AsyncSpeakablePieces(reader, pieces, aiter(pieces))
    return SpeakablePieces(reader, iter((pieces,) if isinstance(pieces, str) else pieces))


def _checked_text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise LocalProtocolError(f"{name} must be a str, not {type(value).__name__}")
    return value


def _check_pieces(value: object) -> None:
    if isinstance(value, (bytes, bytearray)) or not isinstance(value, (Iterable, AsyncIterable)):
        kind = type(value).__name__
        raise LocalProtocolError(
            f"pieces must be a str, or an iterable or async iterable of str, not {kind}"
        )


@attrs.define(eq=False)
class _Pieces:
    """Knows where in the text, as it was written, the spoken characters come from.

    It keeps 24 bytes for each place where the two differ, and no text but the end that is held.
    """

    _reader: MarkdownReader = attrs.field(repr=False)

    def source_offset(self, offset: int) -> int:
        """Return how much of the source is behind one who has heard *offset* characters.

        Args:
            offset: From the start of all pieces so far, joined, to their end.

        Returns:
            Where the spoken character at *offset* starts in the source; at the end, how much of the
            source has been read. It never decreases with *offset*.

        Raises:
            LocalProtocolError: The offset is out of range.
        """
        return self._reader.spoken.source_map.start(self._check(offset, 0))

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the spoken characters from *start* to *end* stand in the source.

        Raises:
            LocalProtocolError: An offset is out of range, or the end is before the start.
        """
        first = self.source_offset(start)
        if self._check(end, start) == start:
            return first, first
        return first, self._reader.spoken.source_map.end(end - 1)

    def _check(self, offset: object, least: int) -> int:
        most = self._reader.spoken.source_map.output_characters
        if not isinstance(offset, int) or not least <= offset <= most:
            raise LocalProtocolError(f"an offset must be from {least} to {most}, not {offset!r}")
        return offset

    def _add(self, piece: object) -> str:
        return self._reader.add(_checked_text(piece, "a piece"))


@attrs.define(eq=False)
class SpeakablePieces(_Pieces, Iterator[str]):
    """An iterator of what is spoken of a text; made by `speakable`."""

    _source: Iterator[str] = attrs.field(repr=False)

    def __next__(self) -> str:
        for piece in self._source:
            if spoken := self._add(piece):
                return spoken
        if spoken := self._reader.finish():
            return spoken
        raise StopIteration


@attrs.define(eq=False)
class AsyncSpeakablePieces(_Pieces, AsyncIterator[str]):
    """An asynchronous iterator of what is spoken of a text; made by `speakable`."""

    _pieces: AsyncIterable[str] = attrs.field(repr=False)
    _source: AsyncIterator[str] = attrs.field(repr=False)

    async def __anext__(self) -> str:
        """Return the next piece that is spoken; cancelling it is up to the source."""
        async for piece in self._source:
            if spoken := self._add(piece):
                return spoken
        if spoken := self._reader.finish():
            return spoken
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close the pieces, if they are an asynchronous generator."""
        if isinstance(self._pieces, AsyncGenerator):
            await self._pieces.aclose()


AsyncGenerator.register(AsyncSpeakablePieces)  # so that `speak` closes it with its block
