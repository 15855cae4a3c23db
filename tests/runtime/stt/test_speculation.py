"""Work that begins before it is certain that the user is done."""

from __future__ import annotations

import pytest
import trio

from tests.runtime.stt.scripted import Script
from trio_cartesia import BadRequest, ConnectionLost, LocalProtocolError
from trio_cartesia.testing import on_virtual_time


class Work:
    """Answers a text in so many seconds, and notes what became of each call."""

    def __init__(self, seconds=1.0):
        self.seconds = seconds
        self.log = []

    async def __call__(self, text):
        self.log.append(("call", text, trio.current_time() - self.start))
        try:
            await trio.sleep(self.seconds)
        except trio.Cancelled:
            self.log.append(("cancelled", text, trio.current_time() - self.start))
            raise
        self.log.append(("done", text, trio.current_time() - self.start))
        return f"answer to {text}"


async def send(script, *timeline):
    start = trio.current_time()
    for seconds, kind, *transcript in timeline:
        await trio.sleep_until(start + seconds)
        script.send(kind, *transcript)


async def speculate(work, *timeline):
    """Play *timeline*; return the result, and when it was there."""
    script = Script()
    work.start = start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, script, (0, "start"), *timeline)
        turn = await anext(script.turns)
        async with turn.speculate(work) as attempt:
            result = await attempt.result()
    return result, trio.current_time() - start


@on_virtual_time
async def test_work_begins_at_the_eager_end_and_is_kept_at_the_end():
    """The answer is there as early as if the end had been known at the eager end."""
    work = Work(1)
    assert await speculate(work, (2, "eager_end", "hello"), (2.8, "end", "hello")) == (
        "answer to hello",
        3,
    )
    assert work.log == [("call", "hello", 2), ("done", "hello", 3)]


@on_virtual_time
async def test_work_is_cancelled_at_the_moment_of_the_resume_and_called_again():
    """The next eager end calls it with the text of then."""
    work = Work(1)
    result, seconds = await speculate(
        work,
        (1, "eager_end", "a"),
        (1.5, "resume"),
        (2, "update", "a b"),
        (3, "eager_end", "a b"),
        (3.5, "end", "a b"),
    )
    assert (result, seconds) == ("answer to a b", 4)
    assert work.log == [
        ("call", "a", 1),
        ("cancelled", "a", 1.5),
        ("call", "a b", 3),
        ("done", "a b", 4),
    ]


@on_virtual_time
async def test_a_result_from_before_the_resume_is_dropped():
    """What was done early is not the answer to what was said later."""
    work = Work(0.1)
    result, _ = await speculate(work, (1, "eager_end", "a"), (1.5, "resume"), (3, "end", "a b"))
    assert result == "answer to a b"
    assert [name for name, *_ in work.log] == ["call", "done", "call", "done"]


@on_virtual_time
async def test_a_turn_without_an_eager_end_calls_the_work_at_its_end():
    work = Work(1)
    assert await speculate(work, (1, "update", "a"), (2, "end", "a b")) == ("answer to a b", 3)
    assert work.log == [("call", "a b", 2), ("done", "a b", 3)]


@pytest.mark.parametrize(("text", "calls"), [(["A b."], 1), ([""], 1), ([], 1), (["a b c"], 2)])
@on_virtual_time
async def test_work_on_other_words_than_those_of_the_end_is_done_again(text, calls):
    """Case and punctuation make no other words, nor does an end without text."""
    work = Work(1)
    result, _ = await speculate(work, (1, "eager_end", "a b"), (1.5, "end", *text))
    assert len([name for name, *_ in work.log if name == "call"]) == calls
    assert result == ("answer to a b" if calls == 1 else "answer to a b c")


@on_virtual_time
async def test_events_that_wait_count_in_their_order():
    """A resume and another eager end that were received together still call the work anew."""
    script, work = Script(), Work(1)
    work.start = trio.current_time()
    for kind, *transcript in (
        ("start",),
        ("eager_end", "a"),
        ("resume",),
        ("eager_end", "a b"),
        ("end", "a b"),
    ):
        script.send(kind, *transcript)
    turn = await anext(script.turns)
    async with turn.speculate(work) as attempt:
        assert [text async for text in turn][-1] == "a b"
        assert await attempt.result() == "answer to a b"
    assert work.log[-1] == ("done", "a b", 1)


@on_virtual_time
async def test_leaving_the_block_waits_for_the_work():
    """As a nursery does, so that work whose result nobody asks for is not cut short."""
    script, work = Script(), Work(5)
    work.start = trio.current_time()
    script.send("start")
    turn = await anext(script.turns)
    script.send("end", "a")
    async with turn.speculate(work):
        pass
    assert work.log[-1] == ("done", "a", 5)


@on_virtual_time
async def test_leaving_the_block_by_an_exception_cancels_the_work():
    """The exception comes out as it was raised, at once."""
    script, work = Script(), Work(5)
    work.start = trio.current_time()
    script.send("start")
    turn = await anext(script.turns)
    script.send("eager_end", "a")
    with pytest.raises(ZeroDivisionError):
        async with turn.speculate(work):
            await trio.sleep(1)
            raise ZeroDivisionError
    assert work.log[-1] == ("cancelled", "a", 1)


@on_virtual_time
async def test_a_cancelled_block_cancels_the_work_and_the_turn_goes_on():
    """The turn loses nothing by it."""
    script, work = Script(), Work(5)
    work.start = trio.current_time()
    script.send("start")
    turn = await anext(script.turns)
    script.send("eager_end", "a")
    with trio.move_on_after(1):
        async with turn.speculate(work) as attempt:
            await attempt.result()
    assert work.log[-1] == ("cancelled", "a", 1)
    script.send("end", "a b")
    assert await turn.end() == "a b"


@on_virtual_time
async def test_an_attempt_whose_block_was_left_early_has_no_result():
    """Whoever waits for it, before or after that, is told so."""
    script, attempts = Script(), []
    script.send("start")
    turn = await anext(script.turns)

    async def wait_for_result():
        with pytest.raises(LocalProtocolError, match="left early"):
            await attempts[0].result()

    async with trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            async with turn.speculate(Work()) as attempt:
                attempts.append(attempt)
                nursery.start_soon(wait_for_result)
                await trio.sleep_forever()
    await wait_for_result()


@on_virtual_time
async def test_an_error_of_a_kept_call_is_raised_bare_and_once():
    """By `result`, or else by the block."""

    async def fail(text):
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError(text)

    for asks in (True, False):
        script = Script()
        script.send("start")
        turn = await anext(script.turns)
        script.send("end", "a")
        if asks:
            async with turn.speculate(fail) as attempt:
                with pytest.raises(ZeroDivisionError):
                    await attempt.result()
        else:
            with pytest.raises(ZeroDivisionError):
                async with turn.speculate(fail):
                    pass


@on_virtual_time
async def test_an_error_of_a_call_that_is_not_kept_is_dropped():
    """A model that failed on half of a sentence does not fail the turn."""

    async def answer(text):
        await trio.lowlevel.checkpoint()
        if text == "a":
            raise ZeroDivisionError
        return text

    script = Script()
    script.send("start")
    turn = await anext(script.turns)
    script.send("eager_end", "a")
    async with turn.speculate(answer) as attempt:
        await trio.sleep(1)
        script.send("resume")
        script.send("end", "a b")
        assert await attempt.result() == "a b"
    assert attempt.calls == 2


@on_virtual_time
async def test_an_error_beside_a_cancellation_in_the_works_own_nursery():
    """A dropped call that fails in its nursery's cleanup does not fail the turn, either."""

    async def fail_late():
        try:
            await trio.sleep_forever()
        finally:
            raise ZeroDivisionError

    async def answer(text):
        if text == "a":
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail_late)
                nursery.start_soon(trio.sleep_forever)
        return text

    script = Script()
    script.send("start")
    turn = await anext(script.turns)
    script.send("eager_end", "a")
    async with turn.speculate(answer) as attempt:
        await trio.sleep(1)
        script.send("resume")
        script.send("end", "a b")
        assert await attempt.result() == "a b"


@on_virtual_time
async def test_an_exception_of_the_block_counts_more_than_what_the_cancelled_work_raises():
    """As where a context's block and its feeder both fail."""

    async def fail_late():
        try:
            await trio.sleep_forever()
        finally:
            raise ZeroDivisionError

    async def answer(text):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail_late)
            nursery.start_soon(trio.sleep_forever)

    script = Script()
    script.send("start")
    turn = await anext(script.turns)
    script.send("eager_end", "a")
    with pytest.raises(KeyError):
        async with turn.speculate(answer):
            await trio.sleep(1)
            raise KeyError


@pytest.mark.parametrize("_", range(10))  # whichever task receives the end
@on_virtual_time
async def test_what_follows_the_end_inside_the_work_runs_only_in_the_kept_call(_):
    """Work that waits for the end of the turn acts once, on the definitive words."""
    script, acted = Script(), []
    script.send("start")
    turn = await anext(script.turns)

    async def answer(text):
        definitive = await turn.end()
        acted.append((text, definitive))

    script.send("eager_end", "a")
    async with turn.speculate(answer):
        await trio.sleep(1)
        script.send("resume")
        await trio.sleep(1)
        script.send("eager_end", "a b")
        await trio.sleep(1)
        script.send("end", "a b c")
    assert acted == [("a b c", "a b c")]


@on_virtual_time
async def test_a_loss_within_the_turn_cancels_the_work():
    """Half a sentence is not answered; the text that came stays readable."""
    script, work = Script(), Work(5)
    work.start = trio.current_time()
    script.send("start")
    turn = await anext(script.turns)
    script.send("eager_end", "a")
    with pytest.raises(ConnectionLost):
        async with turn.speculate(work) as attempt:
            await trio.sleep(1)
            script.end(ConnectionLost("cut"))
            await attempt.result()
    assert work.log[-1] == ("cancelled", "a", 1)
    assert (turn.text, turn.is_over, turn.is_complete) == ("a", True, False)


@on_virtual_time
async def test_a_loss_after_the_turn_leaves_the_work_alone():
    """The user was done before, so the answer is wanted."""
    script, work = Script(), Work(5)
    work.start = trio.current_time()
    script.send("start")
    turn = await anext(script.turns)
    script.send("end", "a")
    async with turn.speculate(work) as attempt:
        await trio.sleep(1)
        script.end(ConnectionLost("cut"))
        with pytest.raises(ConnectionLost):
            await anext(script.turns)
        assert await attempt.result() == "answer to a"
    assert await turn.end() == "a"


@on_virtual_time
async def test_the_end_of_the_session_within_the_turn_is_an_end_of_the_turn():
    """The service took all audio and closed: there is no more to wait for."""
    script, work = Script(), Work(5)
    work.start = trio.current_time()
    script.send("start")
    turn = await anext(script.turns)
    script.send("eager_end", "a")
    async with turn.speculate(work) as attempt:
        await trio.sleep(1)
        script.end()
        assert await attempt.result() == "answer to a"
    assert (turn.text, turn.is_complete, attempt.calls) == ("a", False, 1)
    with pytest.raises(StopAsyncIteration):
        await anext(script.turns)


@on_virtual_time
async def test_an_error_event_within_the_turn_cancels_the_work():
    """The error is the attempt's, also while the block is busy."""
    script, work = Script(), Work(5)
    work.start = trio.current_time()
    script.send("start")
    turn = await anext(script.turns)
    script.send("eager_end", "a")
    with pytest.raises(BadRequest):
        async with turn.speculate(work):
            await trio.sleep(1)
            script.report(BadRequest("no"))
            await trio.sleep(1)
            assert work.log[-1] == ("cancelled", "a", 1)


@on_virtual_time
async def test_work_is_a_function_that_may_be_called_again():
    """A coroutine, which can run only once, is refused."""
    script = Script()
    script.send("start")
    turn = await anext(script.turns)
    coroutine = turn.end()
    with pytest.raises(LocalProtocolError, match="not coroutine"):
        turn.speculate(coroutine)
    coroutine.close()
