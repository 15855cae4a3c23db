"""A batch of a blocking client."""

from __future__ import annotations

from tests.support import SETTINGS
from trio_cartesia.batch import Item
from trio_cartesia.blocking import Batch, Cartesia, speak_all

TEXTS = {f"text-{number}": f"Text {number}." for number in range(6)}


def test_each_text_has_a_file(cartesia_service, tmp_path):
    """A second run, and one that was left early, go on where the batch was."""
    for _ in range(2):
        with (
            Cartesia(base_url=cartesia_service.url) as client,
            speak_all(
                [Item(*each) for each in TEXTS.items()],
                client=client,
                directory=tmp_path,
                **SETTINGS,
            ) as batch,
        ):
            assert type(batch) is Batch
            first = next(batch)
            assert first.path.exists()
            results = [first, *batch]
            assert {result.id for result in results} == TEXTS.keys()
            assert batch.statistics().items == len(TEXTS)
    assert all(result.is_earlier for result in results)
    assert len(cartesia_service.state()["contexts"]) == len(TEXTS)
