"""Text that was pushed, and its subtitles, over the local service."""

from __future__ import annotations

import io
import re

import pysubs2
import pytest
import webvtt

from tests.integration.test_client_and_server import connected
from tests.protocol.tts.test_subtitles import check_captions, without_blanks
from tests.support import SETTINGS
from tests.texts import TEXTS
from trio_cartesia import Cartesia, ContextFailed, SubtitleWriter, TimedWord
from trio_cartesia._protocol.tts.speech import SpeechBuilder
from trio_cartesia.server import open_server


def check(speech, live):
    """Check a speech whose subtitles were also written while it arrived."""
    timeline = speech.timeline()
    assert all(isinstance(word, TimedWord) for word in timeline)
    edges = [0, *(edge for word in timeline for edge in (word.text_start, word.text_end))]
    between = [speech.text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=False)]
    assert not any(map(str.isalnum, "".join([*between, speech.text[edges[-1] :]])))
    assert speech.subtitles("vtt") == live
    cues = pysubs2.SSAFile.from_string(live, format_="vtt")
    shown = [cue.text.replace(r"\N", "\n") for cue in cues]
    assert [cue.text for cue in webvtt.from_buffer(io.StringIO(live))] == shown
    assert without_blanks("".join(shown)) == without_blanks(speech.text)
    check_captions(cues, shown)
    assert all(cue.start < 1000 * speech.duration_seconds for cue in cues)


async def spoken(connection, text, **options):
    """Have a text spoken, in tokens; return the speech and what was written meanwhile."""
    pieces = re.findall(r"\s*\S+\s*$|\s*\S+", text)
    writer, live = SubtitleWriter("vtt"), ""
    async with connection.context(**SETTINGS, add_timestamps=True, **options) as context:
        builder = SpeechBuilder(context.output_format)
        for piece in pieces:
            writer.add_text(piece)
        await context.feed(pieces)
        async for event in context.receive():
            builder.add(event)
            live += writer.add_event(event)
        speech = builder.finish(context.statistics().timings, text, complete=True)
        return speech, live + writer.finish()


async def test_subtitles_of_speech_hold_its_text(autojump_clock):
    """Words stand for all letters, and the joined cues are the text, whether they are written at
    the end or while the speech arrives; in ten languages.
    """
    async with connected() as (connection, _):
        for language, texts in TEXTS.items():
            check(*await spoken(connection, texts[0], language=language))


@pytest.mark.slow
@pytest.mark.parametrize("language", TEXTS)
async def test_subtitles_of_fifty_texts(language):
    """So it is for fifty texts that eSpeak NG speaks, with words as they are written and as they
    are read.
    """
    async with (
        open_server(voice="espeak") as server,
        Cartesia(base_url=server.url) as client,
        client.tts.websocket_connect() as connection,
    ):
        for text in TEXTS[language]:
            for normalized in (False, True):
                options = {"language": language, "use_normalized_timestamps": normalized}
                check(*await spoken(connection, text, **options))


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
