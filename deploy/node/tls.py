"""Contexts of TLS 1.2 and later, both ways."""

from __future__ import annotations

import ssl

from custom.inputs import InputError

from .config import TLS


def serving(tls: TLS) -> ssl.SSLContext:
    """For who receives; callers must show a certificate of `authority` if that is given.

    Raises InputError where a file is not there or not as it should be.
    """
    with_authority = bool(tls.authority)
    context = _context(ssl.PROTOCOL_TLS_SERVER, tls)
    context.verify_mode = ssl.CERT_REQUIRED if with_authority else ssl.CERT_NONE
    return context


def calling(tls: TLS) -> ssl.SSLContext:
    """For who calls: the other side's certificate must be of `authority` (the system's, if none) and of its host."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, tls)


def _context(protocol: int, tls: TLS) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if tls.authority:
            context.load_verify_locations(tls.authority)
        elif protocol == ssl.PROTOCOL_TLS_CLIENT:
            context.load_default_certs()
        if tls.certificate:
            context.load_cert_chain(tls.certificate, tls.key or None)
    except (OSError, ssl.SSLError) as error:
        raise InputError(f"tls: the certificates cannot be used: {error.strerror or error}") from error
    if protocol == ssl.PROTOCOL_TLS_SERVER and not tls.certificate:
        raise InputError("tls: who receives needs `certificate` and `key`")
    return context
