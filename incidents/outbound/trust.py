"""The trust: whose certificates a server is believed by."""

from __future__ import annotations

import ssl
from pathlib import Path


def context(ca_file: Path | None = None) -> ssl.SSLContext:
    """What connections are made safe with: TLS 1.2 and later, the name checked, HTTP/1.1 named.

    With `ca_file` only the authorities of that file are trusted. Without it those of this machine,
    where SSL_CERT_FILE and SSL_CERT_DIR are obeyed; a slim container that has none trusts
    certifi's, which comes with httpx.

    Raises:
        OSError: if `ca_file` cannot be read, or holds no certificate (ssl.SSLError).
    """
    if ca_file is None and not _machine_has_authorities():
        import certifi

        ca_file = Path(certifi.where())
    made = ssl.create_default_context(cafile=ca_file)
    made.set_alpn_protocols(["http/1.1"])
    return made


def _machine_has_authorities() -> bool:
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile) or (bool(paths.capath) and any(Path(paths.capath).iterdir()))
