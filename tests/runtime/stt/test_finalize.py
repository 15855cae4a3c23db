"""`finalize`, and the text that it returns."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.stt.services import manual_session, served_session
from trio_cartesia import BadRequest, ConnectionLost, LocalProtocolError
from trio_cartesia._protocol.stt.manual import GRACE_SECONDS
from trio_cartesia.testing import cancelled_at_each_step, on_virtual_time

readings = st.fixed_dictionaries(
    {
        "flush_done_first": st.booleans(),
        "coalesces": st.booleans(),
        "delay_seconds": st.sampled_from([0, 0.1, 0.25]),
    }
)


def rounds_with_calls(rounds: list[tuple[int, int]]) -> list[int]:
    return [calls for _, calls in rounds if calls]


async def test_a_call_returns_the_text_that_it_gave(autojump_clock):
    """The text has the white space of the service, and the call needs no receive loop."""
    async with served_session(delay_seconds=0.1) as (session, _):
        await session.send_audio(bytes(200))
        start = trio.current_time()
        assert await session.finalize() == " 200 "
        assert trio.current_time() - start == pytest.approx(0.1)
        assert session.transcript.final == " 200 "


@given(readings, st.lists(st.tuples(st.sampled_from([2, 4, 6]), st.integers(0, 3)), max_size=5))
@on_virtual_time
async def test_every_call_is_answered_once(readings, rounds):
    """Under any reading of the protocol, and whatever number of tasks call at once, each call
    returns once, and all texts together are the transcript.
    """
    answers: list[str] = []

    async def finalize() -> None:
        answers.append(await session.finalize())

    async with served_session(**readings) as (session, service):
        for size, calls in rounds:
            await session.send_audio(bytes(size))
            async with trio.open_nursery() as nursery:
                for _ in range(calls):
                    nursery.start_soon(finalize)
    assert len(answers) == sum(calls for _, calls in rounds)
    assert service.commands == ["finalize"] * len(rounds_with_calls(rounds)) + ["close"]
    text = "".join(answers)
    assert session.transcript.final.startswith(text)
    assert session.is_complete
    if rounds and rounds[-1][1]:
        assert session.transcript.final == text


async def test_calls_under_load_have_their_own_answers(autojump_clock):
    """With a hundred calls while audio is sent, no text is lost, and none comes twice."""
    answers: list[str] = []

    async def finalize() -> None:
        answers.append(await session.finalize())

    async with served_session(delay_seconds=0.01) as (session, service):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(session.feed, [bytes(3200)] * 50)
            for _ in range(100):
                nursery.start_soon(finalize)
                await trio.sleep(0.03)
        answers.append(await session.finalize())
        assert "".join(answers) == session.transcript.final
    assert len(answers) == 101
    heard = sum(map(int, session.transcript.final.split()))
    assert heard == sum(map(len, service.audio)) == 50 * 3200


async def test_a_call_without_audio_returns_after_the_grace(autojump_clock):
    """Where no final piece comes, the answer is empty, after 0.3 seconds."""
    async with served_session() as (session, _):
        start = trio.current_time()
        assert await session.finalize() == ""
        assert trio.current_time() - start == pytest.approx(GRACE_SECONDS)


@pytest.mark.parametrize("flush_done_first", [False, True])
@on_virtual_time
async def test_a_call_with_nothing_to_finalize_takes_no_text_of_the_next(flush_done_first):
    """Text goes to the call that its audio was sent before, also while another one waits."""
    answers = {}

    async def finalize(name):
        answers[name] = await session.finalize()

    async with served_session(flush_done_first=flush_done_first) as (session, _):
        async with trio.open_nursery() as nursery:
            for name, size in (("first", 10), ("second", 0), ("third", 20)):
                await session.send_audio(bytes(size))
                nursery.start_soon(finalize, name)
                await trio.sleep(0.1)
    assert answers == {"first": " 10 ", "second": "", "third": " 20 "}


async def test_the_next_command_does_not_wait_for_the_grace(autojump_clock):
    """Commands are sent one after the other, each once the one before was answered."""
    async with manual_session() as (session, peer), trio.open_nursery() as nursery:
        start = trio.current_time()
        for _ in range(3):
            await session.send_audio(b"ab")
            assert await peer.receive_message() == b"ab"
            nursery.start_soon(session.finalize)
            assert await peer.receive_message() == "finalize"
            await peer.send(type="flush_done")
        assert trio.current_time() == start


async def test_text_after_the_grace_is_in_the_transcript(autojump_clock):
    """A final piece that comes too late for its call is not lost."""
    async with manual_session() as (session, peer), trio.open_nursery() as nursery:
        nursery.start_soon(session.finalize)
        await peer.receive_message()
        await peer.send(type="flush_done")
        await trio.sleep(GRACE_SECONDS + 0.1)
        await peer.send(type="transcript", is_final=True, text=" late")
        await trio.testing.wait_all_tasks_blocked()
        assert session.transcript.final == " late"


async def test_an_error_answers_the_call_and_the_session_goes_on(autojump_clock):
    """An ``error`` event in place of ``flush_done`` is raised by the call and the receive loop."""
    async with manual_session() as (session, peer), trio.open_nursery() as nursery:

        async def refuse() -> None:
            await peer.receive_message()
            await peer.send(type="error", status_code=400, title="No", message="Not now.")

        nursery.start_soon(refuse)
        with pytest.raises(BadRequest, match="Not now"):
            await session.finalize()
        events = session.receive()
        with pytest.raises(BadRequest, match="Not now"):
            await anext(events)
        await peer.send(type="transcript", is_final=True, text="Hello")
        assert (await anext(events)).text == "Hello"
        assert session.statistics().errors_received == 1


@pytest.mark.parametrize("code", [1000, 1011])
async def test_the_end_of_the_connection_ends_a_call(autojump_clock, code):
    """A call does not wait for ever: with the connection it raises, and has the text so far."""
    async with manual_session() as (session, peer), trio.open_nursery() as nursery:

        async def close() -> None:
            await peer.receive_message()
            await peer.send(type="transcript", is_final=True, text="secret")
            await peer.close(code)

        nursery.start_soon(close)
        with pytest.raises(ConnectionLost) as caught:
            await session.finalize()
        assert caught.value.partial.final == "secret"
        assert "secret" not in repr(caught.value) + str(caught.value) + repr(caught.value.partial)


async def test_the_end_of_the_audio_answers_a_call(autojump_clock):
    """If the audio ends while a call waits, its answer has the text up to the end."""
    async with manual_session() as (session, peer), trio.open_nursery() as nursery:

        async def finalize() -> None:
            assert await session.finalize() == "rest"

        nursery.start_soon(finalize)
        assert await peer.receive_message() == "finalize"
        await session.no_more_audio()
        await peer.send(type="transcript", is_final=True, text="rest")
        await peer.send(type="done")
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(LocalProtocolError, match=r"no_more_audio\(\) was called"):
            await session.finalize()


@pytest.mark.parametrize("flush_done_first", [False, True])
@on_virtual_time
async def test_a_cancelled_call_leaves_no_trace(flush_done_first):
    """Cancelled at any step, a call leaves a session whose next call has its own answer."""
    async with served_session(flush_done_first=flush_done_first) as (session, service):
        calls = await cancelled_at_each_step(session.finalize)
        assert len(service.commands) <= calls
        await session.send_audio(bytes(20))
        with trio.fail_after(1):
            assert await session.finalize() == " 20 "
        assert await session.finalize() == ""


async def test_a_cancelled_call_does_not_take_the_next_answer(autojump_clock):
    """The answer to a call that was cancelled is not taken for that of the next one."""
    async with manual_session() as (session, peer), trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            await session.finalize()
        assert await peer.receive_message() == "finalize"
        answers: list[str] = []

        async def finalize() -> None:
            answers.append(await session.finalize())

        await session.send_audio(b"ab")
        assert await peer.receive_message() == b"ab"
        nursery.start_soon(finalize)
        await trio.sleep(1)
        await peer.send(type="flush_done")  # of the cancelled one
        assert await peer.receive_message() == "finalize"
        await peer.send(type="transcript", is_final=True, text="mine")
        await peer.send(type="flush_done")
        await trio.testing.wait_all_tasks_blocked()
        assert answers == ["mine"]
