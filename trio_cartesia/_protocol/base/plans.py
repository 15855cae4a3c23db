"""The limits of the plans that accounts are on (protocol §1.8)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["PLAN_CONTEXTS", "SOCKETS_PER_CONTEXT"]

PLAN_CONTEXTS: Final[Mapping[str, int]] = MappingProxyType(
    {"free": 2, "pro": 3, "startup": 5, "scale": 15}  # contexts at once; "enterprise" is custom
)
SOCKETS_PER_CONTEXT: Final = 10  # WebSockets at once, for each context that the plan allows
