"""Text that was pushed, and its subtitles, over the local service."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
import webvtt

from tests.integration.test_client_and_server import connected
from tests.protocol.tts.test_subtitles import TEXTS, without_blanks
from tests.support import SETTINGS
from trio_cartesia import ContextFailed, SubtitleWriter, TimedWord

LANGUAGES = [pytest.param(each, marks=() if each == "en" else pytest.mark.slow) for each in TEXTS]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_subtitles_of_speech_hold_its_text(autojump_clock, language):
    """Five texts a language are spoken in tokens: words stand for all letters, and the joined
    cues are the text, whether they are written at the end or while the speech arrives.
    """
    tokens = TEXTS[language].split(" ")
    options = {**SETTINGS, "add_timestamps": True, "language": language}
    async with connected() as (connection, _):
        for part in range(1, 6):
            pieces = [f"{token} " for token in tokens[: max(1, len(tokens) * part // 5)]]
            writer, live = SubtitleWriter("vtt"), ""
            async with connection.context(**options) as context:
                for piece in pieces:
                    writer.add_text(piece)
                await context.feed(pieces)
                async for event in context.receive():
                    live += writer.add_event(event)
                live += writer.finish()
            async with connection.speak(pieces, **options) as context:
                speech = await context.collect()
            assert speech.text == "".join(pieces)
            timeline = speech.timeline()
            assert all(isinstance(word, TimedWord) for word in timeline)
            edges = [0, *(edge for word in timeline for edge in (word.text_start, word.text_end))]
            between = [speech.text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=False)]
            assert not any(map(str.isalnum, "".join([*between, speech.text[edges[-1] :]])))
            assert speech.subtitles("vtt") == live
            cues = list(webvtt.from_buffer(io.StringIO(live)))
            shown = "".join(cue.text for cue in cues)
            assert without_blanks(shown) == without_blanks(speech.text)
            assert all(a.end_in_seconds <= b.start_in_seconds for a, b in pairwise(cues))


async def test_a_context_that_failed_carries_what_was_not_spoken(autojump_clock):
    """A lost connection and a refused text both carry the texts of which no audio came; they are
    in no message.
    """
    async with connected() as (connection, _):
        async with connection.context(**{**SETTINGS, "voice": "no such voice"}) as context:
            await context.push("Secret words. ")
            with pytest.raises(ContextFailed) as caught:
                await context.collect()
    assert caught.value.unspoken == ("Secret words. ",)
    assert "Secret" not in str(caught.value) + repr(caught.value)
