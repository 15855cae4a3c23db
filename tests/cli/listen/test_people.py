"""``listen`` and ``transcribe`` with a local service that recognises people (extra ``ears``)."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path

import pytest

from trio_cartesia._cli.main import main

BECKETT = "ever tried ever failed no matter try again fail again fail better"


def words(text):
    return "".join(each for each in text.lower() if each.isalpha() or each.isspace()).split()


@pytest.mark.ears
@pytest.mark.parametrize(
    "arguments",
    [["listen", "--pace", "as_fast_as_possible"], ["transcribe"]],
    ids=lambda each: each[0],
)
def test_people_are_understood(arguments, capfd):
    """Without a key, both commands start a service that knows most of the words."""
    package = pytest.importorskip("moonshine_voice", reason="the extra ears is not installed")
    recording = Path(package.__file__).parent / "assets" / "beckett.wav"
    assert main([*arguments, "--local", str(recording)]) == 0
    out, err = capfd.readouterr()
    assert err == "using a local service (moonshine) for this command\n"
    expected, found = BECKETT.split(), words(out)
    same = sum(block.size for block in SequenceMatcher(None, expected, found).get_matching_blocks())
    assert same >= 8
    assert len(found) <= 14
