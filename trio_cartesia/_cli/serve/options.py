"""The options of ``trio-cartesia serve``, and their conversion to arguments of `open_server`."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from trio_cartesia._cli.console import UsageError

__all__ = ["API_KEYS", "ServiceOptions"]

API_KEYS: Final = "CARTESIA_LOCAL_API_KEYS"


@attrs.frozen(kw_only=True)
class ServiceOptions:
    """The options of the command line, unconverted.

    Attributes:
        voice: Its name, or None for the best one installed.
        recognizer: The name of the recogniser of speech.
        tls: Whether the service creates a certificate authority.
        tls_cert: A file with the user's certificate, and perhaps its key.
        tls_names: Further names of this machine, for the certificate.
        api_keys: The accepted keys, in addition to those of the environment.
        behaviour: Texts such as ``flush_id_base=0``.
        faults: Texts such as ``close at_frame=3``.
        store: The file of the store, or None for one in memory.
    """

    host: str = "127.0.0.1"
    port: int = 0
    voice: str | None = None
    recognizer: str = "auto"
    tls: bool = False
    tls_cert: str | None = None
    tls_key: str | None = None
    ca_file: str | None = None
    tls_names: Sequence[str] = ()
    api_keys: Sequence[str] = attrs.field(default=(), repr=False)
    plan: str = "enterprise"
    behaviour: Sequence[str] = ()
    faults: Sequence[str] = ()
    store: str | None = None
    debug: bool = False

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `open_server`, except the voice.

        Raises:
            UsageError: An option is invalid, or two exclude each other.
        """
        from trio_cartesia.server import Behaviour, Fault

        behaviour = Behaviour()
        for text in self.behaviour:
            behaviour = _read("--behaviour", behaviour.with_text, text)
        faults = [fault for text in self.faults for fault in _read("--fault", Fault.read, text)]
        return {
            "host": self.host,
            "port": self.port,
            "recognizer": self.recognizer,
            "api_keys": self._keys(),
            "plan": self.plan,
            "behaviour": behaviour,
            "faults": faults,
            "tls": self._security(),
            "tls_ca_file": self.ca_file,
            "tls_names": self._names(),
            "store": self.store,
        }

    def _keys(self) -> list[str] | None:
        named = os.environ.get(API_KEYS, "").split(",")
        keys = [key.strip() for key in (*named, *self.api_keys) if key.strip()]
        if not keys and (self.api_keys or os.environ.get(API_KEYS)):
            raise UsageError("an API key is empty")
        return keys or None

    def _names(self) -> Sequence[str]:
        from trio_cartesia.server.net.certificates import check_names

        if self.tls_names and not (self.tls or self.tls_cert):
            raise UsageError("--tls-name goes with --tls or --tls-cert")
        _read("--tls-name", check_names, self.tls_names)
        return self.tls_names

    def _security(self) -> bool | ssl.SSLContext:
        if self.tls_key and not self.tls_cert:
            raise UsageError("--tls-key goes with --tls-cert")
        if self.tls_cert and self.tls:
            raise UsageError("--tls makes a certificate, and --tls-cert brings one: choose")
        if self.ca_file and not self.tls:
            raise UsageError("--ca-file goes with --tls")
        return _own_certificate(self.tls_cert, self.tls_key) if self.tls_cert else self.tls


def _read(option: str, read: Callable[[Any], Any], text: object) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def _own_certificate(certificate: str, key: str | None) -> ssl.SSLContext:
    """Make a context with the user's certificate; refuse a key with a password."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    files = certificate if key is None else f"{certificate} and {key}"
    for path in filter(None, (certificate, key)):
        if not os.access(path, os.R_OK):
            raise UsageError(f"there is no file {path} that can be read")
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or "not in PEM"
        reason = reason.replace("_", " ").lower()
        raise UsageError(f"{files}: no certificate with its key: {reason}") from error
    return context
