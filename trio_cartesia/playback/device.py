"""miniaudio: the sound devices of this machine."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any, Final

import attrs

from trio_cartesia._errors import PlaybackFailed
from trio_cartesia._protocol.base import checks

__all__ = ["Device", "open_device"]

PERIOD_MS: Final = 20  # of audio that a device asks for at a time
PERIODS: Final = 3  # that it holds

NO_MINIAUDIO: Final = (
    "playing speech needs miniaudio: run pip install 'trio-cartesia[play]' "
    "(in a checkout: pip install '.[play]')"
)
NO_DEVICE: Final = (
    "no sound device was found: connect one, and check that other programs can play sound"
)

_log: Final = logging.getLogger("trio_cartesia.playback")


@attrs.define(eq=False)
class Device:
    """A sound device. Its methods may wait for its driver, so call them in a worker thread."""

    _inner: Any
    _error: type[Exception]

    def start(self, blocks: Generator[bytes, int, None]) -> None:
        """Play what *blocks* yields, which the device's own thread asks for.

        Raises:
            PlaybackFailed: The device is gone, or another program has it.
        """
        next(blocks)
        try:
            self._inner.start(blocks)
        except self._error as error:
            raise PlaybackFailed(f"the sound device does not play: {error}") from error

    def stop(self) -> None:
        """Stop playing, and drop what the device holds where its driver can do that."""
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
    miniaudio = _miniaudio()
    backends = _backends(miniaudio, backend)
    formats = miniaudio.SampleFormat
    try:
        if not _has_device(miniaudio, backends):
            raise PlaybackFailed(NO_DEVICE)
        device = miniaudio.PlaybackDevice(
            output_format=formats.FLOAT32 if is_float else formats.SIGNED16,
            nchannels=1,
            sample_rate=sample_rate,
            buffersize_msec=PERIOD_MS,
            callback_periods=PERIODS,
            backends=backends,
            app_name="trio_cartesia",
        )
    except miniaudio.MiniaudioError as error:
        raise PlaybackFailed(f"{NO_DEVICE} ({error})") from error
    _log.debug("a sound device of the backend %s is open", device.backend)
    return Device(device, miniaudio.MiniaudioError)


def _miniaudio() -> Any:
    try:
        import miniaudio
    except ImportError as error:
        raise PlaybackFailed(NO_MINIAUDIO) from error
    return miniaudio


def _backends(miniaudio: Any, backend: str | None) -> list[Any] | None:
    if backend is None:
        return None
    enabled = {each.name.lower(): each for each in miniaudio.get_enabled_backends()}
    checks.choice(backend, "backend", sorted(enabled))
    return [enabled[backend]]


def _has_device(miniaudio: Any, backends: list[Any] | None) -> bool:
    """Ask before opening one: where there is none, ALSA prints twenty lines about it."""
    devices = miniaudio.Devices(backends)
    if devices.backend == "Null":  # what is left where no other backend works
        return backends is not None
    names = [each["name"] for each in devices.get_playbacks()]
    return any(not name.startswith("Discard all samples") for name in names)  # ALSA's null
