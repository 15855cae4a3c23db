"""TLS for the local service: a certificate authority, and a certificate for this machine's names.

Both are created anew for each run, and their private keys are in files only for a moment. The
authority's certificate is written to a file, for clients to trust.
"""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    import trustme

__all__ = ["TLSConfig", "check_names", "open_tls"]

HEAD: Final = b"The authority of a local trio_cartesia service; it is for this machine alone.\n"
ALWAYS: Final = ("localhost", "127.0.0.1", "::1")
HOST_NAME: Final = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
VALID_DAYS: Final = 397  # browsers refuse certificates that are valid for longer


@attrs.frozen(kw_only=True)
class TLSConfig:
    """The certificate of a service.

    Attributes:
        ca_file: The authority's certificate, for clients to trust; None if the caller brought a
            context.
    """

    context: ssl.SSLContext
    ca_file: Path | None = None


@contextmanager
def open_tls(
    tls: bool | ssl.SSLContext,
    *,
    hosts: Iterable[str] = (),
    names: Collection[str] = (),
    ca_file: str | os.PathLike[str] | None = None,
) -> Iterator[TLSConfig | None]:
    """Yield the TLS configuration of a server, which is valid for the block.

    Yields:
        The configuration; None without TLS.

    Args:
        tls: True to create an authority and a certificate; a context to use that; False for no TLS.
        hosts: Names and addresses of this machine, in addition to ``localhost`` and its addresses;
            those that are not valid in a certificate are ignored.
        names: Further names and addresses, all of which must be valid.
        ca_file: The file to write the authority's certificate to. It is kept; if None, the file is
            temporary and is removed at the end.

    Raises:
        FileExistsError: *ca_file* was not written by a service, and was not changed.
        OSError: *ca_file* cannot be written.
        ValueError: The extra ``tls`` is not installed, a name is not valid, or *ca_file* or *names*
            are given without an authority or without TLS.
    """
    check_names(names)
    if names and not tls:
        raise ValueError("tls_names is for a service with TLS: give tls, too")
    if tls is not True:
        if ca_file is not None:
            raise ValueError("tls_ca_file is for tls=True, where the service has an authority")
        yield TLSConfig(context=tls) if tls else None
        return
    authority, context = _make_authority([*filter(_is_valid_name, hosts), *names])
    certificate = HEAD + authority.cert_pem.bytes()
    if ca_file is not None:
        path = Path(ca_file).absolute()
        _replace(path, certificate)
        yield TLSConfig(context=context, ca_file=path)
        return
    descriptor, name = tempfile.mkstemp(prefix="trio-cartesia-ca-", suffix=".pem")
    try:
        with open(descriptor, "wb") as file:
            file.write(certificate)
        yield TLSConfig(context=context, ca_file=Path(name))
    finally:
        Path(name).unlink(missing_ok=True)


def check_names(names: Collection[str]) -> None:
    """Check that each of *names* is valid in a certificate.

    Raises:
        TypeError: *names* is a string.
        ValueError: One of them is neither a host name nor an IP address.
    """
    if isinstance(names, str):
        raise TypeError("tls_names must be a collection of names, not one string")
    for name in names:
        if not _is_valid_name(name):
            raise ValueError(f"{name!r} is neither a host name nor the IP address of one machine")


def _make_authority(names: Iterable[str]) -> tuple[trustme.CA, ssl.SSLContext]:
    try:
        import trustme  # here, since it is an extra and takes a while to import
    except ImportError as error:
        raise ValueError("tls=True comes with 'trio-cartesia[tls]'") from error
    organization = "trio_cartesia, local service"
    authority = trustme.CA(organization_name=organization, path_length=0)
    now = datetime.now(UTC)
    certificate = authority.issue_cert(
        *dict.fromkeys([*ALWAYS, *names]),
        organization_name=organization,
        not_before=now - timedelta(days=1),
        not_after=now + timedelta(days=VALID_DAYS - 1),
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    certificate.configure_cert(context)
    return authority, context


def _is_valid_name(host: str) -> bool:
    """Return whether *host* is valid in a certificate: a name, or the address of one machine."""
    try:
        address = ip_address(host)
    except ValueError:
        return HOST_NAME.fullmatch(host) is not None
    return not address.is_unspecified and "%" not in host


def _replace(path: Path, certificate: bytes) -> None:
    """Replace the file atomically: readers get either the old contents or the new ones."""
    if path.exists() and not _is_ours(path):
        raise FileExistsError(17, "it exists, and was not written by a service", str(path))
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(certificate)
        os.chmod(name, 0o644)  # it is public
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(HEAD)) == HEAD
