"""The load of speech to text: it receives audio, or sends transcripts."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any, Final

from harness.load_peer import Peer
from harness.messages import SENT_AT, TEXTS, time_digits, utterance

NO_TIME: Final = b"null".ljust(len(SENT_AT))
BATCH_EVENTS: Final = 64  # sent at a time, as fast as they are read


def receive_audio(peers: list[Peer], load: dict[str, Any]) -> dict[str, Any]:
    """Receive each session's part of the pieces."""
    cpu, began = time.process_time(), time.perf_counter()
    count = load["frames"] // len(peers)
    with ThreadPoolExecutor(len(peers)) as threads:
        sizes = threads.map(lambda peer: _receive_binary(peer, count), peers)
    found = {"frames": count * len(peers), "bytes": sum(sizes)}
    return found | _spent(cpu, began)


def _receive_binary(peer: Peer, count: int) -> int:
    size = 0
    while count:
        if isinstance(found := peer.receive(), int):
            size += found
            count -= 1
    return size


def send_transcripts(peers: list[Peer], load: dict[str, Any]) -> dict[str, Any]:
    """Send each session its events, once each has sent a piece of audio."""
    for peer in peers:
        _receive_binary(peer, 1)
    cpu, began = time.process_time(), time.perf_counter()
    if load["interval_seconds"]:
        count = _send_paced(peers, load)
    else:
        count = load["frames"]
        _send_flood(peers[0], count)
    return _sent(peers, count) | _spent(cpu, began)


def converse(peers: list[Peer], load: dict[str, Any]) -> dict[str, Any]:
    """Send an event for each piece of audio."""
    cpu, began = time.process_time(), time.perf_counter()
    count = load["frames"] // len(peers)
    with ThreadPoolExecutor(len(peers)) as threads:
        list(threads.map(lambda peer: _answer(peer, count), peers))
    return _sent(peers, count * len(peers)) | _spent(cpu, began)


def _answer(peer: Peer, count: int) -> None:
    for event in islice(cycle(utterance()), count):
        _receive_binary(peer, 1)
        peer.stream.sendall(event.replace(SENT_AT, time_digits()))


def _send_flood(peer: Peer, count: int) -> None:
    events = cycle(event.replace(SENT_AT, NO_TIME) for event in utterance())
    while batch := b"".join(islice(events, min(count, BATCH_EVENTS))):
        peer.stream.sendall(batch)
        count -= min(count, BATCH_EVENTS)


def _send_paced(peers: list[Peer], load: dict[str, Any]) -> int:
    """Send an event a session each interval, spread over it; return the number of events."""
    step, count = load["interval_seconds"] / len(peers), load["frames"] // len(peers)
    due = time.perf_counter()
    for event in islice(cycle(utterance()), count):
        for peer in peers:
            due += step
            while (left := due - time.perf_counter()) > 0:
                time.sleep(max(0.0, left - 0.0001))
            peer.stream.sendall(event.replace(SENT_AT, time_digits()))
    return count * len(peers)


def _sent(peers: list[Peer], count: int) -> dict[str, int]:
    """Return the number of events, and the characters of their texts."""
    texts = islice(cycle([*TEXTS[3::4], TEXTS[-1]]), count // len(peers))
    return {"frames": count, "bytes": len(peers) * sum(map(len, texts))}


def _spent(cpu: float, began: float) -> dict[str, float]:
    return {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
    }


LOADS: Final[dict[str, Callable[[list[Peer], dict[str, Any]], dict[str, Any]]]] = {
    "audio": receive_audio,
    "transcripts": send_transcripts,
    "conversation": converse,
}
