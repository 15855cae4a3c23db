"""The eSpeak NG library, called with ctypes.

All of its state is global. One lock guards every call, and earlier texts have a slight effect on
later ones, so the same text may give slightly different audio. Rare text can also cause memory
errors that end the process. Known triggers are removed, and because there may be others, `child`
calls the library in a process of its own.
The library comes in the wheel ``espeakng-loader`` and is under the GPL, version 3 or later.
"""

from __future__ import annotations

import atexit
import ctypes
import enum
import functools
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Final, Self

import attrs
import espeakng_loader

__all__ = ["PHONEMES", "SSML", "Engine", "Event", "Kind", "VoiceParameters", "engine"]

BUFFER_MS: Final = 60  # of audio a callback; the library has no shorter one
SSML: Final = 0x0010  # flags of a text: it is markup
PHONEMES: Final = 0x0100  # or has the library's mnemonics of phonemes, in double square brackets
LONGEST_PATH_BYTES: Final = 120  # it cuts longer ones at about 160, and then finds nothing

_SYNCHRONOUS, _BY_CHARACTER = 2, 1
_PHONEME_EVENTS: Final = 0x0001
_PHONEME_IPA: Final = 0x0002
_DONT_EXIT: Final = 0x8000  # if there is no data, it would end the process
_UTF8: Final = 0x0001
_END_PAUSE: Final = 0x1000
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_FULL_VOLUME: Final = 100

# Replaced by blanks: control characters, which are commands to the library; surrogates, which are
# not UTF-8; and characters at which version 1.52 overwrites its own memory in some languages: a
# hyphen before a word, as in "(-nej)", a grave accent, and rare ones such as Braille.
_UNSPEAKABLE: Final = re.compile(
    "[`\x00-\x08\x0b-\x1f\x7f-\x9f\u2460-\u24ff\u2800-\u28ff\ua000-\uabff\ud800-\uf8ff"
    "\U00040000-\U0010ffff]"
    r"|(?<![^\W_])-(?=[^\W\d])|-(?=[^\x00-\x7f])"
)


class Kind(enum.IntEnum):
    """The kinds of events that are used; others of the library are ignored."""

    WORD = 1
    PHONEME = 7


@attrs.frozen(kw_only=True)
class Event:
    """The start of a word or a phoneme in the audio.

    Attributes:
        kind: A word or a phoneme.
        frame: The frame at which it starts.
        position: The character of the text that it comes from; words may be off by one.
        symbol: The phoneme in IPA; empty for a pause and for words.
    """

    kind: Kind
    frame: int
    position: int
    symbol: str = ""


@attrs.frozen(kw_only=True)
class VoiceParameters:
    """The voice and its parameters.

    Attributes:
        voice: A voice's identifier, with a variant: ``gmw/en-US+f2``. Tags such as ``en-gb`` and
            ``zh`` are not found; an unknown variant is ignored without notice.
        words_per_minute: 80 to 449.
        pitch: 0 to 99.
        pitch_range: 0 to 99; 0 is a monotone.
        flags: The notation of the text: 0, `SSML` or `PHONEMES`.
    """

    voice: str = "gmw/en-US"
    words_per_minute: int = 175
    pitch: int = 50
    pitch_range: int = 50
    flags: int = 0


class _Event(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int),
        ("message", ctypes.c_uint),
        ("position", ctypes.c_int),  # counted from one
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("frame", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("symbol", ctypes.c_char * 8),  # of a phoneme; other kinds have a number or pointer here
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_CALLBACK: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@attrs.define
class _Recording:
    """The output of one synthesis; as a context manager it keeps errors, which C cannot pass on."""

    checkpoint: Callable[[], None]
    samples: bytearray = attrs.field(factory=bytearray)
    events: list[Event] = attrs.field(factory=list)
    error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self.error = error
        return True


class Engine:
    """The library, of which a process has one instance: see `engine`.

    Attributes:
        sample_rate: Frames a second of all its audio.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._library = _load()
        options = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
        path = os.fsencode(_short_path(espeakng_loader.get_data_path()))
        self.sample_rate: int = self._library.espeak_Initialize(
            _SYNCHRONOUS, BUFFER_MS, path, options
        )
        if self.sample_rate <= 0:
            raise RuntimeError("eSpeak NG does not find its data")
        self._recording = _Recording(lambda: None)
        self._callback = _CALLBACK(self._receive_audio)  # keeps a reference for the library
        self._library.espeak_SetSynthCallback(self._callback)

    def voices(self) -> list[str]:
        """List the identifiers of all voices, variants not included."""
        with self._lock:
            return list(_identifiers(self._library.espeak_ListVoices(None)))

    def synthesise(
        self,
        text: str,
        parameters: VoiceParameters,
        *,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> tuple[bytes, list[Event]]:
        """Speak *text*, and block until it is done.

        Long words, and long clauses of many sounds, are cut short by the library without notice.

        Args:
            text: The text; characters that cannot be spoken become blanks.
            parameters: The voice and its parameters.
            checkpoint: Called every 60 ms of audio; its exceptions end the synthesis.

        Returns:
            16-bit samples in the host's byte order, and the events in them.

        Raises:
            LookupError: There is no such voice.
            RuntimeError: The library gave up.
        """
        data = _UNSPEAKABLE.sub(" ", text).encode()
        with self._lock:
            self._set(parameters)
            self._recording = recording = _Recording(checkpoint)
            flags = _UTF8 | _END_PAUSE | parameters.flags
            failed = self._library.espeak_Synth(
                data, len(data) + 1, 0, _BY_CHARACTER, 0, flags, None, None
            )
        if recording.error is not None:
            raise recording.error
        if failed:
            raise RuntimeError(f"eSpeak NG gave up with {failed}")
        return bytes(recording.samples), recording.events

    def _set(self, parameters: VoiceParameters) -> None:
        if self._library.espeak_SetVoiceByName(parameters.voice.encode()):
            raise LookupError(f"eSpeak NG has no voice {parameters.voice!r}")
        for parameter, value in (
            (_RATE, parameters.words_per_minute),
            (_VOLUME, _FULL_VOLUME),
            (_PITCH, parameters.pitch),
            (_RANGE, parameters.pitch_range),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)

    def _receive_audio(
        self, wave: ctypes._Pointer[ctypes.c_short], frames: int, events: ctypes._Pointer[_Event]
    ) -> int:
        """Append the output of the library, and return whether the library is to stop."""
        with self._recording as recording:
            recording.events.extend(_read(events))
            if frames > 0:
                recording.samples += ctypes.string_at(wave, 2 * frames)
            recording.checkpoint()
        return self._recording.error is not None


def engine() -> Engine:
    """Return the engine of this process; the first call starts it and takes about 30 ms."""
    with _starting:
        return _engine()


_starting: Final = threading.Lock()
_engine: Final = functools.cache(Engine)


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    integer, unsigned = ctypes.c_int, ctypes.c_uint
    text, pointer = ctypes.c_char_p, ctypes.c_void_p
    library.espeak_Initialize.argtypes = (integer, integer, text, integer)
    library.espeak_SetSynthCallback.argtypes = (_CALLBACK,)
    library.espeak_SetVoiceByName.argtypes = (text,)
    library.espeak_SetParameter.argtypes = (integer, integer, integer)
    library.espeak_ListVoices.argtypes = (pointer,)
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    library.espeak_Synth.argtypes = (
        *(text, ctypes.c_size_t, unsigned, integer, unsigned, unsigned),
        *(ctypes.POINTER(unsigned), pointer),
    )
    return library


def _short_path(path: str) -> str:
    """Return *path*, or if it is long a link to it that lives until the process ends."""
    if len(os.fsencode(path)) <= LONGEST_PATH_BYTES:
        return path
    directory = tempfile.mkdtemp(prefix="espeak-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)  # files are read when needed
    link = os.path.join(directory, "data")
    os.symlink(path, link, target_is_directory=True)
    return link


def _identifiers(voices: ctypes._Pointer[ctypes._Pointer[_Voice]]) -> Iterator[str]:
    index = 0
    while voices[index]:
        yield voices[index].contents.identifier.decode()
        index += 1


def _read(events: ctypes._Pointer[_Event]) -> Iterator[Event]:
    """Convert the events of a callback, which end with one of kind 0."""
    index = 0
    while kind := events[index].kind:
        event = events[index]
        index += 1
        if kind in (Kind.WORD, Kind.PHONEME):
            text = event.symbol if kind == Kind.PHONEME else b""
            symbol = text.decode("utf-8", "ignore")  # eight bytes may cut a letter
            position = event.position - 1
            yield Event(kind=Kind(kind), frame=event.frame, position=position, symbol=symbol)
