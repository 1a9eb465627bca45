"""The trusted certificate authorities."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path


def context(ca_file: Path | None = None) -> ssl.SSLContext:
    """The TLS context of connections: TLS 1.2 or later, the name checked, HTTP/1.1 by ALPN.

    With `ca_file`, only the authorities in that file are trusted. Otherwise the authorities of this
    machine are trusted, including SSL_CERT_FILE and SSL_CERT_DIR, or those of certifi if the
    machine has none (a slim container). They are read once per process.

    Raises:
        OSError: if `ca_file` cannot be read, or holds no certificate (ssl.SSLError).
    """
    return _of_file(ca_file) if ca_file else _of_machine(ssl.get_default_verify_paths())


# Reading about 150 certificates takes longer than the connection itself.
@lru_cache
def _of_machine(paths: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    if paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())):
        return _of_file(None)
    import certifi

    return _of_file(Path(certifi.where()))


def _of_file(file: Path | None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=file)
    made.set_alpn_protocols(["http/1.1"])
    return made
