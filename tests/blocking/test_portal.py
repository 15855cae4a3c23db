"""The thread that runs Trio, and calls that it cannot make."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import threading
import warnings
import weakref
from functools import partial

import pytest
import trio

from tests.blocking.support import blocking_pair
from tests.support import SETTINGS
from trio_cartesia import ConnectFailed, InternalError, LocalProtocolError
from trio_cartesia.blocking import Cartesia
from trio_cartesia.blocking.call import Call
from trio_cartesia.blocking.portal import Portal

URL = "http://127.0.0.1:9"  # nothing is sent to it


def trio_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "trio_cartesia"]


def test_a_client_has_one_thread_while_its_block_runs():
    """A client starts one thread, which has ended when its block has."""
    with Cartesia(base_url=URL), Cartesia(base_url=URL):
        assert len(trio_threads()) == 2
    for thread in trio_threads():
        thread.join()


def test_a_client_is_used_in_its_block():
    """Before and after its block, a client says what to do; it may be entered again."""
    client = Cartesia(base_url=URL)
    with pytest.raises(LocalProtocolError, match="use it in 'with'"):
        client.tts.websocket_connect().__enter__()
    with client:
        tts = client.tts
        with pytest.raises(LocalProtocolError, match="entered already"), client:
            pass
    with pytest.raises(LocalProtocolError, match="block has ended"):
        tts.websocket_connect().__enter__()
    with client:
        assert len(trio_threads()) == 1


def test_bad_arguments_are_refused_at_once():
    """What the asynchronous client refuses, this one refuses, before it has a thread."""
    with pytest.raises(LocalProtocolError, match="base_url"):
        Cartesia(base_url="ftp://localhost")
    assert repr(Cartesia(base_url=URL)).startswith("Cartesia(version=")


def test_under_trio_the_error_names_the_asynchronous_face():
    """A blocking call in a thread that runs Trio, where it would stop all tasks, is refused."""
    with blocking_pair() as pair:

        async def enter_and_call() -> None:
            with pytest.raises(LocalProtocolError, match=r"trio_cartesia\.Cartesia with 'await'"):
                Cartesia(base_url=URL).__enter__()
            with pytest.raises(LocalProtocolError, match=r"trio\.to_thread\.run_sync"):
                pair.connection.statistics()
            await trio.to_thread.run_sync(pair.connection.statistics)

        trio.run(enter_and_call)


def test_in_its_own_thread_a_call_is_refused():
    """A call from the client's own Trio thread, such as from `open_stream`, does not deadlock."""
    raised = []

    async def open_stream(_host: str, _port: int) -> trio.abc.Stream:
        try:
            client.tts.websocket_connect().__enter__()
        except LocalProtocolError as error:
            raised.append(str(error))
        await trio.lowlevel.checkpoint()
        raise OSError("no network")

    with Cartesia(base_url="http://localhost", open_stream=open_stream) as client:
        with pytest.raises(ConnectFailed), client.tts.websocket_connect():
            pass
    assert len(raised) == 1
    assert "this thread runs Trio" in raised[0]


def test_under_asyncio_calls_work(cartesia_service):
    """In a thread that runs asyncio, as in a notebook, calls block that thread and work; in other
    threads they leave the loop alone.
    """

    def speak() -> int:
        with client.tts.websocket_connect() as connection:
            with connection.speak("Hello.", **SETTINGS) as context:
                return len(context.collect().audio)

    async def main() -> None:
        assert await asyncio.to_thread(speak) == speak() > 0

    with Cartesia(base_url=cartesia_service.url) as client:
        asyncio.run(main())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_says_so():
    """In a forked child, where the thread is not, calls raise and blocks are left in silence."""
    with blocking_pair() as pair, Cartesia(base_url=URL) as client:
        with pair.connection.context(**SETTINGS) as context, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks where there are threads
            if (child := os.fork()) == 0:
                status = 1
                try:
                    with pytest.raises(LocalProtocolError, match="make another Cartesia in it"):
                        context.push("Hello.")
                    assert client.__exit__(None, None, None) is None
                    with Cartesia(base_url=URL):
                        status = 0
                finally:
                    os._exit(status)
            assert os.waitpid(child, 0)[1] == 0
            context.push("Hello.")


def test_calls_run_in_the_context_of_their_thread():
    """What runs in Trio for a call sees the context variables of the thread that made it."""
    variable = contextvars.ContextVar("variable", default=0)

    async def get() -> int:
        await trio.lowlevel.checkpoint()
        return variable.get()

    with blocking_pair() as pair:
        variable.set(1)
        assert contextvars.copy_context().run(pair.portal.run, get) == 1
        assert pair.portal.run_sync(variable.get) == 1


class Failing:
    def __init__(self, *, enters: bool) -> None:
        self.enters = enters

    async def __aenter__(self) -> None:
        if not self.enters:
            raise ZeroDivisionError

    async def __aexit__(self, *_: object) -> None:
        raise ZeroDivisionError


def test_a_crash_of_the_thread_is_an_internal_error():
    """What ends the thread by a bug is raised where the client's block is left."""
    portal = Portal(Failing(enters=True))
    portal.start()
    portal.stop()
    with pytest.raises(InternalError) as caught:
        portal.join()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_client_that_cannot_be_entered():
    """What entering a client raises is raised in the thread that enters it."""
    with pytest.raises(ZeroDivisionError):
        Portal(Failing(enters=False)).start()


def test_errors_are_not_kept():
    """An error, and what its traceback refers to, is freed once the caller has dropped it."""

    class Mine(Exception):
        pass

    async def fail() -> None:  # noqa: ASYNC124
        raise Mine

    with blocking_pair() as pair:
        gc.disable()
        try:
            with pytest.raises(Mine) as caught:
                pair.portal.run(fail)
            kept = weakref.ref(caught.value)
            del caught
            assert kept() is None
        finally:
            gc.enable()


def test_speech_shows_in_no_repr():
    """What a call passes to Trio does not show where its objects are printed."""
    with blocking_pair() as pair, pair.connection.context(**SETTINGS) as context:
        call = Call(partial(context._inner.push, "A secret."))
        context.push("A secret.")
        pair.peer("chunk", context.context_id, b"12")
        shown = [call, pair.portal, context, context._events, context._block, pair.connection]
        assert "secret" not in repr(shown)


def test_calls_that_are_under_way_end_with_the_client():
    """A call that waits in another thread raises when the client's block is left."""
    raised = []

    def wait() -> None:
        try:
            portal.run(trio.sleep_forever)
        except LocalProtocolError as error:
            raised.append(error)

    with blocking_pair() as pair:
        portal = pair.portal
        thread = threading.Thread(target=wait)
        thread.start()
        pair.settle()
    thread.join()
    assert "block has ended" in str(raised[0])
