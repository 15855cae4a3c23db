"""Blocks that threads enter and leave."""

from __future__ import annotations

import gc
import threading
from contextlib import ExitStack, asynccontextmanager

import pytest
import trio

from tests.blocking.support import blocking_pair
from tests.support import SETTINGS
from trio_cartesia import ConnectFailed, LocalProtocolError
from trio_cartesia.blocking import Cartesia, Connection, Context
from trio_cartesia.blocking.block import Block


def test_blocks_yield_public_classes(cartesia_service):
    """The values of blocks are of the public classes, which cannot be constructed otherwise."""
    with Cartesia(base_url=cartesia_service.url) as client:
        with client.tts.websocket_connect() as connection:
            assert type(connection) is Connection
            with connection.context(**SETTINGS) as context:
                assert type(context) is Context
                assert context.output_format is context.settings.output_format
                assert repr(context).startswith(f"Context(context_id={context.context_id!r}")
    with pytest.raises(TypeError, match=r"use connection\.context\(\)"):
        Context()


def test_an_exception_leaves_blocks_as_it_was_raised():
    """An exception of the block's body is not changed, neither its context nor its traceback."""
    error = ValueError("mine")
    with blocking_pair() as pair:
        with pytest.raises(ValueError, match="mine") as caught:
            with pair.connection.context(**SETTINGS, context_id="a") as context:
                context.push("Hello.")
                raise error
        assert caught.value is error
        assert (error.__cause__, error.__context__) == (None, None)
        assert [entry.name for entry in caught.traceback] == [
            "test_an_exception_leaves_blocks_as_it_was_raised"
        ]
        pair.peer("receive_cancel", "a")


def test_what_entering_raises_is_raised_bare():
    """An error of entering is raised in the thread, with its cause."""
    with Cartesia(base_url="http://127.0.0.1:9") as client:
        with pytest.raises(ConnectFailed) as caught, client.tts.websocket_connect():
            pass
    assert isinstance(caught.value.__cause__, OSError)
    assert client._portal.open_names == {}


def forget(things: list[object]) -> None:
    """Drop what may be the last references."""
    things.clear()
    gc.collect()


@asynccontextmanager
async def suppressing(inner: object):
    try:
        yield inner
    except ValueError:
        pass
    except KeyError as error:
        raise LookupError from error


@pytest.mark.parametrize(("error", "raised"), [(ValueError, None), (KeyError, LookupError)])
def test_a_manager_may_suppress_or_replace_an_exception(error, raised):
    """An asynchronous manager gets the exception of the block, and decides about it."""
    with blocking_pair() as pair:
        with ExitStack() as stack:
            if raised is not None:
                stack.enter_context(pytest.raises(raised))
            with Block(pair.portal, suppressing("inner"), Connection) as value:
                assert value._inner == "inner"
                raise error


def test_a_block_is_entered_once():
    """A block that is entered again says what to do, and the first one stays as it is."""
    with blocking_pair() as pair:
        block = pair.connection.context(**SETTINGS)
        for _ in range(2):
            with block as context:
                with pytest.raises(LocalProtocolError, match="make one for each block"):
                    block.__enter__()
                context.push("Hello.")
            block = pair.connection.context(**SETTINGS)


def test_a_block_may_be_left_in_another_thread():
    """Blocks have no thread of their own: they may be left in any, and in any order."""
    with blocking_pair() as pair:
        stacks = [ExitStack(), ExitStack()]
        for stack in stacks:
            stack.enter_context(pair.connection.context(**SETTINGS))
        for stack in stacks:
            thread = threading.Thread(target=stack.close)
            thread.start()
            thread.join()
        assert pair.connection.statistics().contexts_open == 0


def test_a_block_that_outlives_the_client_is_left_in_silence():
    """A block that is left after the client's has nothing more to do."""
    with ExitStack() as stack:
        with blocking_pair() as pair:
            context = stack.enter_context(pair.connection.context(**SETTINGS))
        with pytest.raises(LocalProtocolError, match="block has ended"):
            context.push("Hello.")


def test_a_forgotten_block_warns_and_is_left():
    """A block stays open as long as its value is used; once that is forgotten, it is left."""
    with blocking_pair() as pair:
        context = pair.connection.context(**SETTINGS, context_id="a").__enter__()
        context.push("Hello.")
        forgotten = [context]
        del context
        with pytest.warns(ResourceWarning, match="a Context was entered and never left"):
            forget(forgotten)
        pair.peer("receive_cancel", "a")


def test_a_forgotten_client_warns_and_its_thread_ends():
    """A client that was entered, forgotten and collected has no thread."""
    forgotten = [Cartesia(base_url="http://127.0.0.1:9").__enter__()]
    portal = forgotten[0]._portal
    with pytest.warns(ResourceWarning, match="a Cartesia was entered and never left"):
        forget(forgotten)
    portal.join()


def test_a_block_that_was_not_entered_is_no_leak():
    """Blocks that are made and dropped, and those that failed, warn of nothing."""
    with blocking_pair() as pair:
        pair.connection.context(**SETTINGS)
        with pytest.raises(LocalProtocolError), pair.connection.context(**SETTINGS, context_id=""):
            pass
        gc.collect()


def test_leaving_waits_for_the_manager():
    """A block has ended, in Trio, when the thread goes on."""
    ended = []

    @asynccontextmanager
    async def slow():
        yield
        await trio.lowlevel.checkpoint()
        ended.append(True)

    with blocking_pair() as pair:
        with Block(pair.portal, slow(), Connection):
            pass
        assert ended == [True]
