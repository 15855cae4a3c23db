"""Speech on this machine's sound device (extra ``play``)."""

from __future__ import annotations

from trio_cartesia.playback.speaker import Speaker as Speaker
from trio_cartesia.playback.speaker import open_speaker as open_speaker
