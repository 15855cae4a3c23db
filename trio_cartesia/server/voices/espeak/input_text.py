"""Prepare the text for eSpeak NG: normalization, phonemes, and the places of words in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

import attrs

from trio_cartesia.server.text.markup import Sound, Span
from trio_cartesia.server.text.normalization import read_aloud, read_by_digits
from trio_cartesia.server.voices.interface import Utterance, words_of

__all__ = ["EspeakInput", "prepare_input"]

_BRACKETS: Final = "[[{}]]"  # around phonemes


@attrs.frozen(kw_only=True)
class EspeakInput:
    """The text for the library.

    Attributes:
        text: The text.
        words: The start of each word and its reported form, which is None for laughter.
        sounds: The places of phonemes, with their brackets.
    """

    text: str = attrs.field(repr=lambda text: f"<{len(text)} characters>")
    words: Sequence[tuple[int, str | None]] = attrs.field(repr=lambda words: f"<{len(words)}>")
    sounds: Sequence[tuple[int, int]]


class _Writer:
    """Builds an `EspeakInput`."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0
        self._words: list[tuple[int, str | None]] = []
        self._sounds: list[tuple[int, int]] = []

    def add(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._size += len(text)

    def add_sound(self, mnemonics: str) -> None:
        if not mnemonics:
            return
        if self._parts and not self._parts[-1][-1].isspace():
            self.add(" ")  # after a hyphen, for example, they may crash the library
        start = self._size
        self.add(_BRACKETS.format(mnemonics))
        self._sounds.append((start, self._size))

    def begin_word(self, word: str | None) -> None:
        self._words.append((self._size, word))

    def done(self) -> EspeakInput:
        return EspeakInput(text="".join(self._parts), words=self._words, sounds=self._sounds)


def prepare_input(
    utterance: Utterance,
    *,
    language: str,
    laughter: str,
    mnemonics: Callable[[str], str],
    checkpoint: Callable[[], None],
) -> EspeakInput:
    """Return the input for an utterance.

    Args:
        utterance: The utterance.
        language: Its language, unless its normalization names another.
        laughter: The mnemonics of a laugh.
        mnemonics: Converts IPA to mnemonics.
        checkpoint: Called for each word; its exceptions pass through.
    """
    text, spans, writer = utterance.text, utterance.spans, _Writer()
    laughs = [span for span in spans if span.sound is Sound.LAUGHTER]
    units: list[tuple[int, int, str | None]] = [
        *((start, start + len(word), word) for start, word in words_of(utterance)),
        *((span.start, span.end, None) for span in laughs),
    ]
    units.sort(key=lambda unit: unit[0])
    rules = _Rules(utterance, language)
    last = 0
    for (start, end, word), (_, _, following) in pairwise([*units, (len(text), 0, None)]):
        checkpoint()
        writer.add(text[last:start])
        last = end
        inside = [span for span in spans if start <= span.start and span.end <= end]
        if word is None:
            writer.begin_word(None)
            writer.add_sound(laughter)
        elif inside:
            writer.begin_word(word)
            _add_phonemes(writer, text, (start, end), inside, mnemonics)
        else:
            rules.add(writer, word, following or "")
    writer.add(text[last:])
    return writer.done()


def _add_phonemes(
    writer: _Writer,
    text: str,
    place: tuple[int, int],
    spans: Sequence[Span],
    mnemonics: Callable[[str], str],
) -> None:
    """Add a word that contains phonemes."""
    last, end = place
    for span in spans:
        writer.add(text[last : span.start])
        writer.add_sound(mnemonics(text[span.start + 2 : span.end - 2]))
        last = span.end
    writer.add(text[last:end])


class _Rules:
    """The rules by which the words of one utterance are read and reported."""

    def __init__(self, utterance: Utterance, language: str) -> None:
        choice = utterance.normalization
        language = language if choice in ("auto", "off") else choice
        self._digits = choice == "off" and not utterance.spelled
        self._aloud = choice != "off" and not utterance.spelled and language[:2].lower() == "en"
        self._normalized = utterance.normalized

    def add(self, writer: _Writer, word: str, following: str) -> None:
        """Add a word as the rules read it."""
        spoken = read_aloud(word, following) if self._aloud else [word]
        if not self._normalized:
            writer.begin_word(word)
        for number, part in enumerate(spoken):
            writer.add(" " if number else "")
            if self._normalized:
                writer.begin_word(part)
            writer.add(read_by_digits(part) if self._digits else part)
