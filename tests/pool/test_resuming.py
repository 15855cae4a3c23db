"""Text whose connection is lost goes on elsewhere."""

from __future__ import annotations

import re

import pytest
import trio
from hypothesis import event, given
from hypothesis import strategies as st

from tests.pool.support import LONG, SMALL, Listener, letters, service
from trio_cartesia import (
    Chunk,
    ConnectFailed,
    ConnectionLost,
    Context,
    ContextExpired,
    LocalProtocolError,
    WordTimestamps,
)
from trio_cartesia._pool import rest_log, resumption
from trio_cartesia._pool.delivery import Delivery
from trio_cartesia.server import Behaviour, Plan
from trio_cartesia.testing import on_virtual_time

WORDS = st.sampled_from(
    ["one", "two", "three", "One,", "well-known", "it's", "four.", "Five!", "é"]
)
BLANKS = st.sampled_from(
    [" ", " ", " ", "  ", "\n", " <break time='50ms'/> ", " - ", ' <speed ratio="1.2"/>']
)
TAG = re.compile("<[^>]*>")
SLOW = Behaviour(times_real_time=1.0, chunk_bytes=400)  # a chunk in a twentieth of a second


@st.composite
def texts(draw, max_words=15):
    """A text, and the pieces that it comes in."""
    words = draw(st.lists(WORDS, min_size=1, max_size=max_words))
    blanks = draw(st.lists(BLANKS, min_size=len(words), max_size=len(words)))
    blanks[-1] = draw(st.sampled_from(["", " ", ".", "  ..."]))
    units = [part for pair in zip(words, blanks, strict=True) for part in pair]
    cuts = sorted(draw(st.lists(st.integers(0, len(units)), max_size=6)))
    pieces = [
        "".join(units[start:end])
        for start, end in zip([0, *cuts], [*cuts, len(units)], strict=True)
    ]
    return words, [piece for piece in pieces if piece]


READINGS = st.builds(
    Behaviour,
    timestamps_first=st.booleans(),
    times_per_segment=st.booleans(),
    misaligned_chunks=st.booleans(),
    chunk_bytes=st.sampled_from([400, 4000]),
    wordless_start=st.sampled_from(["speak", "error"]),
    times_real_time=st.sampled_from([1.0, 4.0]),
)


async def lose_at(network, seconds):
    for gap in seconds:
        await trio.sleep(gap)
        network.reset_all()


@given(
    text=texts(),
    pause=st.sampled_from([None, 0.0, 0.02, 0.4]),
    losses=st.lists(st.floats(0, 2), min_size=1, max_size=6),
    behaviour=READINGS,
    options=st.sampled_from([{}, {"max_buffer_delay_ms": 0}, {"add_phoneme_timestamps": True}]),
    encoding=st.sampled_from(["pcm_mulaw", "pcm_s16le"]),
)
@on_virtual_time
async def test_any_pattern_of_losses(text, pause, losses, behaviour, options, encoding):
    """Whatever is lost when, the words delivered are the transcript's, in order, none missing and
    none twice; in the audio, none is twice but the one that was cut; and where it gives up, the
    rest is in the error.
    """
    words, pieces = text
    output = {"container": "raw", "encoding": encoding, "sample_rate": 8000}
    settings = {**SMALL, "output_format": output, **options}
    listener = Listener()

    async def paced():
        for piece in pieces:
            await trio.sleep(pause)
            yield piece

    async with (
        service(behaviour=behaviour, plan="free") as (client, network),
        client.tts.websocket_pool(plan="free") as pool,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(lose_at, network, losses)
        source = "".join(pieces) if pause is None else paced()
        async with pool.speak(source, resume=True, **settings) as context:
            await listener.receive(context)
            is_complete = context._contexts.is_complete(context._entry)
        nursery.cancel_scope.cancel()
        assert is_complete == (listener.error is None)
        await check_stretches(client, network, listener, settings)
    words, spoken, rest = letters(words), letters(listener.words()), []
    if listener.error is not None:
        assert isinstance(listener.error, ConnectionLost)
        rest = letters(TAG.sub(" ", "".join(listener.error.unspoken)).split())
        event("gave up")
    if pause is not None and rest:  # not all pieces were asked for
        words = words[: len(spoken + rest)]
    assert spoken + rest == words
    assert listener.ends == sorted(listener.ends)
    assert listener.resumed == list(range(1, len(listener.resumed) + 1))
    event(f"resumed {len(listener.resumed)} times")


async def check_stretches(client, network, listener, settings):
    """Compare the audio of each connection with that of its whole text, spoken once more."""
    for context_id, audio, words in listener.stretches:
        record = network.server.journal.context(context_id)
        assert record.audio.startswith(bytes(audio))
        again = {**settings, "add_timestamps": True}
        async with (
            client.tts.websocket_connect() as connection,
            connection.speak(record.transcript, **again) as context,
        ):
            whole = await context.collect()
        seconds = whole.sample_format.seconds(len(audio))
        begun = [word for word in whole.words if word.start < seconds - 0.001]
        ended = [word.text for word in whole.words if word.end <= seconds + 0.001]
        if settings.get("max_buffer_delay_ms") != 0:
            assert len(begun) <= len(words) + 1
            assert ended[: len(words)] == words


async def test_it_is_a_context_like_any_other(autojump_clock):
    """`collect` and `audio` give whole speech over a loss: whole frames, and times of one line."""
    behaviour = Behaviour(times_real_time=1.0, chunk_bytes=401, misaligned_chunks=True)
    settings = {**SMALL, "output_format": {"encoding": "pcm_s16le", "sample_rate": 8000}}
    async with (
        service(behaviour=behaviour) as (client, network),
        client.tts.websocket_pool(max_contexts=2) as pool,
    ):
        async with pool.speak("One two three four.", resume=True, **settings) as context:
            assert isinstance(context, Context)
            await trio.sleep(0.6)
            network.reset_all()
            speech = await context.collect()
        assert speech.complete
        assert [word.text for word in speech.words] == ["One", "two", "three", "four."]
        assert len(speech.audio) % 2 == 0
        assert speech.words[-1].end <= speech.duration_seconds
        assert speech.timings.audio_seconds == speech.duration_seconds
        async with pool.speak("One two three four.", resume=True, **settings) as context:
            await trio.sleep(0.6)
            network.reset_all()
            assert all([len(audio) % 2 == 0 async for audio in context.audio()])
        assert pool.statistics().contexts_resumed == 2


async def test_lasting_markup_stays_in_force(autojump_clock):
    """Speed, volume, emotion and spelling that were in force at the cut are so in the rest."""
    text = (
        '<speed ratio="0.8"/>One <volume ratio="0.7"/>two <speed ratio="1.5"/>three '
        '<emotion value="sad"/>four five six seven <speed ratio="1"/>eight <spell>AB</spell>.'
    )
    async with (
        service(behaviour=SLOW) as (client, network),
        client.tts.websocket_pool(max_contexts=1) as pool,
    ):
        async with pool.speak(text, resume=True, **SMALL) as context:

            async def lose():
                await trio.sleep(1.6)
                network.reset_all()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(lose)
                speech = await context.collect()
        assert speech.text == text
        placed = [text[word.text_start : word.text_end] for word in speech.timeline()]
        assert letters(placed)[:-1] == letters(word.text for word in speech.words)[:-1]
        _, second = network.server.journal.contexts
    assert second.transcript == (
        '<volume ratio="0.7"/><speed ratio="1.5"/><emotion value="sad"/> seven '
        '<speed ratio="1"/>eight <spell>AB</spell>.'
    )


async def test_punctuation_that_is_left_over(autojump_clock):
    """Where all words were delivered, nothing is spoken anew: what is left goes with the words
    that follow, and at the end of the text the speech is complete.
    """
    behaviour = Behaviour(times_real_time=1.0, chunk_bytes=400, wordless_start="error")
    for ends in (False, True):
        async with (
            service(behaviour=behaviour) as (client, network),
            client.tts.websocket_pool(max_contexts=1) as pool,
        ):

            async def pieces(network=network, ends=ends):
                yield "One two "
                yield "... "
                await trio.sleep(0.8)
                network.reset_all()
                await trio.sleep(2)
                if not ends:
                    yield "- "
                    yield "three."

            settings = {**SMALL, "max_buffer_delay_ms": 0}
            async with pool.speak(pieces(), resume=True, **settings) as context:
                speech = await context.collect()
            assert speech.complete
            texts = [record.transcript for record in network.server.journal.contexts]
            spoken = letters(word.text for word in speech.words)
            assert spoken == ["One", "two"] + ["three"] * (not ends)
            assert len(texts) == 2 - ends
            assert texts[-1].endswith("... " if ends else "- three.")


async def test_a_loss_at_the_very_end(autojump_clock):
    """A connection that is lost behind the last word, before the service has ended the context,
    takes nothing away.
    """
    async with (
        service(behaviour=SLOW) as (client, network),
        client.tts.websocket_pool(max_contexts=1) as pool,
        pool.speak("One two.", resume=True, **SMALL) as context,
    ):
        words = []
        async for each in context.receive():
            if isinstance(each, WordTimestamps):
                words += each.word_timestamps.words
                if words == ["One", "two."]:
                    network.error = OSError("down")
                    network.reset_all()
        assert context.statistics().end == "done"
        assert context._contexts.is_complete(context._entry)


async def test_losses_without_progress(autojump_clock):
    """After three losses in a row without a word between it raises, with the rest."""
    async with (
        service(behaviour=SLOW) as (client, network),
        client.tts.websocket_pool(max_contexts=1) as pool,
    ):
        listener = Listener()
        async with (
            pool.speak("One two three.", resume=True, **SMALL) as context,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(listener.receive, context)
            await trio.sleep(0.35)  # the second word is under way
            for count in (1, 2):
                network.reset_all()
                await listener.has_resumed.wait()
                assert (listener.words(), listener.resumed[-1]) == (["One"], count)
                await trio.sleep(0.06)
            network.reset_all()
            await trio.sleep(0.01)
            with pytest.raises(ConnectionLost):
                await context.push("four")
        assert isinstance(listener.error, ConnectionLost)
        assert listener.error.unspoken == (" two three.",)
        assert (pool.statistics().contexts_resumed, pool.statistics().contexts_open) == (2, 0)


async def test_no_connection_for_the_rest(autojump_clock):
    """Where no connection is made for too long, the reason comes after what was delivered, with
    the rest.
    """
    async with (
        service(behaviour=SLOW) as (client, network),
        client.tts.websocket_pool(max_contexts=1, outage_seconds=20) as pool,
    ):
        listener = Listener()
        async with pool.speak("One two three.", resume=True, **SMALL) as context:
            await trio.sleep(0.35)
            network.error = OSError("down")
            network.reset_all()
            await listener.receive(context)
        assert (listener.words(), listener.resumed) == (["One"], [])
        assert isinstance(listener.error, ConnectFailed)
        assert listener.error.unspoken == (" two three.",)


async def test_expiry_is_no_loss(autojump_clock):
    """Pieces that come too late meet the expiry of their context, resumed or not."""

    async def pieces():
        yield "One "
        await trio.sleep(8)
        yield "two."

    async with (
        service(behaviour=SLOW) as (client, network),
        client.tts.websocket_pool(max_contexts=1) as pool,
    ):
        with pytest.raises(ContextExpired) as caught:
            async with pool.speak(pieces(), resume=True, **SMALL) as context:
                await trio.sleep(0.1)
                network.reset_all()
                await context.collect()
        assert caught.value.partial.words


@pytest.mark.parametrize("loses", [False, True])
async def test_a_service_without_word_times(loses, monkeypatch, autojump_clock):
    """Where no word times come for half a minute of audio, it is delivered without them, and a
    loss after that is final.
    """
    monkeypatch.setattr(Delivery, "_add_words", lambda *_: None)
    size = 0
    async with (
        service(behaviour=Behaviour(chunk_bytes=16_000)) as (client, network),
        client.tts.websocket_pool(max_contexts=1) as pool,
    ):
        try:
            async with pool.speak(LONG, resume=True, **SMALL) as context:
                async for each in context.receive():
                    if isinstance(each, Chunk):
                        size += len(each.audio)
                        assert pool.statistics().held_bytes <= 30 * 8000
                        if loses and size > 40_000:
                            network.reset_all()
        except ConnectionLost:
            assert loses
        else:
            record = network.server.journal.context(context.context_id)
            assert size == len(record.audio) > 400_000
        assert pool.statistics().contexts_resumed == 0


async def test_text_is_kept_only_as_long_as_it_may_be_needed(monkeypatch, autojump_clock):
    """A task that pushes faster than is spoken waits once so many characters are kept, and what
    was delivered is kept no longer.
    """
    monkeypatch.setattr(rest_log, "KEPT_CHARACTERS", 500)
    monkeypatch.setattr(resumption, "ALIGNED_WORDS", 50)
    taken = 0

    async def pieces():  # noqa: ASYNC124  # they are there at once
        nonlocal taken
        for _ in range(25):
            yield "word " * 20
            taken += 1

    async with (
        service() as (client, _),
        client.tts.websocket_pool(max_contexts=1) as pool,
        pool.speak(pieces(), resume=True, **SMALL) as context,
    ):
        most = 0
        await trio.testing.wait_all_tasks_blocked()
        assert taken == 6
        async for _ in context.receive():
            most = max(most, pool.statistics().characters_kept)
            assert context._mover._resumption._alignment.count <= 50 + 600 / 5
        assert taken == 25
        assert 500 < most <= 600


async def test_a_limited_account(autojump_clock):
    """A rest that the service refuses for too many contexts at once is spoken later."""
    plan = Plan(name="own", tts_concurrency=1, stt_concurrency=1)
    async with (
        service(plan=plan, behaviour=SLOW) as (client, network),
        client.tts.websocket_pool(max_contexts=1) as pool,
    ):
        listener = Listener()

        async def interfere():
            async with client.tts.websocket_connect() as other, other.context(**SMALL) as theirs:
                network.reset(0)
                await trio.sleep(0.01)
                await theirs.push("word " * 30)
                await trio.sleep(5)

        async with (
            pool.speak("One two three.", resume=True, **SMALL) as context,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(listener.receive, context)
            await trio.sleep(0.35)
            await interfere()
        assert (letters(listener.words()), listener.error) == (["One", "two", "three"], None)
        assert listener.resumed == [1]
        assert pool.statistics().contexts_limited >= 1


async def test_the_budget_of_characters_bounds_what_is_spoken_again(autojump_clock):
    """Text that is spoken again counts again; where it would exceed the pool's budget, the loss is
    final.
    """
    async with (
        service(behaviour=SLOW) as (client, network),
        client.tts.websocket_pool(max_contexts=1, max_characters=30) as pool,
    ):
        listener = Listener()
        async with pool.speak("One two three.", resume=True, **SMALL) as context:
            await trio.sleep(0.35)
            network.reset_all()
            await trio.sleep(3)
            await listener.receive(context)
        assert (listener.error, pool.statistics().characters_sent) == (None, 14 + 11)
        listener = Listener()
        async with pool.speak("Four.", resume=True, **SMALL) as context:
            await trio.sleep(0.1)
            network.reset_all()
            await listener.receive(context)
        assert isinstance(listener.error, ConnectionLost)


async def test_a_push_beside_the_feeder(autojump_clock):
    """What a caller pushes beside it counts like the pieces, and is forgotten if it is cancelled;
    a flush is refused.
    """
    async with (
        service(behaviour=SLOW) as (client, network),
        client.tts.websocket_pool(max_contexts=1) as pool,
    ):

        async def nothing():
            await trio.sleep(2)
            return
            yield

        async with pool.speak(nothing(), resume=True, **SMALL) as context:
            with pytest.raises(LocalProtocolError, match="takes no flush"):
                await context.flush()
            await context.push("One two ")
            await context.push("three ")
            with trio.CancelScope() as scope:
                scope.cancel()
                await context.push("never ")
            network.reset_all()
            await trio.sleep(0.01)
            with trio.move_on_after(0.01):
                await context.push("never ")
            await context.push("four.")
            speech = await context.collect()
        assert letters(word.text for word in speech.words) == ["One", "two", "three", "four"]
        assert speech.text == "One two three four."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"add_timestamps": False}, "leave out add_timestamps=False"),
        ({"use_normalized_timestamps": True}, "leave out use_normalized_timestamps=True"),
        ({"resume": "yes"}, "resume must be True or False"),
    ],
)
async def test_settings_that_exclude_resuming(options, message, autojump_clock):
    """Settings without the word times that are needed are refused before anything is sent."""
    async with service() as (client, _), client.tts.websocket_pool(max_contexts=1) as pool:
        with pytest.raises(LocalProtocolError, match=message):
            pool.speak("Hello.", **{"resume": True, **SMALL, **options})


async def test_text_that_was_consumed(autojump_clock):
    """A generator that has ended has nothing to speak, which is said before anything is sent."""

    async def later():  # noqa: ASYNC124  # that it is one is the point
        yield "One."

    def at_once():
        yield "One."

    async with service() as (client, network), client.tts.websocket_pool(max_contexts=1) as pool:
        for pieces in (at_once(), later()):
            async with pool.speak(pieces, resume=True, **SMALL) as context:
                assert (await context.collect()).complete
            with pytest.raises(LocalProtocolError, match="its text was consumed"):
                pool.speak(pieces, resume=True, **SMALL)
        assert len(network.server.journal.contexts) == 2
