"""
Every exception of this package, and whose move it is once one is raised.

::

    CartesiaError
    ├── LocalProtocolError       fix the call: nothing of it was sent
    ├── RemoteProtocolError      report it: the service broke its own protocol
    ├── InternalError            report it: this package has a bug
    ├── ConnectFailed            reconnect: there was no answer that could be understood
    ├── ConnectionLost           reconnect: what was open on the connection is cut short
    └── ContextFailed            the service, or a budget, said no; its kinds say whose move it is
        ├── BadRequest           fix the call
        ├── AuthenticationFailed fix the credential
        ├── PermissionDenied     ask for the grant or the plan
        ├── QuotaExceeded        pay
        ├── NotFound             fix the id
        │   ├── VoiceNotFound
        │   └── ModelNotFound
        ├── ConcurrencyLimited   retry, once another context has ended
        ├── ServiceFailed        retry
        ├── ContextExpired       retry the rest of the text in a new context
        ├── ContextStalled       retry: text was sent, and nothing came for it
        └── InboxOverflow        receive faster, or raise the budget

Refused handshakes and HTTP answers raise the same classes as ``error`` events do, with the same
attributes.
"""

from __future__ import annotations

from typing import ClassVar, NoReturn

__all__ = [
    "AuthenticationFailed",
    "BadRequest",
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
    "QuotaExceeded",
    "RemoteProtocolError",
    "ServiceFailed",
    "VoiceNotFound",
    "raise_kept",
]


class CartesiaError(Exception):
    """
    Base of every error that this package raises on purpose.

    Attributes:
        next_step: What to do about it, in one sentence.
        context_id: The context that it is about, where there is one.
        request_id: The service's name for the request; quote it when you report a problem.
        status_code: The HTTP-like status, where the service sent one.
        error_code: The service's stable name of the reason, such as ``"voice_not_found"``; new
            ones may appear at any time (protocol §1.7.1).
        partial: From ``Context.collect``: the `Speech` that had arrived. None elsewhere.
    """

    next_step: ClassVar[str] = "Read the message."

    partial: object | None = None

    def __init__(
        self,
        message: str = "",
        *,
        context_id: str | None = None,
        request_id: str | None = None,
        status_code: int | None = None,
        error_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.context_id = context_id
        self.request_id = request_id
        self.status_code = status_code
        self.error_code = error_code

    def anew(self) -> CartesiaError:
        """Return an equal error without a traceback, to be raised where another task waits."""
        copy = type(self).__new__(type(self))
        copy.args = self.args
        copy.__dict__.update(self.__dict__)
        copy.__cause__ = self.__cause__
        return copy


class LocalProtocolError(CartesiaError):
    """The call cannot be right; nothing of it was sent, and nothing else is affected."""

    next_step = "Fix the call: the service was not asked."


class RemoteProtocolError(CartesiaError):
    """The service sent what its protocol does not allow."""

    next_step = "Report it to Cartesia, with the request id where there is one."


class InternalError(CartesiaError):
    """This package has a bug."""

    next_step = "Report it to the authors of trio_cartesia, with the traceback."


class ConnectFailed(CartesiaError):
    """No connection could be made: no address, no route, no TLS, or an answer that is not HTTP."""

    next_step = "Check the address and the network, then connect again."


class ConnectionLost(CartesiaError):
    """
    The connection has ended; whatever was open on it is cut short, also where it closed politely.

    Attributes:
        close_code: The close code of RFC 6455 that was received, or that the connection was closed
            with where the peer broke its rules; None if there was none.
        close_reason: The text that came with it.
    """

    next_step = "Open a new connection, and new contexts for what was not heard."

    def __init__(
        self,
        message: str = "",
        *,
        context_id: str | None = None,
        request_id: str | None = None,
        close_code: int | None = None,
        close_reason: str | None = None,
    ) -> None:
        super().__init__(message, context_id=context_id, request_id=request_id)
        self.close_code = close_code
        self.close_reason = close_reason


class ContextFailed(CartesiaError):
    """
    The service said no: to a context, to a request, or to the handshake of a connection.

    Attributes:
        title: The service's short name of the problem.
        message: Its explanation.
        doc_url: A page about it, if the service named one.
        retry_after_seconds: How long the service asked to wait, if it did.
    """

    next_step = "Read the message; the service refused this."

    def __init__(
        self,
        message: str = "",
        *,
        title: str | None = None,
        context_id: str | None = None,
        request_id: str | None = None,
        status_code: int | None = None,
        error_code: str | None = None,
        doc_url: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(
            message,
            context_id=context_id,
            request_id=request_id,
            status_code=status_code,
            error_code=error_code,
        )
        self.title = title
        self.doc_url = doc_url
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        named = self.title is not None and not self.message.startswith(self.title)
        text = f"{self.title}: {self.message}" if named else self.message
        known = {"status": self.status_code, "code": self.error_code, "request": self.request_id}
        details = ", ".join(f"{name} {value}" for name, value in known.items() if value is not None)
        return f"{text} ({details})" if details else text


class BadRequest(ContextFailed):
    """The service does not accept what was asked (400, 409, 413, 422)."""

    next_step = "Fix the request; the same one will fail again."


class AuthenticationFailed(ContextFailed):
    """The credential is missing or not valid (401)."""

    next_step = "Check the API key or access token."


class PermissionDenied(ContextFailed):
    """The credential is valid, but its grants or its plan do not allow this (403)."""

    next_step = "Use a credential with the grant, or a plan with the feature."


class QuotaExceeded(ContextFailed):
    """The account is out of credits (402)."""

    next_step = "Add credits to the account."


class NotFound(ContextFailed):
    """There is no such thing, or not for this account (404)."""

    next_step = "Check the address and the ids."


class VoiceNotFound(NotFound):
    """There is no such voice, or not for this account."""

    next_step = "Choose a voice id that this account may use."


class ModelNotFound(NotFound):
    """There is no such model; the service answers 400 or 404."""

    next_step = "Choose a model id that exists."


class ConcurrencyLimited(ContextFailed):
    """Too many contexts or connections at once for the account's plan (429)."""

    next_step = "Try again once another context has ended, or move to a larger plan."


class ServiceFailed(ContextFailed):
    """The service failed, or is not available (408 and from 500 on)."""

    next_step = "Try again in a while."


class ContextExpired(ContextFailed):
    """
    The service ended the context before its final input, about a second after its last audio.

    Attributes:
        unspoken: The transcripts that were sent after the last audio had arrived, and the one
            that could not be sent any more. At most the last 64 KiB of characters are kept.
    """

    next_step = "Open a new context for the texts in `unspoken`."

    def __init__(
        self, message: str = "", *, context_id: str | None = None, unspoken: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, context_id=context_id)
        self.unspoken = unspoken


class ContextStalled(ContextFailed):
    """
    Text was sent and nothing came for it, for as long as ``stall_seconds`` allows.

    The connection is not known to be lost: other contexts go on.
    """

    next_step = "Try again in a new context; if it happens again, report it to Cartesia."


class InboxOverflow(ContextFailed):
    """A context's events were not received before its byte budget was used up."""

    next_step = "Receive faster, raise `inbox_bytes`, or choose `overflow='block'`."


def raise_kept(error: BaseException) -> NoReturn:
    """Raise an error that was kept: ours as a copy of its own, a caller's as it is."""
    if isinstance(error, CartesiaError):
        raise error.anew() from error.__cause__
    raise error
