"""What all observations share: names, errors, and that none of it disturbs the work."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from opentelemetry.trace import Span, StatusCode

from trio_cartesia._errors import CartesiaError

__all__ = ["NAME", "Attributes", "guarded", "note_error"]

NAME: Final = "trio_cartesia"

_log: Final = logging.getLogger("trio_cartesia.telemetry")

P = ParamSpec("P")
T = TypeVar("T")
Attributes = dict[str, str | int | float]


def guarded(method: Callable[P, T]) -> Callable[P, T | None]:
    """Decorate a method so that it returns None instead of raising: the work goes on."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return method(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # a processor or exporter may raise anything
            _log.debug("telemetry failed: %s", type(error).__name__)
            return None

    return call


def note_error(span: Span, error: Exception) -> None:
    """Record the class of an error and the service's codes: messages may quote anything."""
    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", type(error).__name__)
    if isinstance(error, CartesiaError):
        codes = {
            "cartesia.error_code": error.error_code,
            "cartesia.request_id": error.request_id,
            "http.response.status_code": error.status_code,
        }
        span.set_attributes({name: code for name, code in codes.items() if code is not None})
