"""
Real speech, from eSpeak NG: how an `Utterance` becomes calls of the library, and `Spoken` again.

The library cuts long words and busy clauses short without notice, so it is given portions that it
can take whole. The seams between them are closed, and the times count from the utterance's start.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
import soxr
import trio

from .espeak_process import speaker
from .libespeak import Event, Kind, Manner
from .sentences import cut
from .voice import Spoken, Timed, Utterance, written_words

__all__ = ["LANGUAGES", "Espeak"]

WORDS_PER_MINUTE: Final = 160  # at speed 1; of short English words it speaks nearly 190
GAIN: Final = 0.65  # leaves room for twice the volume: the library peaks at about 24,000

_SAME: Final = (  # these end in the code of their language
    "roa/fr gmw/de roa/es jpx/ja inc/hi roa/it ko gmw/nl zlw/pl zle/ru gmq/sv trk/tr zls/bg roa/ro "
    "sem/ar zlw/cs grk/el urj/fi zls/hr poz/ms zlw/sk gmq/da dra/ta zle/uk urj/hu aav/vi inc/bn "
    "tai/th sem/he ccs/ka poz/id dra/te inc/gu dra/kn dra/ml inc/mr inc/pa inc/or inc/ur"
)
LANGUAGES: Final = {  # the service's languages, and the voices that eSpeak NG has for them
    "en": "gmw/en-US",
    "pt": "roa/pt-BR",
    "zh": "sit/cmn",
    "no": "gmq/nb",
    "tl": "poz/id",  # it has no Tagalog; Indonesian is a relative, and spelt as it is spoken too
    **{identifier.rpartition("/")[2]: identifier for identifier in _SAME.split()},
}
VARIANTS: Final = ("f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m7", "m8")  # not alike
KNOWN: Final = {  # voice ids of Cartesia's documentation: variant, pitch and range
    "6ccbfb76-1fc6-48f7-b71d-91ac6298247b": ("f2", 52, 55),
    "a0e99841-438c-4a64-b679-ae501e7d6091": ("m3", 45, 50),
}

BUDGET: Final = 350  # what one call of the library may cost; it has room for 1,000 phonemes
DIGIT_COST: Final = 11  # phonemes, of a digit, a symbol or a Chinese character, at worst
SYLLABLE_COST: Final = 6  # of Korean and Japanese; longer sentences lost some
OVERLONG: Final = re.compile(
    # 40 letters without a break, or 20 that are spelt one by one: more are cut in two.
    r"[^\s!-@\[-`{-~\u4e00-\u9fff]{40}(?=[^\s!-@\[-`{-~\u4e00-\u9fff])"
    r"|(?:[b-df-hj-np-tv-xzB-DF-HJ-NP-TV-XZ\d\U00010000-\U0010ffff]|[^\w\s]){20}(?=\S)"
)


@attrs.frozen(kw_only=True)
class _Take:
    """What the library made of one text: audio, and events whose positions are the text's."""

    samples: npt.NDArray[np.int16]
    events: Sequence[Event]


class Espeak:
    """
    The voice ``espeak``: clear, quick and a bit of a robot, in all languages of the service.

    A language that it does not know is read as English, and emotions are ignored. The same
    utterance may differ a little from one time to the next, since the library remembers what
    it spoke before.
    """

    name: Final = "espeak"

    def __init__(self) -> None:
        self._turn = trio.CapacityLimiter(1)  # the library does one thing at a time
        speaker.start()

    async def speak(self, utterance: Utterance) -> Spoken:
        """
        Speak *utterance* in a worker thread; a sentence takes some milliseconds.

        If cancelled, the thread stops at the next second of audio, or about a millisecond later.

        Raises:
            RuntimeError: The library cannot be started, gave up, or crashed in its own process.
        """
        return await trio.to_thread.run_sync(_speak, utterance, limiter=self._turn)


def _speak(utterance: Utterance) -> Spoken:
    take = _take(utterance.text, _manner(utterance))
    native = speaker.sample_rate
    samples = _at_rate(take.samples, native, utterance.sample_rate, utterance.volume)

    def scaled(timed: Timed) -> Timed:
        start, end = (
            min(len(samples), round(frame * utterance.sample_rate / native))
            for frame in (timed.start, timed.end)
        )
        return Timed(text=timed.text, start=start, end=end)

    return Spoken(
        samples=samples.tobytes(),
        words=tuple(map(scaled, _words(utterance.text, take))),
        phonemes=tuple(map(scaled, _phonemes(take))),
    )


def _manner(utterance: Utterance) -> Manner:
    """
    Find the settings for a voice id; whatever it is, it always gets the same ones.
    """
    language = utterance.language.replace("_", "-").split("-")[0].lower()
    base = LANGUAGES.get(language, LANGUAGES["en"])
    number = zlib.crc32(utterance.voice_id.encode("utf-8", "replace"))
    number, index = divmod(number, len(VARIANTS))
    chosen = (VARIANTS[index], 35 + number % 31, 40 + number // 31 % 31)
    variant, pitch, pitch_range = KNOWN.get(utterance.voice_id, chosen)
    return Manner(
        voice=f"{base}+{variant}",
        words_per_minute=round(WORDS_PER_MINUTE * utterance.speed),
        pitch=pitch,
        pitch_range=pitch_range,
    )


def _take(text: str, manner: Manner) -> _Take:
    """
    Speak *text* portion by portion, as if it were spoken in one go.
    """
    samples: list[npt.NDArray[np.int16]] = []
    events: list[Event] = []
    position = frames = 0
    for portion in _portions(text):
        data, heard = speaker.synthesise(
            portion, manner, checkpoint=trio.from_thread.check_cancelled
        )
        position_here = position
        position += len(portion)
        size = len(data) // 2
        if position < len(text) and not _pauses(portion):
            size = _last_sound(_sounds(heard), 0, size)
        samples.append(np.frombuffer(data, np.int16)[:size])
        for event in heard:
            frame, place = frames + min(event.frame, size), position_here + event.position
            events.append(attrs.evolve(event, frame=frame, position=place))
        frames += size
    return _Take(samples=np.concatenate(samples or [np.empty(0, np.int16)]), events=events)


def _pauses(portion: str) -> bool:
    """
    Return whether a reader would pause at the end of *portion*, or it was cut without regard.
    """
    return unicodedata.category((portion.rstrip() or ".")[-1])[0] not in "LMN"


def _portions(text: str) -> Iterator[str]:
    """
    Cut *text* into what the library can take whole; blanks alone are left out at the end.
    """
    while text.strip():
        costs = itertools.accumulate(map(_cost, text))
        fitting = next((index for index, cost in enumerate(costs) if cost > BUDGET), len(text))
        overlong = OVERLONG.search(text, 0, fitting)
        longest = overlong.end() if overlong else fitting
        end = cut(text, longest) if longest < len(text) else len(text)
        yield text[:end]
        text = text[end:]


@functools.lru_cache(maxsize=4096)
def _cost(character: str) -> int:
    category = unicodedata.category(character)
    if category[0] not in "LMZ" or "\u4e00" <= character <= "\u9fff":
        return DIGIT_COST
    return SYLLABLE_COST if character >= "\u3040" else 1


def _words(text: str, take: _Take) -> Iterator[Timed]:
    """
    Give every written word its time.

    One word may have many events (a date has eight), and several may share one ("of the"): then
    they share its time too, by their letters. A word that is not spoken, like a dash, has none.
    """
    written = list(written_words(text))
    positions = [position for position, _ in written]
    begins: dict[int, int] = {}
    for event in take.events:
        if event.kind is Kind.WORD:
            number = max(0, bisect.bisect_right(positions, event.position) - 1)
            begins.setdefault(number, event.frame)
    begins.setdefault(0, min(begins.values(), default=0))
    groups = [*sorted(begins.items()), (len(written), len(take.samples))]
    sounds = _sounds(take.events)
    last = 0
    for (first, begin), (stop, limit) in itertools.pairwise(groups):
        begin = max(last, begin)
        last = _last_sound(sounds, begin, max(begin, limit))
        yield from _shared([word for _, word in written[first:stop]], begin, last)


def _sounds(events: Sequence[Event]) -> Sequence[Event]:
    return [event for event in events if event.kind is Kind.PHONEME]


def _last_sound(sounds: Sequence[Event], begin: int, end: int) -> int:
    """
    Find where the sounds between two frames end, and the pause after them starts.
    """
    index = bisect.bisect_left(sounds, end, key=lambda sound: sound.frame)
    while index and not sounds[index - 1].symbol and sounds[index - 1].frame >= begin:
        index -= 1
        end = sounds[index].frame
    return end


def _shared(words: Sequence[str], begin: int, end: int) -> Iterator[Timed]:
    """
    Share a time among the *words* of one event; the first is spoken, letters or not.
    """
    letters = [sum(map(str.isalnum, word)) for word in words]
    sums = list(itertools.accumulate([max(1, letters[0]), *letters[1:]] if words else []))
    edges = [begin, *(begin + (end - begin) * done // sums[-1] for done in sums)]
    for word, (start, stop) in zip(words, itertools.pairwise(edges), strict=True):
        yield Timed(text=word, start=start, end=stop)


def _phonemes(take: _Take) -> Iterator[Timed]:
    """
    Give every phoneme its time, which lasts until the next one or a pause.
    """
    sounds = _sounds(take.events)
    ends = [*(sound.frame for sound in sounds[1:]), len(take.samples)]
    last = 0
    for sound, end in zip(sounds, ends, strict=False):
        start, last = last, max(last, end)
        if sound.symbol:
            yield Timed(text=sound.symbol, start=max(start, sound.frame), end=last)


def _at_rate(
    samples: npt.NDArray[np.int16], native: int, sample_rate: int, volume: float
) -> npt.NDArray[np.int16]:
    """
    Bring *samples* to another rate, and to the volume asked for.

    In between they are 32-bit floats: soxr would add noise to integers.
    """
    wave = samples.astype(np.float32) * np.float32(GAIN * volume)
    if native != sample_rate and len(wave):
        wave = soxr.resample(wave, native, sample_rate)
    clipped: npt.NDArray[np.int16] = np.clip(np.rint(wave), -32768, 32767).astype("<i2")
    return clipped
