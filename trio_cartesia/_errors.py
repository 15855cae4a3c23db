"""The exception hierarchy, and who has to act on each exception.

::

    CartesiaError
    ├── LocalProtocolError           fix the call: nothing of it was sent
    ├── RemoteProtocolError          report it: the service broke its own protocol
    ├── InternalError                report it: this package has a bug
    ├── ConnectFailed                reconnect: there was no answer, or none that is HTTP
    ├── ConnectionLost               reconnect: everything open on the connection is cut short
    ├── PoolClosed                   use another pool: nothing was sent
    ├── PlaybackFailed               connect a sound device, or send the audio elsewhere
    ├── CaptureFailed                connect a microphone, or take the audio from elsewhere
    └── ContextFailed                a context ended early; its kinds say why
        ├── ContextExpired           send the rest of the text in a new context
        ├── ContextStalled           send the rest of the text in a new context
        ├── InboxOverflow            receive faster, or raise the budget
        └── RequestFailed            the service refused an input, or a handshake
            ├── BadRequest           fix the call
            ├── AuthenticationFailed fix the credential
            ├── PermissionDenied     get the grant or the plan
            ├── QuotaExceeded        add credits
            ├── NotFound             fix the id
            │   ├── VoiceNotFound
            │   └── ModelNotFound
            ├── ConcurrencyLimited   retry once another context or session has ended
            └── ServiceFailed        retry

A refused handshake or HTTP request raises the same classes as an ``error`` event, with the same
attributes, so ``except RequestFailed`` catches all, and nothing that the service did not refuse.
"""

from __future__ import annotations

from typing import NoReturn, TypedDict, Unpack

__all__ = [
    "AuthenticationFailed",
    "BadRequest",
    "CaptureFailed",
    "CartesiaError",
    "ConcurrencyLimited",
    "ConnectFailed",
    "ConnectionLost",
    "ContextExpired",
    "ContextFailed",
    "ContextStalled",
    "InboxOverflow",
    "InternalError",
    "LocalProtocolError",
    "ModelNotFound",
    "NotFound",
    "PermissionDenied",
    "PlaybackFailed",
    "PoolClosed",
    "QuotaExceeded",
    "RemoteProtocolError",
    "RequestFailed",
    "ServiceFailed",
    "VoiceNotFound",
    "raise_kept",
]


class _Details(TypedDict, total=False):
    context_id: str | None
    request_id: str | None
    status_code: int | None
    error_code: str | None
    unspoken: tuple[str, ...]


class CartesiaError(Exception):
    """The base of all exceptions that this package raises.

    Attributes:
        next_step: The action to take, in one sentence.
        context_id: The id of the context that failed, or None.
        request_id: The service's id of the request, or None; quote it in a report.
        status_code: The HTTP status, or the one in an ``error`` event, or None.
        error_code: The service's stable name of the reason, or None (protocol §1.7.1).
        partial: What came before, if ``Context.collect`` or a session of STT raised it; else None.
        unspoken: If the error ended a context, the end of its text of which no audio came, as far
            as is known (reference of errors); else empty. ``str()`` and ``repr()`` omit it.
    """

    next_step: str = "Read the message."
    partial: object | None = None

    def __init__(
        self,
        message: str = "",
        *,
        context_id: str | None = None,
        request_id: str | None = None,
        status_code: int | None = None,
        error_code: str | None = None,
        unspoken: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.context_id, self.request_id = context_id, request_id
        self.status_code, self.error_code = status_code, error_code
        self.unspoken = unspoken

    def anew(self) -> CartesiaError:
        """Return a copy without a traceback, to be raised in another task."""
        copy = type(self).__new__(type(self))
        copy.args = self.args
        copy.__dict__.update(self.__dict__)
        copy.__cause__ = self.__cause__
        return copy


class LocalProtocolError(CartesiaError):
    """The call is not valid: nothing was sent, or part of an upload, which ``next_step`` says."""

    next_step = "Fix the call: nothing of it was sent."


class RemoteProtocolError(CartesiaError):
    """The service violated its protocol, for example with a message that is not valid JSON."""

    next_step = "Report it to Cartesia, with the request id where there is one."


class InternalError(CartesiaError):
    """This package has a bug."""

    next_step = "Report it to the authors of trio_cartesia, with the traceback."


class ConnectFailed(CartesiaError):
    """Name resolution, TCP, a proxy or TLS failed, or the handshake's answer is not valid HTTP."""

    next_step = "Check the address, the proxy and the network, then connect again."


class ConnectionLost(CartesiaError):
    """The connection has ended, with any close code or none; all open contexts on it have failed.

    Attributes:
        close_code: The close code (RFC 6455) that was received or sent, or None.
        close_reason: The text of the close frame, or None.
    """

    next_step = "Connect again: texts that were cut need new contexts, and audio a new session."

    def __init__(
        self,
        message: str = "",
        *,
        close_code: int | None = None,
        close_reason: str | None = None,
        **details: Unpack[_Details],
    ) -> None:
        super().__init__(message, **details)
        self.close_code = close_code
        self.close_reason = close_reason


class PoolClosed(CartesiaError):
    """The pool opens no more contexts, because it is draining or its block has ended."""

    next_step = "Open another pool: nothing of the text was sent."


class PlaybackFailed(CartesiaError):
    """This machine does not play sound: miniaudio or a sound device is missing, or it was lost."""

    next_step = "Install or connect what the message names, or use backend='null' or playout()."


class CaptureFailed(CartesiaError):
    """This machine does not record: miniaudio or a microphone is missing, or it was lost."""

    next_step = "Install or connect what the message names, or send audio from elsewhere."


class ContextFailed(CartesiaError):
    """A context ended before all of its text was spoken, or a handshake was refused."""

    next_step = "Read the message: the context did not complete."


class RequestFailed(ContextFailed):
    """The service refused a request: an input of a context, a handshake, or one over HTTP.

    Attributes:
        title: The service's short description of the problem, or None.
        message: The service's explanation.
        doc_url: The URL of a page about the problem, or None.
        retry_after_seconds: The time to wait before a retry, if the service named one; else None.
    """

    next_step = "Read the message: the service refused the request."

    def __init__(
        self,
        message: str = "",
        *,
        title: str | None = None,
        doc_url: str | None = None,
        retry_after_seconds: float | None = None,
        **details: Unpack[_Details],
    ) -> None:
        super().__init__(message, **details)
        self.title = title
        self.doc_url = doc_url
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        named = self.title is not None and not self.message.startswith(self.title)
        text = f"{self.title}: {self.message}" if named else self.message
        known = {"status": self.status_code, "code": self.error_code, "request": self.request_id}
        details = ", ".join(f"{name} {value}" for name, value in known.items() if value is not None)
        return f"{text} ({details})" if details else text


class BadRequest(RequestFailed):
    """The request is not valid (400, 409, 413, 422)."""

    next_step = "Fix the request: the same one will fail again."


class AuthenticationFailed(RequestFailed):
    """The credential is missing or not valid (401)."""

    next_step = "Check the API key or access token."


class PermissionDenied(RequestFailed):
    """The credential is valid, but its grants or its plan do not allow the request (403)."""

    next_step = "Use a credential with the grant, or a plan with the feature."


class QuotaExceeded(RequestFailed):
    """The account is out of credits (402)."""

    next_step = "Add credits to the account."


class NotFound(RequestFailed):
    """The address or an id does not exist, or the account may not use it (404)."""

    next_step = "Check the address and the ids."


class VoiceNotFound(NotFound):
    """The voice does not exist, or the account may not use it."""

    next_step = "Choose a voice id that this account may use."


class ModelNotFound(NotFound):
    """The model does not exist (400 or 404)."""

    next_step = "Choose a model id that exists."


class ConcurrencyLimited(RequestFailed):
    """The account's plan allows no more contexts or connections at once (429)."""

    next_step = "Try again once another context or session has ended, or move to a larger plan."


class ServiceFailed(RequestFailed):
    """The service failed or is not available (408, and 500 and above)."""

    next_step = "Try again in a while."


class ContextExpired(ContextFailed):
    """The service ended the context before its final input, about a second after its last audio.

    Its `unspoken` has the texts that were sent after the last audio was received, and those that
    could no longer be sent; of the former, at most the last 65,536 characters are kept.
    """

    next_step = "Open a new context for the texts in `unspoken`."


class ContextStalled(ContextFailed):
    """No event arrived within ``stall_seconds`` for a context that waits for speech."""

    next_step = "Open a new context for the texts in `unspoken`."


class InboxOverflow(ContextFailed):
    """The events that were not received yet exceeded the budget of a context or session."""

    next_step = "Receive faster, or raise `inbox_bytes`; contexts may have `overflow='block'`."


def raise_kept(error: BaseException) -> NoReturn:
    """Raise a stored error: a `CartesiaError` as a fresh copy, any other unchanged."""
    if isinstance(error, CartesiaError):
        raise error.anew() from error.__cause__
    raise error
