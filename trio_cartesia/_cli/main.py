"""The command line: its commands, their options and the exit codes.

::

    0    success
    1    a failure; standard error says what failed and what to do
    2    wrong usage; nothing was sent
    130  Ctrl-C (143: SIGTERM); the speech or the text so far is kept
    141  the reader of ``--out -``, or of ``listen``, has gone
"""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from inspect import iscoroutinefunction
from typing import Annotated, Final, Literal

import trio
from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError, validators

from trio_cartesia import __version__
from trio_cartesia._cli.account.dictionaries import app as dictionaries
from trio_cartesia._cli.account.tokens import tokens, usage
from trio_cartesia._cli.account.voices import app as voices
from trio_cartesia._cli.batch.arguments import batch
from trio_cartesia._cli.common_options import (
    DEFAULT_SERVICE,
    DEFAULT_SPEECH,
    Flag,
    ServiceChoice,
    SpeechSettings,
)
from trio_cartesia._cli.console import (
    FAILED,
    MISUSED,
    PROGRAM,
    UsageError,
    is_quiet,
    report_error,
    write_output,
)
from trio_cartesia._cli.listen.arguments import listen
from trio_cartesia._cli.say.command import say as run_say
from trio_cartesia._cli.say.outputs import Beside, Subtitles
from trio_cartesia._cli.say.request import Request
from trio_cartesia._cli.serve.command import serve as run_serve
from trio_cartesia._cli.serve.options import ServiceOptions
from trio_cartesia._cli.signals import run_until_signalled
from trio_cartesia._cli.transcribe.arguments import transcribe

__all__ = ["app", "main"]

INTERRUPTED: Final = 130
TOO_MANY: Final = "there is an argument too many: an option has one value, or none if it is a flag"
OPTION: Final = re.compile(r"--?[A-Za-z][\w-]*(=.*)?", re.DOTALL)

app = App(
    name=PROGRAM,
    help="Speech with the Cartesia API, or with a local service if there is no key.",
    version=__version__,
    help_format="markdown",
)

for command in (batch, listen, transcribe, voices, dictionaries, tokens, usage):
    app.command(command)
PlanName = Literal["free", "pro", "startup", "scale", "enterprise"]
Several = Annotated[list[str] | None, Parameter(negative=(), show_default=False)]


@app.command
async def say(
    *texts: Annotated[str, Parameter(name="TEXT", required=True, allow_leading_hyphen=True)],
    out: Annotated[list[str] | None, Parameter(negative=(), allow_leading_hyphen=True)] = None,
    words: Flag = False,
    subtitles: Subtitles | None = None,
    play: Flag = False,
    speech: SpeechSettings = DEFAULT_SPEECH,
    service: ServiceChoice = DEFAULT_SERVICE,
) -> int:
    """Speak each TEXT into a file, all at once on one connection, or play it.

    Standard output lists the files, one path a line; messages go to standard error. The files can
    be played even if the command is interrupted with Ctrl-C.

    It uses the API if CARTESIA_API_KEY or CARTESIA_BASE_URL is set, else a local service.

    Args:
        texts: The texts. - reads standard input, line by line as it arrives.
        out: A directory for all files, or one --out for each TEXT with the name of its file. -
            writes the audio of a single TEXT to standard output, for a player. A single --out is a
            directory if it ends with a slash, if it is one already, or if it has no suffix and is
            not a file. A file that is named here is replaced. In a directory (by default the
            current one) the files are speech-1.wav and so on, and none is replaced.
        words: Write the times of the words to NAME.words.json, beside NAME.wav.
        subtitles: Write subtitles in this format to NAME.srt, NAME.vtt, NAME.TextGrid or
            NAME.subtitles.json, beside NAME.wav.
        play: Play the texts on this machine's sound device, one after the other. Files are written
            only if --out is given. Ctrl-C stops the sound, and prints the last words that were
            heard.
        speech: See `SpeechSettings`.
        service: See `ServiceChoice`.
    """
    options = speech.options()
    options["add_timestamps"] = words or subtitles is not None or play or None
    return await run_say(
        Request(
            texts=[_as_text(argument) for argument in texts],
            out=out or (),
            options=options,
            output_format=speech.output_format,
            raw=speech.raw,
            beside=Beside(words, subtitles),
            play=play,
            local=service.local,
            allow_insecure=service.allow_insecure,
            debug=service.debug,
        )
    )


@app.command
async def serve(
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))] = 0,
    voice: Literal["espeak", "tones"] | None = None,
    recognizer: Literal["auto", "own", "moonshine", "none"] = "auto",
    tls: Flag = False,
    ca_file: str | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
    tls_name: Several = None,
    api_key: Several = None,
    plan: PlanName = "enterprise",
    behaviour: Several = None,
    fault: Several = None,
    store: str | None = None,
    quiet: Flag = False,  # noqa: ARG001  # `main` has seen it
    debug: Flag = False,
) -> int:
    """Run a local service with the API's protocol until Ctrl-C.

    Its URL is the first line on standard output. It stores no keys and connects to no other
    machine. It logs each request and each context on a line of standard error.

    Args:
        host: The address to listen on; only this machine can reach 127.0.0.1. 0.0.0.0 is all IPv4
            addresses, :: all addresses.
        port: The port to listen on; 0 finds a free one.
        voice: espeak is speech, tones are notes; by default, espeak if it is installed.
        recognizer: What turns speech into text: own recognises the service's own speech, moonshine
            any English, auto both if it is installed, none nothing.
        tls: Use TLS, with a certificate of an authority that is created for this run.
        ca_file: The file to which that authority's certificate is written, for clients to trust.
            It is kept; the default is a temporary file.
        tls_cert: Use TLS with the certificate in this file (PEM).
        tls_key: The file with its key, unless that is in the file of the certificate.
        tls_name: A further name or address under which clients reach this machine; it may be given
            more than once. The certificate of --tls is valid for it, and /_local answers to it.
        api_key: A key that is accepted; it may be given more than once. Without keys, any key is
            accepted. CARTESIA_LOCAL_API_KEYS (separated by commas) keeps keys out of the list of
            processes.
        plan: The plan of each key, which limits what it may do at once.
        behaviour: A reading of the protocol, such as "flush_id_base=0, done_status=200".
            --behaviour list prints all of them and exits.
        fault: A fault of every connection, such as "close at_frame=3 code=1011". --fault list
            prints all of them and exits.
        store: The file that keeps voices, dictionaries, all other resources and saved speech for
            the next run; by default they end with the service.
        quiet: Print the URL alone: log no requests, and show no other lines but errors.
        debug: Show tracebacks of errors.
    """
    return await run_serve(
        ServiceOptions(
            host=host,
            port=port,
            voice=voice,
            recognizer=recognizer,
            tls=tls,
            ca_file=ca_file,
            tls_cert=tls_cert,
            tls_key=tls_key,
            tls_names=tls_name or (),
            api_keys=api_key or (),
            plan=plan,
            behaviour=behaviour or (),
            faults=fault or (),
            store=store,
            debug=debug,
        )
    )


@app.command
def completion(shell: Literal["bash", "fish", "zsh"], /) -> None:
    """Print a script that completes commands and options in a shell.

    For bash and zsh: source <(trio-cartesia completion bash). For fish: trio-cartesia completion
    fish | source.

    Args:
        shell: The shell.
    """
    sys.stdout.write(app.generate_completion(shell=shell))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command of *arguments*, or of the process, and return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in options
    is_quiet.set("--quiet" in options)
    try:
        return _run(_read(arguments))
    except KeyboardInterrupt:  # before or after the work itself
        return INTERRUPTED
    except (UsageError, CycloptsError) as error:
        report_error(_as_usage_error(error), next_step=_help_for(arguments), debug=debug)
        return MISUSED
    except Exception as error:  # noqa: BLE001  # a bug is reported on one line too
        report_error(error, debug=debug)
        return FAILED


def _read(arguments: Sequence[str]) -> Callable[[], object]:
    """Return the command of *arguments*, bound to its options.

    Raises:
        CycloptsError: There is no such command or option, or a value is invalid.
        UsageError: A text looks like an option.
    """
    command, bound, *_ = app.parse_args(arguments, print_error=False, exit_on_error=False)
    if command in (say, listen):
        _refuse_options(arguments, bound.args, bound.kwargs.get("out") or ())
    return partial(command, *bound.args, **bound.kwargs)


def _refuse_options(arguments: Sequence[str], texts: Sequence[str], out: Sequence[str]) -> None:
    """Refuse texts and files that look like options: the parser accepts them as it does ``-``."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for text in texts:
        if text in before and OPTION.fullmatch(text):
            raise UsageError(f"there is no option {text}; put -- before texts that look like one")
    for name in out:
        if OPTION.fullmatch(name):
            raise UsageError(f"--out needs a file or a directory, not {name}; or write ./{name}")


def _as_text(argument: str) -> str:
    """Return *argument* with U+FFFD for bytes that are not UTF-8, as for standard input."""
    data = argument.encode("utf-8", sys.getfilesystemencodeerrors())  # as Python decoded it
    return data.decode("utf-8", "replace")


def _run(command: Callable[[], object]) -> int:
    if not iscoroutinefunction(getattr(command, "func", None)):  # help and the version
        return 0 if write_output(command) else FAILED
    work: Callable[[], Awaitable[int]] = command  # type: ignore[assignment]  # see above
    return trio.run(run_until_signalled, work)


def _help_for(arguments: Sequence[str]) -> str:
    command = f"{arguments[0]} " if arguments and arguments[0] in app else ""
    return f"See {PROGRAM} {command}--help."


def _as_usage_error(error: Exception) -> UsageError:
    if isinstance(error, UnusedCliTokensError):  # its message quotes them, and they may be keys
        return UsageError(TOO_MANY)
    return error if isinstance(error, UsageError) else UsageError(str(error))
