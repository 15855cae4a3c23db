"""
What one request may ask to be different: ways of the service, and trouble.
"""

from __future__ import annotations

from typing import Final

from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.messages.errors import Refused, invalid
from trio_cartesia.server.net.requests import Request

__all__ = ["override_behaviour", "requested_faults"]

HEADER: Final = "x-behaviour"
QUERY: Final = "behaviour"
FAULT_HEADER: Final = "x-fault"
FAULT_QUERY: Final = "fault"
UNVERSIONED: Final = frozenset({"", "_local", "files"})  # first words of paths


def override_behaviour(behaviour: Behaviour, request: Request) -> Behaviour:
    """
    Return *behaviour* with what *request* asks to be different.

    It may say so in a header, ``x-behaviour: flush_id_base=0, late_input=ignore``, and in the
    query, ``?behaviour=flush_id_base%3D0``, which wins. Limits of the service may be lowered.

    Raises:
        Refused: There is no such field, or no such value; or no version, and there must be one.
    """
    for text in (request.headers.get(HEADER, ""), *request.query.get(QUERY, ())):
        try:
            behaviour = behaviour.asked(text)
        except ValueError as error:
            raise Refused(invalid(f"Behaviour: {error}.")) from error
    if behaviour.missing_version == "error" and not _names_version(request):
        raise Refused(invalid("The header Cartesia-Version is missing."))
    return behaviour


def _names_version(request: Request) -> bool:
    """
    True if *request* names a version, or asks for what has none (protocol §1.2).
    """
    in_query = any(request.query.get("cartesia_version", ()))
    first_word = request.path.strip("/").partition("/")[0]
    return in_query or "cartesia-version" in request.headers or first_word in UNVERSIONED


def requested_faults(request: Request) -> tuple[Fault, ...]:
    """
    Return the faults that *request* asks for.

    It may say so in a header, ``x-fault: close at_frame=3 code=1011, latency seconds=0.1``, and
    in the query, as often as it likes.

    Raises:
        Refused: There is no such fault, or too many of them.
    """
    texts = (request.headers.get(FAULT_HEADER, ""), *request.query.get(FAULT_QUERY, ()))
    try:
        return Fault.read(",".join(texts))
    except ValueError as error:
        raise Refused(invalid(f"Fault: {error}.")) from error
