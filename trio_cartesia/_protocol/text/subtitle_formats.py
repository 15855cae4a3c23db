"""Cues as SubRip, WebVTT, Praat's TextGrid and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final, Literal

from trio_cartesia._protocol.text.cues import Cue
from trio_cartesia._protocol.text.line_breaks import tidy
from trio_cartesia._protocol.text.timeline import TimedWord

__all__ = ["FORMATS", "SubtitleFormat", "json_document", "srt_cue", "text_grid", "vtt_cue"]

SubtitleFormat = Literal["srt", "vtt", "textgrid", "json"]
FORMATS: Final = ("srt", "vtt", "textgrid", "json")

# SubRip has no escapes: a word joiner, which is not seen, keeps text from being read as a tag.
_SUBRIP_SYNTAX: Final = re.compile(r"(?<=--)(?=>)|(?<=<)(?=[A-Za-z/])|(?<={)(?=\\)")
_JOINER: Final = "\u2060"


def srt_cue(number: int, cue: Cue) -> str:
    """Return a cue of a SubRip file, with the blank line behind it."""
    text = _SUBRIP_SYNTAX.sub(_JOINER, "\n".join(cue.lines))
    times = f"{_clock(cue.start_seconds, ',')} --> {_clock(cue.end_seconds, ',')}"
    return f"{number}\n{times}\n{text}\n\n"


def vtt_cue(cue: Cue) -> str:
    """Return a cue of a WebVTT file, with the blank line behind it."""
    text = "\n".join(cue.lines)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{_clock(cue.start_seconds, '.')} --> {_clock(cue.end_seconds, '.')}\n{text}\n\n"


def text_grid(words: Sequence[tuple[TimedWord, str]], duration_seconds: float) -> str:
    """Return a TextGrid with one tier, of words; what lies between them is an empty interval.

    Args:
        words: Each with its part of the transcript.
        duration_seconds: Of the audio.
    """
    intervals: list[tuple[float, float, str]] = []
    at, without_time = 0.0, ""
    for timed, text in words:
        text = tidy(f"{without_time} {text}")
        start, end = max(at, timed.start_seconds), timed.end_seconds
        if end <= start:  # intervals of a tier neither overlap nor are empty
            without_time = text
            continue
        without_time = ""
        if start > at:
            intervals.append((at, start, ""))
        intervals.append((start, end, text))
        at = end
    if without_time and intervals:
        start, _, text = intervals[-1]
        intervals[-1] = (start, at, tidy(f"{text} {without_time}"))
    end = max(at, duration_seconds)
    if end > at:
        intervals.append((at, end, ""))
    rows = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        f"xmin = 0\nxmax = {end:.6f}\ntiers? <exists>\nsize = 1\nitem []:",
        '    item [1]:\n        class = "IntervalTier"\n        name = "words"',
        f"        xmin = 0\n        xmax = {end:.6f}\n        intervals: size = {len(intervals)}",
    ]
    for number, (first, last, text) in enumerate(intervals, 1):
        quoted = text.replace('"', '""')
        rows.append(
            f"        intervals [{number}]:\n            xmin = {first:.6f}\n"
            f'            xmax = {last:.6f}\n            text = "{quoted}"'
        )
    return "\n".join(rows) + "\n"


def json_document(text: str, cues: Sequence[Cue]) -> str:
    """Return a JSON object: the transcript, and its cues with their words."""
    return json.dumps(
        {
            "text": text,
            "cues": [
                {
                    "start": cue.start_seconds,
                    "end": cue.end_seconds,
                    "lines": cue.lines,
                    "words": [
                        {
                            "word": word.word,
                            "start": word.start_seconds,
                            "end": word.end_seconds,
                            "text_start": word.text_start,
                            "text_end": word.text_end,
                        }
                        for word in cue.words
                    ],
                }
                for cue in cues
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02}{point}{milliseconds:03}"
