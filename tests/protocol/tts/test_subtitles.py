"""Subtitles of speech, read again by parsers that are not ours."""

from __future__ import annotations

import html
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

from tests.texts import TEXTS
from trio_cartesia import Chunk, LocalProtocolError, SubtitleWriter, WordTimes, WordTimestamps
from trio_cartesia._protocol.text.cues import CHARACTERS_A_SECOND, LONGEST_SECONDS, CueBuilder
from trio_cartesia._protocol.text.line_breaks import tidy
from trio_cartesia._protocol.text.timeline import Timeline


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
    marks = sum(unicodedata.category(each) in ("Mn", "Me", "Cf") for each in line)
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in line)
    return len(line) - marks + 1.5 * wide


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("rate", [9.0, 18.0, 30.0])
def test_subtitles_follow_the_rules_of_captions(language, rate):
    """In ten languages, slow and fast: two parsers read the cues, which hold the whole text in
    order, in two lines of 42 columns at most, never at the same time, and long enough to be read
    where the speech leaves the time.
    """
    for text in TEXTS[language]:
        event = timed(words_of(text, language), rate)
        cues = pysubs2.SSAFile.from_string(written("srt", text, [event]), format_="srt")
        same = list(webvtt.from_buffer(io.StringIO(written("vtt", text, [event]))))
        shown = [cue.text.replace(r"\N", "\n") for cue in cues]
        assert [cue.text for cue in same] == shown
        assert without_blanks("".join(shown)) == without_blanks(text)
        check_captions(cues, shown)
        for cue, following in pairwise([*cues, None]):
            gap_ms = 2 if following is None else following.start - cue.end
            is_readable = len(cue.text) * 1000 / cue.duration <= CHARACTERS_A_SECOND + 0.1
            assert is_readable or gap_ms <= 41
        assert cues[-1].end - cues[-1].start <= 1000 * LONGEST_SECONDS + 3000


def check_captions(cues, shown):
    for lines in (text.split("\n") for text in shown):
        assert 1 <= len(lines) <= 2
        assert all(line == line.strip() != "" and width(line) <= 42 for line in lines)
    assert all(0 <= cue.start < cue.end for cue in cues)
    assert all(cue.end <= following.start for cue, following in pairwise(cues))


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


TIMES = st.floats(-1, 40) | st.sampled_from([0.0, 1.0, 1e9, float("inf")])


@given(st.data(), st.lists(ATOMS, min_size=1, max_size=30).map("".join), FILES)
def test_any_times_make_cues_in_order(data, text, kind):
    """Whatever the times are, and whatever words are missing, cues follow one another, none is
    shorter than 40 ms or has more than two lines, and nothing is shown that is not in the text.
    """
    words = [word for word in text.split() if data.draw(st.booleans())]
    rows = [(word, data.draw(TIMES), data.draw(TIMES)) for word in words]
    lists = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    event = WordTimestamps(
        context_id="a",
        word_timestamps=WordTimes(words=lists[0], start=lists[1], end=lists[2]),
    )
    found, builder, timeline = [], CueBuilder(), Timeline()
    timeline.add_text(text)
    timeline.add_words(*lists)
    timeline.finish()
    last = 0
    for word in timeline.words:
        found += builder.add(word, text[last : word.text_end])
        last = word.text_end
    found += builder.finish(text[last:])
    assert all(0 <= a.start_seconds < a.end_seconds <= b.start_seconds for a, b in pairwise(found))
    assert all(cue.end_seconds - cue.start_seconds >= 0.0399 for cue in found)
    assert all(len(cue.lines) <= 2 for cue in found)
    shown = without_blanks("".join(cue.text for cue in found))
    assert without_blanks(text.replace('<break time="1s"/>', " ")).startswith(shown)
    pysubs2.SSAFile.from_string(written(kind, text, [event]), format_=kind)


def test_a_word_that_is_longer_than_a_caption_is_shown_in_parts():
    """A word of ten thousand letters is cut into captions of two lines, which share its time."""
    event = timed(["x" * 10_000, "end."])
    cues = pysubs2.SSAFile.from_string(written("srt", "x" * 10_000 + " end.", [event]))
    shown = [cue.text.replace(r"\N", "\n") for cue in cues]
    check_captions(cues, shown)
    assert without_blanks("".join(shown)) == "x" * 10_000 + "end."


def test_text_that_looks_like_syntax_is_text():
    """Arrows and tags in a text neither end a cue nor change how it is shown."""
    text = "a --> b <i>c</i> {\\an8}d &amp; e"
    event = timed(text.split())
    (cue,) = webvtt.from_buffer(io.StringIO(written("vtt", text, [event])))
    assert html.unescape(cue.text) == text
    (cue,) = pysubs2.SSAFile.from_string(written("srt", text, [event]), format_="srt")
    assert cue.text.replace("\u2060", "") == text


def test_words_without_a_text_are_written_as_they_came():
    """Where no text is given, words are joined with blanks, but for Chinese and Japanese."""
    writer = SubtitleWriter("srt")
    writer.add_event(timed(["Good", "day.", "日", "本", "語", "です"]))
    assert "Good day. 日本語です" in writer.finish()


def test_a_text_grid_is_read_by_praat(tmp_path):
    """A parser of Praat's files finds the words of each text, and their times."""
    for language, texts in TEXTS.items():
        for text in texts:
            event = timed(words_of(text, language))
            (tmp_path / "a.TextGrid").write_text(written("textgrid", text, [event]))
            grid = textgrid.openTextgrid(str(tmp_path / "a.TextGrid"), includeEmptyIntervals=False)
            entries = grid.getTier("words").entries
            assert without_blanks("".join(entry.label for entry in entries)) == without_blanks(text)
            assert [entry.start for entry in entries] == sorted(entry.start for entry in entries)
            assert {entry.start for entry in entries} <= set(event.word_timestamps.start)


def test_a_mark_without_a_time_is_in_the_interval_beside_it():
    """A word that takes no time has no interval, so its text goes with the word after it."""
    times = WordTimes(
        words=("Oh", "—", "yes", "."), start=(0.0, 0.5, 0.5, 1.0), end=(0.5, 0.5, 1.0, 1.0)
    )
    event = WordTimestamps(context_id="a", word_timestamps=times)
    grid = written("textgrid", "Oh — yes .", [event])
    rows = [line.split("=")[1].strip() for line in grid.splitlines() if "text =" in line]
    assert rows == ['"Oh"', '"— yes ."']


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
