from __future__ import annotations

import errno
import json
import logging
import os
import re
import shlex
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn, get_args

import attrs
import pytest
import trio
import trustme

from tests.cli.support import OPTIONS, full_output, is_speech, read_all, start
from trio_cartesia import Cartesia
from trio_cartesia._cli.console import UsageError
from trio_cartesia._cli.main import PlanName, main
from trio_cartesia._cli.serve.command import serve
from trio_cartesia._cli.serve.options import ServiceOptions
from trio_cartesia.server import FAULTS, PLANS, Behaviour, open_server

LOCKED = b"""-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,00000000000000000000000000000000

AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
-----END EC PRIVATE KEY-----
"""


@pytest.mark.slow
async def test_the_url_comes_first_and_can_be_used(tmp_path: Path) -> None:
    """The first line is the address of a service that speaks; Ctrl-C ends it quietly."""
    async with trio.open_nursery() as nursery:
        process = await start(nursery, "serve", "--voice", "tones", cwd=tmp_path)
        assert process.stdout is not None
        url = bytes(await process.stdout.receive_some()).decode().strip()
        assert url.startswith("http://127.0.0.1:")
        async with (
            Cartesia(api_key="secret", base_url=url) as client,
            client.tts.websocket_connect() as connection,
            connection.speak("A private text.", **OPTIONS) as context,
        ):
            assert is_speech((await context.collect()).audio)
        process.send_signal(signal.SIGINT)
        assert await read_all(process.stdout) == ""
        err = await read_all(process.stderr)
    assert process.returncode == 130
    assert f"export CARTESIA_BASE_URL={url}\n" in err
    (line,) = [line for line in err.splitlines() if line.endswith(" done")]
    assert re.search(r" s +first +\d+ ms", line)  # the columns keep their width, not the number
    assert "private" not in err
    assert "secret" not in err
    assert "Traceback" not in err


@pytest.mark.slow
async def test_a_service_of_the_command_line_speaks_to_it(tmp_path: Path) -> None:
    """CARTESIA_BASE_URL is all that say needs."""
    async with trio.open_nursery() as nursery:
        service = await start(nursery, "serve", "--voice", "tones", cwd=tmp_path)
        assert service.stdout is not None
        url = bytes(await service.stdout.receive_some()).decode().strip()
        env = {"CARTESIA_BASE_URL": url}
        client = await start(nursery, "say", "Hello.", cwd=tmp_path, env=env)
        assert await read_all(client.stdout) == "speech-1.wav\n"
        assert "local" not in await read_all(client.stderr)
        service.terminate()
        await read_all(service.stderr)
    assert client.returncode == 0
    assert service.returncode == 143


def test_a_port_in_use_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """The line names the port, and says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"trio-cartesia: cannot listen on 127.0.0.1, port {port}: ")
    assert "--port" in line


def test_a_voice_that_is_not_installed_is_one_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line names the extra, and the voice that is always there."""
    monkeypatch.setitem(sys.modules, "trio_cartesia.server.voices.espeak.voice", None)
    assert main(["serve", "--voice", "espeak"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "pip install 'trio-cartesia[local]'" in line
    assert "pip install '.[local]'" in line
    assert "tones" in line


def test_a_recogniser_that_is_not_installed_is_one_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line names the extra, and the option."""
    monkeypatch.setitem(sys.modules, "trio_cartesia.server.recognition.moonshine", None)
    assert main(["serve", "--voice", "tones", "--recognizer", "moonshine"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "trio-cartesia[ears]" in line
    assert "--recognizer" in line


async def test_serving_ends_with_its_scope(capfd: pytest.CaptureFixture[str]) -> None:
    """Cancelled, the service is gone, and with it what it logged to."""
    logger = logging.getLogger("trio_cartesia.server")
    handlers = list(logger.handlers)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, ServiceOptions(voice="tones"))
        with trio.fail_after(30):
            while logger.handlers == handlers:  # noqa: ASYNC110  # a logger has no event
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    out, err = capfd.readouterr()
    assert out.startswith("http://127.0.0.1:")
    assert out.strip() in err
    assert logger.handlers == handlers


async def test_a_service_that_nobody_can_find_ends(capfd: pytest.CaptureFixture[str]) -> None:
    """Where its URL is lost, it says so and does not go on."""
    with full_output(), trio.fail_after(5):
        assert await serve(ServiceOptions(voice="tones")) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("trio-cartesia: standard output: No space left on device.")


@pytest.mark.slow
async def test_what_it_prints_makes_clients_trust_it(tmp_path: Path) -> None:
    """With --tls, `say` speaks to it in the environment that it printed, and not without."""
    async with trio.open_nursery() as nursery:
        service = await start(nursery, "serve", "--voice", "tones", "--tls", cwd=tmp_path)
        assert service.stdout is not None
        assert service.stderr is not None
        url = bytes(await service.stdout.receive_some()).decode().strip()
        assert url.startswith("https://127.0.0.1:")
        told = b""
        while b"curl" not in told:
            told += await service.stderr.receive_some()
        printed = dict(re.findall(r"^export (\w+)=(\S+)", told.decode(), re.MULTILINE))
        assert printed["CARTESIA_BASE_URL"] == url
        assert printed["NODE_EXTRA_CA_CERTS"] == printed["SSL_CERT_FILE"]
        client = await start(nursery, "say", "Hello.", cwd=tmp_path, env=printed)
        assert await read_all(client.stdout) == "speech-1.wav\n"
        assert await client.wait() == 0
        del printed["SSL_CERT_FILE"]
        client = await start(nursery, "say", "Hello.", cwd=tmp_path, env=printed)
        assert "certificate" in await read_all(client.stderr)
        assert await client.wait() == 1
        service.send_signal(signal.SIGINT)
        assert "Traceback" not in await read_all(service.stderr)
    assert not os.path.exists(printed["NODE_EXTRA_CA_CERTS"])  # noqa: ASYNC240


async def test_options_reach_the_service(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys, also from the environment, plan, behaviour and faults are those that were asked for."""
    monkeypatch.setenv("CARTESIA_LOCAL_API_KEYS", "sk_one, sk_two")
    options = ServiceOptions(
        voice="tones",
        api_keys=["sk_three"],
        plan="free",
        behaviour=["flush_id_base=0, done_status=200", "late_input=ignore"],
        faults=["latency seconds=0.001", "fragmented_frame, unknown_fields"],
    )
    assert "sk_" not in repr(options)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, options)
        out = ""
        while "\n" not in out:
            await trio.sleep(0.01)
            out += capfd.readouterr().out
        for key in ("sk_one", "sk_two", "sk_three"):
            state = await get_state(out.strip(), key)
            assert state["plan"]["name"] == "free"
            behaviour = state["behaviour"]
            assert (behaviour["flush_id_base"], behaviour["late_input"]) == (0, "ignore")
            assert [fault["name"] for fault in state["faults"]] == [
                "latency",
                "fragmented_frame",
                "unknown_fields",
            ]
        nursery.cancel_scope.cancel()
    assert "sk_" not in capfd.readouterr().err


async def get_state(url: str, key: str) -> dict[str, Any]:
    port = int(url.rpartition(":")[2])
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        lines = ["GET /_local/state HTTP/1.0", "Host: a", f"X-API-Key: {key}", "", ""]
        await stream.send_all("\r\n".join(lines).encode())
        answer = b"".join([bytes(data) async for data in stream])
    return json.loads(answer.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--behaviour", "nonsense=1"], "flush_id_base"),
        (["--behaviour", "done_status=5"], "206 or 200"),
        (["--fault", "nonsense"], "truncated_frame"),
        (["--fault", "close at_frame=x"], "whole number"),
        (["--plan", "nonsense"], "startup"),
        (["--port", "65536"], "65535"),
        (["--tls-key", "k.pem"], "--tls-cert"),
        (["--tls", "--tls-cert", "c.pem"], "choose"),
        (["--ca-file", "ca.pem"], "--tls"),
        (["--tls-name", "a.example"], "--tls-cert"),
        (["--tls", "--tls-name", "not a name"], "'not a name'"),
        (["--tls", "--tls-name", "::"], "one machine"),
        (["--tls-cert", "nowhere.pem"], "nowhere.pem"),
        (["--tls-cert", __file__], "PEM"),
        (["--api-key", " "], "empty"),
        (["8080"], "too many"),
    ],
)
def test_what_makes_no_sense_starts_nothing(
    arguments: list[str], word: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A value that cannot be is one line that names the option or what it may be; the code is 2."""
    assert main(["serve", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("trio-cartesia: ")
    assert word.lower() in line.lower()


def test_an_argument_too_many_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    """A second value of an option may be a key."""
    assert main(["serve", "--api-key", "sk_one", "sk_two"]) == 2
    assert "sk_" not in capfd.readouterr().err


async def test_a_certificate_of_ones_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With --tls-cert and --tls-key there is https and no CA file; a key that
    is locked is refused.
    """
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    certificate, key = str(tmp_path / "c.pem"), str(tmp_path / "k.pem")
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    with trio.move_on_after(0.1):
        await serve(ServiceOptions(voice="tones", tls_cert=certificate, tls_key=key))
    out, err = capfd.readouterr()
    assert out.startswith("https://127.0.0.1:")
    assert "SSL_CERT_FILE" not in err
    other = trustme.CA().issue_cert("localhost").private_key_pem.bytes()
    for wrong in (other, LOCKED):
        Path(key).write_bytes(wrong)  # noqa: ASYNC240
        with pytest.raises(UsageError, match="no certificate with its key"):
            await serve(ServiceOptions(voice="tones", tls_cert=certificate, tls_key=key))


async def test_the_lines_make_shells_trust_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With --tls the lines name the CA file, quoted, and never a key; it stays where it was asked
    for.
    """
    path = str(tmp_path / "our ca.pem")
    with trio.move_on_after(0.1):
        await serve(ServiceOptions(voice="tones", tls=True, ca_file=path, api_keys=["sk_secret"]))
    out, err = capfd.readouterr()
    assert out.startswith("https://")
    told = [shlex.split(line, comments=True) for line in err.splitlines() if "ca.pem" in line]
    assert told == [
        ["export", f"SSL_CERT_FILE={path}"],
        ["export", f"NODE_EXTRA_CA_CERTS={path}"],
        ["curl", "--cacert", path, out.strip()],
    ]
    assert "CARTESIA_API_KEY" in err
    assert "sk_secret" not in err
    assert os.listdir(tmp_path) == ["our ca.pem"]


async def test_other_machines_are_told_the_name(capfd: pytest.CaptureFixture[str]) -> None:
    """With --tls-name there is a line with a URL for other machines, and the first URL is as
    before.
    """
    with trio.move_on_after(0.2):
        await serve(ServiceOptions(voice="tones", tls=True, tls_names=["speech.example", "::5"]))
    out, err = capfd.readouterr()
    port = out.strip().rpartition(":")[2]
    assert out == f"https://127.0.0.1:{port}\n"
    for host in ("speech.example", "[::5]"):
        assert f"export CARTESIA_BASE_URL=https://{host}:{port} " in err


async def test_tls_that_cannot_be_had(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CA file that is something else, and a missing extra, are one line each with what to do."""
    path = tmp_path / "mine.pem"
    path.write_text("mine")
    assert await serve(ServiceOptions(voice="tones", tls=True, ca_file=str(path))) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert str(path) in line
    assert "--ca-file" in line
    assert "port" not in line
    nowhere = str(tmp_path / "nowhere" / "ca.pem")
    assert await serve(ServiceOptions(voice="tones", tls=True, ca_file=nowhere)) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"trio-cartesia: {nowhere}: ")
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkstemp", no_room)
        assert await serve(ServiceOptions(voice="tones", tls=True)) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("trio-cartesia: the authority's certificate: No space left on device.")
    assert "with --ca-file" in line
    monkeypatch.setitem(sys.modules, "trustme", None)
    assert await serve(ServiceOptions(voice="tones", tls=True)) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "pip install 'trio-cartesia[tls]'" in line
    assert "True" not in line


async def test_a_store_that_cannot_be_had(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A file that is no store, or in use, is one line with what to do; a good one is kept."""
    path = tmp_path / "mine.txt"
    path.write_text("mine " * 1000)
    assert await serve(ServiceOptions(voice="tones", store=str(path))) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"trio-cartesia: {path}: ")
    assert "--store" in line
    good = str(tmp_path / "store.sqlite")
    async with open_server(port=None, voice="tones", store=good):
        assert await serve(ServiceOptions(voice="tones", store=good)) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "another service uses" in line
    with trio.move_on_after(0.2):
        await serve(ServiceOptions(voice="tones", store=good))
    assert capfd.readouterr().out.startswith("http://")


def no_room(**_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("option", "names"),
    [
        ("--behaviour", {field.name for field in attrs.fields(Behaviour)}),
        ("--fault", set(FAULTS)),
    ],
)
def test_list_shows_all_there_are(
    option: str, names: set[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """Each behaviour and each fault is listed with what it means, in 80 columns; nothing is
    started.
    """
    assert main(["serve", option, "list"]) == 0
    out, err = capfd.readouterr()
    lines = out.splitlines()
    listed = {re.split(r"[= ]", line)[0] for line in lines if not line.startswith(" ")}
    assert listed == names
    assert all(len(line) < 80 for line in lines)
    assert sum(line.startswith("    ") for line in lines) >= len(names)
    assert err == ""
    assert "§" not in out


def test_the_list_of_faults_has_their_parameters(capfd: pytest.CaptureFixture[str]) -> None:
    """Each parameter stands with its default; brackets say that it may be left out."""
    assert main(["serve", "--fault", "list"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert "close [at_frame=1] [context_id=] [code=1011] [reason=]" in lines
    assert "bandwidth [at_frame=] [at_byte=] bytes_per_second=" in lines


def test_every_plan_can_be_chosen() -> None:
    """The plans of the command line are those of the service."""
    assert set(get_args(PlanName)) == set(PLANS)
