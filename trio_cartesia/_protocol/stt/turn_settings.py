"""The settings of a session with turns, and its commands (protocol §4.4)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import attrs
from attrs.validators import optional

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.stt.settings import SessionSettings

__all__ = ["CLOSE", "AutoFinalizeSettings", "TurnSettings", "write_config"]

CLOSE: Final = '{"type":"close"}'

_FALLING: Final = ("start_threshold", "eager_end_threshold", "end_threshold")


@attrs.frozen(kw_only=True)
class TurnSettings:
    """Thresholds on the service's score that the user is speaking, and the longest wait.

    A field that is None is not sent, so that the service's default applies, which depends on its
    release (protocol §6a E1). Those that are given must fall: start > eager_end > end.

    Attributes:
        start_threshold: A turn starts above it; 0.5 to 0.9.
        eager_end_threshold: An early end is announced below it; 0.3 to 0.8.
        end_threshold: The turn ends below it; 0.05 to 0.5.
        end_timeout_ms: The longest wait after the user stops, in milliseconds; 640 to 11200.

    Raises:
        LocalProtocolError: A value is of the wrong type or out of its range, or the order is wrong.
    """

    start_threshold: float | None = attrs.field(
        default=None, validator=optional(checks.number_between(0.5, 0.9))
    )
    eager_end_threshold: float | None = attrs.field(
        default=None, validator=optional(checks.number_between(0.3, 0.8))
    )
    end_threshold: float | None = attrs.field(
        default=None, validator=optional(checks.number_between(0.05, 0.5))
    )
    end_timeout_ms: float | None = attrs.field(
        default=None, validator=optional(checks.number_between(640, 11_200))
    )

    def __attrs_post_init__(self) -> None:
        given = self.given()
        for higher, lower in pairwise(name for name in _FALLING if name in given):
            if not given[higher] > given[lower]:
                raise LocalProtocolError(
                    f"{higher} ({given[higher]}) must be greater than {lower} ({given[lower]})"
                )

    def given(self) -> dict[str, float]:
        """Return the values that are not None, by name."""
        fields = attrs.asdict(self).items()
        return {name: value for name, value in fields if value is not None}

    def updated(self, update: TurnSettings) -> TurnSettings:
        """Return these settings with those that *update* gives.

        Raises:
            LocalProtocolError: The thresholds no longer fall.
        """
        return attrs.evolve(self, **update.given())


@attrs.frozen(kw_only=True)
class AutoFinalizeSettings(SessionSettings):
    """The settings of a session with turns.

    Attributes:
        turn: When a turn starts and ends.
    """

    turn: TurnSettings = attrs.field(factory=TurnSettings)

    def parameters(self) -> Iterator[tuple[str, object]]:
        """Yield the names and values of the query."""
        yield from super().parameters()
        for name, value in self.turn.given().items():
            yield f"turn_{name}", value


def write_config(update: TurnSettings) -> str:
    """Write the message that changes settings within a session; the others stay."""
    message: dict[str, object] = {"type": "config"}
    if given := update.given():
        message["turn"] = given
    return json.dumps(message, separators=(",", ":"))
