"""The inputs of a context, kept for as long as they may have to be sent again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from trio_cartesia._protocol.tts.formats import GenerationConfig
from trio_cartesia._protocol.tts.outbox import Outgoing, Status
from trio_cartesia._runtime.context_entry import ContextEntry
from trio_cartesia._runtime.contexts import ContextTable

__all__ = ["KEPT_CHARACTERS", "Input", "InputLog"]

KEPT_CHARACTERS: Final = 65_536


@attrs.define(eq=False)
class Input:
    """One input of a context, and its message on the connection that carries the context now.

    Attributes:
        transcript: The part of it that is to be sent, after the markup that is still in force.
        pushed: The text as it was pushed.
        was_taken: True if it counts as sent, because a message of it was taken on a connection that
            no longer carries the context.
        outgoing: Its message on the present connection.
    """

    transcript: str = attrs.field(repr=False)
    flush: bool = attrs.field(default=False, kw_only=True)
    last: bool = attrs.field(default=False, kw_only=True)
    generation_config: GenerationConfig | None = attrs.field(default=None, kw_only=True)
    pushed: str = attrs.field(init=False, repr=False)
    was_taken: bool = attrs.field(default=False, init=False)
    outgoing: Outgoing | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.pushed = self.transcript

    @property
    def is_taken(self) -> bool:
        """Whether it counts as sent."""
        outgoing = self.outgoing
        is_taken = outgoing is not None and outgoing.status in (Status.TAKEN, Status.SENT)
        return self.was_taken or is_taken

    def queue_in(self, table: ContextTable, entry: ContextEntry) -> None:
        """Queue a message of it for the connection that carries the context from now on.

        Raises:
            CartesiaError: As `ContextTable.queue_input`.
        """
        was_taken = self.is_taken
        self.outgoing = table.queue_input(
            entry,
            self.transcript,
            flush=self.flush,
            last=self.last,
            generation_config=self.generation_config,
        )
        self.was_taken = was_taken


@attrs.define(eq=False)
class InputLog:
    """The inputs of a context, up to `KEPT_CHARACTERS`; if there are more, none is kept.

    Attributes:
        is_whole: False once inputs were dropped, so that they cannot be sent again.
        characters: The number of characters that are kept.
    """

    is_whole: bool = attrs.field(default=True, init=False)
    characters: int = attrs.field(default=0, init=False)
    _inputs: dict[Input, None] = attrs.field(factory=dict, init=False, repr=False)

    def __iter__(self) -> Iterator[Input]:
        return iter(self._inputs)

    @property
    def has_taken(self) -> bool:
        """True if some of it counts as sent."""
        return any(each.is_taken for each in self)

    def add(self, item: Input) -> None:
        """Append an input."""
        if self.is_whole:
            self._inputs[item] = None
            self.characters += len(item.transcript)
            if self.characters > KEPT_CHARACTERS:
                self.drop()

    def remove(self, item: Input) -> None:
        """Remove an input that was withdrawn; flushes with no text before them count as sent."""
        if self._inputs.pop(item, item) is None:
            self.characters -= len(item.transcript)
        while self._inputs and (first := next(iter(self))).flush:
            first.was_taken = True
            del self._inputs[first]

    def drop(self) -> None:
        """Drop all inputs, and keep no more."""
        self._inputs.clear()
        self.is_whole, self.characters = False, 0

    def texts(self) -> tuple[str, ...]:
        """Return the texts that are kept."""
        return tuple(each.transcript for each in self if each.transcript)
