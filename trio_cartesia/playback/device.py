"""miniaudio: the sound devices of this machine."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any, Final

import attrs

from trio_cartesia._errors import CaptureFailed, PlaybackFailed
from trio_cartesia._protocol.base import checks

__all__ = ["Device", "open_device", "open_microphone_device"]

PERIOD_MS: Final = 20  # of audio that a device asks for, or gives, at a time
PERIODS: Final = 3  # that it holds

NO_MINIAUDIO: Final = (
    "needs miniaudio: run pip install 'trio-cartesia[play]' (in a checkout: pip install '.[play]')"
)
NO_DEVICE: Final = (
    "no sound device was found: connect one, and check that other programs can play sound"
)
NO_MICROPHONE: Final = (
    "no microphone was found: connect one, and check that other programs can record with it"
)

_log: Final = logging.getLogger("trio_cartesia.playback")


@attrs.define(eq=False)
class Device:
    """A sound device. Its methods may wait for its driver, so call them in a worker thread."""

    _inner: Any
    _error: type[Exception]
    _failure: type[PlaybackFailed | CaptureFailed] = PlaybackFailed

    def start(self, blocks: Generator[Any, Any, None]) -> None:
        """Run *blocks* in the device's own thread.

        To play, it yields as many samples as are sent in; to record, samples are sent in.

        Raises:
            PlaybackFailed: The device is gone, or another program has it.
            CaptureFailed: Likewise, of a microphone.
        """
        next(blocks)
        try:
            self._inner.start(blocks)
        except self._error as error:
            raise self._failure(f"the sound device does not start: {error}") from error

    def stop(self) -> None:
        """Stop, and drop what the device holds where its driver can do that."""
        try:
            self._inner.stop()
        except self._error as error:  # it is silent all the same, and the next start fails
            _log.debug("the sound device was not stopped: %s", error)

    def close(self) -> None:
        """Close the device."""
        self._inner.close()


def open_device(*, is_float: bool, sample_rate: int, backend: str | None) -> Device:
    """Open the system's default device for mono audio; call this in a worker thread.

    Args:
        is_float: Whether samples are ``pcm_f32le``; ``pcm_s16le`` otherwise.
        sample_rate: Samples a second; the device converts them where it has to.
        backend: A backend of miniaudio in lower case; None takes the first one that works.

    Raises:
        LocalProtocolError: There is no such backend here.
        PlaybackFailed: miniaudio is not installed, or there is no sound device.
    """
    try:
        import miniaudio
    except ImportError as error:
        raise PlaybackFailed(f"playing speech {NO_MINIAUDIO}") from error
    backends, formats = _backends(miniaudio, backend), miniaudio.SampleFormat
    try:
        if not _has_device(miniaudio, backends):
            raise PlaybackFailed(NO_DEVICE)
        device = miniaudio.PlaybackDevice(
            output_format=formats.FLOAT32 if is_float else formats.SIGNED16,
            **_settings(sample_rate, backends),
        )
    except miniaudio.MiniaudioError as error:
        raise PlaybackFailed(f"{NO_DEVICE} ({error})") from error
    _log.debug("a sound device of the backend %s is open", device.backend)
    return Device(device, miniaudio.MiniaudioError)


def open_microphone_device(*, sample_rate: int, backend: str | None) -> Device:
    """Open the system's default microphone for mono ``pcm_s16le``; call this in a worker thread.

    Args:
        sample_rate: As in `open_device`.
        backend: As in `open_device`.

    Raises:
        LocalProtocolError: There is no such backend here.
        CaptureFailed: miniaudio is not installed, or there is no microphone.
    """
    try:
        import miniaudio
    except ImportError as error:
        raise CaptureFailed(f"a microphone {NO_MINIAUDIO}") from error
    backends = _backends(miniaudio, backend)
    try:
        if not _has_device(miniaudio, backends, "get_captures"):
            raise CaptureFailed(NO_MICROPHONE)
        device = miniaudio.CaptureDevice(
            input_format=miniaudio.SampleFormat.SIGNED16, **_settings(sample_rate, backends)
        )
    except miniaudio.MiniaudioError as error:
        raise CaptureFailed(f"{NO_MICROPHONE} ({error})") from error
    _log.debug("a microphone of the backend %s is open", device.backend)
    return Device(device, miniaudio.MiniaudioError, CaptureFailed)


def _settings(sample_rate: int, backends: list[Any] | None) -> dict[str, Any]:
    return {
        "nchannels": 1,
        "sample_rate": sample_rate,
        "buffersize_msec": PERIOD_MS,
        "callback_periods": PERIODS,
        "backends": backends,
        "app_name": "trio_cartesia",
    }


def _backends(miniaudio: Any, backend: str | None) -> list[Any] | None:
    if backend is None:
        return None
    enabled = {each.name.lower(): each for each in miniaudio.get_enabled_backends()}
    checks.choice(backend, "backend", sorted(enabled))
    return [enabled[backend]]


def _has_device(miniaudio: Any, backends: list[Any] | None, kind: str = "get_playbacks") -> bool:
    """Ask before opening one: where there is none, ALSA prints twenty lines about it."""
    devices = miniaudio.Devices(backends)
    if devices.backend == "Null":  # what is left where no other backend works
        return backends is not None
    names = [each["name"] for each in getattr(devices, kind)()]
    return any(not name.startswith("Discard all samples") for name in names)  # ALSA's null
