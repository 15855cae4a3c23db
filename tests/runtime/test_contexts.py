"""The life of a context (design §2), against a scripted peer, in virtual time."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from tests.support import (
    SETTINGS,
    VOICE,
    cancels,
    receive_all,
    received_audio,
    requests_until_quiet,
)
from trio_cartesia import (
    CartesiaError,
    Chunk,
    ConcurrencyLimited,
    ContextExpired,
    Done,
    Event,
    LocalProtocolError,
    RemoteProtocolError,
    RequestFailed,
    UnknownEvent,
    VoiceNotFound,
)
from trio_cartesia._runtime.inbox import EVENT_BYTES
from trio_cartesia._runtime.transport import websocket as transport
from trio_cartesia.testing import connected_pair, on_virtual_time


async def test_a_context_sends_its_settings_with_every_input(autojump_clock):
    """Each input repeats the settings, the final one too, and a flush is a message of its own."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a", language="en") as context:
            await context.push("Hello, ")
            await context.flush()
            await context.no_more_inputs()
            requests = [await peer.receive() for _ in range(3)]
            await peer.done("a")
            assert await received_audio(context) == []
    common = {
        "context_id": "a",
        "model_id": "sonic-latest",
        "voice": VOICE,
        "output_format": SETTINGS["output_format"],
        "language": "en",
    }
    assert requests == [
        {**common, "transcript": "Hello, ", "continue": True},
        {**common, "transcript": "", "continue": True, "flush": True},
        {**common, "transcript": "", "continue": False},
    ]


@given(order=st.lists(st.sampled_from("abcd"), max_size=40))
@on_virtual_time
async def test_any_interleaving_arrives_whole_and_in_order(order):
    """However the service interleaves contexts, each receives its own audio, whole and in order."""
    async with connected_pair() as (connection, peer):
        heard: dict[str, list[bytes]] = {}

        async def listen(name, *, task_status):
            async with connection.context(**SETTINGS, context_id=name) as context:
                await context.push("Hello.")
                await context.no_more_inputs()
                task_status.started()
                heard[name] = await received_audio(context)

        async with trio.open_nursery() as nursery:
            for name in "abcd":
                await nursery.start(listen, name)
            for number, name in enumerate(order):
                await peer.chunk(name, bytes([number, 0]))
            for name in "abcd":
                await peer.done(name)
        for name in "abcd":
            assert heard[name] == [bytes([n, 0]) for n, to in enumerate(order) if to == name]


@pytest.mark.parametrize("way", ["break", "exception", "cancel", "deadline"])
async def test_leaving_early_cancels_once_and_at_once(way, autojump_clock):
    """A receive loop that is left, however, puts one cancel on the wire at that same moment."""
    async with connected_pair() as (connection, peer):
        with trio.CancelScope() as scope:
            try:
                async with connection.context(**SETTINGS, context_id="a") as context:
                    await context.push("A long story.")
                    await peer.chunk("a", b"12")
                    if way == "deadline":
                        scope.deadline = trio.current_time() + 7
                    async for _ in context.receive():
                        if way == "break":
                            break
                        if way == "exception":
                            raise ValueError("enough")
                        if way == "cancel":
                            scope.cancel()
            except ValueError as error:
                assert str(error) == "enough"  # bare, in no group
        left_at = trio.current_time()
        assert left_at == (7 if way == "deadline" else 0)
        assert connection.statistics().contexts_open == 0
        assert connection.statistics().contexts_draining == 1
        await peer.chunk("a", b"late")
        await peer.done("a")
        assert cancels(await requests_until_quiet(peer)) == ["a"]
        statistics = connection.statistics()
        assert (statistics.dropped_events, statistics.dropped_audio_bytes) == (2, 4)
        assert statistics.contexts_draining == 0
        await speaks_again(connection, peer)


async def speaks_again(connection, peer):
    async with connection.context(**SETTINGS, context_id="again") as context:
        await context.push("Hello.")
        await context.no_more_inputs()
        await peer.chunk("again", b"34")
        await peer.done("again")
        assert await received_audio(context) == [b"34"]


@given(patience=st.floats(0.001, 10))
@on_virtual_time
async def test_a_context_ends_the_moment_its_scope_does(patience):
    """Whenever a receive loop is cancelled, the service hears of it at that same moment."""
    async with connected_pair() as (connection, peer):
        with trio.move_on_after(patience):
            async with connection.context(**SETTINGS, context_id="a") as context:
                await context.push("Hello")
                async for _ in context.receive():
                    pass
        assert trio.current_time() == patience
        await peer.receive()
        assert await peer.receive() == {
            "context_id": "a",
            "cancel": True,
        }
        assert trio.current_time() == patience


async def test_a_context_that_ended_is_not_cancelled(autojump_clock):
    """After the terminal event, leaving the block sends nothing."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await context.no_more_inputs()
            await peer.done("a")
            await received_audio(context)
        assert cancels(await requests_until_quiet(peer)) == []


async def test_a_context_that_never_began_sends_nothing(autojump_clock):
    """Without a push there is nothing to end and nothing to cancel, and the result is empty."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS):
            pass
        async with connection.context(**SETTINGS) as context:
            await context.no_more_inputs()
            speech = await context.collect()
            assert (speech.audio, speech.complete) == (b"", True)
        assert await requests_until_quiet(peer) == []
        assert connection.statistics().contexts_open == 0


async def test_cancel_ends_the_receive_loop_of_another_task(autojump_clock):
    """After cancel the waiting receiver ends normally, late audio is dropped, and a push is
    refused.
    """
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            heard: list[Event] = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(receive_all, context, heard)
                await trio.testing.wait_all_tasks_blocked()
                context.cancel()
                context.cancel()
                await peer.chunk("a", b"late")
            assert heard == []
            with pytest.raises(LocalProtocolError, match="cancelled"):
                await context.push("More.")
            assert context.statistics().end == "cancelled"
        assert cancels(await requests_until_quiet(peer)) == ["a"]


async def test_speech_of_a_cancelled_context_is_not_complete(autojump_clock):
    """Speech collected from a context that another task cancelled is marked as incomplete."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.chunk("a", b"12")
            async with trio.open_nursery() as nursery:

                async def stop():
                    await trio.sleep(1)
                    context.cancel()

                nursery.start_soon(stop)
                speech = await context.collect()
            assert (speech.audio, speech.complete) == (b"12", False)


async def test_expiry_ends_the_loop_and_the_next_push_says_so(autojump_clock):
    """A done before the final input ends the loop; the next push carries what was not spoken."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("One. ")
            await peer.receive()
            await peer.chunk("a", b"12")
            assert isinstance(await anext(context.receive()), Chunk)
            await context.push("Two. ")
            await peer.done("a")
            assert [event.type async for event in context.receive()] == ["done"]
            assert context.statistics().end == "expired"
            with pytest.raises(ContextExpired) as caught:
                await context.push("Three.")
            assert caught.value.unspoken == ("Two. ", "Three.")
            assert caught.value.context_id == "a"
            with pytest.raises(ContextExpired) as caught:
                await context.no_more_inputs()
            assert caught.value.unspoken == ("Two. ",)
        assert cancels(await requests_until_quiet(peer)) == []


async def test_a_push_after_the_end_is_refused_before_it_is_sent(autojump_clock):
    """Once the final input was given, each further input raises, and nothing of it is sent."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await context.no_more_inputs()
            for act in (context.no_more_inputs, context.flush, lambda: context.push("More.")):
                with pytest.raises(LocalProtocolError, match="final input"):
                    await act()
            await peer.done("a")
            assert (await context.collect()).audio == b""
            with pytest.raises(LocalProtocolError, match="final input"):
                await context.push("More.")
        with pytest.raises(LocalProtocolError, match="block has ended"):
            await context.push("More.")
        assert len(await requests_until_quiet(peer)) == 2


@pytest.mark.parametrize("transcript", ["", "\ud800", None, b"bytes", "x" * 2**20])
async def test_bad_text_is_refused_and_harms_nothing(transcript, autojump_clock):
    """Text that cannot be sent raises before a byte is sent, and the context goes on."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            with pytest.raises(LocalProtocolError):
                await context.push(transcript)
            with pytest.raises(LocalProtocolError, match="nothing was pushed"):
                await context.flush()
            await context.push("Hello.")
            assert (await peer.receive())["transcript"] == "Hello."


async def test_an_error_fails_its_context_alone_and_after_what_came(autojump_clock):
    """An error event raises, typed and with all its fields, once what came before was received."""
    async with connected_pair() as (connection, peer):
        async with (
            connection.context(**SETTINGS, context_id="bad") as bad,
            connection.context(**SETTINGS, context_id="good") as good,
        ):
            await bad.push("Hello.")
            await good.push("Hello.")
            await peer.chunk("bad", b"12")
            await peer.error(
                "bad",
                status_code=404,
                error_code="voice_not_found",
                title="Voice not found",
                message="No such voice.",
                request_id="r-1",
                doc_url="https://docs.example",
            )
            heard: list[Event] = []
            with pytest.raises(VoiceNotFound) as caught:
                await receive_all(bad, heard)
            assert [event.type for event in heard] == ["chunk"]
            error = caught.value
            assert (error.status_code, error.error_code) == (404, "voice_not_found")
            assert (error.title, error.message) == ("Voice not found", "No such voice.")
            assert (error.request_id, error.context_id) == ("r-1", "bad")
            assert error.doc_url == "https://docs.example"
            with pytest.raises(VoiceNotFound):
                await bad.push("More.")
            await good.no_more_inputs()
            await peer.chunk("good", b"34")
            await peer.done("good")
            assert await received_audio(good) == [b"34"]
        assert cancels(await requests_until_quiet(peer)) == []


async def test_collect_attaches_what_came(autojump_clock):
    """When a context fails, what collect had received hangs on the error."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.chunk("a", b"12")
            await peer.error("a", status_code=429, error_code="concurrency_limited")
            with pytest.raises(ConcurrencyLimited) as caught:
                await context.collect()
            assert caught.value.partial.audio == b"12"
            assert not caught.value.partial.complete


async def test_an_error_without_context_goes_to_the_only_one(autojump_clock):
    """An error that names no context fails the one that is open, and the connection goes on."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS) as unused:
            async with connection.context(**SETTINGS) as context:
                await context.push("Hello.")
                await peer.error(error="Bad thing: oh no")
                with pytest.raises(RequestFailed) as caught:
                    await context.collect()
                assert (caught.value.title, caught.value.message) == ("Bad thing", "oh no")
                assert caught.value.context_id == context.context_id
            assert unused.statistics().state == "new"
        assert connection.statistics().errors_without_context == 1
        await speaks_again(connection, peer)


async def test_an_error_without_context_fails_all_of_several(autojump_clock):
    """With several contexts open, all fail with the error, and the connection is given up."""
    async with connected_pair() as (connection, peer):
        async with (
            connection.context(**SETTINGS) as one,
            connection.context(**SETTINGS) as two,
        ):
            await one.push("Hello.")
            await two.push("Hello.")
            await peer.error(status_code=402, message="no credits")
            for context in (one, two):
                with pytest.raises(RequestFailed, match="no credits") as caught:
                    await context.collect()
                assert caught.value.context_id == context.context_id
        with pytest.raises(CartesiaError, match="refused"):
            async with connection.context(**SETTINGS):
                pass


async def test_a_malformed_event_fails_its_context_alone(autojump_clock):
    """Audio that cannot be decoded fails its context, which is cancelled; the others go on."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.send(type="chunk", context_id="a", data="not base64!")
            with pytest.raises(RemoteProtocolError) as caught:
                await context.collect()
            assert caught.value.context_id == "a"
            assert "not base64" not in str(caught.value)
        assert cancels(await requests_until_quiet(peer)) == ["a"]
        await speaks_again(connection, peer)


async def test_unknown_things_are_kept_and_counted(autojump_clock):
    """Events and fields that this release does not know do no harm."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.send(type="weather", context_id="a", sky="blue")
            await peer.send(type="weather")
            await peer.chunk("nobody", b"12")
            await peer.send(type="done", context_id="a", mood="good")
            first, last = [event async for event in context.receive()]
            assert isinstance(first, UnknownEvent)
            assert (first.wire_type, first.fields["sky"]) == ("weather", "blue")
            assert isinstance(last, Done)
        statistics = connection.statistics()
        assert (statistics.unknown_events, statistics.stray_events) == (2, 2)


async def test_a_second_receiver_is_refused(autojump_clock):
    """Two tasks cannot receive one context's events at the same time."""
    async with connected_pair() as (connection, _), connection.context(**SETTINGS) as context:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(context.collect)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(LocalProtocolError, match="another task"):
                await anext(context.receive())
            nursery.cancel_scope.cancel()


@given(cuts=st.lists(st.integers(1, 7), max_size=20))
@on_virtual_time
async def test_audio_comes_in_whole_frames(cuts):
    """Wherever the service cuts the audio, `audio` yields whole frames and loses nothing."""
    sizes = [*cuts, 4 - sum(cuts) % 4]
    audio = bytes(number % 256 for number in range(sum(sizes)))
    options = {**SETTINGS, "output_format": {"encoding": "pcm_f32le", "sample_rate": 8000}}
    async with connected_pair() as (connection, peer):
        async with connection.context(**options, context_id="a") as context:
            await context.push("Hello.")
            start = 0
            for size in sizes:
                await peer.chunk("a", audio[start : start + size])
                start += size
            await peer.done("a")
            pieces = [piece async for piece in context.audio()]
    assert b"".join(pieces) == audio
    assert all(piece and len(piece) % 4 == 0 for piece in pieces)


async def test_collect_returns_words_and_segments(autojump_clock):
    """Collected speech has its words, phonemes and segments, cut at each flush_done."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a", add_timestamps=True) as context:
            await context.push("Hello world.")
            await context.no_more_inputs()
            await peer.chunk("a", bytes(4), flush_id=1)
            words = {"words": ["Hello", "world."], "start": [0, 0.5], "end": [0.4, 1]}
            await peer.send(type="timestamps", context_id="a", word_timestamps=words)
            await peer.send(type="flush_done", context_id="a", flush_done=True, flush_id=1)
            await peer.chunk("a", bytes(2), flush_id=2)
            phonemes = {"phonemes": ["h"], "start": [0.0], "end": [0.1]}
            await peer.send(type="phoneme_timestamps", context_id="a", phoneme_timestamps=phonemes)
            await peer.done("a")
            speech = await context.collect()
    assert [(word.text, word.start, word.end) for word in speech.words] == [
        ("Hello", 0.0, 0.4),
        ("world.", 0.5, 1.0),
    ]
    assert [phoneme.text for phoneme in speech.phonemes] == ["h"]
    assert [(len(part.audio), part.flush_id) for part in speech.segments] == [(4, 1), (2, 2)]
    assert speech.duration_seconds == 3 / 44100


async def test_a_context_that_never_began_ends_with_an_event_of_its_own(autojump_clock):
    """The end of the input of a context that was given none is its end; nothing is sent for it."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.no_more_inputs()
            assert context.statistics().inbox_bytes == EVENT_BYTES
            assert [event async for event in context.receive()] == [Done(context_id="a")]
        assert await requests_until_quiet(peer) == []


async def test_cancel_after_the_end_takes_nothing_away(autojump_clock):
    """Once the service has ended a context, cancelling it changes nothing of what had come."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await context.no_more_inputs()
            await peer.chunk("a", b"12")
            await peer.done("a")
            await trio.testing.wait_all_tasks_blocked()
            context.cancel()
            speech = await context.collect()
            assert (speech.audio, speech.complete) == (b"12", True)
        assert cancels(await requests_until_quiet(peer)) == []


async def test_receiving_after_the_block_raises(autojump_clock):
    """Receiving from a context whose block was left before all events were received raises."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await context.no_more_inputs()
            await peer.chunk("a", b"12")
            await peer.done("a")
            await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(LocalProtocolError, match="block has ended") as receiving:
            await context.collect()
        with pytest.raises(LocalProtocolError, match="block has ended") as cancelling:
            context.cancel()
        assert receiving.value.context_id == cancelling.value.context_id == "a"


@pytest.mark.parametrize(
    "options", [{"overflow": "drop"}, {"inbox_bytes": 0}, {"inbox_bytes": True}]
)
async def test_a_context_refuses_options_that_make_no_sense(options, autojump_clock):
    """What a context cannot be opened with raises at once, and the connection goes on."""
    async with connected_pair() as (connection, _):
        with pytest.raises(LocalProtocolError):
            async with connection.context(**SETTINGS, **options):
                pass
        assert connection.statistics().contexts_opened == 0


async def test_an_empty_context_id_of_an_error_is_none(autojump_clock):
    """An error that names the empty id does not vanish."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS) as context:
            await context.push("Hello.")
            await peer.send(type="error", context_id="", message="something", status_code=400)
            with pytest.raises(RequestFailed, match="something"):
                await context.collect()


async def test_events_after_the_end_of_a_loop_are_not_invented(autojump_clock):
    """After the terminal event a receive loop stays at its end."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.done("a")
            heard: list[Event] = []
            await receive_all(context, heard)
            await peer.chunk("a", b"late")
            await receive_all(context, heard)
            assert [event.type for event in heard] == ["done"]


@pytest.mark.parametrize("fast_path", [True, False])
async def test_audio_that_comes_too_late_is_dropped_and_counted(
    autojump_clock, monkeypatch, fast_path
):
    """What comes for a context whose block was left is dropped for ten seconds, then it is a stray;
    another context goes on.
    """
    monkeypatch.setattr(transport, "FAST_PATH_IS_ON", fast_path)
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="left") as context:
            await context.push("Hello.")
        async with connection.context(**SETTINGS, context_id="other") as other:
            await other.push("Hello.")
            await peer.chunk("left", b"1234")
            await trio.sleep(1)
            statistics = connection.statistics()
            assert (statistics.dropped_events, statistics.dropped_audio_bytes) == (1, 4)
            assert (statistics.stray_events, statistics.contexts_draining) == (0, 1)
            await trio.sleep(9)
            await peer.chunk("left", b"1234")
            await peer.chunk("other", b"12")
            await peer.done("other")
            assert await received_audio(other) == [b"12"]
            statistics = connection.statistics()
            assert (statistics.dropped_events, statistics.dropped_audio_bytes) == (1, 4)
            assert (statistics.stray_events, statistics.contexts_draining) == (1, 0)


@on_virtual_time
async def test_an_event_that_cannot_be_read_stops_its_context_at_once() -> None:
    """A context whose event cannot be read is cancelled there and then, takes no more text, and
    says why each time.
    """
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.receive()
            await peer.send(type="chunk", context_id="a", data="!")
            with trio.fail_after(1):
                assert await peer.receive() == {"context_id": "a", "cancel": True}
            with pytest.raises(RemoteProtocolError):
                await context.push("More.")
            with pytest.raises(RemoteProtocolError):
                await received_audio(context)
            assert context.statistics().end == "failed"
