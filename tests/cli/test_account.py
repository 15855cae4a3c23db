"""The commands for voices, dictionaries, tokens and usage, against a local service."""

from __future__ import annotations

import json
import os
import pty
import wave

import pytest

from tests.cli.support import NO_VOICE
from trio_cartesia._cli.account.uploading import show_upload
from trio_cartesia._cli.main import main
from trio_cartesia.server import Fault
from trio_cartesia.testing import service_in_thread

VOICE = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"


@pytest.fixture(scope="module")
def service():
    with service_in_thread() as service:
        yield service


@pytest.fixture
def run(service, monkeypatch, capfd):
    """Run a command; return its exit code, the lines that it printed, and its messages."""
    monkeypatch.setenv("CARTESIA_API_KEY", "local")
    monkeypatch.setenv("CARTESIA_BASE_URL", service.url)

    def run(*arguments):
        capfd.readouterr()
        code = main(arguments)
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return run


def test_voices_are_listed_for_programs_that_read_lines(run):
    """Each voice is a line, whose cells have tabs between them; the id is the first."""
    code, lines, err = run("voices", "list")
    assert (code, err) == (0, "")
    assert len(lines) > 20
    assert {len(line.split("\t")) for line in lines} == {5}
    assert VOICE in [line.split("\t")[0] for line in lines]
    _, first, _ = run("voices", "list", "--limit", "3")
    assert first == lines[:3]


@pytest.mark.parametrize(
    "arguments",
    [["list", "--language", "de"], ["search", "warm"], ["list", "--gender", "masculine"]],
)
def test_fewer_voices_are_listed_on_request(run, arguments):
    code, lines, _ = run("voices", *arguments, "--json")
    assert code == 0
    voices = json.loads("\n".join(lines))
    _, every, _ = run("voices", "list", "--json")
    assert 0 < len(voices) < len(json.loads("\n".join(every)))
    for voice in voices:
        if "--language" in arguments:
            assert voice["language"] == "de"


def test_a_voice_is_shown_with_all_its_members(run):
    code, lines, _ = run("voices", "show", VOICE, "--json")
    assert code == 0
    voice = json.loads("\n".join(lines))
    assert (voice["id"], voice["locales"][0]["locale"]) == (VOICE, "en-US")
    _, lines, _ = run("voices", "show", VOICE)
    assert f"id\t{VOICE}" in lines


def test_a_voice_that_does_not_exist(run):
    code, lines, err = run("voices", "show", NO_VOICE)
    assert (code, lines) == (1, [])
    assert "Voice not found" in err


def test_a_voice_is_cloned_used_and_deleted(run, tmp_path):
    clip = tmp_path / "clip.wav"
    with wave.open(str(clip), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", "not compressed"))
        file.writeframes(bytes(160_000))
    code, lines, _ = run("voices", "clone", str(clip), "--name", "Mine")
    assert code == 0
    (voice,) = lines
    _, own, _ = run("voices", "list", "--own")
    assert [line.split("\t")[:2] for line in own] == [[voice, "Mine"]]
    assert run("say", "Hello.", "--voice", voice, "--out", str(tmp_path / "a.wav"))[0] == 0
    assert run("voices", "delete", voice) == (0, [voice], "")
    assert run("voices", "list", "--own")[1] == []
    assert run("voices", "delete", voice)[0] == 1


def test_a_clip_that_does_not_exist_is_wrong_usage(run):
    code, lines, err = run("voices", "clone", "nothing.wav", "--name", "Mine")
    assert (code, lines) == (2, [])
    assert "nothing.wav" in err
    assert "Nothing was sent" in err


def test_dictionaries_are_created_shown_and_deleted(run):
    code, lines, _ = run("dictionaries", "create", "terms", "Nginx=engine x", "SQL=sequel")
    assert code == 0
    (dictionary,) = lines
    assert f"{dictionary}\tterms\t2" in run("dictionaries", "list")[1]
    assert run("dictionaries", "show", dictionary)[1] == ["Nginx\tengine x", "SQL\tsequel"]
    assert run("dictionaries", "delete", dictionary)[0] == 0
    assert run("dictionaries", "list")[1] == []


def made(run, *names):
    """Create a dictionary of each name, and return their ids."""
    return [run("dictionaries", "create", name, "A=b")[1][0] for name in names]


def test_each_deletion_is_reported_though_one_fails(run):
    """What the service refuses to delete is named, and the others are deleted and printed."""
    first, last = made(run, "first", "last")
    code, lines, err = run("dictionaries", "delete", first, "pd_none", last)
    assert (code, lines) == (1, [first, last])
    assert "pd_none: " in err
    assert "Nothing was sent" not in err
    assert len(err.splitlines()) == 1
    assert run("dictionaries", "list")[1] == []


def test_deletions_are_reported_as_json_too(run):
    (kept,) = made(run, "first")
    code, lines, _ = run("dictionaries", "delete", kept, "pd_none", "--json")
    deleted, failed = json.loads("\n".join(lines))
    assert (code, deleted) == (1, {"id": kept, "deleted": True})
    assert (failed["id"], failed["deleted"]) == ("pd_none", False)
    assert failed["error"]


def test_a_change_that_is_cut_short_may_have_been_made(run, monkeypatch):
    """What to do after a lost connection is not what it is for speech."""
    with service_in_thread(faults=Fault.read("truncated_body at_byte=3")) as lossy:
        monkeypatch.setenv("CARTESIA_BASE_URL", lossy.url)
        code, lines, err = run("dictionaries", "create", "terms", "A=b")
    assert (code, lines) == (1, [])
    assert "List what there is, then try again: a change may have been made already." in err


def test_a_refused_key_ends_the_deleting(run, monkeypatch):
    """Nothing more is sent, and the ids that were not tried are named."""
    with service_in_thread(api_keys=["another"]) as strict:
        monkeypatch.setenv("CARTESIA_BASE_URL", strict.url)
        code, lines, err = run("dictionaries", "delete", "pd_1", "pd_2", "pd_3")
        _, listed, _ = run("dictionaries", "delete", "pd_1", "pd_2", "--json")
    assert (code, lines) == (1, [])
    assert err.splitlines()[0].startswith("trio-cartesia: pd_1: ")
    assert err.splitlines()[1:] == ["not deleted, as nothing was sent for them: pd_2, pd_3"]
    untried = {"id": "pd_2", "deleted": False, "error": "Nothing was sent."}
    assert json.loads("\n".join(listed))[1] == untried


@pytest.mark.parametrize(
    "ids", [[], ["ID", ""], ["ID", ".."], ["ID", " "], ["ID", "a\nb"], ["ID", "ID"]]
)
@pytest.mark.parametrize("command", ["dictionaries", "voices"])
def test_ids_are_checked_before_anything_is_deleted(run, command, ids):
    (kept,) = made(run, "kept")
    code, lines, err = run(command, "delete", *(each.replace("ID", kept) for each in ids))
    assert (code, lines) == (2, [])
    assert err
    assert run("dictionaries", "delete", kept)[0] == 0


@pytest.mark.parametrize("item", ["Nginx", "=x", "Nginx="])
def test_an_item_needs_a_text_and_an_alias(run, item):
    code, _, err = run("dictionaries", "create", "terms", item)
    assert code == 2
    assert "TEXT=ALIAS" in err


def test_a_token_is_printed_and_works(run, monkeypatch, service):
    code, lines, _ = run("tokens", "create", "tts", "--expires-in", "60")
    assert code == 0
    (token,) = lines
    assert len(token.split(".")) == 3
    assert run("tokens", "create", "--expires-in", "0")[0] == 2
    assert run("tokens", "create", "all")[0] == 2


def test_usage_needs_an_admin_key(run):
    code, lines, err = run("usage", "--interval", "day")
    assert (code, lines) == (1, [])
    assert "admin" in err


def test_a_command_that_does_not_exist_names_the_others(run):
    code, _, err = run("voices", "lst")
    assert code == 2
    assert "list" in err
    assert "trio-cartesia voices --help" in err


def test_without_a_key_a_local_service_answers(monkeypatch, capfd):
    monkeypatch.delenv("CARTESIA_API_KEY", raising=False)
    monkeypatch.delenv("CARTESIA_BASE_URL", raising=False)
    assert main(["voices", "show", VOICE, "--json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["id"] == VOICE
    assert "no CARTESIA_API_KEY: using a local service" in err


def test_an_upload_has_a_bar_on_a_terminal_only(monkeypatch, capfd):
    with show_upload("clip.wav") as progress:
        assert progress is None
    terminal, end = pty.openpty()
    try:
        with os.fdopen(end, "w") as stream:
            monkeypatch.setattr("sys.stderr", stream)
            with show_upload("clip [1].wav") as progress:
                progress(50, 100)
                progress(100, 100)
        assert b"clip [1].wav" in os.read(terminal, 65536)
    finally:
        os.close(terminal)
