"""The metrics' settings: the section [metrics] of the settings file."""

from __future__ import annotations

from collections.abc import Mapping

from incidents.settings import sources
from incidents.settings.options import Options

SECTION = "metrics"
PORTS = range(1, 65_536)

Address = tuple[str, int]
"""A host's name or address, and a port."""


def listen(environ: Mapping[str, str] | None = None) -> Address | None:
    """Where the daemon serves the metrics; None: nowhere, which is the default.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming what is wrong.
    """
    options = Options(f"[{SECTION}]", sources.section(SECTION, environ))
    text = options.text("listen")
    options.finish()
    if text is None:
        return None
    host, colon, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= len("65535") else 0
    if not (colon and host) or number not in PORTS or "[" in host or "]" in host:
        raise options.wrong("listen", 'an address and a port, such as "127.0.0.1:9464"')
    return host, number
