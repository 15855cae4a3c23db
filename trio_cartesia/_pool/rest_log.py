"""The text of an utterance that may be resumed, from the first word that was not delivered."""

from __future__ import annotations

import attrs

from trio_cartesia._pool.inputs import KEPT_CHARACTERS, Input, InputLog
from trio_cartesia._pool.markup import MarkupState
from trio_cartesia._protocol.text.markup import has_words
from trio_cartesia._protocol.tts.unspoken import Transcript

__all__ = ["PushedTranscript", "RestLog"]


@attrs.define(eq=False)
class PushedTranscript(Transcript):
    """The text of a context as it was pushed, whichever parts of it are sent again."""

    def add(self, piece: str) -> None:
        """Do nothing: what is sent was pushed before."""

    def push(self, piece: str) -> None:
        """Note that *piece* was pushed."""
        super().add(piece)

    def withdraw(self, piece: str) -> None:
        """Note that *piece* was withdrawn."""
        for index in reversed(range(len(self._pieces))):
            if self._pieces[index] == piece:
                del self._pieces[index]
                self.characters -= len(piece)
                return


@attrs.define(eq=False)
class RestLog(InputLog):
    """Inputs that may have to be sent again, in part.

    Offsets count from the start of the text that the present context was given.
    """

    _start: int = attrs.field(default=0, init=False)  # of the first input
    _markup: MarkupState = attrs.field(factory=MarkupState, init=False)  # behind what was forgotten
    _lead: str | None = attrs.field(default=None, init=False, repr=False)  # of the next words

    @property
    def is_full(self) -> bool:
        """True while no more is to be added."""
        return self.characters > KEPT_CHARACTERS

    def prepare(self, item: Input) -> bool:
        """Put before an input what its words need; return False if it need not be sent now.

        A context must not begin with an input without words, which the service may refuse (protocol
        §2.6).
        """
        if self._lead is None:
            return True
        text = self._lead + item.transcript
        if has_words(text):
            item.transcript, self._lead = text, None
        elif item.last:
            item.transcript = ""
        else:
            self._lead, item.was_taken = text, True
            return False
        return True

    def add(self, item: Input) -> None:
        """Append an input."""
        if self.is_whole:
            self._inputs[item] = None
            self.characters += len(item.transcript)

    def forget(self, offset: int) -> None:
        """Drop the inputs before *offset*, all of whose words were delivered."""
        for item in list(self._inputs):
            end = self._start + len(item.transcript)
            if end > offset or item.last:
                break
            self._markup.read(item.transcript)
            del self._inputs[item]
            self.characters -= len(item.transcript)
            self._start = end

    def texts_from(self, offset: int) -> list[str]:
        """Return the texts behind *offset*."""
        texts, start = [], self._start
        for item in self:
            texts.append(item.transcript[max(0, offset - start) :])
            start += len(item.transcript)
        return texts

    def cut(self, offset: int) -> bool:
        """Drop the text before *offset*, for a context that speaks the rest.

        Returns:
            False if there is no rest: nothing but punctuation is left, and no more will come.
        """
        self.forget(offset)
        rest = self.texts_from(offset)
        for item, text in zip(self, rest, strict=True):
            self._markup.read(item.transcript[: len(item.transcript) - len(text)])
            item.transcript = text
        is_ending = any(item.last for item in self)
        self._lead, self._markup, self._start = self._markup.prefix, MarkupState(), 0
        for item in list(self):
            if not self.prepare(item):
                del self._inputs[item]
        self.characters = sum(len(item.transcript) for item in self)
        return not is_ending or has_words("".join(self.texts()))
