"""The book against the local service, in memory and on virtual time."""

from __future__ import annotations

import wave

import pytest
import trio
from book import PAUSE_SECONDS, SAMPLE_RATE, SHORT_BOOK, read_chapters, speak_book

from trio_cartesia import QuotaExceeded

LONG_BOOK = "\n\n".join(
    ["Chapter 1", *(f"This is paragraph number {number}." for number in range(20))]
)


def frames(path):
    """Return the audio of a WAV file."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (SAMPLE_RATE, 2)
        return file.readframes(file.getnframes())


def test_chapters_begin_with_their_headings():
    """
    A heading starts a chapter; lines of a paragraph are joined.
    """
    chapters = read_chapters("A word before.\n\nCHAPTER ONE\n\nTwo\nlines.\n\n\nMore.")
    texts = [[item.text for item in chapter] for chapter in chapters]
    assert texts == [["A word before."], ["CHAPTER ONE", "Two lines.", "More."]]


async def test_each_chapter_has_the_speech_of_its_parts(cartesia, cartesia_server, tmp_path):
    """
    A chapter is what the service spoke for its paragraphs, in order, with pauses between them.
    """
    assert await speak_book(cartesia, SHORT_BOOK, tmp_path)
    spoken = {record.transcript: record.audio for record in cartesia_server.journal.contexts}
    pause = bytes(2 * int(PAUSE_SECONDS * SAMPLE_RATE))
    for number, chapter in enumerate(read_chapters(SHORT_BOOK), 1):
        expected = b"".join(spoken[item.text] + pause for item in chapter)
        assert frames(tmp_path / f"chapter-{number:02}.wav") == expected
    contents = (tmp_path / "contents.txt").read_text()
    assert "chapter-02.wav" in contents
    assert "Chapter 2. The Letter" in contents


async def test_an_interrupted_book_goes_on(cartesia, cartesia_server, tmp_path):
    """
    A second run speaks what the first one has not finished, and nothing else.
    """
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(speak_book, cartesia, LONG_BOOK, tmp_path)
            while len(list((tmp_path / "parts").glob("*.wav"))) < 5:  # noqa: ASYNC110  # a file
                await trio.sleep(0.01)
            scope.cancel()
    assert not (tmp_path / "contents.txt").exists()
    done = {path.stem for path in (tmp_path / "parts").glob("*.wav")}
    cartesia_server.journal.forget()
    assert await speak_book(cartesia, LONG_BOOK, tmp_path)
    again = {record.transcript for record in cartesia_server.journal.contexts}
    (chapter,) = read_chapters(LONG_BOOK)
    assert again == {item.text for item in chapter if item.id not in done}


@pytest.mark.cartesia(faults="quota_exceeded at_frame=2")
async def test_without_credits_nothing_is_half_written(cartesia, cartesia_server, tmp_path):
    """
    Where the credits run out, the book fails, and what is there of it are whole parts.
    """
    with pytest.raises(QuotaExceeded):
        await speak_book(cartesia, SHORT_BOOK, tmp_path)
    assert list(tmp_path.glob("*.wav")) == []
    spoken = {record.transcript: record.audio for record in cartesia_server.journal.contexts}
    items = {item.id: item for chapter in read_chapters(SHORT_BOOK) for item in chapter}
    for path in (tmp_path / "parts").glob("*.wav"):
        assert frames(path) == spoken[items[path.stem].text]
