"""The official Python client, both forms of it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import Any

import attrs
import pytest

from tests.conformance.expectations import expect_module
from tests.conformance.service import KEY, Service, units

cartesia = expect_module("cartesia")
pydantic = expect_module("pydantic")
expect_module("websockets")

VOICE = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
NO_VOICE = "00000000-0000-0000-0000-000000000000"
RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16000}
SETTINGS: dict[str, Any] = {"model_id": "sonic-3.5", "voice": VOICE, "output_format": RAW}
HELLO = "Good morning, dear all."
LONG = "This is one sentence of a text that goes on for a while. " * 500

MARKS = [
    pytest.mark.conformance,
    pytest.mark.filterwarnings("default::DeprecationWarning"),  # theirs, of their own libraries
    pytest.mark.parametrize("form", ["sync", "asyncio"]),
]

PLAIN = (bytes, str, int, float, bool, list, dict, type(None), pydantic.BaseModel)


@attrs.frozen
class Awaited:
    """A synchronous object whose calls can be awaited, iterated over or entered."""

    value: Any

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.value, name)
        if callable(found):
            return lambda *args, **kwargs: wrapped(found(*args, **kwargs))
        return wrapped(found) if type(found).__module__.startswith("cartesia.resources") else found

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from ()
        return self

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in self.value:
            yield item

    async def __aenter__(self) -> Any:
        return wrapped(self.value.__enter__())

    async def __aexit__(self, *how: object) -> None:
        self.value.__exit__(*how)


class Done(Awaited):
    """A plain value that can be awaited."""

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from ()
        return self.value


def wrapped(value: Any) -> Any:
    return Done(value) if isinstance(value, PLAIN) else Awaited(value)


FORMS: dict[str, Callable[..., Any]] = {
    "sync": lambda **options: Awaited(cartesia.Cartesia(**options)),
    "asyncio": lambda **options: cartesia.AsyncCartesia(**options),
}


def open_client(form: str, **options: Any) -> Any:
    """A client that does not try again, and checks each answer against its own schema."""
    credential = {} if "token" in options else {"api_key": KEY}
    strictly = {"max_retries": 0, "_strict_response_validation": True}
    return FORMS[form](**credential | strictly | options)


def on_asyncio(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test where the official client can."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        asyncio.run(test(**fixtures))

    return run


@attrs.define
class Heard:
    """What came for one context, each event checked against the client's own schema."""

    events: list[Any] = attrs.field(factory=list)

    @property
    def audio(self) -> bytes:
        return b"".join(event.audio or b"" for event in self.events if event.type == "chunk")

    @property
    def kinds(self) -> list[str]:
        return [event.type for event in self.events]

    def units(self, kind: str) -> list[tuple[str, float, float]]:
        times = [getattr(event, f"{kind}_timestamps", None) for event in self.events]
        return [unit for time in times if time for unit in units(time.model_dump(), kind)]


async def hear(events: AsyncIterator[Any], schema: Any) -> Heard:
    """Take in *events* to the end."""
    heard, checked = Heard(), pydantic.TypeAdapter(schema)
    async for event in events:
        checked.validate_python(event.model_dump(), strict=True)
        heard.events.append(event)
    assert heard.kinds[-1] in ("done", "error")
    assert not {"done", "error"} & set(heard.kinds[:-1])
    return heard


async def listen(context: Any) -> Heard:
    """Take in a context's events to its end."""
    return await hear(context.receive(), cartesia.types.WebsocketResponse)


def spoken_alike(heard: Heard, record: Any) -> None:
    """Check that what was heard is what the service says it spoke, to the byte."""
    assert heard.kinds[-1] == "done"
    assert heard.audio == record.audio
    assert len(heard.audio) > 8000  # a quarter of a second, so not nothing
    for kind in ("word", "phoneme"):
        if found := heard.units(kind):
            assert found == record.units(kind)


def last_record(service: Service, context: Any) -> Any:
    return service.record(context._context_id)
