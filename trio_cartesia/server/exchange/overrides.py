"""Overrides of the behaviour, and faults, in the headers and query of a request."""

from __future__ import annotations

from typing import Final

from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.messages.errors import APIError, invalid
from trio_cartesia.server.net.requests import Request

__all__ = ["override_behaviour", "requested_faults"]

HEADER: Final = "x-behaviour"
QUERY: Final = "behaviour"
FAULT_HEADER: Final = "x-fault"
FAULT_QUERY: Final = "fault"
UNVERSIONED: Final = frozenset({"", "_local", "files"})  # first segments of paths


def override_behaviour(behaviour: Behaviour, request: Request) -> Behaviour:
    """Return *behaviour* with the overrides in *request*.

    They are in the header, ``x-behaviour: flush_id_base=0, late_input=ignore``, and in the query,
    ``?behaviour=flush_id_base%3D0``, which overrides the header. Limits can only be lowered.

    Raises:
        APIError: A field does not exist or a value is not allowed, or a required version is
            missing.
    """
    for text in (request.headers.get(HEADER, ""), *request.query.get(QUERY, ())):
        try:
            behaviour = behaviour.with_overrides(text)
        except ValueError as error:
            raise APIError(invalid(f"Behaviour: {error}.")) from error
    if behaviour.missing_version == "error" and not _has_version(request):
        raise APIError(invalid("The header Cartesia-Version is missing."))
    return behaviour


def _has_version(request: Request) -> bool:
    """Return whether *request* has a version, or its path needs none (protocol §1.2)."""
    in_query = request.parameter("cartesia_version") != ""
    first_segment = request.path.strip("/").partition("/")[0]
    return in_query or "cartesia-version" in request.headers or first_segment in UNVERSIONED


def requested_faults(request: Request) -> tuple[Fault, ...]:
    """Return the faults in *request*.

    They are in the header, ``x-fault: close at_frame=3 code=1011, latency seconds=0.1``, and in the
    query, where the parameter ``fault`` may be repeated.

    Raises:
        APIError: A fault does not exist, or there are too many.
    """
    texts = (request.headers.get(FAULT_HEADER, ""), *request.query.get(FAULT_QUERY, ()))
    try:
        return Fault.read(",".join(texts))
    except ValueError as error:
        raise APIError(invalid(f"Fault: {error}.")) from error
