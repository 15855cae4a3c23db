"""Blocks that send a request, and receive its response while it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from trio_cartesia._constructors import create
from trio_cartesia._http.api import API, Response
from trio_cartesia._http.requests import JSON, Request
from trio_cartesia._http.responses import AudioResponse, EventsResponse
from trio_cartesia._runtime.managers import Block, Manager

__all__ = ["open_audio", "open_events"]

AUDIO: Final = "audio/*"
EVENTS: Final = "text/event-stream"

_NO_STREAM: Final = ("text/html", JSON)  # of a proxy, or of an error with the wrong status


def open_audio(api: API, request: Request, options: Mapping[str, Any]) -> Manager[AudioResponse]:
    """Return the block that receives audio."""
    return Block(_audio(api, request.accepting(AUDIO), options), "a response (AudioResponse)")


def open_events(
    api: API, request: Request, options: Mapping[str, Any], context_id: str = ""
) -> Manager[EventsResponse]:
    """Return the block that receives events; *context_id* is that of events which have none."""
    return Block(
        _events(api, request.accepting(EVENTS), options, context_id), "a response (EventsResponse)"
    )


@asynccontextmanager
async def _opened(
    api: API, request: Request, options: Mapping[str, Any]
) -> AsyncIterator[Response]:
    response = await api.open(request, options)
    try:
        response.check_type(*_NO_STREAM)
        yield response
    finally:
        await response.aclose()  # noqa: ASYNC102  # shielded there


@asynccontextmanager
async def _audio(
    api: API, request: Request, options: Mapping[str, Any]
) -> AsyncIterator[AudioResponse]:
    async with _opened(api, request, options) as response:
        yield create(AudioResponse, response)


@asynccontextmanager
async def _events(
    api: API, request: Request, options: Mapping[str, Any], context_id: str
) -> AsyncIterator[EventsResponse]:
    async with _opened(api, request, options) as response:
        yield create(EventsResponse, response, context_id)
