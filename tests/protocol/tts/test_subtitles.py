"""Subtitles of speech, read again by parsers that are not ours."""

from __future__ import annotations

import io
import json
import unicodedata
from itertools import pairwise

import pysubs2
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st
from praatio import textgrid

from trio_cartesia import Chunk, LocalProtocolError, SubtitleWriter, WordTimes, WordTimestamps
from trio_cartesia._protocol.text.cues import CHARACTERS_A_SECOND, LONGEST_SECONDS
from trio_cartesia._protocol.text.line_breaks import tidy

TEXTS = {
    "en": "Good morning, everybody. The lecture on captions begins in five minutes, so please be "
    "seated; latecomers may listen from the hall! Any questions? None. Thank you so very much.",
    "de": "Donaudampfschifffahrtsgesellschaftskapitänsmützen sind selten, sagt „Herr Müller“. "
    "Trotzdem gibt es sie noch, in einem kleinen Museum am Rande der Stadt.",
    "fr": "« Bonjour ! » dit-elle, puis elle s\u2019assit près de la fenêtre. Qui l\u2019aurait cru ?",
    "es": "¿Cómo estás? ¡Muy bien, gracias! Hoy vamos a leer un cuento bastante largo, en voz alta.",
    "ru": "Доброе утро. Сегодня мы поговорим о субтитрах, их длине и о том, как быстро их читают.",
    "ar": "صباح الخير، كيف حالك؟ أنا بخير والحمد لله. سنقرأ اليوم قصة طويلة بصوت عال.",
    "he": "בוקר טוב, מה שלומך? הכול בסדר, תודה. היום נקרא סיפור ארוך בקול רם.",
    "hi": "नमस्ते, आप कैसे हैं? मैं ठीक हूँ। आज हम एक लंबी कहानी पढ़ेंगे।",
    "ja": "おはようございます。今日は字幕の長さと、それを読む速さについて話します。質問はありますか？",
    "zh": "早上好，大家请坐。今天我们要讲字幕的长度，以及人们阅读字幕的速度，有问题吗？谢谢。",
}


def words_of(text, language):
    """Return words as the service sends them: single characters for Chinese and Japanese."""
    if language not in ("ja", "zh"):
        return text.split()
    return [each for each in text if not each.isspace()]


def timed(words, rate=15.0):
    """Return an event with words that are spoken at so many characters a second."""
    starts, ends, at = [], [], 0.25
    for word in words:
        starts.append(round(at, 3))
        at += (len(word) + 1) / rate
        ends.append(round(at - 0.02, 3))
    times = WordTimes(words=tuple(words), start=tuple(starts), end=tuple(ends))
    return WordTimestamps(context_id="a", word_timestamps=times)


def written(kind, text, events, **options):
    writer = SubtitleWriter(kind)
    writer.add_text(text)
    return "".join(map(writer.add_event, events)) + writer.finish(**options)


def without_blanks(text):
    return "".join(text.split())


def width(line):
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in line)
    return len(line) + 1.5 * wide


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("rate", [9.0, 18.0, 30.0])
def test_subtitles_follow_the_rules_of_captions(language, rate):
    """In ten languages, slow and fast: two parsers read the cues, which hold the whole text in
    order, in two lines of 42 columns at most, never at the same time, and long enough to be read
    where the speech leaves the time.
    """
    text = TEXTS[language]
    event = timed(words_of(text, language), rate)
    cues = pysubs2.SSAFile.from_string(written("srt", text, [event]), format_="srt")
    same = list(webvtt.from_buffer(io.StringIO(written("vtt", text, [event]))))
    shown = [cue.text.replace(r"\N", "\n") for cue in cues]
    assert [cue.text for cue in same] == shown
    assert without_blanks("".join(shown)) == without_blanks(text)
    for lines in (cue.split("\n") for cue in shown):
        assert len(lines) <= 2
        assert all(width(line) <= 42 for line in lines)
    for cue, following in pairwise([*cues, None]):
        assert cue.start < cue.end
        gap_ms = 2 if following is None else following.start - cue.end
        assert gap_ms >= 0
        is_readable = len(cue.text) * 1000 / cue.duration <= CHARACTERS_A_SECOND + 0.1
        assert is_readable or gap_ms <= 41
    assert cues[-1].end - cues[-1].start <= 1000 * LONGEST_SECONDS + 3000


ATOMS = st.sampled_from(
    [
        *("Hi ", "there, ", "Dr. ", "$5 ", "one\n", "two. ", "-->", "&", "<b>", '"q" ', "日本。"),
        *("שלום ", '<break time="1s"/>', "a" * 60 + " ", "\n\n"),
    ]
)
FILES = st.sampled_from(["srt", "vtt"])


@given(st.data(), st.lists(ATOMS, min_size=1, max_size=30).map("".join), FILES)
def test_subtitles_are_the_same_at_once_and_as_words_arrive(data, text, kind):
    """However words are grouped into events, what was appended makes the same file, which a parser
    reads, and which holds the words in order.
    """
    words = text.replace('<break time="1s"/>', " ").split()
    event = timed(words)
    times = event.word_timestamps
    cuts = sorted(data.draw(st.lists(st.integers(0, len(words)), max_size=5)))
    events = [
        WordTimestamps(
            context_id="a",
            word_timestamps=WordTimes(
                words=times.words[a:b], start=times.start[a:b], end=times.end[a:b]
            ),
        )
        for a, b in pairwise([0, *cuts, len(words)])
    ]
    whole = written(kind, text, [event])
    assert written(kind, text, events) == whole
    cues = pysubs2.SSAFile.from_string(whole, format_=kind)
    assert all(a.end <= b.start for a, b in pairwise(cues))


def test_a_text_grid_is_read_by_praat(tmp_path):
    """A parser of Praat's files finds the words and their times."""
    event = timed(words_of(TEXTS["fr"], "fr"))
    (tmp_path / "a.TextGrid").write_text(written("textgrid", TEXTS["fr"], [event]))
    grid = textgrid.openTextgrid(str(tmp_path / "a.TextGrid"), includeEmptyIntervals=False)
    found = [entry.label for entry in grid.getTier("words").entries]
    assert without_blanks("".join(found)) == without_blanks(TEXTS["fr"])


def test_a_text_grid_holds_each_word_between_its_times():
    """Intervals follow one another without a gap, and quotation marks are doubled."""
    text = 'She said "yes" <break time="1s"/>twice.'
    event = timed(["She", "said", '"yes"', "twice."], rate=5.0)
    grid = written("textgrid", text, [event], duration_seconds=9.0)
    assert 'text = """yes"""' in grid
    rows = [line.split("=")[1].strip() for line in grid.splitlines() if "text =" in line]
    assert [row for row in rows if row != '""'] == ['"She"', '"said"', '"""yes"""', '"twice."']
    edges = [float(line.split("=")[1]) for line in grid.splitlines() if "xm" in line][4:]
    assert edges[0] == 0
    assert edges[-1] == 9
    assert edges[1:-1:2] == edges[2::2]


def test_json_has_words_with_their_offsets():
    """Each word has its times and its place in the text."""
    found = json.loads(
        written("json", "It costs $5 now.", [timed(["It", "costs", "five", "dollars", "now."])])
    )
    words = [word for cue in found["cues"] for word in cue["words"]]
    spans = [found["text"][word["text_start"] : word["text_end"]] for word in words]
    assert spans == ["It", "costs", "", "$5", "now."]
    assert tidy(found["text"]) == " ".join(line for cue in found["cues"] for line in cue["lines"])


def test_subtitles_without_word_times_say_what_is_missing():
    """Audio without word times raises an error that names the setting; an unknown format too."""
    writer = SubtitleWriter("srt")
    writer.add_event(Chunk(context_id="a", audio=b"12"))
    with pytest.raises(LocalProtocolError, match="add_timestamps=True"):
        writer.finish()
    with pytest.raises(LocalProtocolError, match="'srt', 'vtt', 'textgrid', 'json'"):
        SubtitleWriter("ass")


def test_speech_of_nothing_has_no_subtitles():
    """With neither audio nor words there are no cues, and a WebVTT file keeps its first line."""
    assert written("srt", "", []) == ""
    assert written("vtt", "", []) == "WEBVTT\n\n"
