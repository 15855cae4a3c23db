from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from cyclopts import App

from tests.cli.support import COMMAND, environment, run
from trio_cartesia import __version__
from trio_cartesia._cli import main as module
from trio_cartesia._cli import start
from trio_cartesia._cli.console import is_quiet
from trio_cartesia._cli.main import app, main
from trio_cartesia._cli.say.request import Request
from trio_cartesia._cli.say.standard_input import Lines

OTHER_NAMES = ("--out", "a.wav", "--out", "a.wav")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CARTESIA_API_KEY", "CARTESIA_BASE_URL", "CARTESIA_CUSTOM_HEADERS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def own_sigint() -> Iterator[None]:
    """Restore what handles Ctrl-C: the entry point takes the process to be its own."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints it, and nothing else."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def commands(found: App = app, path: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Yield the names of each command and of each command of a command."""
    yield list(path)
    for name in found:
        if not name.startswith("-"):
            yield from commands(found[name], (*path, name))


@pytest.mark.parametrize("arguments", [[], *([*path, "--help"] for path in commands())])
def test_help_fits_a_terminal(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Help has 80 columns, and goes to standard output."""
    monkeypatch.setenv("COLUMNS", "80")
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "Usage: trio-cartesia" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    "arguments",
    [
        ["sing"],
        ["say"],
        ["say", "a", "--loud"],
        ["say", "a", "-x"],
        ["say", "a", "--encoding", "mp3"],
        ["say", "a", "--sample-rate", "44000"],
        ["say", "a", "--voice", ""],
        ["say", "a", "--language", "en", "--model", " "],
        ["say", ""],
        ["say", "a", " \n"],
        ["say", "-", "-"],
        ["say", "a", "b", "--out", "a.wav"],
        ["say", "a", "b", *OTHER_NAMES],
        ["say", "a", "--out", "a.mp3"],
        ["serve", "--port", "65536"],
        ["serve", "--voice", "bass"],
    ],
)
def test_what_makes_no_sense_is_one_line(
    arguments: list[str], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A wrong command line is explained on one line, does nothing, and the exit code is 2."""
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("trio-cartesia: ")
    assert "--help" in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_text_may_look_like_an_option(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After --, and where it could not be one, a text may start with a hyphen."""
    monkeypatch.setenv("CARTESIA_BASE_URL", "http://127.0.0.1:9")
    assert main(["say", "- so", "-5 degrees", "-", "--", "--debug-me"]) == 1  # nobody listens


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--out", "missing/a.wav"], "missing/a.wav: No such file or directory."),
        (["--out", "file/a.wav"], "file/a.wav: Not a directory."),
        (["--out", "file/directory/"], "file/directory"),
        (["--raw", "--out", "/dev/full"], "/dev/full: No space left on device."),
        (["--out", "/dev/full"], "/dev/full: No space left on device."),
        (["--language", "xx"], "speech-1.wav: Language not supported"),
        (["--voice", "0" * 8 + "-0000-0000-0000-" + "0" * 12], "speech-1.wav: "),
    ],
)
def test_a_failure_is_one_line(
    arguments: list[str], expected: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What failed and what to do are one line, without a traceback; the exit code is 1."""
    (tmp_path / "file").touch()
    assert main(["say", "Hello.", "--local", *arguments]) == 1
    out, err = capfd.readouterr()
    (line,) = [line for line in err.splitlines() if line.startswith("trio-cartesia: ")]
    assert expected in line
    assert "Traceback" not in err
    assert out == ""
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.parametrize("more", [[], ["--debug"]])
def test_only_debug_shows_tracebacks(
    more: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused connection is one line; with --debug, a traceback comes before it."""
    monkeypatch.setenv("CARTESIA_BASE_URL", "http://127.0.0.1:9")
    assert main(["say", "Hello.", *more]) == 1
    err = capfd.readouterr().err
    assert ("Traceback" in err) is bool(more)
    assert err.splitlines()[-1].startswith("trio-cartesia: no connection to ws://127.0.0.1:9/")
    assert more or err.count("\n") == 1


@pytest.mark.parametrize("more", [[], ["--debug"]])
def test_a_bug_is_one_line(
    more: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected exception is reported as a bug, without its message, which may be private."""

    async def fail(_: object) -> int:
        await trio.lowlevel.checkpoint()
        raise ExceptionGroup("several", [ValueError("secret")])

    monkeypatch.setattr(module, "run_say", fail)
    assert main(["say", "Hello.", *more]) == 1
    err = capfd.readouterr().err
    assert err.splitlines()[-1].startswith("trio-cartesia: ValueError. This is a bug")
    assert ("Traceback" in err) is bool(more)


def test_ctrl_c_before_the_work_is_quiet(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A KeyboardInterrupt before the work begins ends the command with the exit code of Ctrl-C."""

    def interrupt(_: object) -> object:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError

    monkeypatch.setattr(module, "_read", interrupt)
    assert main(["say", "Hello."]) == 130
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--version"], ["say", "--help"], ["serve"]])
def test_output_that_is_lost_is_reported(arguments: list[str], tmp_path: Path) -> None:
    """If standard output cannot be written, one line says so, and the exit code is 1."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "trio-cartesia: standard output: No space left on device. Send it somewhere else.\n"
    )


def test_bytes_that_are_no_text_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument that is not UTF-8 is read as standard input would be."""
    asked = []

    async def note(request: Request) -> int:
        await trio.lowlevel.checkpoint()
        asked.extend(request.texts)
        return 0

    data = [b"a \xff b", b"\xe2\x82 \xed\xa0\x80", "Grüße 𝄞".encode()]
    monkeypatch.setattr(module, "run_say", note)
    assert main(["say", *map(os.fsdecode, data)]) == 0
    assert [f"{text}\n" for text in asked] == Lines().take(b"\n".join(data) + b"\n")


def test_a_slash_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory's name reaches the command as it was written."""
    asked = []

    async def note(request: Request) -> int:
        await trio.lowlevel.checkpoint()
        asked.extend(request.out)
        return 0

    monkeypatch.setattr(module, "run_say", note)
    assert main(["say", "Hello.", "--out", "results.2024/"]) == 0
    assert asked == ["results.2024/"]


def test_a_key_without_a_place_goes_nowhere_in_the_clear(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that would send the key unencrypted is refused, and the key not shown."""
    monkeypatch.setenv("CARTESIA_BASE_URL", "http://example.org")
    monkeypatch.setenv("CARTESIA_API_KEY", "sk_car_secret")
    assert main(["say", "Hello."]) == 1
    err = capfd.readouterr().err
    assert err.startswith("trio-cartesia: CARTESIA_BASE_URL is plain http")
    assert "secret" not in err


@pytest.mark.parametrize("missing", ["cyclopts", "rich"])
def test_a_missing_extra_is_named(
    missing: str,
    own_sigint: None,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If a requirement of the command line is not installed, one line says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    assert start.main() == 2
    assert capfd.readouterr().err == (
        "trio-cartesia: the command line is an extra. "
        "Run pip install 'trio-cartesia[cli]' (in a checkout: pip install '.[cli]').\n"
    )


def test_the_package_can_be_run(
    own_sigint: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``python -m trio_cartesia`` is the command line."""
    monkeypatch.setattr(sys, "argv", ["trio-cartesia", "--version"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(Path(start.__file__).parents[1] / "__main__.py"), run_name="__main__")
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.slow
def test_the_package_can_be_run_from_anywhere(tmp_path: Path) -> None:
    """The same in a process of its own."""
    done = run("--version", cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, [__version__], [])


@pytest.mark.slow
def test_quiet_commands_show_errors_alone(tmp_path: Path) -> None:
    """With --quiet, standard error stays empty unless something fails."""
    done = run("say", "--quiet", "--local", "--sample-rate", "8000", "Hello.", cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, ["speech-1.wav"], [])
    again = run("say", "--quiet", "--local", "--out", "no/where.wav", "Hello.", cwd=tmp_path)
    assert again.code == 1
    assert again.err_text.startswith("trio-cartesia: no/where.wav: ")


def test_a_text_may_be_called_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows -- is no option."""
    monkeypatch.setattr(module, "run_say", recorded := Recorded())
    assert main(["say", "--", "--quiet"]) == 0
    assert recorded.was_quiet is False


class Recorded:
    """A command that notes whether it is to be quiet."""

    was_quiet: bool | None = None

    async def __call__(self, _: Request) -> int:
        self.was_quiet = is_quiet.get()
        return 0


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_a_shell_completes_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The script of each shell has the names of all commands, and goes to standard output."""
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name in script for path in commands() for name in path)


@pytest.mark.slow
def test_bash_completes(tmp_path: Path) -> None:
    """In bash, the beginning of a command is completed."""
    script = (
        f'source <("{sys.executable}" -m trio_cartesia completion bash)\n'
        "COMP_WORDS=(trio-cartesia tr); COMP_CWORD=1\n"
        '_trio_cartesia; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["/bin/bash", "-c", script], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert (done.stdout.split(), done.stderr) == (["transcribe"], "")
