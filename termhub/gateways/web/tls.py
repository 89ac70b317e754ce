"""TLS from PEM files, which may be replaced while the hub runs.

Whoever renews certificates writes the files anew; they are looked at in a thread every few
seconds, and connections from then on get the new ones.  Invariant: a pair is taken whole or
not at all; while the files cannot be used, the last pair that could goes on.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer  # type: ignore[import-untyped]

from termhub.errors import ConfigError

CHECK_SECONDS = 10.0
"""How often the files are looked at."""

EXPIRY_DAYS = 14
"""So many days before its end the log warns of a certificate, once a day."""

MAX_FILE = 1 << 20
"""Largest file that is read, in bytes."""

PROTOCOL = b"http/1.1"
"""What is spoken below (ALPN, RFC 7301)."""

CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2, all with forward secrecy; those of 1.3 are good as they are (RFC 9325, section 4.2)."""

_log = Logger()

Version = tuple[tuple[int, ...] | str, ...]
"""What tells one state of the files from another."""


@attrs.frozen
class Pair:
    """A certificate and its key, ready to be shown to clients."""

    context: SSL.Context
    expires: datetime
    version: Version


def read_pair(certificate: Path, key: Path) -> Pair:
    """The certificate with those that lead to its root, and the key; blocks.

    :param certificate: PEM; the server's own certificate first.
    :param key: PEM without a pass-phrase; may be the same file.
    :raises ConfigError: when they cannot be used; the message says why.
    """
    version = _version(certificate, key)
    chain_pem, key_pem = _content(certificate, "certificate"), _content(key, "key")
    try:
        chain = x509.load_pem_x509_certificates(chain_pem)
    except ValueError:
        raise ConfigError(f"There is no certificate in PEM form in {certificate}.") from None
    try:
        private: Any = serialization.load_pem_private_key(key_pem, password=None)
    except TypeError:
        raise ConfigError(
            f"The key in {key} has a pass-phrase, and nobody is there to type it: "
            "write it without one (openssl pkey -in OLD -out NEW)."
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"There is no private key in PEM form in {key}.") from None
    context = _context()
    try:
        context.use_certificate(chain[0])
        for issuer in chain[1:]:
            context.add_extra_chain_cert(issuer)
        context.use_privatekey(private)
        context.check_privatekey()
    except (SSL.Error, TypeError, ValueError):
        raise ConfigError(
            f"The key in {key} is not that of the first certificate in {certificate}, or of a kind or "
            "length that is not accepted any more."
        ) from None
    return Pair(context, chain[0].not_valid_after_utc, version)


@implementer(IOpenSSLServerConnectionCreator)
class Certificate:
    """The pair that new connections get; read at once, blocking.

    :param certificate: path of a PEM file.
    :param key: that of the key; empty: in the same file.
    :raises ConfigError: when the files cannot be used.
    """

    def __init__(self, certificate: str, key: str = "") -> None:
        if not certificate:
            raise ConfigError("web.tls_key is set and web.tls_certificate is not: TLS needs both.")
        self._files = (Path(certificate).absolute(), Path(key or certificate).absolute())
        self._pair = read_pair(*self._files)
        self._seen = self._pair.version
        self._warned: float | None = None
        self._loop: LoopingCall | None = None
        self._reactor: Any = None

    @property
    def expires(self) -> datetime:
        """When clients will refuse it."""
        return self._pair.expires

    def serverConnectionForTLS(self, protocol: object) -> SSL.Connection:
        """A connection's state, with the newest pair."""
        return SSL.Connection(self._pair.context, None)

    def wrap(self, factory: Any, reactor: Any) -> TLSMemoryBIOFactory:
        """Put TLS below a factory's protocols."""
        creator: Any = self
        return TLSMemoryBIOFactory(creator, False, factory, reactor)

    def warning(self) -> str | None:
        """What whoever starts the hub should know: that it may not read the files again."""
        for file in self._files:
            try:
                with file.open("rb"):
                    pass
            except OSError as error:
                return (
                    f"{file} cannot be read as the user the hub has become ({error.strerror}): a new "
                    "certificate is only taken with a restart. To have it taken at once, let that user "
                    f"read {file.parent} and the file."
                )
        return None

    # -- while the hub runs -----------------------------------------------------------

    def follow(self, reactor: Any) -> None:
        """Look at the files every :data:`CHECK_SECONDS`, until :meth:`stop`."""
        self._reactor = reactor
        self._loop = LoopingCall(self.check)
        self._loop.clock = reactor
        self._loop.start(CHECK_SECONDS)

    def stop(self) -> None:
        """Look no more."""
        if self._loop is not None and self._loop.running:
            self._loop.stop()

    def check(self) -> Deferred[None]:
        """Take the files' pair if they have changed and can be used; says in the log what happened."""
        checking: Deferred[Pair | ConfigError | None] = deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), self._look
        )
        return checking.addCallback(self._take)

    def _look(self) -> Pair | ConfigError | None:
        """The pair in the files if they have changed, or why it cannot be used; in a thread."""
        version = _version(*self._files)
        if version == self._seen:
            return None
        self._seen = version
        try:
            return read_pair(*self._files)
        except ConfigError as error:
            return error

    def _take(self, found: Pair | ConfigError | None) -> None:
        if isinstance(found, Pair):
            self._pair, self._warned = found, None
            _log.info("A new certificate is used from now on, until {expires}", expires=str(found.expires))
        elif found is not None:
            _log.error("The new certificate is not used, the one before goes on: {why}", why=found.message)
        left = (self.expires - datetime.now(UTC)).days
        if left < EXPIRY_DAYS and (self._warned is None or time.monotonic() - self._warned > 86_400):
            self._warned = time.monotonic()
            _log.warn(
                "The certificate in {file} ends at {expires}; renew it",
                file=str(self._files[0]),
                expires=str(self.expires),
            )


def _context() -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(
        SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_NO_TICKET
    )
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(CIPHERS)
    context.set_alpn_select_callback(_choose_protocol)
    return context


def _choose_protocol(connection: SSL.Connection, offered: list[bytes]) -> Any:
    return PROTOCOL if PROTOCOL in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _content(file: Path, what: str) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigError(f"Cannot read the {what} in {file}: {error.strerror}.") from None
    if len(content) > MAX_FILE:
        raise ConfigError(f"{file} is no {what}: it has more than {MAX_FILE} bytes.")
    return content


def _version(*files: Path) -> Version:
    found: list[tuple[int, ...] | str] = []
    for file in files:
        try:
            stat = file.stat()
            # Of the inode too: what could not be read may have become readable.
            found.append((stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
        except OSError as error:
            found.append(str(error.strerror))
    return tuple(found)
